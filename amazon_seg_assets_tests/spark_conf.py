"""Spark's settings in tests: of the suite's session, and of runs in processes of their own."""

import shlex
import sys

# There is next to no data: without its slow compiler Java takes far less of the processors.
FAST_COMPILER = "-XX:TieredStopAtLevel=1"
# Nor is code generated for each of many short queries: the main job's test, on its own settings,
# has it, and a cluster without it is to give the same.
NO_CODE = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}
SPARK_CONF = NO_CODE | {
    "spark.sql.shuffle.partitions": "2",
    "spark.driver.memory": "2g",
    "spark.driver.extraJavaOptions": FAST_COMPILER,
}
# Of a cluster on this machine; the Python of its PATH may be another.
EXECUTORS_HERE = {
    "spark.pyspark.python": sys.executable,
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
}
EXECUTOR_CONF = EXECUTORS_HERE | {
    "spark.executor.memory": "1g",
    "spark.executor.extraJavaOptions": FAST_COMPILER,
}


def in_environment(*confs: dict[str, str]) -> dict[str, str]:
    """Settings as the variable of the environment by which a command gets them."""
    pairs = (f"{key}={value}" for conf in confs for key, value in conf.items())
    return {"AMAZON_SEG_SPARK_CONF": shlex.join(pairs)}
