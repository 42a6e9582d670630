"""The built-in sample: the same bytes each time, the published shape, each oddity of the hub."""

import errno
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession
from sklearn.cluster import KMeans

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.rules.categories import load_excluded_categories
from amazon_seg_assets.sample import writer
from amazon_seg_assets.sample.catalog import make_catalog, metadata_lines
from amazon_seg_assets.sample.source import SampleSource
from amazon_seg_assets.sample.words import Stories
from amazon_seg_assets.sample.writer import write_sample
from amazon_seg_assets.sources.base import Kind
from amazon_seg_assets.stages.clusters.choice_of_k import choose_k
from amazon_seg_assets.stages.clusters.points import Points, standardization
from amazon_seg_assets.stages.clusters.sweep import sweep

REVIEWS = "raw/review_categories/Electronics.jsonl"
METADATA = "raw/meta_categories/meta_Electronics.jsonl"


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("sample")
    write_sample(directory)
    return directory


@pytest.fixture(scope="module")
def reviews(folder: Path) -> pd.DataFrame:
    return pd.DataFrame(records(folder / REVIEWS))


@pytest.fixture(scope="module")
def products(folder: Path) -> pd.DataFrame:
    return pd.DataFrame(records(folder / METADATA))


@pytest.fixture(scope="module")
def distinct(reviews: pd.DataFrame) -> pd.DataFrame:
    fields = [name for name in reviews.columns if name != "images"]
    day = pd.to_datetime(reviews["timestamp"], unit="ms").dt.normalize()
    return reviews.assign(day=day).drop_duplicates(fields)


def test_the_same_parameters_give_the_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_sample(tmp_path / name, "Toys", 1_500, seed)
    path = "raw/review_categories/Toys.jsonl"
    first, again, other = ((tmp_path / name / path).read_bytes() for name in "abc")
    assert first == again
    assert first != other
    assert first.count(b"\n") == 1_500


def test_lines_have_the_hub_s_form(folder: Path) -> None:
    line = (folder / REVIEWS).read_text().splitlines()[0]
    assert line.isascii()
    assert list(json.loads(line)) == [
        "rating", "title", "text", "images", "asin", "parent_asin", "user_id", "timestamp",
        "helpful_vote", "verified_purchase",
    ]  # fmt: skip
    assert line.startswith('{"rating": ')


def test_a_book_has_its_author_amid_the_other_fields(folder: Path) -> None:
    books = (r for r in records(folder / METADATA) if r["main_category"] == "Books")
    keys = list(next(books))
    assert keys[1:4] == ["title", "subtitle", "author"]
    assert keys[-2:] == ["parent_asin", "bought_together"]


def test_shares_of_reviews_are_as_published(reviews: pd.DataFrame, distinct: pd.DataFrame) -> None:
    shares = reviews["rating"].value_counts(normalize=True)
    for stars, share in {5: 0.634, 4: 0.127, 3: 0.066, 2: 0.051, 1: 0.122}.items():
        assert shares[stars] == pytest.approx(share, abs=0.006)
    assert reviews["verified_purchase"].mean() == pytest.approx(0.924, abs=0.01)
    assert (reviews["helpful_vote"] == 0).mean() == pytest.approx(0.785, abs=0.01)
    assert reviews["helpful_vote"].mean() == pytest.approx(1.09, abs=0.3)
    assert 1 - len(distinct) / len(reviews) == pytest.approx(0.0109, abs=0.001)
    assert (reviews["asin"] != reviews["parent_asin"]).mean() == pytest.approx(0.45, abs=0.02)
    years = distinct["day"].dt.year
    assert (years >= 2022).mean() == pytest.approx(0.175, abs=0.01)
    assert years.value_counts().sort_index()[2004:2016].is_monotonic_increasing
    assert str(distinct["day"].min().date()) == "1996-11-18"
    assert str(distinct["day"].max().date()) == "2023-09-13"


def test_customers_are_as_published(distinct: pd.DataFrame) -> None:
    by_user = distinct.groupby("user_id").size()
    assert 0.64 <= (by_user == 1).mean() <= 0.81
    assert 50 <= by_user.max() <= 110
    several = distinct.groupby(["user_id", "day"]).size() > 1
    assert several.mean() == pytest.approx(0.047, abs=0.01)


def test_products_are_as_published(products: pd.DataFrame) -> None:
    price = pd.to_numeric(products["price"], errors="coerce")
    assert price.isna().mean() == pytest.approx(0.673, abs=0.015)
    quartiles = price.quantile([0.25, 0.5, 0.75]).to_numpy()
    assert quartiles == pytest.approx([11.99, 22.90, 59.99], rel=0.15)
    assert products["main_category"].isna().mean() == pytest.approx(0.066, abs=0.02)
    assert products["average_rating"].quantile([0.25, 0.5, 0.75]).to_numpy() == pytest.approx(
        [3.6, 4.2, 4.6], abs=0.15
    )
    assert (products["rating_number"] > 1000).sum() > 50
    assert set(load_excluded_categories("Electronics")) & set(products["main_category"])


@pytest.fixture(scope="module")
def last_year(distinct: pd.DataFrame, products: pd.DataFrame) -> pd.DataFrame:
    """Reviews of the published window, with the price of their product where it counts."""
    wanted = products[
        products["main_category"].notna()
        & ~products["main_category"].isin(load_excluded_categories("Electronics"))
    ].drop_duplicates("parent_asin")
    price = pd.to_numeric(wanted.set_index("parent_asin")["price"], errors="coerce")
    window = distinct[distinct["verified_purchase"] & (distinct["day"] >= "2022-09-13")]
    return window.assign(price=window["parent_asin"].map(price))


@pytest.fixture(scope="module")
def rfm(last_year: pd.DataFrame) -> pd.DataFrame:
    """RFM features of the customers of that window."""
    by_user = last_year[last_year["price"] > 0.25].groupby("user_id")
    features = by_user.agg(frequency=("price", "size"), monetary=("price", "sum"))
    recency = (pd.Timestamp("2023-09-14") - by_user["day"].max()).dt.days
    return pd.DataFrame({"recency": recency}).join(features)


def test_the_last_year_has_the_published_shape(last_year: pd.DataFrame, rfm: pd.DataFrame) -> None:
    # 500,892 of the published window's reviews had no price, beside some 2.39 million that had.
    assert last_year["price"].isna().mean() == pytest.approx(0.173, abs=0.03)
    assert (rfm["frequency"] == 1).mean() == pytest.approx(0.85, abs=0.04)
    assert rfm["recency"].skew() == pytest.approx(-0.344, abs=0.1)
    assert rfm["frequency"].skew() > 2
    assert rfm["monetary"].skew() > 3


@pytest.fixture(scope="module")
def days(distinct: pd.DataFrame) -> pd.DataFrame:
    """Days on which customers had a verified review, and days since the one before."""
    verified = distinct[distinct["verified_purchase"]]
    days = verified[["user_id", "day"]].drop_duplicates().sort_values(["user_id", "day"])
    return days.assign(gap=days.groupby("user_id")["day"].diff().dt.days)


def year_up_to(days: pd.DataFrame, last: pd.Timestamp) -> pd.DataFrame:
    return days[(days["day"] > last - pd.DateOffset(years=1)) & (days["day"] <= last)]


@pytest.mark.parametrize("last", ["2018-09-30", "2021-09-30", "2022-09-30", "2023-09-13"])
def test_customers_come_come_back_and_leave(days: pd.DataFrame, last: str) -> None:
    end = pd.Timestamp(last)
    start = end - pd.DateOffset(years=1)
    now = set(year_up_to(days, end)["user_id"])
    before = set(year_up_to(days, start)["user_id"])
    earlier = set(days.loc[days["day"] <= start, "user_id"])
    assert len(now - earlier) / len(now) == pytest.approx(0.68, abs=0.04)
    assert len(now & before) / len(now) == pytest.approx(0.22, abs=0.04)
    assert len(now & earlier - before) / len(now) == pytest.approx(0.11, abs=0.035)
    assert 0.7 <= len(before - now) / len(before) <= 0.9


def test_some_pause_for_more_than_a_year(days: pd.DataFrame) -> None:
    gaps = days["gap"].dropna()
    assert (gaps > 366).mean() == pytest.approx(0.34, abs=0.03)
    busy = gaps[days.groupby("user_id")["day"].transform("size") >= 10]
    assert busy.median() < 200
    assert 0.15 <= (busy > 366).mean() <= 0.3


@pytest.mark.parametrize("last", ["2018-09-30", "2021-09-30", "2022-09-13"])
def test_frequent_and_recent_customers_return_more(days: pd.DataFrame, last: str) -> None:
    end = pd.Timestamp(last)
    customers = year_up_to(days, end).groupby("user_id")["day"].agg(["size", "max"])
    after = days[(days["day"] > end) & (days["day"] <= end + pd.Timedelta(days=365))]
    returned = pd.Series(customers.index.isin(after["user_id"]), customers.index)
    frequent = customers["size"] >= 3
    is_recent = customers["max"] > end - pd.Timedelta(days=120)
    champions = returned[frequent & is_recent].mean()
    at_risk = returned[frequent & (customers["max"] <= end - pd.Timedelta(days=180))].mean()
    lost = returned[(customers["size"] == 1) & ~is_recent].mean()
    assert champions > 0.38
    assert 0.05 <= lost <= 0.2
    assert champions > 2.5 * lost
    assert champions > at_risk > lost + 0.1


def test_frequent_customers_buy_from_other_categories(
    last_year: pd.DataFrame, products: pd.DataFrame
) -> None:
    category = products.drop_duplicates("parent_asin").set_index("parent_asin")["main_category"]
    bought = last_year.dropna(subset="price").assign(
        category=last_year["parent_asin"].map(category),
        reviews=last_year.groupby("user_id")["day"].transform("size"),
    )
    shares = pd.DataFrame(
        {
            name: bought.loc[chosen, "category"].value_counts(normalize=True)
            for name, chosen in {
                "once": bought["reviews"] == 1,
                "often": bought["reviews"] >= 3,
            }.items()
        }
    )
    lift = shares["often"] / shares["once"]
    assert lift["Camera & Photo"] > 1.8
    assert lift["Cell Phones & Accessories"] < 0.6


def test_christmas_is_busier_than_spring(distinct: pd.DataFrame) -> None:
    day = distinct["day"].dt
    months = distinct[day.year.between(2013, 2022)].groupby(day.month).size()
    assert months[12] > 1.2 * months.mean()
    assert months[[2, 3, 4, 5, 6, 9, 10]].max() < months.mean()


def test_the_elbow_is_at_4_and_each_optimum_as_good_as_ten_starts_of_scikit_learn(
    spark: SparkSession, rfm: pd.DataFrame
) -> None:
    counts = rfm.groupby(["recency", "frequency", "monetary"]).size().reset_index(name="customers")
    transformed = counts[["recency"]].assign(
        frequency=np.log1p(counts["frequency"]), monetary=np.log1p(counts["monetary"])
    )
    points = Points(
        counts[["recency", "frequency", "monetary"]].to_numpy(float),
        transformed.to_numpy(float),
        counts["customers"].to_numpy(float),
    )
    scale = standardization(points)
    found = sweep(spark, points, scale).table
    assert choose_k(found).k == choose_k(found[found["k"] <= 6]).k == 4
    values = scale.apply(points)
    assert found["k"].tolist() == list(range(2, 13))
    for k, wcss in zip(found["k"], found["wcss"], strict=True):
        best = KMeans(k, n_init=10, tol=0, max_iter=1000, random_state=7)
        best.fit(values, sample_weight=points.customers)
        assert wcss <= best.inertia_ * 1.001


@pytest.mark.parametrize(
    "find",
    [
        lambda r, p: (r["rating"] == 0).sum() >= 2,
        lambda r, p: (r["helpful_vote"] < 0).sum() == 4,
        lambda r, p: (r["text"] == "").sum() > 50,
        lambda r, p: {"None", "N/A", "null", "n/a"} <= set(r["title"]),
        lambda r, p: r["text"].str.contains("<br />").any(),
        lambda r, p: r["text"].str.contains("&#34;").any(),
        lambda r, p: r["text"].str.contains("[[VIDEOID:", regex=False).any(),
        lambda r, p: r["text"].str.contains("😀").any(),
        lambda r, p: r["text"].str.contains("\n").any(),
        lambda r, p: r["user_id"].str.endswith("_2").any(),
        lambda r, p: (r["images"].str.len() > 0).any(),
        lambda r, p: (r["user_id"] != r["user_id"].shift()).sum() == r["user_id"].nunique(),
        lambda r, p: (r.loc[r["timestamp"] < 1_498_800_000_000, "timestamp"] % 1000 == 0).all(),
        lambda r, p: (r.loc[r["timestamp"] > 1_500_000_000_000, "timestamp"] % 1000 > 0).any(),
        lambda r, p: (r.groupby(["user_id", "parent_asin"])["timestamp"].nunique() > 1).any(),
        lambda r, p: r["parent_asin"].isin(p["parent_asin"]).all(),
        lambda r, p: r["parent_asin"].value_counts().iloc[0] > 50 * len(r) / len(p),
        lambda r, p: p["parent_asin"].duplicated().any(),
        lambda r, p: {"—", 0.01, None} <= set(p["price"].replace(np.nan, None)),
        lambda r, p: p["price"].astype(str).str.startswith("from ").any(),
        lambda r, p: p["main_category"].isin(["Buy a Kindle", "Books"]).any(),
        lambda r, p: (~p["parent_asin"].str.startswith("B")).any(),
        lambda r, p: any(isinstance(v, dict) for d in p["details"] for v in d.values()),
        lambda r, p: any("hi_res" not in i for images in p["images"] for i in images),
        lambda r, p: p["store"].isin(["N/A"]).any(),
        lambda r, p: p["bought_together"].isna().all(),
    ],
)
def test_oddities_are_there(reviews: pd.DataFrame, products: pd.DataFrame, find: Any) -> None:
    assert find(reviews, products)


def test_the_tone_goes_with_the_rating(reviews: pd.DataFrame) -> None:
    love = reviews["text"].str.contains("love|Excellent|Fantastic|Amazing")
    angry = reviews["text"].str.contains("broke|angry|Useless|Awful")
    assert love[reviews["rating"] == 5].mean() > 0.5
    assert 0.005 < love[reviews["rating"] == 1].mean() < 0.03
    assert angry[reviews["rating"] == 1].mean() > 0.5
    assert 0.002 < angry[reviews["rating"] == 5].mean() < 0.03


def test_as_a_source_it_is_generated_once(tmp_path: Path) -> None:
    source = SampleSource(tmp_path, reviews=1_000)
    [file] = source.files(Kind.REVIEWS, "Toys")
    path = file.fetch()
    written = path.stat().st_mtime_ns
    assert path.read_text().count("\n") == 1_000
    assert file.fetch().stat().st_mtime_ns == written
    assert source.version(Kind.REVIEWS, "Toys") == SampleSource(tmp_path, 1_000).version(
        Kind.REVIEWS, "Toys"
    )
    assert source.version(Kind.REVIEWS, "Toys") != SampleSource(tmp_path, 2_000).version(
        Kind.REVIEWS, "Toys"
    )


def test_too_small_a_sample_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="too small"):
        SampleSource(tmp_path, reviews=10)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"reviews": 500}, "A sample of 500 reviews is too small to show anything: ask for 1,000"),
        ({"reviews": -5}, "too small"),
        ({"seed": -1}, "cannot have the seed -1"),
        ({"category": "../outside"}, r"The category '\.\./outside' cannot name files"),
    ],
)
def test_a_sample_that_cannot_be_is_not_written(
    tmp_path: Path, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        write_sample(tmp_path / "sample", **arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_sample_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    message = rf"^{tmp_path}/file/.*/meta_Toys\.jsonl cannot be written \(Not a directory\): "
    with pytest.raises(InputError, match=message):
        write_sample(tmp_path / "file", "Toys", 1_000)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), InputError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_what_cannot_be_written_to_the_end_leaves_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: BaseException,
    told: type[BaseException],
) -> None:
    def some_lines(*_: object) -> Iterator[str]:
        yield "{}\n"
        raise fault

    monkeypatch.setattr(writer, "metadata_lines", some_lines)
    with pytest.raises(told):
        write_sample(tmp_path, "Toys", 1_000)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_not_all_stories_of_products_are_held_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    told = []
    tell = Stories.tell

    def counted(stories: Stories, sentences: np.ndarray, random: np.random.Generator) -> list[str]:
        told.append(len(sentences))
        return list(tell(stories, sentences, random))

    monkeypatch.setattr(Stories, "tell", counted)
    random = np.random.default_rng(1)
    lines = metadata_lines(make_catalog(25_000, random), Stories(random), random)
    assert sum(1 for _ in lines) > 25_000
    assert sum(told) == 25_000
    assert max(told) <= 10_000
