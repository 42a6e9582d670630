"""The original analysis once more, plain and naive, to compare the pipeline's stored output with.

Reads the raw JSON Lines row by row with the standard library, and shares no code with the package:
rules, thresholds and names are written out again, from the description of the analysis. What the
project mends in it (UTC, whole last day, finite prices, one row a product) is as the project says.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

Record = dict[str, Any]

REVIEW_FIELDS = (
    "rating", "title", "text", "asin", "parent_asin", "user_id", "timestamp", "helpful_vote",
    "verified_purchase",
)  # fmt: skip
PLACEHOLDERS = {"None", "none", "N/A", "n/a", "null", "NULL", ""}
EXCLUDED_OF_ELECTRONICS = {
    "Pet Supplies", "Toys & Games", "Baby", "Grocery", "Collectible Coins", "Automotive",
    "Handmade", "Health & Personal Care", "Arts, Crafts & Sewing", "All Beauty", "AMAZON FASHION",
    "Premium Beauty", "Collectibles & Fine Art", "Magazine Subscriptions", "Digital Music",
    "Tools & Home Improvement", "Software", "Unique Finds", "Audible Audiobooks", "Gift Cards",
    "Sports & Outdoors", "Amazon Home", "Books", "Buy a Kindle",
}  # fmt: skip
SMALLEST_PRICE = 0.25
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

GRID = {
    5: ("New Customers", "Potential Loyalists", "Potential Loyalists", "Champions", "Champions"),
    4: ("Promising", "Potential Loyalists", "Potential Loyalists", "Loyal Customers", "Champions"),
    3: (
        "About to Sleep", "Needs Attention", "Needs Attention", "Loyal Customers",
        "Loyal Customers",
    ),
    2: ("Hibernating", "Hibernating", "About to Sleep", "At Risk", "Can't Lose Them"),
    1: ("Lost", "Lost", "At Risk", "At Risk", "Can't Lose Them"),
}  # fmt: skip
"""Segments of the standard scheme by r, and by fm from 1 to 5."""


@dataclass(frozen=True)
class Customer:
    """RFM features as of a snapshot: days, reviews, USD."""

    user_id: str
    recency: int
    frequency: int
    monetary: float

    @property
    def logs(self) -> tuple[float, float]:
        """Of frequency and monetary, each plus 1."""
        return math.log1p(self.frequency), math.log1p(self.monetary)


Scored = dict[str, tuple[int, int, int, str]]
"""r, f, m and segment by customer."""


def read_lines(path: Path) -> list[Record]:
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


def without_placeholders(record: Record) -> Record:
    return {
        name: None if isinstance(value, str) and value in PLACEHOLDERS else value
        for name, value in record.items()
    }


def clean_reviews(raw: Iterable[Record]) -> list[Record]:
    """Verified reviews, each once: rows that are equal as published, pictures apart, are one.

    The notebooks compared after they had mended ratings and votes, which only concerns rows that
    differ in nothing but 0 and 1 stars, or in no votes and fewer than none.
    """
    seen = set()
    clean = []
    for record in raw:
        fields = {name: record.get(name) for name in REVIEW_FIELDS}
        identity = tuple(fields.values())
        if identity in seen or not fields["verified_purchase"]:
            continue
        seen.add(identity)
        if fields["rating"] == 0:
            fields["rating"] = 1.0
        if fields["helpful_vote"] is not None and fields["helpful_vote"] < 0:
            fields["helpful_vote"] = 0
        fields["timestamp"] = EPOCH + timedelta(milliseconds=record["timestamp"])
        clean.append(without_placeholders(fields))
    return clean


def price_of(published: Any) -> float | None:
    """A number only if the whole of what was published is a finite one."""
    text = str(published)
    if not text.isascii() or "_" in text:  # Python reads more as numbers than Spark does
        return None
    try:
        price = float(text)
    except ValueError:
        return None
    return price if math.isfinite(price) else None


def clean_products(raw: Iterable[Record], excluded: set[str]) -> dict[str, Record]:
    """Products by ``parent_asin``: of several one with a price, most ratings, highest price."""
    listed = defaultdict(list)
    for record in raw:
        product = without_placeholders(record)
        category = product.get("main_category")
        if excluded and (category is None or category in excluded):
            continue
        listed[record["parent_asin"]].append({**product, "price": price_of(product.get("price"))})

    def preference(product: Record) -> tuple[bool, float, float]:
        price, ratings = product["price"], product.get("rating_number")
        return (
            price is not None,
            -1 if ratings is None else ratings,
            -math.inf if price is None else price,
        )

    return {asin: max(rows, key=preference) for asin, rows in listed.items()}


def joined_reviews(reviews: Iterable[Record], products: dict[str, Record]) -> list[Record]:
    """Each clean review with the columns of its product; nulls where that is unknown."""
    joined = []
    for review in reviews:
        product = products.get(review["parent_asin"], {})
        joined.append(
            {
                **review,
                "main_category": product.get("main_category"),
                "product_name": product.get("title"),
                "price": product.get("price"),
                "avg_product_rating": product.get("average_rating"),
                "categories": product.get("categories"),
            }
        )
    return joined


def last_day_of(joined: Iterable[Record], snapshot: str) -> date:
    """L: the date of the latest clean review in the snapshot month, whether it counts or not."""
    days = [review["timestamp"].date() for review in joined]
    return max(day for day in days if f"{day:%Y-%m}" == snapshot)


def a_year_before(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:  # 29 February
        return date(day.year - 1, 2, 28)


def customers_as_of(joined: list[Record], snapshot: str) -> list[Customer]:
    """Customers of the window, in order of their identifiers."""
    last_day = last_day_of(joined, snapshot)
    first_day = a_year_before(last_day)
    purchases = defaultdict(list)
    for review in joined:
        if review["user_id"] is None or review["price"] is None:
            continue
        if first_day <= review["timestamp"].date() <= last_day and review["price"] > SMALLEST_PRICE:
            purchases[review["user_id"]].append(review)
    return [
        Customer(
            user,
            (last_day + timedelta(days=1) - max(r["timestamp"].date() for r in of_user)).days,
            len(of_user),
            float(sum(Decimal(repr(r["price"])) for r in of_user)),
        )
        for user, of_user in sorted(purchases.items())
    ]


def notebook_segments(customers: list[Customer]) -> Scored:
    """Five tiles of each feature, equal customers one after the other, and ordered rules."""
    r = tiles(customers, lambda c: (-c.recency, c.user_id))
    f = tiles(customers, lambda c: (c.frequency, -c.recency, c.user_id))
    m = tiles(customers, lambda c: (c.monetary, c.frequency, -c.recency, c.user_id))
    scores = {c.user_id: (r[c.user_id], f[c.user_id], m[c.user_id]) for c in customers}
    return {user: (*rfm, by_ordered_rules(*rfm)) for user, rfm in scores.items()}


def tiles(customers: list[Customer], order: Callable[[Customer], Any]) -> dict[str, int]:
    """SQL's ``ntile(5)`` by customer."""
    whole, larger = divmod(len(customers), 5)
    ordered = iter(sorted(customers, key=order))
    found = {}
    for tile in range(1, 6):
        for _ in range(whole + (tile <= larger)):
            found[next(ordered).user_id] = tile
    return found


def by_ordered_rules(r: int, f: int, m: int) -> str:
    if r >= 4 and f >= 4 and m >= 4:
        return "Champions"
    if r >= 3 and f >= 4 and m >= 3:
        return "Loyal Customers"
    if r >= 4 and f >= 2 and m >= 2:
        return "Potential Loyalists"
    if r == 5 and f <= 2 and m <= 2:
        return "New Customers"
    if r >= 4 and f <= 2 and m <= 2:
        return "Promising"
    if r <= 2 and f <= 2 and m >= 3:
        return "About to Sleep"
    if r <= 2 and f <= 2 and m <= 2:
        return "Hibernating"
    if r <= 2 and f >= 4 and m >= 4:
        return "Can't Lose Them"
    if r <= 2 and f >= 3 and m >= 3:
        return "At Risk"
    if r <= 3 and f <= 3 and m <= 3:
        return "Needs Attention"
    return "Lost"


def standard_segments(customers: list[Customer]) -> Scored:
    """Equal values, equal scores: by the share of customers that rank below."""
    recency = sorted(-c.recency for c in customers)
    repeat = sorted(c.frequency for c in customers if c.frequency > 1)
    monetary = sorted(c.monetary for c in customers)
    found = {}
    for c in customers:
        r = min(5, 1 + _steps_up(-c.recency, recency, 5))
        f = 1 if c.frequency == 1 else min(5, 2 + _steps_up(c.frequency, repeat, 4))
        m = min(5, 1 + _steps_up(c.monetary, monetary, 5))
        fm = math.floor((f + m) / 2 + 0.5)
        found[c.user_id] = (r, f, m, GRID[r][fm - 1])
    return found


def _steps_up(value: float, ascending: list[Any], steps: int) -> int:
    """``floor(steps * percent_rank)``, in whole numbers."""
    below = bisect_left(ascending, value)
    return steps * below // (len(ascending) - 1) if len(ascending) > 1 else 0
