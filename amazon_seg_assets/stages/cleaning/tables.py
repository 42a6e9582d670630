"""The cleaned reviews and products, and their join."""

from dataclasses import replace

import pyarrow as pa

from amazon_seg_assets.schema import Table, Total
from amazon_seg_assets.stages.raw.tables import RAW_METADATA, RAW_REVIEWS

REVIEW_DROP_REASONS = ("not_verified", "duplicate")
"""Why ``clean_reviews`` leaves out a review."""

PRODUCT_DROP_REASONS = ("excluded_category", "no_category", "listed_again")
"""Why ``clean_metadata`` leaves out a product."""

CLEAN_REVIEWS = Table(
    name="clean_reviews",
    description=(
        "Cleaned reviews of verified purchases, with their text. A rating of 0 becomes 1, a "
        "negative vote 0, a placeholder such as `N/A` null; of rows that are equal in all fields "
        "but `images`, one stays. Times are UTC."
    ),
    by_month=True,
    totals=(Total("rows_accounted", "rows", of=RAW_REVIEWS, dropped=REVIEW_DROP_REASONS),),
    steady_nulls=True,
    columns=(
        RAW_REVIEWS.carried("review_id"),
        RAW_REVIEWS.carried("user_id"),
        RAW_REVIEWS.carried("asin"),
        RAW_REVIEWS.carried("parent_asin"),
        replace(RAW_REVIEWS.carried("rating"), description="Stars given, 1 to 5."),
        replace(
            RAW_REVIEWS.carried("timestamp"),
            type=pa.timestamp("us", tz="UTC"),
            description="Time of the review, UTC.",
            unit="",
        ),
        RAW_REVIEWS.carried("helpful_vote"),
        replace(
            RAW_REVIEWS.carried("verified_purchase"),
            description="Always true: other reviews are dropped.",
            nullable=False,
        ),
        RAW_REVIEWS.carried("title"),
        RAW_REVIEWS.carried("text"),
    ),
)

CLEAN_METADATA = Table(
    name="clean_metadata",
    description=(
        "One row per product. Products of the excluded categories are left out, and with such a "
        "list in force those without a category too, as SQL's `NOT IN` does. A price counts only "
        "if the whole text is a finite number. Of a product that is listed several times one row "
        "stays: the one with a price, then with most ratings, then with the highest price; what "
        "still ties goes by title, then by the order of the source."
    ),
    key=("parent_asin",),
    totals=(Total("rows_accounted", "rows", of=RAW_METADATA, dropped=PRODUCT_DROP_REASONS),),
    steady_nulls=True,
    columns=(
        replace(RAW_METADATA.carried("parent_asin"), nullable=False),
        RAW_METADATA.carried("main_category"),
        RAW_METADATA.carried("title"),
        RAW_METADATA.carried("average_rating"),
        RAW_METADATA.carried("rating_number"),
        replace(
            RAW_METADATA.carried("price"),
            type=pa.float64(),
            description="Price when the page was collected in 2023; null where unknown.",
            unit="USD",
        ),
        RAW_METADATA.carried("store"),
        RAW_METADATA.carried("categories"),
        RAW_METADATA.carried("features"),
        RAW_METADATA.carried("description"),
        RAW_METADATA.carried("details"),
    ),
)

JOINED_REVIEWS = Table(
    name="joined_reviews",
    description=(
        "One row per clean review, with the few product columns that analysis needs. A review "
        "whose product is unknown or excluded stays, with nulls. Long text is one join away: in "
        "`clean_reviews` by `review_id`, in `clean_metadata` by `parent_asin`."
    ),
    by_month=True,
    totals=(Total("rows_as_clean", "rows", of=CLEAN_REVIEWS),),
    steady_nulls=True,
    columns=(
        *(CLEAN_REVIEWS.carried(name) for name in CLEAN_REVIEWS.column_names if name != "text"),
        CLEAN_METADATA.carried("main_category"),
        CLEAN_METADATA.carried("title", "product_name"),
        CLEAN_METADATA.carried("price"),
        CLEAN_METADATA.carried("average_rating", "avg_product_rating"),
        CLEAN_METADATA.carried("categories"),
    ),
)
