"""Sentiment of reviews, how well it is told, and what it says of segments."""

import pyarrow as pa

from amazon_seg_assets.schema import Artifact, Column, Table, Total
from amazon_seg_assets.stages.cleaning.tables import CLEAN_REVIEWS
from amazon_seg_assets.stages.clusters.tables import CUSTOMER_CLUSTERS
from amazon_seg_assets.stages.history.tables import CUSTOMER_DAYS, CUSTOMER_LIFECYCLE
from amazon_seg_assets.stages.raw.tables import RAW_REVIEWS
from amazon_seg_assets.stages.rfm.tables import RFM_FEATURES
from amazon_seg_assets.stages.segments.tables import RFM_SEGMENTS
from amazon_seg_assets.stages.value.tables import HORIZON_DAYS

NEGATIVE = 0.5
"""Sentiment below which a text is negative: it is likelier from a bad review than from a good one
where both are as many."""

SURE = 0.8
"""Sentiment above which a text contradicts 1 or 2 stars; below 1 less that, 4 or 5 stars."""

SENTIMENT_MODEL = Artifact(
    "sentiment_model",
    "The fitted logistic regression of Spark ML, in the folder `fitted`, which is not there where "
    "too few texts teach one: load it with `pyspark.ml.classification.LogisticRegressionModel."
    "load`. `about.json` tells the months and the texts that it has learnt from. "
    "`stages.sentiment.scoring.with_sentiment` applies it to texts.",
)

MODELS = ("model", "vader", "always_positive")

_JUDGED = RAW_REVIEWS.sources("text", "rating")


def _measured(name: str, description: str) -> tuple[Column, ...]:
    """A share, and the ends of its interval."""
    return (
        Column(name, pa.float64(), description, nullable=True, sources=_JUDGED),
        *(
            Column(
                f"{name}_{end}", pa.float64(), f"{word} end of its interval of 95 %.",
                nullable=True, sources=_JUDGED,
            )
            for end, word in (("low", "Lower"), ("high", "Upper"))
        ),
    )  # fmt: skip


SENTIMENT_EVALUATION = Table(
    name="sentiment_evaluation",
    description=(
        "How well a text tells its stars, 4 or 5 against 1 or 2: on months after those, and users "
        "other than those, that the model has learnt from; beside VADER, a lexicon with rules, and "
        "beside calling each text positive. Empty where there is no model."
    ),
    is_small=True,
    key=("model",),
    columns=(
        Column("model", pa.string(), "`" + "`, `".join(MODELS) + "`."),
        Column("reviews", pa.int64(), "Reviews judged.", "reviews", sources=_JUDGED),
        Column("negative_share", pa.float64(), "Share of them with 1 or 2 stars.", sources=_JUDGED),
        *_measured("accuracy", "Share told right."),
        *_measured("balanced_accuracy", "Mean of the shares told right of either kind."),
        *_measured("recall_of_negatives", "Share told right of those with 1 or 2 stars."),
        *_measured("roc_auc", "Area under the ROC curve; 0.5 is chance."),
        Column(
            "log_loss", pa.float64(),
            "Mean negative log-likelihood, in nats, both kinds with equal weight; 0.693 is chance.",
            nullable=True, sources=_JUDGED,
        ),
        Column(
            "calibration_error", pa.float64(),
            "Mean distance of predicted and observed shares of positive texts, by tenths, both "
            "kinds with equal weight.",
            nullable=True, sources=_JUDGED,
        ),
    ),
)  # fmt: skip

_TEXT = CLEAN_REVIEWS.sources("text")

REVIEW_SENTIMENT = Table(
    name="review_sentiment",
    description=(
        "What the text of each clean review says, whatever its stars. Titles are not read: many "
        "repeat the stars. Without rows where there is no model."
    ),
    by_month=True,
    totals=(Total("rows_as_clean", "rows", of=CLEAN_REVIEWS, dropped=("no_model",)),),
    columns=(
        CLEAN_REVIEWS.carried("review_id"),
        CLEAN_REVIEWS.carried("user_id"),
        CLEAN_REVIEWS.carried("timestamp"),
        CLEAN_REVIEWS.carried("rating"),
        Column(
            "sentiment", pa.float64(),
            "Probability that the text is positive, 0 to 1, where both kinds are as many; null "
            "where the text is empty or not English.",
            nullable=True, sources=_TEXT,
        ),
        Column(
            "star_gap", pa.float64(),
            "Stars, from 0 for one to 1 for five, less the sentiment: above 0 where the stars are "
            "kinder than the text.",
            nullable=True, sources=(*_TEXT, *CLEAN_REVIEWS.sources("rating")),
        ),
        Column(
            "language_ok", pa.bool_(), "The text has words, and can be English by a simple rule.",
            sources=_TEXT,
        ),
    ),
)  # fmt: skip

_SAID = REVIEW_SENTIMENT.sources("sentiment")
_NAMES = (
    *RFM_SEGMENTS.sources("segment"),
    *CUSTOMER_CLUSTERS.sources("cluster_label"),
    *CUSTOMER_LIFECYCLE.sources("lifecycle"),
)


def _with_ends(
    name: str, description: str, sources: tuple[str, ...], of: str
) -> tuple[Column, ...]:
    """A figure, and the ends of its interval."""
    return (
        Column(name, pa.float64(), description, nullable=True, sources=sources),
        Column(
            f"{name}_low", pa.float64(), f"Lower end of its interval of 95 %{of}.", nullable=True,
            sources=sources,
        ),
        Column(
            f"{name}_high", pa.float64(), f"Upper end of its interval of 95 %{of}.", nullable=True,
            sources=sources,
        ),
    )  # fmt: skip


MEASURES = ("sentiment", "negative", "contradicting")

_SUMS = {
    "y": "Sum over the customers of {what}.",
    "yy": "Sum over the customers of the square of that.",
    "ny": "Sum over the customers of texts times that.",
}
_WHAT = {
    "sentiment": "sentiment, in ten-thousandths",
    "negative": f"texts with a sentiment below {NEGATIVE}",
    "contradicting": (
        f"texts with a sentiment below {1 - SURE:.1f} beside 4 or 5 stars, or above {SURE} beside "
        "1 or 2"
    ),
}

SENTIMENT_SUMS = Table(
    name="sentiment_sums",
    description=(
        "Sums over the customers of each group, from which shares of their texts in the window "
        "follow, and intervals that go by customers."
    ),
    by_month=True,
    is_small=True,
    key=("grouping", "name", "left"),
    totals=(
        Total("customers_kept", "customers", ("all_customers",), of=RFM_FEATURES, by=("grouping",)),
    ),
    columns=(
        Column("grouping", pa.string(), "`segment`, `cluster` (by its label) or `lifecycle`."),
        Column("name", pa.string(), "Name of the group.", sources=_NAMES),
        Column(
            "left", pa.bool_(),
            f"Has no clean review in the {HORIZON_DAYS} days after the snapshot; null where the "
            "data ends sooner.",
            nullable=True, sources=CUSTOMER_DAYS.sources("user_id", "day"),
        ),
        Column(
            "all_customers", pa.int64(), "Customers in the snapshot.", "customers",
            sources=RFM_SEGMENTS.sources("user_id"),
        ),
        Column(
            "customers", pa.int64(), "Those with a text that says something.", "customers",
            sources=_SAID,
        ),
        Column("n", pa.int64(), "Their texts.", "reviews", sources=_SAID),
        Column("nn", pa.int64(), "Sum over the customers of squared texts.", sources=_SAID),
        *(
            Column(
                f"{measure}_{name}", pa.int64(), described.format(what=_WHAT[measure]),
                sources=_SAID,
            )
            for measure in MEASURES
            for name, described in _SUMS.items()
        ),
    ),
)  # fmt: skip

_TOGETHER = ", for all groups of the grouping together"

_OF_SUMS = SENTIMENT_SUMS.sources("n", "sentiment_y", "negative_y")

SEGMENT_SENTIMENT = Table(
    name="segment_sentiment",
    description=(
        "What the texts of each group's customers say, of their clean reviews in the window: how "
        "negative they are, beside all other customers, beside the same group in the snapshot a "
        "year before, and of those who left after the snapshot beside those who stayed. Intervals "
        "go by customers. Null where nothing is known."
    ),
    by_month=True,
    is_small=True,
    key=("grouping", "name"),
    totals=(
        Total("customers_kept", "customers", ("customers",), of=RFM_FEATURES, by=("grouping",)),
    ),
    columns=(
        Column("grouping", pa.string(), "`segment`, `cluster` (by its label) or `lifecycle`."),
        Column("name", pa.string(), "Name of the group.", sources=SENTIMENT_SUMS.sources("name")),
        Column(
            "customers", pa.int64(), "Customers of the group in the snapshot.", "customers",
            sources=SENTIMENT_SUMS.sources("all_customers"),
        ),
        Column(
            "customers_with_text", pa.int64(), "Those with a text that says something.",
            "customers", sources=_OF_SUMS,
        ),
        Column("reviews", pa.int64(), "Their texts.", "reviews", sources=_OF_SUMS),
        *_with_ends("mean_sentiment", "Mean sentiment of these texts, 0 to 1.", _OF_SUMS, ""),
        Column(
            "effective_reviews", pa.float64(),
            "Texts of as many customers that would tell the share of negative ones as exactly.",
            "reviews", nullable=True, sources=_OF_SUMS,
        ),
        *_with_ends(
            "negative_share", f"Share of texts with a sentiment below {NEGATIVE}.", _OF_SUMS, ""
        ),
        *_with_ends(
            "contradicting_share",
            f"Share of texts with a sentiment below {1 - SURE:.1f} beside 4 or 5 stars, or above "
            f"{SURE} beside 1 or 2.",
            SENTIMENT_SUMS.sources("contradicting_y", "n"), "",
        ),
        *_with_ends(
            "against_others", "Share of negative texts less that of all other customers.", _OF_SUMS,
            _TOGETHER,
        ),
        *_with_ends(
            "change", "Share of negative texts less that of the group a year before.", _OF_SUMS,
            _TOGETHER,
        ),
        Column(
            "left_customers", pa.int64(),
            f"Customers without a clean review in the {HORIZON_DAYS} days after the snapshot.",
            "customers", nullable=True, sources=SENTIMENT_SUMS.sources("left", "all_customers"),
        ),
        Column(
            "negative_share_left", pa.float64(), "Share of negative texts of those who left.",
            nullable=True, sources=SENTIMENT_SUMS.sources("left", "negative_y", "n"),
        ),
        Column(
            "negative_share_stayed", pa.float64(), "The same of those who stayed.",
            nullable=True, sources=SENTIMENT_SUMS.sources("left", "negative_y", "n"),
        ),
        *_with_ends(
            "left_difference", "The former less the latter.",
            SENTIMENT_SUMS.sources("left", "negative_y", "n"), _TOGETHER,
        ),
    ),
)  # fmt: skip

SENTIMENT_BY_STARS = Table(
    name="sentiment_by_stars",
    description="Texts of the window's customers by stars and tenth of sentiment.",
    by_month=True,
    is_small=True,
    key=("stars", "tenth"),
    columns=(
        Column(
            "stars", pa.int32(), "Stars given.", "stars", sources=REVIEW_SENTIMENT.sources("rating")
        ),
        Column("tenth", pa.int32(), "From 1, sentiment below 0.1, to 10.", sources=_SAID),
        Column("reviews", pa.int64(), "Reviews.", "reviews", sources=_SAID),
    ),
)

OWN_POSITIVE, OTHERS_NEGATIVE = "own_positive", "others_negative"

SEGMENT_WORDS = Table(
    name="segment_words",
    description=(
        "Words and pairs of words that most tell a segment's negative texts from its own positive "
        "ones, and from the negative ones of other segments: log odds with an informative "
        "Dirichlet prior, counted in customers. Those that few customers use, or that could be "
        "there by chance, are left out. Of a large category a part of the customers is read."
    ),
    by_month=True,
    is_small=True,
    key=("segment", "against", "term"),
    columns=(
        RFM_SEGMENTS.carried("segment"),
        Column("against", pa.string(), f"`{OWN_POSITIVE}` or `{OTHERS_NEGATIVE}`."),
        Column("term", pa.string(), "Word, or pair of words, in small letters.", sources=_TEXT),
        Column(
            "customers", pa.int64(), "Customers of the segment with it in a negative text.",
            "customers", sources=_TEXT,
        ),
        Column("share", pa.float64(), "Of its customers with a negative text.", sources=_TEXT),
        Column("share_against", pa.float64(), "The same of those compared with.", sources=_TEXT),
        Column("log_odds", pa.float64(), "Difference of the log odds.", sources=_TEXT),
        Column("z", pa.float64(), "The same in standard errors.", sources=_TEXT),
    ),
)  # fmt: skip
