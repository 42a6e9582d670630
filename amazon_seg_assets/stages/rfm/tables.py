"""The RFM features of each customer as of a snapshot month, and their histograms."""

import pyarrow as pa

from amazon_seg_assets.features import FEATURES, TRANSFORMED_FEATURES
from amazon_seg_assets.schema import Column, Table, Total
from amazon_seg_assets.stages.cleaning.tables import JOINED_REVIEWS

RFM_FEATURES = Table(
    name="rfm_features",
    description=(
        "Recency, frequency and monetary value of each customer as of the end of the snapshot "
        "month. Let L be the date of the month's latest review: reviews from L minus one calendar "
        "year to L count, both whole days included, if their product has a price above the "
        "smallest one that counts. Reviews stand in for purchases, which the data does not hold."
    ),
    by_month=True,
    key=("user_id",),
    totals=(
        Total("frequency_kept", "reviews", ("frequency",), fact="counted_reviews"),
        Total("monetary_kept", "USD", ("monetary",), fact="counted_usd"),
    ),
    columns=(
        Column("user_id", pa.string(), "Customer.", sources=JOINED_REVIEWS.sources("user_id")),
        Column(
            "recency",
            pa.int32(),
            "From the last review in the window to the day after L.",
            "days",
            sources=JOINED_REVIEWS.sources("timestamp"),
        ),
        Column(
            "frequency",
            pa.int64(),
            "Reviews of priced products in the window.",
            "reviews",
            sources=JOINED_REVIEWS.sources("review_id"),
        ),
        Column(
            "monetary",
            pa.float64(),
            "Sum of the prices of the products reviewed in the window.",
            "USD",
            sources=JOINED_REVIEWS.sources("price"),
        ),
        Column(
            "frequency_log",
            pa.float64(),
            "log(1 + frequency)",
            sources=JOINED_REVIEWS.sources("review_id"),
        ),
        Column(
            "monetary_log",
            pa.float64(),
            "log(1 + monetary)",
            sources=JOINED_REVIEWS.sources("price"),
        ),
    ),
)

CUSTOMER = tuple(RFM_FEATURES.carried(name) for name in ("user_id", *FEATURES))

CLUSTERED_ON = RFM_FEATURES.sources(*TRANSFORMED_FEATURES)
SCORED_ON = RFM_FEATURES.sources(*FEATURES)


RFM_HISTOGRAMS = Table(
    name="rfm_histograms",
    description="Histograms of the features before and after the transformation.",
    by_month=True,
    is_small=True,
    key=("feature", "transformed", "bin_left"),
    totals=(
        Total(
            "customers_kept",
            "customers",
            ("customers",),
            of=RFM_FEATURES,
            by=("feature", "transformed"),
        ),
    ),
    columns=(
        Column("feature", pa.string(), "Recency, frequency or monetary."),
        Column("transformed", pa.bool_(), "Whether log(1 + feature) is meant."),
        Column("bin_left", pa.float64(), "Left edge, in the bin."),
        Column("bin_right", pa.float64(), "Right edge, not in the bin unless it is the last."),
        Column(
            "customers",
            pa.int64(),
            "Customers.",
            "customers",
            sources=RFM_FEATURES.sources("user_id"),
        ),
        Column(
            "total",
            pa.float64(),
            "Sum of the feature over these customers, before the transformation, in its unit.",
            sources=RFM_FEATURES.sources(*FEATURES),
        ),
    ),
)


def features_kept(of: Table, prefix: str = "") -> tuple[Total, ...]:
    """The totals of a table that has the reviews and the money of all customers of another.

    Args:
        of: the other table.
        prefix: of the columns.
    """
    return (
        Total("frequency_kept", "reviews", (f"{prefix}frequency",), of=of, of_column="frequency"),
        Total("monetary_kept", "USD", (f"{prefix}monetary",), of=of, of_column="monetary"),
    )
