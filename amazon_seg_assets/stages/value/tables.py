"""The models of customer value, how they did a year before, and the value of each customer."""

import pyarrow as pa

from amazon_seg_assets.schema import Column, Table, Total
from amazon_seg_assets.stages.history.tables import CUSTOMER_DAYS
from amazon_seg_assets.stages.rfm.tables import RFM_FEATURES

NOW, A_YEAR_BEFORE = "now", "a year before"

HORIZON_DAYS = 180
"""Days without a clean review after which a customer counts as churned, unless set otherwise."""

HORIZONS = {"3m": 3, "6m": 6, "12m": 12}
"""Months that purchases and spend are told for, by the ends of the columns' names."""

_DAYS = CUSTOMER_DAYS.sources("user_id", "day")
_SPEND = CUSTOMER_DAYS.sources("spend")

VALUE_MODEL = Table(
    name="value_model",
    description=(
        "Parameters of BG/NBD (purchases, in weeks) and Gamma-Gamma (spend on a day of purchase, "
        "USD), by maximum likelihood over all customers of the history up to the snapshot, and "
        "over those of a year before. A purchase is a day with a clean review. Without enough "
        "customers who came again there are none, which the metadata tells."
    ),
    by_month=True,
    is_small=True,
    key=("as_of", "model", "parameter"),
    columns=(
        Column("as_of", pa.string(), f"`{NOW}` or `{A_YEAR_BEFORE}`."),
        Column("model", pa.string(), "`bg_nbd` or `gamma_gamma`."),
        Column("parameter", pa.string(), "Name of the parameter, as in the papers."),
        Column("value", pa.float64(), "The estimate.", sources=(*_DAYS, *_SPEND)),
        Column(
            "standard_error",
            pa.float64(),
            "Its standard error, by the curvature of the likelihood; null where that has none.",
            nullable=True,
            sources=(*_DAYS, *_SPEND),
        ),
    ),
)

VALUE_BACKTEST = Table(
    name="value_backtest",
    description=(
        "Purchases of the last year beside what BG/NBD expected a year before, when it knew "
        "nothing of that year, and beside as many as in the year before."
    ),
    by_month=True,
    is_small=True,
    key=("grouping", "name"),
    columns=(
        Column("grouping", pa.string(), "`repeats` (after the first) or `cohort` (year)."),
        Column("name", pa.string(), "Name of the group.", sources=_DAYS),
        Column("customers", pa.int64(), "Customers then.", "customers", sources=_DAYS),
        Column("expected", pa.float64(), "Purchases expected.", "days", sources=_DAYS),
        Column("actual", pa.int64(), "Purchases.", "days", sources=_DAYS),
        Column("as_last_year", pa.int64(), "Purchases of the year before.", "days", sources=_DAYS),
    ),
)

CUSTOMER_VALUE = Table(
    name="customer_value",
    description=(
        "What each customer of `rfm_features` can be expected to buy, by BG/NBD and Gamma-Gamma. "
        "A purchase is a day with a clean review. For customers who came once `p_alive` is 1 by "
        "the model, which lets nobody leave but after a purchase: look at `p_no_purchase`. Null "
        "where there are too few customers to fit the models."
    ),
    by_month=True,
    # Rows are the groups of one aggregation: to look for repeated keys would cost a pass.
    totals=(Total("customers_kept", "customers", of=RFM_FEATURES),),
    columns=(
        RFM_FEATURES.carried("user_id"),
        Column(
            "purchase_days", pa.int64(), "Days with a clean review, ever.", "days", sources=_DAYS
        ),
        Column(
            "p_alive",
            pa.float64(),
            "Probability that the customer has not left, 0 to 1.",
            nullable=True,
            sources=_DAYS,
        ),
        Column(
            "p_no_purchase",
            pa.float64(),
            "Probability that nothing is bought within the horizon of churn, 0 to 1.",
            nullable=True,
            sources=_DAYS,
        ),
        *(
            Column(
                f"expected_purchases_{end}",
                pa.float64(),
                f"Purchases expected in the next {months} months.",
                "days",
                nullable=True,
                sources=_DAYS,
            )
            for end, months in HORIZONS.items()
        ),
        *(
            Column(
                f"expected_spend_{end}",
                pa.float64(),
                f"Spend expected in the next {months} months, discounted.",
                "USD",
                nullable=True,
                sources=(*_DAYS, *_SPEND),
            )
            for end, months in HORIZONS.items()
        ),
    ),
)
