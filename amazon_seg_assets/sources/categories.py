"""The categories that Amazon Reviews 2023 has on the hub."""

from __future__ import annotations

from difflib import get_close_matches

CATEGORIES = (
    "All_Beauty",
    "Amazon_Fashion",
    "Appliances",
    "Arts_Crafts_and_Sewing",
    "Automotive",
    "Baby_Products",
    "Beauty_and_Personal_Care",
    "Books",
    "CDs_and_Vinyl",
    "Cell_Phones_and_Accessories",
    "Clothing_Shoes_and_Jewelry",
    "Digital_Music",
    "Electronics",
    "Gift_Cards",
    "Grocery_and_Gourmet_Food",
    "Handmade_Products",
    "Health_and_Household",
    "Health_and_Personal_Care",
    "Home_and_Kitchen",
    "Industrial_and_Scientific",
    "Kindle_Store",
    "Magazine_Subscriptions",
    "Movies_and_TV",
    "Musical_Instruments",
    "Office_Products",
    "Patio_Lawn_and_Garden",
    "Pet_Supplies",
    "Software",
    "Sports_and_Outdoors",
    "Subscription_Boxes",
    "Tools_and_Home_Improvement",
    "Toys_and_Games",
    "Unknown",
    "Video_Games",
)

_MOST_SUGGESTIONS = 3


def near_categories(name: str) -> list[str]:
    """The categories that somebody who wrote ``name`` may have meant, at most three, best first.

    Case, spaces and punctuation do not matter, and ``&`` stands for ``and``.
    """
    wanted = _plain(name)
    plain = {_plain(category): category for category in CATEGORIES}
    near = get_close_matches(wanted, plain, n=_MOST_SUGGESTIONS)
    parts = [each for each in plain if wanted and wanted in each]
    return [plain[each] for each in dict.fromkeys(near + parts)][:_MOST_SUGGESTIONS]


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name.casefold().replace("&", "and")))
