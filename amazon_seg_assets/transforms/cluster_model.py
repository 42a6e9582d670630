"""The fitted clusters as a Spark ML pipeline, to assign customers and to score new ones."""

from __future__ import annotations

from collections.abc import Sequence

from py4j.java_gateway import JavaGateway, JavaObject
from pyspark.ml import PipelineModel, Transformer
from pyspark.ml.clustering import KMeansModel
from pyspark.ml.common import _py2java
from pyspark.ml.feature import SQLTransformer, StandardScalerModel, VectorAssembler
from pyspark.ml.linalg import Vectors
from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from amazon_seg_assets.transforms.points import Standardization

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
        stage._resetUid(f"amazon_seg_{name}")
    model = PipelineModel(stages)
    model._resetUid("amazon_seg_cluster_model")
    return model


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
    # There is no Python constructor from a given mean and deviation; the JVM has one.
    java = _gateway(spark).jvm.org.apache.spark.ml.feature.StandardScalerModel(
        "amazon_seg_scaler", _vector(spark, scale.sd), _vector(spark, scale.mean)
    )
    scaler = StandardScalerModel(java)
    scaler._resetUid("amazon_seg_scaler")
    return scaler._set(inputCol=_ASSEMBLED, outputCol=_STANDARDIZED, withMean=True, withStd=True)


def _kmeans(spark: SparkSession, centers: Sequence[Sequence[float]]) -> KMeansModel:
    # Nor is there one from given centers.
    gateway = _gateway(spark)
    jvm = gateway.jvm.org.apache.spark
    vectors = gateway.new_array(jvm.mllib.linalg.Vector, len(centers))
    for index, center in enumerate(centers):
        vectors[index] = jvm.mllib.linalg.Vectors.fromML(_vector(spark, center))
    java = jvm.ml.clustering.KMeansModel(
        "amazon_seg_kmeans", jvm.mllib.clustering.KMeansModel(vectors)
    )
    model = KMeansModel(java)
    model._resetUid("amazon_seg_kmeans")
    return model._set(featuresCol=_STANDARDIZED, predictionCol=PREDICTION, k=len(centers))


def _vector(spark: SparkSession, values: Sequence[float]) -> JavaObject:
    return _py2java(spark.sparkContext, Vectors.dense(values))


def _gateway(spark: SparkSession) -> JavaGateway:
    gateway = spark.sparkContext._gateway
    assert gateway is not None  # only before the first session
    return gateway
