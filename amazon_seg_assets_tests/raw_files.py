"""Writes invented raw files in the hub's layout, for tests."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def review(user: str, product: str, time: str, **fields: Any) -> dict[str, Any]:
    """A verified five-star review; ``time`` in ISO form, UTC."""
    moment = datetime.fromisoformat(time).replace(tzinfo=UTC)
    return {
        "rating": 5.0,
        "title": "Good",
        "text": f"{user} about {product}",
        "images": [],
        "asin": product,
        "parent_asin": product,
        "user_id": user,
        "timestamp": round(moment.timestamp() * 1000),
        "helpful_vote": 0,
        "verified_purchase": True,
    } | fields


def product(asin: str, price: Any, **fields: Any) -> dict[str, Any]:
    """A product without frills."""
    return {
        "main_category": "Computers",
        "title": f"Product {asin}",
        "average_rating": 4.5,
        "rating_number": 10,
        "features": [],
        "description": [],
        "price": price,
        "images": [],
        "videos": [],
        "store": "Shop",
        "categories": ["Electronics"],
        "details": {},
        "parent_asin": asin,
        "bought_together": None,
    } | fields


def write_raw(
    root: Path, category: str, reviews: list[dict[str, Any]], products: list[dict[str, Any]]
) -> Path:
    """Writes both files of a category, and returns the root."""
    for name, records in (
        (f"review_categories/{category}.jsonl", reviews),
        (f"meta_categories/meta_{category}.jsonl", products),
    ):
        path = root / "raw" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return root
