"""Scores of the snapshot's customers."""

from pyspark.ml import PipelineModel
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from amazon_seg_assets.spark.sums import total_usd
from amazon_seg_assets.stages.churn.logistic import SCORE, Logistic
from amazon_seg_assets.stages.churn.reasons import reasons
from amazon_seg_assets.stages.churn.tables import CHURN_SCORES, CHURN_SUMMARY, HIGH, LOW, MIDDLE

THIRD = 1 / 3


def churn_scores(
    features: DataFrame, values: DataFrame, model: PipelineModel, told_by: Logistic
) -> DataFrame:
    """Scores customers, with what is lost by each and why.

    Args:
        features: columns of ``churn_features``.
        values: ``user_id`` and ``expected_spend_12m`` of the same customers.
        model: the pipeline.
        told_by: the same model, whose terms give the reasons.

    Returns:
        Columns of ``churn_scores``.
    """
    scored = model.transform(features).select("user_id", SCORE, *reasons(told_by.contributions()))
    valued = scored.join(values, "user_id", "left")
    return valued.withColumns(
        {
            "band": band(F.col(SCORE)),
            "expected_loss": F.col(SCORE) * F.coalesce("expected_spend_12m", F.lit(0.0)),
        }
    ).select(*CHURN_SCORES.column_names)


def band(probability: Column) -> Column:
    """``low`` below a third, ``high`` above two thirds, ``middle`` between."""
    return F.when(probability < THIRD, LOW).when(probability > 2 * THIRD, HIGH).otherwise(MIDDLE)


def summary() -> list[Column]:
    """Customers by band, and what is lost, to be observed while scores are written."""
    return [
        *(
            F.count_if(F.col("band") == name).alias(f"customers_{name}")
            for name in (LOW, MIDDLE, HIGH)
        ),
        F.coalesce(F.round(F.sum("expected_loss"), 2), F.lit(0.0)).alias("expected_loss_usd"),
        F.coalesce(F.round(F.mean(SCORE), 6), F.lit(0.0)).alias("mean_probability"),
    ]


def no_scores(customers: DataFrame) -> DataFrame:
    """Columns of ``churn_scores`` where the data carries no model: null but for the customer."""
    columns = {column.name: column.type for column in CHURN_SCORES.columns[1:]}
    kinds = {
        name: "double" if str(kind) == "double" else "string" for name, kind in columns.items()
    }
    nothing = [F.lit(None).cast(kind).alias(name) for name, kind in kinds.items()]
    return customers.select("user_id", *nothing)


def by_segment(found: DataFrame, segments: DataFrame) -> DataFrame:
    """Sums up scores by segment and band.

    Args:
        found: columns of ``churn_scores``.
        segments: ``user_id`` and ``segment`` of the same customers.

    Returns:
        Columns of ``churn_summary``, in order.
    """
    keys = ["segment", "band"]
    summed = (
        found.join(segments, "user_id")
        .groupBy(*keys)
        .agg(
            F.count(F.lit(1)).alias("customers"),
            # To six decimals, as sums of doubles depend on the order of the rows.
            F.coalesce(total_usd(F.col(SCORE)), F.lit(0.0)).alias("expected_churners"),
            F.coalesce(total_usd(F.col("expected_loss")), F.lit(0.0)).alias("expected_loss"),
        )
    )
    return summed.select(*CHURN_SUMMARY.column_names).coalesce(1).sortWithinPartitions(*keys)
