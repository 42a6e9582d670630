"""The models of customer value, how they did a year before, and the value of each customer."""

import pandas as pd
from dagster import Config
from pydantic import Field
from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F

from amazon_seg_assets.dag.declaration import AllBefore, plot, snapshot_asset
from amazon_seg_assets.dag.handles import Snapshot, Stored
from amazon_seg_assets.dag.metadata import in_units, shown
from amazon_seg_assets.plots.style import Picture
from amazon_seg_assets.stages.history.assets import last_day_of
from amazon_seg_assets.stages.history.tables import CUSTOMER_DAYS
from amazon_seg_assets.stages.rfm.assets import scope
from amazon_seg_assets.stages.rfm.tables import RFM_FEATURES
from amazon_seg_assets.stages.value import (
    bg_nbd,
    expectations,
    histories,
    models,
    plots,
)
from amazon_seg_assets.stages.value.bg_nbd import Histories, Params
from amazon_seg_assets.stages.value.gamma_gamma import NAMES
from amazon_seg_assets.stages.value.likelihood import Fit
from amazon_seg_assets.stages.value.models import Models
from amazon_seg_assets.stages.value.tables import (
    A_YEAR_BEFORE,
    CUSTOMER_VALUE,
    HORIZON_DAYS,
    NOW,
    VALUE_BACKTEST,
    VALUE_MODEL,
)

TOLD = ("expected_purchases_12m", "expected_spend_12m")
"""Figures of all customers together that the metadata tells."""


class ValueConfig(Config):
    """The horizon and the discount of expectations."""

    horizon_days: int = Field(
        HORIZON_DAYS, description="Horizon of `p_no_purchase`, in days.", ge=30, le=365
    )
    discount_rate: float = Field(
        0.0, description="Discount of future spend, a year, such as 0.1.", ge=0, le=1
    )


@snapshot_asset(
    CUSTOMER_VALUE,
    VALUE_MODEL,
    VALUE_BACKTEST,
    reads=[RFM_FEATURES, AllBefore(CUSTOMER_DAYS)],
    kinds={"pyspark", "scipy"},
)
def customer_value(snapshot: Snapshot, config: ValueConfig) -> list[Stored]:
    """Fits the models to all histories, judges them by the last year, and applies them."""
    seen = histories.purchase_histories(
        snapshot.read(CUSTOMER_DAYS, histories.DAY_COLUMNS),
        snapshot.read(RFM_FEATURES, ["user_id"]),
        last_day_of(snapshot),
    ).persist()
    try:
        now, then = histories.distinct_histories(seen), histories.distinct_histories_then(seen)
        if reason := models.too_few(now):
            return [
                snapshot.store(expectations.unknown_value(seen), CUSTOMER_VALUE),
                snapshot.store_nothing(VALUE_MODEL, {"reason": reason}),
                snapshot.store_nothing(VALUE_BACKTEST, {"reason": reason}),
            ]
        fitted = models.fit(now, histories.spenders(seen))
        before = None if models.too_few(then) else bg_nbd.fit(then)
        return [
            _values(snapshot, seen, fitted, config),
            _model(snapshot, now, fitted, before),
            _backtest(snapshot, seen, then, before),
        ]
    finally:
        seen.unpersist()


def _model(snapshot: Snapshot, now: Histories, fitted: Models, before: Fit | None) -> Stored:
    fits = {"bg_nbd": (bg_nbd.NAMES, fitted.purchases), "gamma_gamma": (NAMES, fitted.spend)}
    tables = [models.parameters(NOW, fits)]
    if before is not None:
        tables.append(models.parameters(A_YEAR_BEFORE, {"bg_nbd": (bg_nbd.NAMES, before)}))
    table = pd.concat(tables, ignore_index=True)
    figures = {
        "customers": int(now.customers.sum()),
        "repeat_customers": int(now.customers[now.x > 0].sum()),
        "priced_share": fitted.priced_share,
        "spend_correlation": fitted.spend_correlation,
        "starts_that_agree": fitted.agreeing,
        "log_likelihood_bg_nbd": fitted.purchases.log_likelihood,
        "log_likelihood_gamma_gamma": fitted.spend.log_likelihood,
    }
    stored = snapshot.store(table, VALUE_MODEL, {"reason": None, **figures})
    return stored.telling(**figures, parameters=shown(table))


def _backtest(snapshot: Snapshot, seen: DataFrame, then: Histories, before: Fit | None) -> Stored:
    if before is None:
        reason = models.too_few(then)
        return snapshot.store_nothing(VALUE_BACKTEST, {"reason": reason})
    judged = models.backtest(
        Params(*before.params.tolist()), histories.last_year(seen, then.customers.sum())
    )
    figures = {"error": judged.error, "naive_error": judged.naive_error, "bias": judged.bias}
    stored = snapshot.store(judged.table, VALUE_BACKTEST, {"reason": None, **figures})
    return stored.telling(**figures, groups=shown(judged.table))


def _values(snapshot: Snapshot, seen: DataFrame, fitted: Models, config: ValueConfig) -> Stored:
    values = expectations.customer_value(
        seen, fitted.params, config.horizon_days, config.discount_rate
    )
    how = {"horizon_days": config.horizon_days, "discount_rate": config.discount_rate}
    sums = Observation()
    total = [F.coalesce(F.round(F.sum(name), 2), F.lit(0.0)).alias(name) for name in TOLD]
    stored = snapshot.store(values.observe(sums, *total), CUSTOMER_VALUE, how)
    return stored.telling(**stored.facts, **in_units(sums.get, usd=["expected_spend_12m"]))


@plot(
    reads=[VALUE_BACKTEST, RFM_FEATURES],
    section="models",
    caption="What the model of purchases expected a year ago, beside what came, by how often "
    "customers had come again until then, and by the year in which they came first.",
)
def value_backtest_plot(snapshot: Snapshot) -> Picture:
    """Expected and actual purchases of the last year, a customer, by repeats and by cohort."""
    return plots.backtest(snapshot.small(VALUE_BACKTEST), scope(snapshot))
