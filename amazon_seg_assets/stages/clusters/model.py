"""The fitted clusters as a Spark ML pipeline, to assign customers and to score new ones."""

from collections.abc import Sequence

from pyspark.ml import PipelineModel, Transformer
from pyspark.ml.clustering import KMeansModel
from pyspark.ml.feature import SQLTransformer, StandardScalerModel, VectorAssembler
from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from amazon_seg_assets.spark.internals import kmeans_model, named, scaler_model
from amazon_seg_assets.stages.clusters.points import Standardization

PREDICTION = "cluster"
_LOGS = ["log_frequency_", "log_monetary_"]
_ASSEMBLED, _STANDARDIZED = "assembled_", "standardized_"


def build_model(
    spark: SparkSession, scale: Standardization, centers: Sequence[Sequence[float]]
) -> PipelineModel:
    """A pipeline of log, assembler, scaler and K-Means.

    It takes ``recency`` (days), ``frequency`` (reviews) and ``monetary`` (USD), and adds
    ``cluster``, the number of the nearest center.

    Args:
        spark: the session.
        scale: standardization of recency, log1p(frequency) and log1p(monetary).
        centers: in standardized units, one a cluster, in the order of cluster numbers.
    """
    logs = SQLTransformer(
        statement=f"SELECT *, log1p(frequency) AS {_LOGS[0]}, log1p(monetary) AS {_LOGS[1]} "
        "FROM __THIS__"
    )
    assembler = VectorAssembler(inputCols=["recency", *_LOGS], outputCol=_ASSEMBLED)
    stages: list[Transformer] = [logs, assembler, _scaler(spark, scale), _kmeans(spark, centers)]
    for name, stage in zip(("log", "assembler", "scaler", "kmeans"), stages, strict=True):
        named(stage, f"amazon_seg_{name}")
    return named(PipelineModel(stages), "amazon_seg_cluster_model")


def assign_clusters(
    model: PipelineModel, customers: DataFrame, labels: Sequence[str], counts: Observation
) -> DataFrame:
    """Adds ``cluster`` and ``cluster_label`` to customers, and none of the pipeline's columns.

    Args:
        model: as of ``build_model``.
        customers: ``recency`` (days), ``frequency`` (reviews) and ``monetary`` (USD).
        labels: of the clusters, in the order of their numbers.
        counts: receives, by the number of each cluster, the customers that it has got.
    """
    clustered = model.transform(customers).select(*customers.columns, PREDICTION)
    label = F.element_at(F.array(*map(F.lit, labels)), F.col(PREDICTION) + 1)
    return clustered.withColumn("cluster_label", label).observe(
        counts,
        *(F.count_if(F.col(PREDICTION) == c).alias(str(c)) for c in range(len(labels))),
    )


def _scaler(spark: SparkSession, scale: Standardization) -> StandardScalerModel:
    scaler = scaler_model(spark, "amazon_seg_scaler", scale.mean, scale.sd)
    scaler.set(scaler.withMean, True)
    scaler.set(scaler.withStd, True)
    return scaler.setInputCol(_ASSEMBLED).setOutputCol(_STANDARDIZED)


def _kmeans(spark: SparkSession, centers: Sequence[Sequence[float]]) -> KMeansModel:
    model = kmeans_model(spark, "amazon_seg_kmeans", centers)
    model.set(model.k, len(centers))
    return model.setFeaturesCol(_STANDARDIZED).setPredictionCol(PREDICTION)
