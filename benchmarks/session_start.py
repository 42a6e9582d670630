"""Starts Spark in our way or the plain one, and prints the seconds until its first action is done.

Run as ``python -m benchmarks.session_start ours <folder>`` or ``… plain``.
"""

import sys
import time
from pathlib import Path


def main() -> None:
    """Starts, acts, prints."""
    way = sys.argv[1]
    started = time.monotonic()
    if way == "ours":
        from amazon_seg_assets.spark.session import start_session

        session = start_session("local[*]", {}, Path(sys.argv[2]))
    else:
        from pyspark.sql import SparkSession

        session = SparkSession.builder.getOrCreate()
    session.range(1000).selectExpr("sum(id)").collect()
    print(f"seconds {time.monotonic() - started:.3f}")
    session.stop()


if __name__ == "__main__":
    main()
