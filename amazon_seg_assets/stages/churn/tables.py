"""Features, scores and the evaluation of churn."""

import pyarrow as pa

from amazon_seg_assets.schema import Artifact, Column, Table, Total
from amazon_seg_assets.stages.history.tables import CUSTOMER_DAYS
from amazon_seg_assets.stages.rfm.tables import RFM_FEATURES
from amazon_seg_assets.stages.segments.tables import RFM_SEGMENTS
from amazon_seg_assets.stages.value.tables import CUSTOMER_VALUE

SPANS = (1, 3, 6, 12, 24)
"""Months before a cut-off that days and spend are summed over."""

LOW, MIDDLE, HIGH = "low", "middle", "high"

_DAY = CUSTOMER_DAYS.sources("user_id", "day")
_SPEND = CUSTOMER_DAYS.sources("day", "spend")


def _double(name: str, description: str, unit: str, *sources: str) -> Column:
    return Column(name, pa.float64(), description, unit, sources=CUSTOMER_DAYS.sources(*sources))


CHURN_FEATURES = Table(
    name="churn_features",
    description=(
        "What was known of each customer of the snapshot as of its last day L, from "
        "`customer_days` alone, and nothing from after L. A purchase is a day with a clean review."
    ),
    by_month=True,
    # Rows are the groups of one aggregation: to look for repeated keys would cost a pass.
    totals=(Total("customers_kept", "customers", of=RFM_FEATURES),),
    columns=(
        Column("user_id", pa.string(), "Customer.", sources=CUSTOMER_DAYS.sources("user_id")),
        Column(
            "recency_days", pa.int32(), "From the last purchase to the day after L.", "days",
            sources=_DAY,
        ),
        *(
            Column(
                f"days_{n}m", pa.int64(), f"Purchases in the last {n} months.", "days",
                sources=_DAY,
            )
            for n in SPANS
        ),
        Column("days_ever", pa.int64(), "Purchases ever.", "days", sources=_DAY),
        *(
            Column(
                f"spend_{n}m", pa.float64(), f"Spend in the last {n} months.", "USD",
                sources=_SPEND,
            )
            for n in SPANS
        ),
        Column("spend_ever", pa.float64(), "Spend ever.", "USD", sources=_SPEND),
        Column(
            "tenure_days", pa.int32(), "From the first purchase to the day after L.", "days",
            sources=_DAY,
        ),
        _double(
            "gap_mean_months", "Mean gap between active months; of one, the time since.",
            "months", "day",
        ),
        _double("gap_last_months", "The last of these gaps; likewise.", "months", "day"),
        _double("gap_spread_months", "Their standard deviation; 0 for one.", "months", "day"),
        _double(
            "recency_over_gap", "Recency as a multiple of the mean gap, or of a month.", "", "day"
        ),
        _double(
            "spend_trend",
            "Spend of the last six months less that of the six before, over both; -1 to 1.",
            "", "day", "spend",
        ),
        _double("price_level", "Spend a priced review.", "USD", "spend", "priced_reviews"),
        _double("mean_rating", "Stars a review.", "stars", "rating_sum", "reviews"),
        _double("low_rating_share", "Share of reviews with 1 or 2 stars.", "", "low_ratings"),
        Column(
            "helpful_votes", pa.int64(), "Helpful votes of all reviews.", "votes",
            sources=CUSTOMER_DAYS.sources("helpful_votes"),
        ),
        _double("products_a_review", "Products a review.", "", "products", "reviews"),
        _double("active_month_share", "Share of the months of tenure that are active.", "", "day"),
        _double("season_sine", "Sine of the season of L, a year as a circle.", "", "day"),
        _double("season_cosine", "Cosine of the same.", "", "day"),
    ),
)  # fmt: skip

FEATURES = tuple(CHURN_FEATURES.column_names[1:])

CHURN_MODEL = Artifact(
    "churn_model",
    "The fitted Spark ML pipeline. It takes the columns of `churn_features` and adds "
    "`churn_probability`. Load it with `pyspark.ml.PipelineModel.load`.",
)

METRICS = {
    "roc_auc": "Area under the ROC curve; 0.5 is chance.",
    "pr_auc": "Area under precision over recall; the base rate is chance.",
    "log_loss": "Mean negative log-likelihood, in nats.",
    "brier": "Mean squared error of the probability.",
    "calibration_error": "Mean distance of predicted and observed shares, by tenths.",
    "top_decile_lift": "Churned share of the tenth with the highest scores, over the base rate.",
}

MODELS = ("base_rate", "recency_alone", "rfm_score", "bg_nbd", "logistic", "chosen")
POPULATIONS = ("all", "repeat", "one_review")

CHURN_EVALUATION = Table(
    name="churn_evaluation",
    description=(
        "How well models tell who churned, on a later snapshot and on customers that they were not "
        "fitted on, beside simple rules. Intervals are of 95 %, by a seeded bootstrap."
    ),
    by_month=True,
    is_small=True,
    key=("model", "population"),
    columns=(
        Column("model", pa.string(), "`" + "`, `".join(MODELS) + "`."),
        Column(
            "population", pa.string(),
            "`all`, `repeat` (two purchases and more) or `one_review` (one).", sources=_DAY,
        ),
        Column("customers", pa.int64(), "Customers judged.", "customers", sources=_DAY),
        Column("base_rate", pa.float64(), "Share of them that churned.", sources=_DAY),
        *(
            Column(f"{metric}{end}", pa.float64(), f"{meaning}{of}", nullable=True, sources=_DAY)
            for metric, meaning in METRICS.items()
            for end, of in (
                ("", ""), ("_low", " Lower end of the interval."), ("_high", " Upper end of it."),
            )
        ),
    ),
)  # fmt: skip

CHURN_CALIBRATION = Table(
    name="churn_calibration",
    description="Churn as the chosen model predicted it and as it came, by tenths of scores.",
    by_month=True,
    is_small=True,
    key=("tenth",),
    columns=(
        Column("tenth", pa.int32(), "From 1, the lowest scores, to 10."),
        Column("customers", pa.int64(), "Customers judged.", "customers", sources=_DAY),
        Column("predicted", pa.float64(), "Mean probability of churn, 0 to 1.", sources=_DAY),
        Column("observed", pa.float64(), "Share that churned, 0 to 1.", sources=_DAY),
    ),
)

CHURN_CURVES = Table(
    name="churn_curves",
    description=(
        "Curves of the models on the later snapshot: `roc` (share of false positives, of true "
        "ones) and `lift` (share of customers addressed, churned share among them over the base "
        "rate)."
    ),
    by_month=True,
    is_small=True,
    key=("model", "curve", "point"),
    columns=(
        Column("model", pa.string(), "As in `churn_evaluation`."),
        Column("curve", pa.string(), "`roc` or `lift`."),
        Column("point", pa.int32(), "Number of the point."),
        Column("across", pa.float64(), "First coordinate.", sources=_DAY),
        Column("up", pa.float64(), "Second coordinate.", sources=_DAY),
    ),
)

CHURN_IMPORTANCE = Table(
    name="churn_importance",
    description=(
        "Loss of ROC AUC of the chosen model on the later snapshot if a feature is shuffled among "
        "the customers, a mean over shuffles: the more, the more the model leans on it."
    ),
    by_month=True,
    is_small=True,
    key=("feature",),
    columns=(
        Column("feature", pa.string(), "Feature of `churn_features`."),
        Column("loss_of_auc", pa.float64(), "Mean loss.", sources=_DAY),
        Column("spread", pa.float64(), "Standard deviation over shuffles.", sources=_DAY),
    ),
)

CHURN_SCORES = Table(
    name="churn_scores",
    description=(
        "How likely each customer of the snapshot is to churn: no clean review within the horizon "
        "after L; with what is lost by it, and reasons in words, by the logistic terms that raise "
        "the score most. Null where the data cannot carry a model."
    ),
    by_month=True,
    totals=(Total("customers_kept", "customers", of=RFM_FEATURES),),
    columns=(
        RFM_FEATURES.carried("user_id"),
        Column(
            "churn_probability",
            pa.float64(),
            "Probability of churn, 0 to 1.",
            nullable=True,
            sources=CHURN_FEATURES.sources(*FEATURES),
        ),
        Column(
            "band",
            pa.string(),
            "`low` below a third, `middle`, `high` above two thirds.",
            nullable=True,
            sources=CHURN_FEATURES.sources(*FEATURES),
        ),
        Column(
            "expected_loss",
            pa.float64(),
            "Probability of churn times the spend expected in twelve months.",
            "USD",
            nullable=True,
            sources=CUSTOMER_VALUE.sources("expected_spend_12m"),
        ),
        *(
            Column(
                f"reason_{n}",
                pa.string(),
                f"Reason {n}, in words; null where there are fewer.",
                nullable=True,
                sources=CHURN_FEATURES.sources(*FEATURES),
            )
            for n in (1, 2, 3)
        ),
    ),
)

CHURN_SUMMARY = Table(
    name="churn_summary",
    description="Customers of each segment by how likely they churn, and what is lost by it.",
    by_month=True,
    is_small=True,
    key=("segment", "band"),
    totals=(Total("customers_kept", "customers", ("customers",), of=CHURN_SCORES),),
    columns=(
        RFM_SEGMENTS.carried("segment"),
        Column(
            "band", pa.string(), "As in `churn_scores`; null where no model is.", nullable=True,
            sources=CHURN_SCORES.sources("band"),
        ),
        Column(
            "customers", pa.int64(), "Customers.", "customers",
            sources=CHURN_SCORES.sources("user_id"),
        ),
        Column(
            "expected_churners", pa.float64(), "Sum of their probabilities of churn.", "customers",
            sources=CHURN_SCORES.sources("churn_probability"),
        ),
        Column(
            "expected_loss", pa.float64(), "Sum of their expected losses.", "USD",
            sources=CHURN_SCORES.sources("expected_loss"),
        ),
    ),
)  # fmt: skip
