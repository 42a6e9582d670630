"""The days of all customers, and what follows from them as of a snapshot."""

import pyarrow as pa

from amazon_seg_assets.schema import Column, Table
from amazon_seg_assets.stages.cleaning.tables import CLEAN_METADATA
from amazon_seg_assets.stages.raw.tables import RAW_REVIEWS
from amazon_seg_assets.stages.rfm.tables import RFM_FEATURES

NEW, RETURNING, WON_BACK, LAPSED = "new", "returning", "won_back", "lapsed"

LIFECYCLES = (NEW, RETURNING, WON_BACK)
"""Of a customer of the snapshot."""

STATUSES = (*LIFECYCLES, LAPSED)
"""The same, and that of a customer of the year before who did not come back."""

_PRICED = (*RAW_REVIEWS.sources("review_id"), *CLEAN_METADATA.sources("price"))

CUSTOMER_DAYS = Table(
    name="customer_days",
    description=(
        "One row per customer and day, UTC, with a clean review: one of a verified purchase, "
        "exact duplicates left out. Reviews without a user are left out too, and counted beside "
        "the table. A price counts if it is above the smallest one that counts, as in "
        "`rfm_features`. No text is read, and no month has to be cleaned and joined for it."
    ),
    by_month=True,
    # Rows are the groups of one aggregation: to look for repeated keys would cost a pass a month.
    columns=(
        Column("user_id", pa.string(), "Customer.", sources=RAW_REVIEWS.sources("user_id")),
        Column(
            "day",
            pa.date32(),
            "Date of the reviews, UTC.",
            sources=RAW_REVIEWS.sources("timestamp"),
        ),
        Column(
            "reviews",
            pa.int64(),
            "Clean reviews.",
            "reviews",
            sources=RAW_REVIEWS.sources("review_id"),
        ),
        Column(
            "priced_reviews",
            pa.int64(),
            "Those of products whose price counts.",
            "reviews",
            sources=_PRICED,
        ),
        Column("spend", pa.float64(), "Sum of the prices that count.", "USD", sources=_PRICED),
        Column(
            "rating_sum",
            pa.float64(),
            "Sum of the stars given, a rating of 0 as 1; 0 if none was given.",
            "stars",
            sources=RAW_REVIEWS.sources("rating"),
        ),
        Column(
            "low_ratings",
            pa.int64(),
            "Reviews with 1 or 2 stars.",
            "reviews",
            sources=RAW_REVIEWS.sources("rating"),
        ),
        Column(
            "helpful_votes",
            pa.int64(),
            "People who found the reviews helpful; a negative number counts as none.",
            "votes",
            sources=RAW_REVIEWS.sources("helpful_vote"),
        ),
        Column(
            "products",
            pa.int64(),
            "Distinct products reviewed.",
            "products",
            sources=RAW_REVIEWS.sources("parent_asin"),
        ),
    ),
)

CUSTOMER_LIFECYCLE = Table(
    name="customer_lifecycle",
    description=(
        "One row per customer of `rfm_features`, with all that went before. `new`: the first clean "
        "review ever lies in the window; `returning`: there is one in the calendar year before the "
        "window, too; `won_back`: there is one before that year, and none in it."
    ),
    by_month=True,
    key=("user_id",),
    columns=(
        RFM_FEATURES.carried("user_id"),
        Column(
            "lifecycle",
            pa.string(),
            "`new`, `returning` or `won_back`.",
            sources=CUSTOMER_DAYS.sources("day"),
        ),
        Column(
            "first_day",
            pa.date32(),
            "Date of the first clean review.",
            sources=CUSTOMER_DAYS.sources("day"),
        ),
        Column(
            "tenure_days",
            pa.int32(),
            "From the first clean review to the day after L.",
            "days",
            sources=CUSTOMER_DAYS.sources("day"),
        ),
        Column(
            "lifetime_purchase_days",
            pa.int64(),
            "Days with a clean review, of a priced product or not, up to L.",
            "days",
            sources=CUSTOMER_DAYS.sources("day"),
        ),
        Column(
            "lifetime_spend",
            pa.float64(),
            "Sum of the prices that count, up to L.",
            "USD",
            sources=CUSTOMER_DAYS.sources("spend"),
        ),
    ),
)

LIFECYCLE_SUMMARY = Table(
    name="lifecycle_summary",
    description=(
        "Customers and their spend by status: the three of `customer_lifecycle`, and `lapsed`, "
        "customers with a priced review in the calendar year before the window and no clean review "
        "in it."
    ),
    by_month=True,
    is_small=True,
    key=("status",),
    columns=(
        Column(
            "status",
            pa.string(),
            "`new`, `returning`, `won_back` or `lapsed`.",
            sources=CUSTOMER_DAYS.sources("day", "priced_reviews"),
        ),
        Column(
            "customers",
            pa.int64(),
            "Customers.",
            "customers",
            sources=CUSTOMER_DAYS.sources("user_id"),
        ),
        Column(
            "spend",
            pa.float64(),
            "Sum of the prices that count in the window.",
            "USD",
            sources=CUSTOMER_DAYS.sources("spend"),
        ),
        Column(
            "spend_before",
            pa.float64(),
            "The same of the calendar year before the window.",
            "USD",
            sources=CUSTOMER_DAYS.sources("spend"),
        ),
    ),
)

COHORT_RETENTION = Table(
    name="cohort_retention",
    description=(
        "Customers by the quarter of their first clean review, and how many of them have one in "
        "each quarter from then on. A quarter that L cuts off is left out."
    ),
    by_month=True,
    is_small=True,
    key=("cohort", "quarters_since"),
    columns=(
        Column(
            "cohort",
            pa.string(),
            "Quarter of the first clean review, such as `2021-Q3`.",
            sources=CUSTOMER_DAYS.sources("day"),
        ),
        Column(
            "quarters_since",
            pa.int32(),
            "From that quarter to the one looked at.",
            "quarters",
            sources=CUSTOMER_DAYS.sources("day"),
        ),
        Column(
            "cohort_customers",
            pa.int64(),
            "Customers of the cohort.",
            "customers",
            sources=CUSTOMER_DAYS.sources("user_id"),
        ),
        Column(
            "active_customers",
            pa.int64(),
            "Of these, customers with a clean review in the quarter looked at.",
            "customers",
            sources=CUSTOMER_DAYS.sources("user_id"),
        ),
        Column(
            "spend",
            pa.float64(),
            "Sum of the prices that count in that quarter.",
            "USD",
            sources=CUSTOMER_DAYS.sources("spend"),
        ),
    ),
)
