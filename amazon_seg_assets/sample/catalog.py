"""Invented products: how popular, in which category, at what price."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from amazon_seg_assets.sample.words import Stories

# Products of Electronics by main category, as published (McAuley-Lab/Amazon-Reviews-2023); where
# no figure is published, a small one is invented.
_CATEGORIES: dict[str | None, int] = {
    "Computers": 418_868, "All Electronics": 376_435, "Camera & Photo": 223_690,
    "Cell Phones & Accessories": 138_237, "Home Audio & Theater": 106_516, None: 106_334,
    "Industrial & Scientific": 50_555, "Car Electronics": 27_332,
    "Tools & Home Improvement": 24_042, "Amazon Home": 21_299, "Office Products": 21_250,
    "AMAZON FASHION": 18_391, "Sports & Outdoors": 14_581, "Automotive": 13_956,
    "GPS & Navigation": 9_339, "Amazon Devices": 8_484, "Portable Audio & Accessories": 8_050,
    "Musical Instruments": 6_668,
    "Toys & Games": 3_944, "Health & Personal Care": 3_073, "All Beauty": 1_848, "Books": 1_500,
    "Video Games": 1_500, "Arts, Crafts & Sewing": 1_000, "Pet Supplies": 900, "Baby": 800,
    "Movies & TV": 700, "Grocery": 400, "Handmade": 300, "Software": 300, "Digital Music": 300,
    "Collectibles & Fine Art": 200, "Premium Beauty": 100, "Gift Cards": 100, "Buy a Kindle": 400,
    "Collectible Coins": 100, "Magazine Subscriptions": 60, "Unique Finds": 60,
    "Audible Audiobooks": 60, "Smart Home Gadgets of Tomorrow": 300,
}  # fmt: skip
_NOUNS = {
    "Computers": ["Laptop Sleeve", "USB Flash Drive 64GB", "Wireless Mouse", "SSD 1TB", "Webcam"],
    "Camera & Photo": ["Tripod", "Security Camera", "Lens Cap", "Memory Card Case", "Ring Light"],
    "Cell Phones & Accessories": ["Phone Case", "Fast Charger", "Screen Protector", "Power Bank"],
    "Home Audio & Theater": ["Soundbar", "HDMI Cable", "TV Wall Mount", "Remote Control"],
    "Amazon Devices": ["Echo Dot", "Fire TV Stick", "Fire HD Tablet", "Smart Plug", "Kindle Cover"],
    "Books": ["Field Guide to Electronics", "The Radio Handbook"],
}  # fmt: skip
_OTHER_NOUNS = ["Wireless Earbuds", "Bluetooth Speaker", "Headphones", "LED Strip", "Adapter",
                "Extension Cord", "Battery Pack", "Car Mount", "Smart Watch Band"]  # fmt: skip
_BRANDS = ["Voltera", "Nordlicht", "Kestrel", "Quanta & Sons", "Ohmly", "Zephyrtech", "Brightwell"]
_QUALITIES = ["Premium", "Ultra-Slim", "Heavy Duty", "Rechargeable", "Waterproof",
              "Portable", "Upgraded 2023", "Noise Cancelling", "Universal"]  # fmt: skip
_TAILS = ["with Carrying Case", "for Home, Office & Travel", "(2-Pack)",
          "Compatible with Most Models",
          "- Black", "10\" x 6\"",
          "with 3 ft Cable, Fast Charging, and 24 Month Support"]  # fmt: skip

_SENTENCES = 75
"""Fewer than so many are said of a product: a line has 3,200 bytes in the mean, as published."""

_CHUNK = 10_000

NO_PRICE, DASH, FROM = -1, -2, -3
"""Codes for prices that are no numbers."""

_ALPHABET = np.frombuffer(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", "S1")


@dataclass(frozen=True)
class Catalog:
    """Products in order of popularity, the most popular first.

    Attributes:
        parent_asin: identifier, shape (products,).
        variants: identifiers of two variants each, shape (products, 2).
        category: index into `categories`.
        cents: price in cents, or a code.
        rating: mean rating on the page.
        ratings: number of ratings on the page.
    """

    parent_asin: np.ndarray
    variants: np.ndarray
    category: np.ndarray
    cents: np.ndarray
    rating: np.ndarray
    ratings: np.ndarray

    def __len__(self) -> int:
        return len(self.parent_asin)


categories = list(_CATEGORIES)


def make_catalog(products: int, random: np.random.Generator) -> Catalog:
    """Invents products."""
    popularity = np.linspace(0, 1, products)  # 0 is the most popular
    return Catalog(
        parent_asin=_identifiers(products, random, isbn_share=0.004),
        variants=_identifiers(2 * products, random).reshape(products, 2),
        category=_draw_categories(popularity, random),
        cents=_draw_prices(popularity, random),
        rating=np.round(1 + 4 * random.beta(4.3, 1.4, products), 1),
        ratings=_draw_rating_numbers(popularity, random),
    )


def _identifiers(count: int, random: np.random.Generator, isbn_share: float = 0.0) -> np.ndarray:
    letters = _ALPHABET[random.integers(0, 36, (count, 10))]
    letters[:, 0], letters[:, 1] = b"B", b"0"
    isbn = np.flatnonzero(random.random(count) < isbn_share)
    letters[isbn] = _ALPHABET[random.integers(0, 10, (len(isbn), 10))]
    return np.ascontiguousarray(letters).view("S10").ravel().astype("U10")


def _draw_categories(popularity: np.ndarray, random: np.random.Generator) -> np.ndarray:
    weights = np.array(list(_CATEGORIES.values()), float)
    drawn = random.choice(len(weights), len(popularity), p=weights / weights.sum())
    again = random.choice(len(weights), len(popularity), p=weights / weights.sum())
    # Products in the wrong category are seldom popular ones.
    misplaced = (drawn > 4) & (popularity < 0.3)
    return np.where(misplaced, again, drawn)


def _draw_prices(popularity: np.ndarray, random: np.random.Generator) -> np.ndarray:
    count = len(popularity)
    cheap = np.exp(random.normal(np.log(16.5), 0.62, count))
    dear = np.exp(random.normal(np.log(165), 0.8, count))
    dollars = np.clip(np.where(random.random(count) < 0.75, cheap, dear), 0.5, 30_999)
    cents = np.floor(dollars) * 100 + random.choice([99, 99, 99, 95, 49, 0], count)
    cents[random.random(count) < 0.004] = 1
    cents[random.random(count) < 0.0005] = 0
    # What sells has a price; most of the rest has none.
    priced = 0.05 + 0.93 / (1 + np.exp((popularity - 0.31) / 0.03))
    cents[random.random(count) > priced] = NO_PRICE
    odd = random.random(count)
    cents[odd < 0.0008] = DASH
    cents[(odd >= 0.0008) & (odd < 0.0016)] = FROM
    return cents.astype(np.int64)


def _draw_rating_numbers(popularity: np.ndarray, random: np.random.Generator) -> np.ndarray:
    count = len(popularity)
    numbers = np.exp(random.normal(np.log(12), 2.08, count))
    noisy = np.argsort(popularity + random.normal(0, 0.15, count), kind="stable")
    ranked = np.empty(count)
    ranked[noisy] = np.sort(numbers)[::-1]
    return np.clip(ranked, 1, 1_034_896).astype(np.int64)


def metadata_lines(
    catalog: Catalog, stories: Stories, random: np.random.Generator
) -> Iterator[str]:
    """The products as lines of JSON, in no particular order; some are listed twice."""
    order = random.permutation(len(catalog))
    again = set(random.choice(len(catalog), max(2, len(catalog) // 300), replace=False).tolist())
    choices = random.integers(0, 1 << 30, (len(catalog), 6))
    # Stories take most of the memory, so few are told at a time.
    for start in range(0, len(catalog), _CHUNK):
        products = order[start : start + _CHUNK]
        said = stories.tell(choices[products, 0] % _SENTENCES, random)
        for product, story in zip(products.tolist(), said, strict=True):
            draw = choices[product].tolist()
            record = _record(catalog, product, draw, story)
            yield json.dumps(record) + "\n"
            if product in again:
                yield json.dumps(_listed_again(record, int(catalog.cents[product]), draw)) + "\n"


def _listed_again(record: dict[str, Any], cents: int, draw: list[int]) -> dict[str, Any]:
    """The same product with another price, or none, and one more rating."""
    price = None if cents > 0 and draw[0] % 2 else (cents + 100) / 100
    return record | {"price": price, "rating_number": record["rating_number"] + 1}


def _record(catalog: Catalog, product: int, draw: list[int], story: str) -> dict[str, Any]:
    category = categories[int(catalog.category[product])]
    asin = str(catalog.parent_asin[product])
    nouns = _NOUNS.get(category or "", _OTHER_NOUNS)
    brand = "Amazon" if category == "Amazon Devices" else _BRANDS[draw[1] % len(_BRANDS)]
    noun = nouns[draw[2] % len(nouns)]
    title = (
        f"{brand} {_QUALITIES[draw[3] % len(_QUALITIES)]} {noun} {_TAILS[draw[4] % len(_TAILS)]}"
    )
    record: dict[str, Any] = {
        "main_category": category,
        "title": title if draw[5] % 997 else "",
    }
    if category == "Books":
        author = {"avatar": None, "name": f"{brand} Press", "about": ["Writes about radio."]}
        record |= {"subtitle": "Paperback – 2012", "author": author if draw[1] % 3 else None}
    return record | {
        "average_rating": float(catalog.rating[product]),
        "rating_number": int(catalog.ratings[product]),
        "features": _features(story, draw[0] % 5),
        "description": [f"The {noun} by {brand}.", f"Easy to use &amp; clean.{story}"][
            : draw[1] % 3
        ],
        "price": _price(int(catalog.cents[product]), draw[2]),
        "images": _images(asin, draw[3] % 4),
        "videos": _videos(noun) if draw[4] % 9 == 0 else [],
        "store": brand if draw[5] % 50 else ("N/A" if draw[5] % 100 else None),
        "categories": ["Electronics", category or "Accessories", noun] if draw[0] % 20 else [],
        "details": _details(brand, noun, draw),
        "parent_asin": asin,
        "bought_together": None,
    }


def _features(story: str, count: int) -> list[str]:
    """Bullet points, which share a story out among them."""
    length = -(-len(story) // max(count, 1))
    return [
        f"{quality} design:{story[length * number : length * (number + 1)]}"
        for number, quality in enumerate(_QUALITIES[:count])
    ]


def _price(cents: int, draw: int) -> float | str | None:
    if cents == NO_PRICE:
        return None
    if cents == DASH:
        return "—"
    if cents == FROM:
        return f"from {draw % 90 + 4}.99"
    return cents / 100


def _images(asin: str, count: int) -> list[dict[str, Any]]:
    base = f"https://images.example/I/{asin}"
    return [
        {
            "thumb": f"{base}_{i}_t.jpg",
            "large": f"{base}_{i}.jpg",
            "variant": "MAIN" if i == 0 else f"PT0{i}",
        }
        | ({"hi_res": f"{base}_{i}_h.jpg"} if i == 0 else {"hi_res": None} if i == 1 else {})
        for i in range(count)
    ]


def _videos(noun: str) -> list[dict[str, Any]]:
    return [{"title": f"{noun} in use", "url": "https://videos.example/v", "user_id": ""}]


def _details(brand: str, noun: str, draw: list[int]) -> dict[str, Any]:
    details: dict[str, Any] = {"Brand": brand, "Item Weight": f"{draw[0] % 40 / 10} ounces"}
    if draw[1] % 3 == 0:
        details["Best Sellers Rank"] = {
            "Electronics": draw[2] % 90_000 + 1,
            noun: draw[3] % 900 + 1,
        }
    if draw[4] % 4 == 0:
        details["Date First Available"] = f"March {draw[5] % 28 + 1}, 20{draw[5] % 13 + 10}"
        details["Is Discontinued By Manufacturer"] = "No"
    return details if draw[0] % 40 else {}
