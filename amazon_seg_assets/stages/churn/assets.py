"""Churn: features, the judged model, and the scores of the snapshot's customers."""

from dataclasses import asdict

import pandas as pd
from dagster import Config
from pydantic import Field
from pyspark.ml import PipelineModel
from pyspark.sql import Observation

from amazon_seg_assets.dag.declaration import AllBefore, plot, snapshot_asset
from amazon_seg_assets.dag.handles import Snapshot, Stored
from amazon_seg_assets.dag.metadata import shown
from amazon_seg_assets.plots.style import Picture
from amazon_seg_assets.stages.churn import (
    drift,
    features,
    logistic,
    plots,
    samples,
    scores,
    training,
)
from amazon_seg_assets.stages.churn.cutoffs import cutoffs
from amazon_seg_assets.stages.churn.model_used import MODEL, REASON, stored_model
from amazon_seg_assets.stages.churn.tables import (
    CHURN_CALIBRATION,
    CHURN_CURVES,
    CHURN_EVALUATION,
    CHURN_FEATURES,
    CHURN_IMPORTANCE,
    CHURN_MODEL,
    CHURN_SCORES,
    CHURN_SUMMARY,
)
from amazon_seg_assets.stages.history.assets import last_day_of
from amazon_seg_assets.stages.history.tables import CUSTOMER_DAYS
from amazon_seg_assets.stages.rfm.assets import scope
from amazon_seg_assets.stages.rfm.tables import RFM_FEATURES
from amazon_seg_assets.stages.segments.tables import RFM_SEGMENTS
from amazon_seg_assets.stages.value.tables import CUSTOMER_VALUE, HORIZON_DAYS
from amazon_seg_assets.storage.locations import spark_path

SMALL = (CHURN_EVALUATION, CHURN_CALIBRATION, CHURN_CURVES, CHURN_IMPORTANCE)


class ChurnConfig(Config):
    """The definition of churn."""

    horizon_days: int = Field(
        HORIZON_DAYS,
        description="Days without a clean review after which a customer counts as churned.",
        ge=30,
        le=365,
    )


@snapshot_asset(CHURN_FEATURES, reads=[RFM_FEATURES, AllBefore(CUSTOMER_DAYS)], kinds={"pyspark"})
def churn_features(snapshot: Snapshot) -> Stored:
    """Sums up what was known of each customer as of the snapshot's last day."""
    days, bins = snapshot.read(CUSTOMER_DAYS, features.DAY_COLUMNS), Observation()
    found = features.churn_features(days, last_day_of(snapshot))
    counted = found.observe(bins, *drift.counts(drift.FEATURE_EDGES))
    return snapshot.store(counted, facts=lambda _: bins.get)


@snapshot_asset(
    *SMALL, reads=[RFM_FEATURES, AllBefore(CUSTOMER_DAYS)], kinds={"pyspark", "scikitlearn"}
)
def churn_evaluation(snapshot: Snapshot, config: ChurnConfig) -> list[Stored]:
    """Fits models of churn on earlier cut-offs, and judges them by what came."""
    when = cutoffs(last_day_of(snapshot), config.horizon_days)
    days = snapshot.read(CUSTOMER_DAYS, features.DAY_COLUMNS)
    found = samples.sample(days, when, snapshot.rows(RFM_FEATURES))
    told = {name: str(value) for name, value in asdict(when).items()}
    if reason := training.too_little(found.train, found.later):
        return [snapshot.store_nothing(table, {REASON: reason, **told}) for table in SMALL]
    judged = training.judge(found, when.horizon_days)
    strongest, name = judged.strongest
    figures = {
        "kind": judged.kind,
        "customers_fitted": int((~found.train["held_out"]).sum()),
        "roc_auc_of_all": judged.auc_of_all,
        "strongest_feature": name,
        "strongest_feature_auc": strongest,
        "base_rate": judged.base_rate,
    }
    facts = {REASON: None, **told, **figures, MODEL: judged.model.to_facts()}
    of_chosen = judged.table[judged.table["model"] == "chosen"]
    return [
        snapshot.store(judged.table, CHURN_EVALUATION, facts).telling(
            **figures, **told, chosen=shown(of_chosen), models=shown(judged.table)
        ),
        snapshot.store(judged.calibration, CHURN_CALIBRATION).telling(
            tenths=shown(judged.calibration)
        ),
        snapshot.store(judged.curves, CHURN_CURVES),
        snapshot.store(judged.importance, CHURN_IMPORTANCE).telling(
            importance=shown(judged.importance)
        ),
    ]


@snapshot_asset(CHURN_MODEL, reads=[CHURN_EVALUATION], kinds={"pyspark", "sparkmllib"})
def churn_model(snapshot: Snapshot) -> Stored:
    """Builds the pipeline that scores customers; an empty one where the data carries no model."""
    model, _ = stored_model(snapshot.storage, snapshot.month), snapshot.spark
    built = PipelineModel([]) if model is None else logistic.pipeline(model)
    with snapshot.replacing_in_place() as folder:
        built.save(spark_path(folder))
    return snapshot.stored(terms=0 if model is None else len(model.terms))


@snapshot_asset(
    CHURN_SCORES,
    reads=[CHURN_MODEL, CHURN_EVALUATION, CHURN_FEATURES, CUSTOMER_VALUE],
    kinds={"pyspark", "sparkmllib"},
)
def churn_scores(snapshot: Snapshot) -> Stored:
    """Scores the customers of the snapshot, with what is lost and why."""
    model = stored_model(snapshot.storage, snapshot.month)
    customers = snapshot.read(CHURN_FEATURES)
    if model is None:
        return snapshot.store(scores.no_scores(customers))
    applied = PipelineModel.load(spark_path(snapshot.folder(CHURN_MODEL)))
    values = snapshot.read(CUSTOMER_VALUE, ["user_id", "expected_spend_12m"])
    told, bins = Observation(), Observation()
    found = scores.churn_scores(customers, values, applied, model).observe(told, *scores.summary())
    counted = found.observe(bins, *drift.counts(drift.SCORE_EDGES))
    stored = snapshot.store(counted, facts=lambda _: {**told.get, **bins.get})
    return stored.telling(**told.get)


@snapshot_asset(CHURN_SUMMARY, reads=[CHURN_SCORES, RFM_SEGMENTS], kinds={"pyspark"})
def churn_summary(snapshot: Snapshot) -> Stored:
    """Sums up the scores of each segment."""
    segments = snapshot.read(RFM_SEGMENTS, ["user_id", "segment"])
    summed = scores.by_segment(snapshot.read(CHURN_SCORES), segments)
    table = pd.DataFrame(summed.toPandas())
    return snapshot.store(table).telling(segments=shown(table))


@plot(
    reads=[CHURN_CALIBRATION, RFM_FEATURES],
    section="models",
    caption="Churn as predicted and as it came, by tenths of the customers: on the line, a "
    "probability means what it says.",
)
def churn_calibration_plot(snapshot: Snapshot) -> Picture:
    """Predicted and observed churn of held-out customers of a later snapshot."""
    return plots.calibration(snapshot.small(CHURN_CALIBRATION), scope(snapshot))


@plot(
    reads=[CHURN_EVALUATION, RFM_FEATURES],
    section="churn",
    caption="How well the model tells who will leave, beside simple rules: the further right, the "
    "better; lines are intervals of 95 %.",
)
def churn_models_plot(snapshot: Snapshot) -> Picture:
    """ROC AUC of the models with intervals, for all customers and for those who came again."""
    return plots.models(snapshot.small(CHURN_EVALUATION), scope(snapshot))


@plot(
    reads=[CHURN_CURVES, RFM_FEATURES],
    section="models",
    caption="Left: churners found, by false alarms. Right: churned share of those addressed first, "
    "as a multiple of that of all.",
)
def churn_curves_plot(snapshot: Snapshot) -> Picture:
    """ROC and lift curves of the models."""
    return plots.curves(snapshot.small(CHURN_CURVES), scope(snapshot))


@plot(
    reads=[CHURN_IMPORTANCE, RFM_FEATURES],
    section="models",
    caption="What the model leans on: the ROC AUC that is lost if a feature is shuffled.",
)
def churn_importance_plot(snapshot: Snapshot) -> Picture:
    """Permutation importance of the features, the most important first."""
    return plots.importance(snapshot.small(CHURN_IMPORTANCE), scope(snapshot))
