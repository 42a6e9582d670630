"""The categories of the data set, and names that are near to one."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

from amazon_seg_assets.errors import InputError

CATEGORY_NAME = re.compile("[A-Za-z0-9_]+")
"""The form of any category's name, so that it can name files and folders."""

CATEGORIES = (
    "All_Beauty", "Amazon_Fashion", "Appliances", "Arts_Crafts_and_Sewing", "Automotive",
    "Baby_Products", "Beauty_and_Personal_Care", "Books", "CDs_and_Vinyl",
    "Cell_Phones_and_Accessories", "Clothing_Shoes_and_Jewelry", "Digital_Music", "Electronics",
    "Gift_Cards", "Grocery_and_Gourmet_Food", "Handmade_Products", "Health_and_Household",
    "Health_and_Personal_Care", "Home_and_Kitchen", "Industrial_and_Scientific", "Kindle_Store",
    "Magazine_Subscriptions", "Movies_and_TV", "Musical_Instruments", "Office_Products",
    "Patio_Lawn_and_Garden", "Pet_Supplies", "Software", "Sports_and_Outdoors",
    "Subscription_Boxes", "Tools_and_Home_Improvement", "Toys_and_Games", "Unknown", "Video_Games",
)  # fmt: skip
"""All categories of the data set."""

_MOST_SUGGESTIONS = 3


def require_category(category: str, advice: str = "") -> None:
    """Checks that the data set has a category.

    Raises:
        InputError: it has not; ends with the advice.
    """
    if category not in CATEGORIES:
        near = advise(category, CATEGORIES, f": it has {', '.join(CATEGORIES)}.")
        raise InputError(f"The data set has no category {category}{near}{advice}")


def advise(category: str, categories: Iterable[str], otherwise: str) -> str:
    """The end of a sentence about an unknown category: near ones, or else ``otherwise``."""
    near = near_categories(category, categories)
    return f": did you mean {' or '.join(near)}?" if near else otherwise


def near_categories(name: str, categories: Iterable[str]) -> list[str]:
    """The categories that somebody who wrote ``name`` may have meant, at most three, best first.

    Case, spaces and punctuation do not matter, and ``&`` stands for ``and``.
    """
    wanted = _plain(name)
    plain = {_plain(category): category for category in categories}
    near = get_close_matches(wanted, plain, n=_MOST_SUGGESTIONS)
    parts = [each for each in plain if wanted and wanted in each]
    return [plain[each] for each in dict.fromkeys(near + parts)][:_MOST_SUGGESTIONS]


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name.casefold().replace("&", "and")))
