"""Parts of PySpark that are private, each for want of a public way; as of PySpark 4.3.0.

Importing this module does not import PySpark, which takes most of a second.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence
from subprocess import Popen
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from py4j.java_gateway import JavaGateway, JavaObject
    from pyspark import SparkContext
    from pyspark.ml import PipelineModel, Transformer
    from pyspark.ml.clustering import GaussianMixtureModel, KMeansModel
    from pyspark.ml.feature import StandardScalerModel
    from pyspark.sql import DataFrame, SparkSession

Stage = TypeVar("Stage", bound="Transformer | PipelineModel")


def active_context() -> SparkContext | None:
    """The context of this process, if there is one.

    The active session is each thread's own, and `SparkContext.getOrCreate` would start one.
    """
    pyspark = sys.modules.get("pyspark")
    return pyspark.SparkContext._active_spark_context if pyspark is not None else None


def is_stopped(context: SparkContext) -> bool:
    """Tells whether Spark has ended, which a cluster may decide and Python is not told."""
    return context._jsc.sc().isStopped()


def has_java() -> bool:
    """Tells whether a Java is there, as it outlives contexts."""
    return _gateway_of_process() is not None


def java_process() -> Popen[bytes] | None:
    """The Java that this process has started for Spark, which alone tells how it ended."""
    return getattr(_gateway_of_process(), "proc", None)


def scaler_model(
    spark: SparkSession, uid: str, mean: Sequence[float], sd: Sequence[float]
) -> StandardScalerModel:
    """A scaler of given means and deviations, for which Python has no constructor, but Java has."""
    from pyspark.ml.feature import StandardScalerModel

    constructor = _gateway(spark).jvm.org.apache.spark.ml.feature.StandardScalerModel
    return StandardScalerModel(constructor(uid, _vector(spark, sd), _vector(spark, mean)))


def kmeans_model(spark: SparkSession, uid: str, centers: Sequence[Sequence[float]]) -> KMeansModel:
    """A K-Means model of given centers, for which Python has no constructor, but Java has."""
    from pyspark.ml.clustering import KMeansModel

    gateway = _gateway(spark)
    jvm = gateway.jvm.org.apache.spark
    vectors = gateway.new_array(jvm.mllib.linalg.Vector, len(centers))
    for index, center in enumerate(centers):
        vectors[index] = jvm.mllib.linalg.Vectors.fromML(_vector(spark, center))
    fitted = jvm.mllib.clustering.KMeansModel(vectors)
    return KMeansModel(jvm.ml.clustering.KMeansModel(uid, fitted))


def mixture_model(
    spark: SparkSession,
    uid: str,
    weights: Sequence[float],
    means: Sequence[Sequence[float]],
    covariances: Sequence[Sequence[Sequence[float]]],
) -> GaussianMixtureModel:
    """A mixture of given components, for which Python has no constructor, but Java has."""
    from pyspark.ml.clustering import GaussianMixtureModel

    gateway = _gateway(spark)
    jvm = gateway.jvm.org.apache.spark.ml
    gaussians = gateway.new_array(jvm.stat.distribution.MultivariateGaussian, len(means))
    shares = gateway.new_array(gateway.jvm.double, len(means))
    for index, (weight, mean, covariance) in enumerate(
        zip(weights, means, covariances, strict=True)
    ):
        shares[index] = float(weight)
        gaussians[index] = jvm.stat.distribution.MultivariateGaussian(
            _vector(spark, mean), _matrix(spark, covariance)
        )
    return GaussianMixtureModel(jvm.clustering.GaussianMixtureModel(uid, shares, gaussians))


def hidden_row(spark: SparkSession, values: Mapping[str, bytes]) -> DataFrame:
    """One row of bytes that no plan and no log shows, as they do literals, and that no file holds.

    `createDataFrame` hands rows of Python over by a file, and has no other way; PySpark 4.3.0.
    """
    from pyspark.sql import DataFrame
    from pyspark.sql.types import BinaryType, StructField, StructType

    gateway = _gateway(spark)
    cells = gateway.new_array(gateway.jvm.java.lang.Object, len(values))
    protocol = logging.getLogger("py4j.clientserver")
    protocol.disabled = True  # at level DEBUG it shows what is sent
    try:
        for index, value in enumerate(values.values()):
            cells[index] = value
    finally:
        protocol.disabled = False
    rows = gateway.jvm.java.util.ArrayList()
    rows.add(gateway.jvm.org.apache.spark.sql.RowFactory.create(cells))
    schema = StructType([StructField(name, BinaryType(), nullable=False) for name in values])
    session = spark._jsparkSession
    return DataFrame(session.createDataFrame(rows, session.parseDataType(schema.json())), spark)


def without_checksum_files(spark: SparkSession) -> None:
    """Turns off the files ``.….crc`` that Hadoop writes beside each file on a local disk.

    Of each file that it makes Hadoop sets the mode by a process, which takes longer than to write a
    small month.
    """
    files = _gateway(spark).jvm.org.apache.hadoop.fs.FileSystem
    files.getLocal(spark.sparkContext._jsc.hadoopConfiguration()).setWriteChecksum(False)


def load_sketches(spark: SparkSession) -> None:
    """Loads the classes of sketches, without the warning that they print of any Java beyond 11."""
    jvm = _gateway(spark).jvm
    system, stream = jvm.java.lang.System, jvm.java.io.OutputStream.nullOutputStream()
    former = system.err
    system.setErr(jvm.java.io.PrintStream(stream))
    try:
        jvm.java.lang.Class.forName("org.apache.datasketches.memory.internal.ResourceImpl")
    finally:
        system.setErr(former)


def named(stage: Stage, uid: str) -> Stage:
    """The stage of a pipeline under a name that is the same each time, where Spark draws one."""
    stage._resetUid(uid)
    return stage


def _vector(spark: SparkSession, values: Sequence[float]) -> JavaObject:
    from pyspark.ml.common import _py2java
    from pyspark.ml.linalg import Vectors

    return _py2java(spark.sparkContext, Vectors.dense(values))


def _matrix(spark: SparkSession, rows: Sequence[Sequence[float]]) -> JavaObject:
    from pyspark.ml.common import _py2java
    from pyspark.ml.linalg import Matrices

    by_column = [value for column in zip(*rows, strict=True) for value in column]
    return _py2java(spark.sparkContext, Matrices.dense(len(rows), len(rows[0]), by_column))


def _gateway(spark: SparkSession) -> JavaGateway:
    gateway = spark.sparkContext._gateway
    assert gateway is not None  # only before the first session
    return gateway


def _gateway_of_process() -> JavaGateway | None:
    pyspark = sys.modules.get("pyspark")
    return pyspark.SparkContext._gateway if pyspark is not None else None
