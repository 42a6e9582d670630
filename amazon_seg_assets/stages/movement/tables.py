"""Moves between segments, what each group did after the snapshot, and what segments buy."""

import pyarrow as pa

from amazon_seg_assets.schema import Artifact, Column, Table, Total
from amazon_seg_assets.stages.cleaning.tables import JOINED_REVIEWS
from amazon_seg_assets.stages.clusters.tables import CUSTOMER_CLUSTERS
from amazon_seg_assets.stages.history.tables import CUSTOMER_DAYS, CUSTOMER_LIFECYCLE
from amazon_seg_assets.stages.rfm.tables import RFM_FEATURES
from amazon_seg_assets.stages.segments.tables import RFM_SEGMENTS

_CUSTOMERS = RFM_SEGMENTS.sources("user_id")
_SEGMENT = RFM_SEGMENTS.sources("segment")
_SPEND = RFM_SEGMENTS.sources("monetary")

SEGMENT_TRANSITIONS = Table(
    name="segment_transitions",
    description=(
        "Customers who moved between segments since the snapshots one and twelve months before, "
        "where these are stored. By the yardstick `own`, each snapshot has the segments that it "
        "is stored with. By `earlier`, the customers of both are scored by the cut points and the "
        "scheme of the earlier one, so that only behaviour moves anybody; a value that the earlier "
        "snapshot does not hold scores as the nearest worse one that it holds."
    ),
    by_month=True,
    is_small=True,
    key=("months_back", "yardstick", "from_segment", "to_segment"),
    columns=(
        Column("months_back", pa.int32(), "From this snapshot to the earlier one.", "months"),
        Column("yardstick", pa.string(), "`own` or `earlier`."),
        Column(
            "from_segment",
            pa.string(),
            "Segment in the earlier snapshot; null: not a customer then.",
            nullable=True,
            sources=_SEGMENT,
        ),
        Column(
            "to_segment",
            pa.string(),
            "Segment in this snapshot; null: no customer any more.",
            nullable=True,
            sources=_SEGMENT,
        ),
        Column("customers", pa.int64(), "Customers.", "customers", sources=_CUSTOMERS),
        Column(
            "spend_before",
            pa.float64(),
            "Their monetary value in the earlier snapshot.",
            "USD",
            sources=_SPEND,
        ),
        Column(
            "spend_after",
            pa.float64(),
            "Their monetary value in this snapshot.",
            "USD",
            sources=_SPEND,
        ),
    ),
)

_NAMES = (
    *_SEGMENT,
    *CUSTOMER_CLUSTERS.sources("cluster_label"),
    *CUSTOMER_LIFECYCLE.sources("lifecycle"),
)

SEGMENT_OUTCOMES = Table(
    name="segment_outcomes",
    description=(
        "Customers of each group who came back after the snapshot. Let L be its last day: somebody "
        "returned who has a clean review in the days after L, up to L plus the horizon. Where the "
        "data ends sooner, the outcome is not known, and its figures are null."
    ),
    by_month=True,
    is_small=True,
    key=("grouping", "name", "horizon_days"),
    totals=(
        Total(
            "customers_kept",
            "customers",
            ("customers",),
            of=RFM_FEATURES,
            by=("grouping", "horizon_days"),
        ),
    ),
    columns=(
        Column("grouping", pa.string(), "`segment`, `cluster` (by its label) or `lifecycle`."),
        Column("name", pa.string(), "Name of the group.", sources=_NAMES),
        Column("horizon_days", pa.int32(), "Days after L that count.", "days"),
        Column(
            "customers",
            pa.int64(),
            "Customers of the group in the snapshot.",
            "customers",
            sources=_CUSTOMERS,
        ),
        Column(
            "returned",
            pa.int64(),
            "Customers with a clean review in these days.",
            "customers",
            nullable=True,
            sources=CUSTOMER_DAYS.sources("user_id", "day"),
        ),
        Column(
            "return_rate",
            pa.float64(),
            "Their share of the group's customers, 0 to 1.",
            nullable=True,
            sources=CUSTOMER_DAYS.sources("user_id", "day"),
        ),
        Column(
            "spend_after",
            pa.float64(),
            "Spend of the group in these days.",
            "USD",
            nullable=True,
            sources=CUSTOMER_DAYS.sources("spend"),
        ),
        Column(
            "lift",
            pa.float64(),
            "Return rate over that of all customers; null where nobody returned.",
            nullable=True,
            sources=CUSTOMER_DAYS.sources("user_id", "day"),
        ),
        Column(
            "is_known", pa.bool_(), "The data reaches the end of these days.",
            sources=CUSTOMER_DAYS.sources("day"),
        ),
    ),
)  # fmt: skip

SEGMENT_PRODUCTS = Table(
    name="segment_products",
    description=(
        "Kinds of products that tell a segment from the rest: at each level, the ten with the "
        "highest lift among those that enough of its customers bought. Reviews count as for the "
        "monetary value."
    ),
    by_month=True,
    is_small=True,
    key=("segment", "level", "name"),
    columns=(
        RFM_SEGMENTS.carried("segment"),
        Column(
            "level",
            pa.string(),
            "`main_category`, or `category`: the most special one of a product.",
        ),
        Column(
            "name",
            pa.string(),
            "Name of the category.",
            sources=JOINED_REVIEWS.sources("main_category", "categories"),
        ),
        Column(
            "customers",
            pa.int64(),
            "Customers of the segment with a priced review of such a product in the window.",
            "customers",
            sources=JOINED_REVIEWS.sources("user_id"),
        ),
        Column(
            "spend",
            pa.float64(),
            "Prices of these reviews, summed up.",
            "USD",
            sources=JOINED_REVIEWS.sources("price"),
        ),
        Column(
            "share",
            pa.float64(),
            "Share of the segment's customers, 0 to 1.",
            sources=JOINED_REVIEWS.sources("user_id"),
        ),
        Column(
            "lift",
            pa.float64(),
            "This share over the share among all customers.",
            sources=JOINED_REVIEWS.sources("user_id"),
        ),
    ),
)

SEGMENT_EXPORT = Artifact(
    "segment_export",
    "One file per segment, such as `champions.csv`, for a campaign tool, the highest monetary "
    "value first: user, segment, scores, recency (days), frequency (reviews) and monetary value "
    "(USD); the segment before, the snapshot since which it is the present one, the label of the "
    "cluster, `new`, `returning` or `won_back` if history is stored, the main category with the "
    "most spend, whether the customer is in the control group; and, where they are made, the "
    "probability of churn, its band, the expected loss and the spend expected in twelve months. "
    "Where an earlier snapshot by the same rules is stored, of a month before or else of twelve, "
    "`champions-joined.csv` lists who came into the segment since, and `champions-left.csv` who "
    "left it, with the present segment, if any. A file without customers is left out. "
    "`manifest.json` lists the files with rows, bytes and SHA-256. CSV is UTF-8 after RFC 4180, "
    "with a header, all cells in quotes and LF at line ends; a text that would open a formula in a "
    "spreadsheet (`=`, `+`, `-`, `@`, tab or line end in front) gets an apostrophe in front. Names "
    "of files with the built-in sample's customers begin with `invented-`.",
)
