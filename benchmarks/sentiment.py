"""Measures how many reviews a second get their sentiment: read from Parquet, and written to it.

Run as ``python -m benchmarks.sentiment <folder>``; ``--reviews`` and ``--master`` may be given.
Texts are the built-in sample's, with their published lengths.
"""

import argparse
import json
import shutil
import time
from pathlib import Path

import psutil
from pyspark.sql import functions as F

from amazon_seg_assets.sample.writer import write_sample
from amazon_seg_assets.spark.session import start_session
from amazon_seg_assets.stages.sentiment import learning, scoring

_REPEATS = 3


def main() -> None:
    """Generates, learns from a part, measures, and prints JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--reviews", type=int, default=400_000)
    parser.add_argument("--master", default="local[2]")
    given = parser.parse_args()
    write_sample(given.folder, "Toys", given.reviews)
    spark = start_session(given.master, {}, given.folder / "engine")
    file = given.folder / "raw/review_categories/Toys.jsonl"
    schema = "rating double, text string, user_id string, timestamp bigint"
    raw = spark.read.schema(schema).json(str(file))
    identified = raw.withColumn("review_id", F.sha2(F.to_json(F.struct("*")), 256))
    stored = str(given.folder / "clean")
    month = F.lit("2023-01").alias("month")
    timed = F.timestamp_millis("timestamp").alias("timestamp")
    identified.select("review_id", "user_id", timed, "rating", "text", month).write.mode(
        "overwrite"
    ).parquet(stored)
    part = learning.labelled(identified, of_held_out=True)
    started = time.monotonic()
    model, learnt = learning.fit(part)
    learning_seconds = time.monotonic() - started
    seconds, before = [], _processor_seconds()
    for _ in range(_REPEATS):
        started = time.monotonic()
        told = scoring.review_sentiment(spark.read.parquet(stored), model)
        told.write.mode("overwrite").parquet(str(given.folder / "told"))
        seconds.append(round(time.monotonic() - started, 2))
    processor_seconds = (_processor_seconds() - before) / _REPEATS
    characters = spark.read.parquet(stored).agg(F.avg(F.length("text"))).collect()[0][0]
    figures = {
        "reviews": given.reviews,
        "characters_a_text": round(characters),
        "seconds": seconds,
        "reviews_a_second": round(given.reviews / min(seconds)),
        "reviews_a_processor_second": round(given.reviews / processor_seconds),
        "learning": {"texts": learnt, "seconds": round(learning_seconds, 2)},
    }
    print(json.dumps(figures, indent=1))
    spark.stop()
    for name in ("clean", "told"):
        shutil.rmtree(given.folder / name)


def _processor_seconds() -> float:
    """Processor time of this process, of Java and of its workers, in user and system mode."""
    whole = psutil.Process()
    times = (each.cpu_times() for each in (whole, *whole.children(recursive=True)))
    return sum(each.user + each.system for each in times)


if __name__ == "__main__":
    main()
