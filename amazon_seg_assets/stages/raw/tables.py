"""The raw tables: what the hub publishes, field by field."""

from __future__ import annotations

import pyarrow as pa

from amazon_seg_assets.schema import Column, Table

REVIEW_IMAGE = pa.struct(
    [
        ("small_image_url", pa.string()),
        ("medium_image_url", pa.string()),
        ("large_image_url", pa.string()),
        ("attachment_type", pa.string()),
    ]
)
PRODUCT_IMAGE = pa.struct(
    [
        ("thumb", pa.string()),
        ("large", pa.string()),
        ("variant", pa.string()),
        ("hi_res", pa.string()),
    ]
)
PRODUCT_VIDEO = pa.struct([("title", pa.string()), ("url", pa.string()), ("user_id", pa.string())])

RAW_REVIEWS = Table(
    name="raw_reviews",
    description=(
        "All reviews of the category as published, one row per line of the source, laid out in "
        "month folders (UTC). Adds `review_id`, a content hash, so that finding exact duplicates "
        "needs no text."
    ),
    by_month=True,
    has_gaps=True,
    columns=(
        Column("rating", pa.float64(), "Stars given, 1 to 5; a few source rows hold 0.", "stars"),
        Column("title", pa.string(), "Headline of the review."),
        Column("text", pa.string(), "Body of the review; may hold HTML and emoji."),
        Column("images", pa.list_(REVIEW_IMAGE), "Pictures that the reviewer attached."),
        Column("asin", pa.string(), "Product variant that was reviewed."),
        Column("parent_asin", pa.string(), "Product that the variant belongs to."),
        Column("user_id", pa.string(), "Reviewer."),
        Column(
            "timestamp", pa.int64(), "Time of the review.", "ms since 1970, UTC", nullable=False
        ),
        Column("helpful_vote", pa.int64(), "People who found the review helpful.", "votes"),
        Column("verified_purchase", pa.bool_(), "Whether Amazon verified the purchase."),
        Column(
            "review_id",
            pa.string(),
            "XXH3-128 hash over all fields but `images`, in hexadecimal.",
            nullable=False,
        ),
    ),
)

RAW_METADATA = Table(
    name="raw_metadata",
    description=(
        "All products of the category as published: 16 fields, one row per line of the source. "
        "Free-form fields are kept as text."
    ),
    columns=(
        Column("main_category", pa.string(), "Amazon's top-level category."),
        Column("title", pa.string(), "Product name."),
        Column("average_rating", pa.float64(), "Mean rating shown on the product page.", "stars"),
        Column("rating_number", pa.int64(), "Ratings shown on the product page.", "ratings"),
        Column("features", pa.list_(pa.string()), "Bullet points."),
        Column("description", pa.list_(pa.string()), "Paragraphs of the description."),
        Column("price", pa.string(), "Price as published: a number, or text such as `from 14.99`."),
        Column("images", pa.list_(PRODUCT_IMAGE), "Pictures of the product."),
        Column("videos", pa.list_(PRODUCT_VIDEO), "Videos of the product."),
        Column("store", pa.string(), "Shop or brand."),
        Column("categories", pa.list_(pa.string()), "Category path, from general to special."),
        Column("details", pa.string(), "Free-form details, as JSON text."),
        Column("parent_asin", pa.string(), "Product."),
        Column("bought_together", pa.string(), "Null in all data of 2023; else JSON text."),
        Column("subtitle", pa.string(), "Only on books."),
        Column("author", pa.string(), "Only on books; JSON text where it is an object."),
    ),
)
