"""The fitted clusters as a Spark ML pipeline, to assign customers and to score new ones."""

from collections.abc import Sequence

from pyspark.ml import PipelineModel, Transformer
from pyspark.ml.clustering import GaussianMixtureModel, KMeansModel
from pyspark.ml.feature import SQLTransformer, StandardScalerModel, VectorAssembler
from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from amazon_seg_assets.spark.internals import kmeans_model, mixture_model, named, scaler_model
from amazon_seg_assets.stages.clusters.algorithms import Spreads
from amazon_seg_assets.stages.clusters.points import Standardization

PREDICTION = "cluster"
_LOGS = ["log_frequency_", "log_monetary_"]
_ASSEMBLED, _STANDARDIZED = "assembled_", "standardized_"


def build_model(
    spark: SparkSession,
    scale: Standardization,
    centers: Sequence[Sequence[float]],
    spreads: Spreads | None = None,
) -> PipelineModel:
    """A pipeline of log, assembler, scaler and clusters.

    It takes ``recency`` (days), ``frequency`` (reviews) and ``monetary`` (USD), and adds
    ``cluster``, the number of the nearest center, or of the likeliest component of a mixture.

    Args:
        spark: the session.
        scale: standardization of recency, log1p(frequency) and log1p(monetary).
        centers: in standardized units, one a cluster, in the order of cluster numbers.
        spreads: of a mixture whose means are the centers.
    """
    logs = SQLTransformer(
        statement=f"SELECT *, log1p(frequency) AS {_LOGS[0]}, log1p(monetary) AS {_LOGS[1]} "
        "FROM __THIS__"
    )
    assembler = VectorAssembler(inputCols=["recency", *_LOGS], outputCol=_ASSEMBLED)
    clusters: Transformer = (
        _kmeans(spark, centers) if spreads is None else _mixture(spark, centers, spreads)
    )
    stages: list[Transformer] = [logs, assembler, _scaler(spark, scale), clusters]
    for name, stage in zip(("log", "assembler", "scaler", "clusters"), stages, strict=True):
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


def _mixture(
    spark: SparkSession, means: Sequence[Sequence[float]], spreads: Spreads
) -> GaussianMixtureModel:
    model = mixture_model(
        spark, "amazon_seg_mixture", spreads.weights.tolist(), means, spreads.covariances.tolist()
    )
    model.set(model.k, len(means))
    # Without the probabilities of all components.
    return model.setFeaturesCol(_STANDARDIZED).setPredictionCol(PREDICTION).setProbabilityCol("")
