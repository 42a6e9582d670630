"""The raw tables: what the hub publishes, field by field."""

import pyarrow as pa

from amazon_seg_assets.schema import Column, Table


def _texts(*names: str) -> pa.StructType:
    return pa.struct([(name, pa.string()) for name in names])


REVIEW_IMAGE = _texts("small_image_url", "medium_image_url", "large_image_url", "attachment_type")
PRODUCT_IMAGE = _texts("thumb", "large", "variant", "hi_res")
PRODUCT_VIDEO = _texts("title", "url", "user_id")


def _published(name: str, type_: pa.DataType, description: str, unit: str = "") -> Column:
    """A field as it is published, which may lack in any record."""
    return Column(name, type_, description, unit, nullable=True)


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
        _published(
            "rating", pa.float64(), "Stars given, 1 to 5; a few source rows hold 0.", "stars"
        ),
        _published("title", pa.string(), "Headline of the review."),
        _published("text", pa.string(), "Body of the review; may hold HTML and emoji."),
        _published("images", pa.list_(REVIEW_IMAGE), "Pictures that the reviewer attached."),
        _published("asin", pa.string(), "Product variant that was reviewed."),
        _published("parent_asin", pa.string(), "Product that the variant belongs to."),
        _published("user_id", pa.string(), "Reviewer."),
        Column("timestamp", pa.int64(), "Time of the review.", "ms since 1970, UTC"),
        _published("helpful_vote", pa.int64(), "People who found the review helpful.", "votes"),
        _published("verified_purchase", pa.bool_(), "Whether Amazon verified the purchase."),
        Column(
            "review_id", pa.string(), "XXH3-128 hash over all fields but `images`, in hexadecimal."
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
        _published("main_category", pa.string(), "Amazon's top-level category."),
        _published("title", pa.string(), "Product name."),
        _published(
            "average_rating", pa.float64(), "Mean rating shown on the product page.", "stars"
        ),
        _published("rating_number", pa.int64(), "Ratings shown on the product page.", "ratings"),
        _published("features", pa.list_(pa.string()), "Bullet points."),
        _published("description", pa.list_(pa.string()), "Paragraphs of the description."),
        _published(
            "price", pa.string(), "Price as published: a number, or text such as `from 14.99`."
        ),
        _published("images", pa.list_(PRODUCT_IMAGE), "Pictures of the product."),
        _published("videos", pa.list_(PRODUCT_VIDEO), "Videos of the product."),
        _published("store", pa.string(), "Shop or brand."),
        _published("categories", pa.list_(pa.string()), "Category path, from general to special."),
        _published("details", pa.string(), "Free-form details, as JSON text."),
        _published("parent_asin", pa.string(), "Product."),
        _published("bought_together", pa.string(), "Null in all data of 2023; else JSON text."),
        _published("subtitle", pa.string(), "Only on books."),
        _published("author", pa.string(), "Only on books; JSON text where it is an object."),
    ),
)
