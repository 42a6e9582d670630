"""The fitted clusters as a Spark ML pipeline, to assign customers and to score new ones."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.ml import PipelineModel
from pyspark.ml.clustering import KMeansModel
from pyspark.ml.common import _py2java
from pyspark.ml.feature import SQLTransformer, StandardScalerModel, VectorAssembler
from pyspark.ml.linalg import Vectors
from pyspark.sql import DataFrame, SparkSession

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
    stages = [logs, assembler, _scaler(spark, scale), _kmeans(spark, centers)]
    for name, stage in zip(("log", "assembler", "scaler", "kmeans"), stages, strict=True):
        stage._resetUid(f"amazon_seg_{name}")
    model = PipelineModel(stages)
    model._resetUid("amazon_seg_cluster_model")
    return model


def assign_clusters(model: PipelineModel, customers: DataFrame) -> DataFrame:
    """Adds ``cluster`` to customers, and none of the pipeline's inner columns."""
    return model.transform(customers).select(*customers.columns, PREDICTION)


def _scaler(spark: SparkSession, scale: Standardization) -> StandardScalerModel:
    # There is no Python constructor from a given mean and deviation; the JVM has one.
    context = spark.sparkContext
    java = context._jvm.org.apache.spark.ml.feature.StandardScalerModel(
        "amazon_seg_scaler",
        _py2java(context, Vectors.dense(scale.sd)),
        _py2java(context, Vectors.dense(scale.mean)),
    )
    scaler = StandardScalerModel(java)
    scaler._resetUid("amazon_seg_scaler")
    return scaler._set(inputCol=_ASSEMBLED, outputCol=_STANDARDIZED, withMean=True, withStd=True)


def _kmeans(spark: SparkSession, centers: Sequence[Sequence[float]]) -> KMeansModel:
    # Nor is there one from given centers.
    context = spark.sparkContext
    jvm = context._jvm
    vectors = context._gateway.new_array(jvm.org.apache.spark.mllib.linalg.Vector, len(centers))
    for index, center in enumerate(centers):
        values = context._gateway.new_array(jvm.double, len(center))
        for place, value in enumerate(center):
            values[place] = float(value)
        vectors[index] = jvm.org.apache.spark.mllib.linalg.Vectors.dense(values)
    parent = jvm.org.apache.spark.mllib.clustering.KMeansModel(vectors)
    java = jvm.org.apache.spark.ml.clustering.KMeansModel("amazon_seg_kmeans", parent)
    model = KMeansModel(java)
    model._resetUid("amazon_seg_kmeans")
    return model._set(featuresCol=_STANDARDIZED, predictionCol=PREDICTION, k=len(centers))
