"""The original analysis's steps in plain PySpark, each stored once, with stock settings.

What the notebooks do becomes: JSON Lines to Parquet; thirteen months cleaned, joined, RFM, each
written; MLlib's K-Means with its default 20 iterations for each k on cached features, with a
`ClusteringEvaluator` each; ``ntile`` scores and segments.

Run as ``python -m benchmarks.plain_spark <folder with raw/> <folder for results>``.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from pyspark.ml.clustering import KMeans
from pyspark.ml.evaluation import ClusteringEvaluator
from pyspark.ml.feature import StandardScaler, VectorAssembler
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from amazon_seg_assets.rules.categories import load_excluded_categories
from amazon_seg_assets.rules.scheme import load_scheme

SEED = 42
MIN_PRICE = 0.25
_REVIEW = (
    "rating double, title string, text string, images array<struct<small_image_url string, "
    "medium_image_url string, large_image_url string, attachment_type string>>, asin string, "
    "parent_asin string, user_id string, timestamp bigint, helpful_vote bigint, "
    "verified_purchase boolean"
)
_PRODUCT = (
    "main_category string, title string, average_rating double, rating_number bigint, "
    "features array<string>, description array<string>, price string, "
    "images array<struct<thumb string, large string, variant string, hi_res string>>, "
    "videos array<struct<title string, url string, user_id string>>, store string, "
    "categories array<string>, details string, parent_asin string, bought_together string, "
    "subtitle string, author string"
)
_PLACEHOLDERS = ("None", "none", "N/A", "n/a", "null", "NULL", "")


class PlainSpark:
    """The steps, in order.

    Args:
        spark: the session.
        source: folder in the hub's layout.
        results: folder of what is stored.
        category: whose reviews.
    """

    def __init__(self, spark: SparkSession, source: Path, results: Path, category: str) -> None:
        self._spark, self._source, self._results = spark, source, results
        self._category = category

    def _store(self, frame: DataFrame, table: str) -> None:
        frame.write.mode("overwrite").parquet(str(self._results / table))

    def _load(self, table: str) -> DataFrame:
        return self._spark.read.parquet(str(self._results / table))

    def ingest(self) -> None:
        """JSON Lines to Parquet, all columns."""
        raw = self._source / "raw"
        for table, schema, path in (
            ("raw_reviews", _REVIEW, raw / f"review_categories/{self._category}.jsonl"),
            ("raw_metadata", _PRODUCT, raw / f"meta_categories/meta_{self._category}.jsonl"),
        ):
            self._store(self._spark.read.schema(schema).json(str(path)), table)

    def clean(self) -> None:
        """The last thirteen months, verified, each review once; wanted products."""
        raw = self._load("raw_reviews").withColumn("timestamp", F.timestamp_millis("timestamp"))
        verified = raw.where("verified_purchase").drop("images")
        row = verified.agg(F.date_trunc("month", F.max("timestamp"))).head()
        assert row is not None
        first = F.lit(row[0]) - F.expr("INTERVAL 12 MONTHS")
        recent = verified.where(F.col("timestamp") >= first).dropDuplicates()
        mended = recent.withColumns(
            {
                "rating": F.when(F.col("rating") == 0, 1.0).otherwise(F.col("rating")),
                "helpful_vote": F.greatest("helpful_vote", F.lit(0)),
                "title": _null("title"),
                "text": _null("text"),
            }
        )
        self._store(mended, "clean_reviews")
        products = self._load("raw_metadata")
        excluded = load_excluded_categories(self._category)
        if excluded:
            products = products.where(~F.col("main_category").isin(*excluded))
        unneeded = ("bought_together", "subtitle", "author", "images", "videos")
        price = F.col("price").try_cast("double")
        cleaned = products.drop(*unneeded).withColumns(
            {name: _null(name) for name in ("title", "store", "details")}
            | {"price": F.when(~F.isnan(price), price)}
        )
        order = [F.desc_nulls_last("price"), F.desc_nulls_last("rating_number")]
        ranked = cleaned.withColumn(
            "rank", F.row_number().over(Window.partitionBy("parent_asin").orderBy(*order))
        )
        self._store(ranked.where("rank = 1").drop("rank"), "clean_metadata")

    def join(self) -> None:
        """Reviews with the columns of products that the notebooks add."""
        products = self._load("clean_metadata").select(
            "parent_asin",
            "main_category",
            F.col("title").alias("product_name"),
            "price",
            F.col("average_rating").alias("avg_product_rating"),
            "categories",
        )
        reviews = self._load("clean_reviews")
        self._store(reviews.join(products, "parent_asin", "left"), "joined_reviews")

    def rfm(self) -> None:
        """Recency, frequency and monetary value of the last year's customers."""
        joined = self._load("joined_reviews").withColumn("day", F.to_date("timestamp"))
        row = joined.agg(F.max("day")).head()
        assert row is not None
        last = F.lit(row[0])
        window = joined.where(F.col("day") >= F.add_months(last, -12))
        priced = window.where(F.col("price") > MIN_PRICE)
        features = priced.groupBy("user_id").agg(
            (F.date_diff(last, F.max("day")) + 1).alias("recency"),
            F.count("*").alias("frequency"),
            F.sum("price").alias("monetary"),
        )
        logs = {f"{name}_log": F.log1p(name) for name in ("frequency", "monetary")}
        self._store(features.withColumns(logs), "rfm_features")

    def cluster(self, ks: range) -> None:
        """One start, 20 iterations and one evaluation for each k; clusters of 4, or the first k."""
        features = ["recency", "frequency_log", "monetary_log"]
        customers = self._load("rfm_features")
        vectors = VectorAssembler(inputCols=features, outputCol="raw").transform(customers)
        scaler = StandardScaler(inputCol="raw", outputCol="features", withMean=True, withStd=True)
        scaled = scaler.fit(vectors).transform(vectors).cache()
        evaluator = ClusteringEvaluator()
        found = []
        for k in ks:
            model = KMeans(k=k, seed=SEED).fit(scaled)
            clustered = model.transform(scaled)
            silhouette = evaluator.evaluate(clustered)
            found.append((k, float(model.summary.trainingCost), float(silhouette)))
            if k == (4 if 4 in ks else ks[0]):
                self._store(clustered.drop("raw", "features"), "customer_clusters")
        frame = self._spark.createDataFrame(found, "k int, wcss double, silhouette double")
        self._store(frame, "k_sweep")

    def segment(self) -> None:
        """Scores by ``ntile`` over all customers, segments by the notebooks' rules."""
        scored = self._load("rfm_features").withColumns(
            {
                f"{name[0]}_score": F.ntile(5).over(Window.orderBy(order))
                for name, order in (
                    ("recency", F.desc("recency")),
                    ("frequency", F.asc("frequency_log")),
                    ("monetary", F.asc("monetary_log")),
                )
            }
        )
        segments = {"".join(map(str, c)): name for c, name in load_scheme("notebook").cells.items()}
        names = F.create_map(*(F.lit(text) for pair in segments.items() for text in pair))
        score = F.concat("r_score", "f_score", "m_score")
        self._store(scored.withColumn("segment", names[score]), "rfm_segments")


def _null(name: str) -> Column:
    return F.when(~F.col(name).isin(*_PLACEHOLDERS), F.col(name))


def main() -> None:
    """Does all steps and notes their seconds in ``steps.json``."""
    parser = argparse.ArgumentParser()
    parser.add_argument("source", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--category", default="Electronics")
    parser.add_argument("--k-max", type=int, default=12)
    parser.add_argument("--memory", default="6g", help="heap of the driver")
    options = parser.parse_args()
    shutil.rmtree(options.results, ignore_errors=True)
    options.results.mkdir(parents=True)
    seconds: dict[str, float] = {}

    def timed(name: str, step: Callable[[], object]) -> object:
        started = time.monotonic()
        result = step()
        seconds[name] = round(time.monotonic() - started, 2)
        return result

    builder = SparkSession.builder.config("spark.driver.memory", options.memory)
    spark = timed("session", builder.getOrCreate)
    assert isinstance(spark, SparkSession)
    work = PlainSpark(spark, options.source, options.results, options.category)
    timed("ingest", work.ingest)
    timed("clean", work.clean)
    timed("join", work.join)
    timed("rfm", work.rfm)
    timed("cluster", lambda: work.cluster(range(2, options.k_max + 1)))
    timed("segment", work.segment)
    (options.results / "steps.json").write_text(json.dumps(seconds))
    spark.stop()


if __name__ == "__main__":
    main()
