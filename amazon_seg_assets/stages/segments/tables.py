"""The segments of customers, and what ties do to them under each scheme."""

import pyarrow as pa

from amazon_seg_assets.features import SCORE_COLUMNS
from amazon_seg_assets.schema import Column, Table, Total
from amazon_seg_assets.stages.rfm.tables import CUSTOMER, RFM_FEATURES, SCORED_ON, features_kept

RFM_SEGMENTS = Table(
    name="rfm_segments",
    description=(
        "The RFM scores and the segment of each customer, by the rules of a scheme: each feature "
        "becomes a score of 1 to 5, where 5 is most recent, most frequent or most spent, and the "
        "three scores together lead to one segment. The schemes are in `rules/schemes`."
    ),
    by_month=True,
    key=("user_id",),
    one_each=("segment", RFM_FEATURES),
    totals=features_kept(RFM_FEATURES),
    columns=(
        *CUSTOMER,
        *(
            Column(
                score,
                pa.int32(),
                f"Score of {feature}, 1 (worst) to 5 (best).",
                sources=RFM_FEATURES.sources(feature),
            )
            for feature, score in SCORE_COLUMNS.items()
        ),
        Column(
            "rfm_score",
            pa.string(),
            "The three scores as digits, such as `543`.",
            sources=SCORED_ON,
        ),
        Column("segment", pa.string(), "Segment of the scheme.", sources=SCORED_ON),
    ),
)


SCHEME_COMPARISON = Table(
    name="scheme_comparison",
    description=(
        "Customers of each segment under the schemes `standard` and `notebook`. The latter cuts "
        "customers into tiles of equal size, and so gives equal customers different scores; how "
        "many is in the metadata. A third count takes the notebook's rules with the standard "
        "scheme's scores, which shows what is due to the scores alone."
    ),
    by_month=True,
    is_small=True,
    key=("segment",),
    totals=(
        Total(
            "customers_kept",
            "customers",
            (
                "standard_customers",
                "notebook_customers",
                "notebook_rules_customers",
            ),
            of=RFM_FEATURES,
        ),
    ),
    columns=(
        Column("segment", pa.string(), "Segment of either scheme."),
        *(
            Column(name, pa.int64(), description, "customers", sources=SCORED_ON)
            for name, description in (
                ("standard_customers", "Customers under the scheme `standard`."),
                ("notebook_customers", "Customers under the scheme `notebook`."),
                (
                    "notebook_rules_customers",
                    "Customers by the rules of `notebook` with the scores of `standard`.",
                ),
                ("difference", "`notebook_customers` minus `standard_customers`."),
                (
                    "difference_by_scores",
                    "`notebook_customers` minus `notebook_rules_customers`.",
                ),
            )
        ),
    ),
)
