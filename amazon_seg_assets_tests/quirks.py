"""Invented raw files, the same each time, that hold every quirk of the published ones.

Few distinct days, prices and numbers of reviews, so that customers tie in all features, and cuts
fall inside ties; on top of that what is rare or fatal in the data: duplicates, odd prices,
placeholders, products listed again, and times at the very edges of months and windows.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from amazon_seg_assets_tests.raw_files import product, review

Record = dict[str, Any]

LEAP_DAY, AFTER_LEAP_DAY = "2020-02", "2020-03"
"""Snapshots whose last days are 29 February and 1 March: windows of 367 days both."""

# Before it begins the window of the first, on 2019-02-28, and of the second, on 2019-03-01.
_FIRST, _LAST = datetime(2019, 2, 20), datetime(2020, 3, 1)
_DAYS = (_LAST - _FIRST).days
_BUSY_DAYS = (*range(8, _DAYS, 30), _DAYS)  # the first day of the first window, the last day of all

PRICES: tuple[Any, ...] = (
    9.99, "9.99", 9.99, 19.98, "19.98", 29.95, 49.0, 199.99, 12.345678, " 12.5 ", "1e2", 1e2, ".75",
    "7.", "+3.5", 0.25, "0.25", "0.250001", 0.26, 0.01, 0.0, -5.0, 0, 31_000,
    None, "None", "", "n/a", "—", "from 14.99", "NaN", "nan", "Infinity", "-Infinity", "1e999",
    "$9.99", "1,299.00", "12.5 - 14", "12d", "1_000", "0x10", "\u00a07.50",
)  # fmt: skip
CATEGORIES = (
    *("Computers", "All Electronics", "Camera & Photo", "Home Audio & Theater") * 6,
    *("Books", "Buy a Kindle", "AMAZON FASHION", "Tools & Home Improvement", None, "N/A", ""),
)
PLACEHOLDERS = (None, "None", "none", "N/A", "n/a", "null", "NULL", "")
NO_PLACEHOLDERS = (" ", "NA", "Null", "none of it", "N/A ")
# In UTF-8 and by code point U+FB00 comes before the emoji, in UTF-16 after it; Ä in two forms.
_PREFIXES = ("AE", "AEZ", "AE_", "ae", "AF😀", "AFﬀ", "AFÄ", "AFA\u0308", "AGé€𝄞", "AH", "_2")
_TIMES = ("00:00:00.000", "23:59:59.999", "04:59:59.999", "05:00:00.000", "19:00:00.000", "12:00")


def quirky_products(seed: int = 1) -> list[Record]:
    """120 products, a third of them listed again with other values or the same."""
    draw = random.Random(seed)
    listed = []
    for number in range(120):
        asin = f"B{number:03}"
        fields = {
            "main_category": draw.choice(CATEGORIES),
            "title": draw.choice([f"Cable {number}", f"{number} × “¼” 😀", *PLACEHOLDERS]),
            "average_rating": draw.choice([3.6, 4.2, 4.6, None]),
            "rating_number": number,
            "store": draw.choice(["Shop", *PLACEHOLDERS]),
            "categories": draw.choice([["Electronics", "Cables"], ["None"], []]),
            "details": {"Best Sellers Rank": {"Cables": number}},
        }
        first = product(asin, PRICES[number % len(PRICES)], **fields)
        listed.append(first)
        if number % 3 == 0:
            # By price, then ratings, then the higher price; where all of it ties a hash decides,
            # which no oracle can foresee.
            price = draw.choice([None, "—", f"{draw.randint(30, 999)}.01"])
            ratings = [None, 500] if price in (None, "—") else [None, 500, number]
            changes = {"rating_number": draw.choice(ratings), "title": "Listed again"}
            listed.append(draw.choice([first, first | changes | {"price": price}]))
    draw.shuffle(listed)
    return [*listed, product("EDGE", 5.0)]


def quirky_reviews(seed: int = 1) -> list[Record]:
    """Some 3,600 reviews by 2,400 users, grouped by user as on the hub; most users leave one."""
    draw = random.Random(seed)
    users: list[str | None] = [f"{draw.choice(_PREFIXES)}{draw.random()}" for _ in range(2_400)]
    reviews = []
    for user in [*users, *PLACEHOLDERS]:
        for _ in range(draw.choices([1, 2, 3, 7, 30], [90, 6, 2, 1.5, 0.5])[0]):
            written = _review(draw, user)
            reviews.extend([written, *_companions(draw, written)])
    return reviews + _at_the_edges()


def _review(draw: random.Random, user: str | None) -> Record:
    # Mostly on few days, so that a tenth of the customers shares the last one.
    day = _FIRST + timedelta(days=draw.choice([draw.randint(0, _DAYS), *_BUSY_DAYS]))
    asin = f"B{int(130 * draw.random() ** 4):03}"  # popular ones first; from B120 on unknown
    return review(
        user,  # type: ignore[arg-type]
        draw.choice([asin] * 30 + ["None", ""]),
        f"{day.date()}T{draw.choice(_TIMES)}",
        asin=draw.choice([asin, asin + "V", "n/a"]),
        rating=draw.choice([5.0, 5.0, 4.0, 3.0, 1.0, 0.0, -0.0, None]),
        helpful_vote=draw.choice([0, 0, 0, 3, -4, None]),
        verified_purchase=draw.choices([True, False, None], [92, 7, 1])[0],
        title=draw.choice(["Good", "Gut 😀", *PLACEHOLDERS, *NO_PLACEHOLDERS]),
        text=draw.choice(["Works<br />well", 'Says "&#34;",\nand more', *PLACEHOLDERS]),
    )


def _companions(draw: random.Random, written: Record) -> list[Record]:
    """Rows beside a review that are, or only look like, the same."""
    changes: list[Record] = [
        {},
        {"images": [{"attachment_type": "IMAGE"}]},
        # Equal once they are cleaned, but not as published: these are reviews of their own.
        {"title": "N/A", "text": "none"},
        {"rating": 0.0 if written["rating"] == 1 else 1.0},
        {"helpful_vote": -1},
        {"timestamp": written["timestamp"] + 1},
        {"asin": "other"},
    ]
    return [written | draw.choice(changes) for _ in range(draw.choices([0, 1, 2], [90, 8, 2])[0])]


def _at_the_edges() -> list[Record]:
    """One customer each, to the millisecond on either side of a month or a window."""
    times = (
        "2019-02-27T23:59:59.999", "2019-02-28T00:00:00.000", "2019-02-28T23:59:59.999",
        "2019-03-01T00:00:00.000", "2020-02-28T23:59:59.999", "2020-02-29T00:00:00.000",
        "2020-02-29T23:59:59.999", "2020-03-01T00:00:00.000", "2020-03-01T23:59:59.999",
        "1999-12-31T23:59:59.999", "2022-01-01T00:00:00.000",
    )  # fmt: skip
    return [review(f"edge {time}", "EDGE", time) for time in times]
