"""The same work by hand: DuckDB for the tables, scikit-learn for the clusters, one script.

What a good engineer would write for one machine: raw JSON Lines into month folders of zstd Parquet
with all columns and a content hash; thirteen months cleaned and joined; RFM; K-Means for k = 2 to
12, the best of ten k-means++ starts, each run to convergence on weighted distinct customers; the
silhouettes of all k from sums per cluster; segments by the standard scheme; the exploration of
peer_exploration.py, and as many pictures. Each step is stored.

Run as ``python -m benchmarks.peer <folder with raw/> <folder for results>``; ``--from-raw`` takes
the raw Parquet that an earlier run has left.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from kneed import KneeLocator
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from amazon_seg_assets.rules.categories import load_excluded_categories
from amazon_seg_assets.rules.scheme import load_scheme
from amazon_seg_assets.spark.machine import cores
from benchmarks import peer_exploration

KS = range(2, 13)
STARTS = 10
MEMORY_GB = 6
MIN_PRICE = 0.25

_REVIEW = {
    "rating": "DOUBLE", "title": "VARCHAR", "text": "VARCHAR",
    "images": "STRUCT(small_image_url VARCHAR, medium_image_url VARCHAR, large_image_url VARCHAR, "
              "attachment_type VARCHAR)[]",
    "asin": "VARCHAR", "parent_asin": "VARCHAR", "user_id": "VARCHAR", "timestamp": "BIGINT",
    "helpful_vote": "BIGINT", "verified_purchase": "BOOLEAN",
}  # fmt: skip
_PRODUCT = {
    "main_category": "VARCHAR", "title": "VARCHAR", "average_rating": "DOUBLE",
    "rating_number": "BIGINT", "features": "VARCHAR[]", "description": "VARCHAR[]",
    "price": "VARCHAR",
    "images": "STRUCT(thumb VARCHAR, large VARCHAR, variant VARCHAR, hi_res VARCHAR)[]",
    "videos": "STRUCT(title VARCHAR, url VARCHAR, user_id VARCHAR)[]",
    "store": "VARCHAR", "categories": "VARCHAR[]", "details": "JSON", "parent_asin": "VARCHAR",
    "bought_together": "JSON", "subtitle": "VARCHAR", "author": "JSON",
}  # fmt: skip
_HASHED = "rating, title, text, asin, parent_asin, user_id, timestamp, helpful_vote, " \
          "verified_purchase"  # fmt: skip
_PLACEHOLDERS = "('None', 'none', 'N/A', 'n/a', 'null', 'NULL', '')"
_PARQUET = "FORMAT parquet, COMPRESSION zstd"
_BY_MONTH = f"{_PARQUET}, PARTITION_BY (month), OVERWRITE"
_MAX_ITERATIONS = 500


class Peer:
    """The steps, in order.

    Args:
        source: folder in the hub's layout.
        results: folder of what is stored.
        category: whose reviews.
    """

    def __init__(self, source: Path, results: Path, category: str) -> None:
        self._source, self._results, self._category = source, results, category
        self.seconds: dict[str, float] = {}
        self._db = duckdb.connect()
        self._db.execute(f"SET memory_limit = '{MEMORY_GB}GB'")
        self._db.execute(f"SET threads = {cores()}")
        self._db.execute("SET preserve_insertion_order = false")
        self._db.execute(f"SET temp_directory = '{results / 'tmp'}'")
        self._db.execute("SET TimeZone = 'UTC'")

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Times a step."""
        started = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - started, 2)

    def _lines(self, pattern: str, columns: dict[str, str]) -> str:
        return (
            f"read_json('{self._source / pattern}', format = 'newline_delimited', "
            f"columns = {columns}, maximum_object_size = 67108864)"
        )

    def _parquet(self, table: str) -> str:
        return f"read_parquet('{self._results / table}/**/*.parquet', hive_partitioning = true)"

    def _write(self, query: str, table: str, options: str = _PARQUET) -> None:
        target = self._results / table
        if options == _PARQUET:
            target.mkdir(parents=True, exist_ok=True)
            target /= "0.parquet"
        self._db.execute(f"COPY ({query}) TO '{target}' ({options})")

    def ingest(self) -> None:
        """JSON Lines to Parquet, all columns."""
        reviews = self._lines(f"raw/review_categories/{self._category}.jsonl", _REVIEW)
        self._write(
            f"""SELECT *, hash({_HASHED}) AS review_id,
                       year(epoch_ms(timestamp)) * 100 + month(epoch_ms(timestamp)) AS month
                FROM {reviews}""",
            "raw_reviews",
            _BY_MONTH,
        )
        products = self._lines(f"raw/meta_categories/meta_{self._category}.jsonl", _PRODUCT)
        self._write(f"SELECT * FROM {products}", "raw_metadata")

    def clean(self) -> None:
        """The last thirteen months, verified, each review once; products, one row each."""
        raw = self._parquet("raw_reviews")
        [last] = self._one(f"SELECT max(month) FROM {raw} WHERE verified_purchase")
        self._write(
            f"""SELECT DISTINCT ON (review_id)
                       review_id, user_id, asin, parent_asin,
                       CASE WHEN rating = 0 THEN 1 ELSE rating END AS rating,
                       epoch_ms(timestamp) AS timestamp,
                       greatest(helpful_vote, 0) AS helpful_vote, verified_purchase,
                       {_null("title")}, {_null("text")}, month
                FROM {raw} WHERE verified_purchase AND month BETWEEN {last - 100} AND {last}""",
            "clean_reviews",
            _BY_MONTH,
        )
        excluded = load_excluded_categories(self._category)
        names = ", ".join("'" + name.replace("'", "''") + "'" for name in excluded)
        wanted = f"main_category NOT IN ({names})" if excluded else "true"
        self._write(
            f"""SELECT parent_asin, {_null("main_category")}, {_null("title")}, average_rating,
                       rating_number, price,
                       {_null("store")}, categories, features, description, details
                FROM (SELECT * REPLACE (CASE WHEN isfinite(TRY_CAST(trim(price) AS DOUBLE))
                                             THEN TRY_CAST(trim(price) AS DOUBLE) END AS price)
                      FROM {self._parquet("raw_metadata")})
                WHERE {wanted}
                QUALIFY row_number() OVER (PARTITION BY parent_asin ORDER BY price IS NOT NULL DESC,
                        rating_number DESC NULLS LAST, price DESC NULLS LAST) = 1""",
            "clean_metadata",
        )

    def join(self) -> None:
        """The reviews with the few columns of products that analysis needs."""
        self._write(
            f"""SELECT r.* EXCLUDE (text), p.main_category, p.title AS product_name, p.price,
                       p.average_rating AS avg_product_rating, p.categories
                FROM {self._parquet("clean_reviews")} r
                LEFT JOIN {self._parquet("clean_metadata")} p USING (parent_asin)""",
            "joined_reviews",
            _BY_MONTH,
        )

    def rfm(self) -> None:
        """Recency, frequency and monetary value of the last year's customers."""
        joined = self._parquet("joined_reviews")
        [last] = self._one(f"SELECT max(timestamp)::DATE FROM {joined}")
        self._write(
            f"""SELECT user_id,
                       date_diff('day', max(timestamp)::DATE, DATE '{last}' + 1) AS recency,
                       count(*) AS frequency,
                       sum(price::DECIMAL(20, 6))::DOUBLE AS monetary
                FROM {joined}
                WHERE timestamp::DATE BETWEEN DATE '{last}' - INTERVAL 1 YEAR AND DATE '{last}'
                      AND price > {MIN_PRICE} AND user_id IS NOT NULL
                GROUP BY user_id""",
            "rfm_features",
        )

    def cluster(self) -> None:
        """Ten starts to convergence for each k, their silhouettes, and the clusters of the knee."""
        points = self._db.execute(
            f"""SELECT recency, frequency, monetary, count(*) AS customers
                FROM {self._parquet("rfm_features")} GROUP BY ALL ORDER BY ALL"""
        ).df()
        weights = points["customers"].to_numpy(float)
        values = np.column_stack(
            [points["recency"], np.log1p(points["frequency"]), np.log1p(points["monetary"])]
        )
        mean = np.average(values, axis=0, weights=weights)
        variance = weights @ (values - mean) ** 2 / (weights.sum() - 1)
        values = (values - mean) / np.sqrt(np.where(variance > 0, variance, 1))
        # One thread a fit, several fits at a time: more threads a fit wait for one another.
        fits = Parallel(cores(), prefer="threads")(
            delayed(_fit)(values, weights, k, start) for k in KS[::-1] for start in range(STARTS)
        )
        rows, labels = [], {}
        for k in KS:
            best = min((fit for fit in fits if fit.n_clusters == k), key=lambda fit: fit.inertia_)
            labels[k] = best.labels_
            score = silhouette(values, weights, best.labels_, k)
            rows.append({"k": k, "wcss": best.inertia_, "silhouette": score})
        table = pd.DataFrame(rows)
        knee = KneeLocator(table["k"], table["wcss"], curve="convex", direction="decreasing").knee
        points["cluster"] = labels[int(knee or KS[0])]
        self._store_frame(table, "k_sweep")
        self._db.register("points", points.drop(columns="customers"))
        self._write(
            f"""SELECT * FROM {self._parquet("rfm_features")}
                JOIN points USING (recency, frequency, monetary)""",
            "customer_clusters",
        )

    def segment(self) -> None:
        """Scores by percent rank, in whole numbers, and segments by the standard scheme."""
        cells = pd.DataFrame(
            [(*cell, segment) for cell, segment in load_scheme("standard").cells.items()],
            columns=["r_score", "f_score", "m_score", "segment"],
        )
        self._db.register("cells", cells)
        # Counted by distinct value first: a window over all customers takes minutes.
        below = """SELECT {feature}, (sum(n) OVER (ORDER BY {order}) - n)::BIGINT AS below
                   FROM (SELECT {feature}, count(*) AS n FROM customers {where} GROUP BY ALL)"""
        recency = below.format(feature="recency", order="recency DESC", where="")
        monetary = below.format(feature="monetary", order="monetary", where="")
        repeat = "WHERE frequency > 1"
        frequency = below.format(feature="frequency", order="frequency", where=repeat)
        self._write(
            f"""WITH customers AS (FROM {self._parquet("rfm_features")}),
                counts AS (SELECT greatest(count(*) - 1, 1) AS others,
                                  greatest(count(*) FILTER (frequency > 1) - 1, 1) AS of_repeat
                           FROM customers),
                r AS ({recency}), f AS ({frequency}), m AS ({monetary}),
                scored AS (
                  SELECT customers.*, 1 + least(5 * r.below // others, 4) AS r_score,
                         CASE WHEN frequency = 1 THEN 1
                              ELSE 2 + least(4 * f.below // of_repeat, 3) END AS f_score,
                         1 + least(5 * m.below // others, 4) AS m_score
                  FROM customers CROSS JOIN counts JOIN r USING (recency)
                  LEFT JOIN f USING (frequency) JOIN m USING (monetary))
                SELECT scored.*, segment
                FROM scored JOIN cells USING (r_score, f_score, m_score)""",
            "rfm_segments",
        )

    def explore(self) -> None:
        """The tables of the exploration."""
        tables = peer_exploration.tables(
            self._parquet,
            {"raw_reviews": _REVIEW, "raw_metadata": _PRODUCT},
            load_excluded_categories(self._category),
            _PLACEHOLDERS,
        )
        for name, query in tables:
            with self.step(name):
                self._write(query, name)

    def draw(self) -> None:
        """As many pictures as ours, of small tables."""
        small = ("review_counts", "rating_counts", "main_category_counts", "k_sweep")
        frames = {name: self._db.execute(f"FROM {self._parquet(name)}").df() for name in small}
        peer_exploration.draw(self._results / "pictures", frames)

    def _one(self, query: str) -> tuple:
        row = self._db.execute(query).fetchone()
        assert row is not None
        return row

    def _store_frame(self, frame: pd.DataFrame, table: str) -> None:
        self._db.register("frame", frame)
        self._write("SELECT * FROM frame", table)


def _null(column: str) -> str:
    return f"CASE WHEN {column} NOT IN {_PLACEHOLDERS} THEN {column} END AS {column}"


def _fit(points: np.ndarray, weights: np.ndarray, k: int, start: int) -> KMeans:
    with threadpool_limits(1):
        model = KMeans(k, n_init=1, tol=0, max_iter=_MAX_ITERATIONS, random_state=start)
        return model.fit(points, sample_weight=weights)


def silhouette(points: np.ndarray, weights: np.ndarray, labels: np.ndarray, k: int) -> float:
    """Mean silhouette over customers by squared Euclidean distance, from sums per cluster."""
    size = np.bincount(labels, weights, k)
    total = np.stack([np.bincount(labels, weights * column, k) for column in points.T])
    norm = (points**2).sum(axis=1)
    sums = norm[:, None] * size - 2 * points @ total + np.bincount(labels, weights * norm, k)
    each = np.arange(len(labels))
    within = sums[each, labels] / np.maximum(size[labels] - 1, 1)
    means = sums / size
    means[each, labels] = np.inf
    nearest = means.min(axis=1)
    value = (nearest - within) / np.maximum(np.maximum(nearest, within), 1e-300)
    return float(np.average(np.where(size[labels] > 1, value, 0), weights=weights))


def main() -> None:
    """Does all steps and notes their seconds in ``steps.json``."""
    parser = argparse.ArgumentParser()
    parser.add_argument("source", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--category", default="Electronics")
    parser.add_argument("--from-raw", action="store_true")
    parser.add_argument("--explore", action="store_true", help="and draw pictures")
    options = parser.parse_args()
    if not options.from_raw:
        shutil.rmtree(options.results, ignore_errors=True)
    options.results.mkdir(parents=True, exist_ok=True)
    peer = Peer(options.source, options.results, options.category)
    steps = [peer.ingest, peer.clean, peer.join, peer.rfm, peer.cluster, peer.segment]
    if options.explore:
        steps += [peer.explore, peer.draw]
    for step in steps[1:] if options.from_raw else steps:
        with peer.step(step.__name__):
            step()
    shutil.rmtree(options.results / "tmp", ignore_errors=True)
    (options.results / "steps.json").write_text(json.dumps(peer.seconds))


if __name__ == "__main__":
    main()
