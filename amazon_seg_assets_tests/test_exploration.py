"""The exploration of raw data, on a few invented rows whose figures are worked out by hand."""

from collections.abc import Iterator

import pandas as pd
import pytest
from dagster import DagsterInstance
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from amazon_seg_assets.dag.declaration import declared_in
from amazon_seg_assets.dag.family import families
from amazon_seg_assets.definitions import build_definitions
from amazon_seg_assets.planning.jobs import EXPLORE, INGEST
from amazon_seg_assets.planning.staleness import Look
from amazon_seg_assets.run.headless import HeadlessRun
from amazon_seg_assets.schema import Table
from amazon_seg_assets.stages.cleaning.assets import clean_metadata
from amazon_seg_assets.stages.exploration import assets, tables
from amazon_seg_assets.stages.exploration import transform as exploration
from amazon_seg_assets.stages.exploration.parts import merged, profile_months
from amazon_seg_assets.stages.exploration.profiles import _FIGURES, _description
from amazon_seg_assets.stages.raw.tables import RAW_REVIEWS
from amazon_seg_assets.storage.facts import read_facts
from amazon_seg_assets.storage.parquet import read_small
from amazon_seg_assets.storage.spark_tables import read_table
from amazon_seg_assets_tests.graph import Graph
from amazon_seg_assets_tests.raw_files import product, review, write_raw

# Seventeen reviews of 2019 with 1 to 17 votes; of those with 17, the older is the better.
HELPFUL = [
    review(f"u{votes}", "old", "2019-05-01T00:00:00", helpful_vote=votes, text=f"text {votes}")
    for votes in range(1, 18)
]
REVIEWS = [
    *HELPFUL,
    review("older", "old", "2018-05-01T00:00:00", helpful_vote=17, text="older " * 200),
    # The same review twice, but for the pictures.
    *(
        review("twice", "best", "2021-02-01T00:00:00", helpful_vote=99, images=images)
        for images in ([], [{"attachment_type": "IMAGE"}])
    ),
    review("others", "best", "2021-03-01T00:00:00", verified_purchase=False, rating=0.0),
    review("others", "cheap", "2021-12-31T23:59:59", rating=2.0, helpful_vote=-3, title="N/A"),
    review("others", "dear", "2021-06-01T00:00:00", text=""),
]
PRODUCTS = [
    product("best", "10.5", rating_number=1_001, average_rating=4.9, store="Amazon"),
    product("dear", "from 14.99", rating_number=5_000, average_rating=4.8, title="N/A"),
    # Listed twice: the row with a price counts.
    product("old", None, rating_number=9_000, average_rating=1.0),
    product("old", 300.0, rating_number=1_500, average_rating=4.8, main_category=None),
    product("cheap", 0.01, rating_number=1_000, average_rating=5.0, main_category="Books"),
    product("few", 0.01, rating_number=3, main_category="Books", title=f"Few {'x' * 30_000}"),
    product("free", 0.0, rating_number=None, average_rating=None, main_category=""),
]


@pytest.fixture(scope="module")
def explored(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    assert spark is not None
    folder = write_raw(tmp_path_factory.mktemp("explored"), "Electronics", REVIEWS, PRODUCTS)
    with DagsterInstance.ephemeral() as instance:
        graph = Graph(folder, "Electronics", instance)
        run = graph.run()
        run.execute(INGEST)
        run.execute(EXPLORE)
        yield graph


def small(explored: Graph, table: Table) -> pd.DataFrame:
    return read_small(explored.store, table)


def test_reviews_are_profiled(explored: Graph) -> None:
    profile = small(explored, tables.REVIEW_PROFILE).set_index("column")
    assert list(profile.index) == RAW_REVIEWS.column_names
    assert set(profile["count"]) == {len(REVIEWS)}
    # Twenty-one of 5 stars, one of 2, one of 0.
    rating = profile.loc["rating"]
    assert rating["mean"] == pytest.approx(107 / 23, rel=1e-15)
    assert rating["sd"] == pytest.approx(((529 - 107**2 / 23) / 22) ** 0.5, rel=1e-15)
    assert rating[["min", "q1", "median", "q3", "max"]].tolist() == [0, 5, 5, 5, 5]
    assert rating["distinct"] == 3
    votes = profile.loc["helpful_vote"]
    # In order: -3, 0, 0, 1 … 17, 17, 99, 99: the 6.5th, 12th and 17.5th of 23.
    assert votes[["min", "q1", "median", "q3", "max"]].tolist() == [-3, 3.5, 9, 14.5, 99]
    assert profile.loc["verified_purchase", "mean"] == 22 / 23
    assert profile["placeholders"].dropna()[lambda counts: counts > 0].to_dict() == {
        "title": 1,
        "text": 1,
        "images": 22,
    }
    assert profile.loc["timestamp", "median"] == pd.Timestamp("2019-05-01").value // 10**6
    assert pd.isna(profile.loc["timestamp", "mean"])


def test_facts_of_the_reviews(explored: Graph) -> None:
    metadata = explored.metadata("review_profile")
    facts = ("rows", "verified", "exact_duplicates", "zero_ratings", "negative_votes")
    assert [metadata[fact] for fact in facts] == [23, 22, 1, 1, 1]
    assert (metadata["first_day"], metadata["last_day"]) == ("2018-05-01", "2021-12-31")
    assert "| timestamp | int64 | 23 | 0 | 6 |  |  |  | 2018-05-01 |" in metadata["profile"]


def test_facts_of_a_table_are_kept_beside_its_profile(explored: Graph) -> None:
    assert read_facts(explored.store, "review_profile") == {
        "rows": 23,
        "exact_duplicates": 1,
        "verified": 22,
        "zero_ratings": 1,
        "negative_votes": 1,
        "first_day": "2018-05-01",
        "last_day": "2021-12-31",
    }
    assert read_facts(explored.store, "metadata_profile")["price_from"] == 1
    shown = explored.metadata("review_profile")["facts"].splitlines()
    assert shown[2] == "| rows | 23 |"
    assert shown[-1] == "| last\\_day | 2021-12-31 |"


def test_products_are_profiled(explored: Graph) -> None:
    profile = small(explored, tables.METADATA_PROFILE).set_index("column")
    price = profile.loc["price"]
    assert (price["type"], price["count"], price["nulls"]) == ("string", 6, 1)
    # In order: 0, 0.01, 0.01, 10.5, 300.
    assert price[["min", "q1", "median", "q3", "max"]].tolist() == [0, 0.01, 0.01, 10.5, 300]
    assert price["mean"] == pytest.approx(62.104, rel=1e-15)
    assert profile.loc["rating_number", "nulls"] == 1
    metadata = explored.metadata("metadata_profile")
    assert metadata["rows"] == 7
    assert (metadata["listed_again"], metadata["books"], metadata["kindles"]) == (1, 2, 0)
    forms = {form: metadata[f"price_{form}"] for form in ("number", "missing", "from", "dash")}
    assert forms == {"number": 5, "missing": 1, "from": 1, "dash": 0}


def test_figures_do_not_depend_on_partitions(explored: Graph, spark: SparkSession) -> None:
    raw = read_table(spark, explored.store, RAW_REVIEWS)
    # As many as make of lists of values sketches, whose estimate could go by the order of updates.
    more = raw.crossJoin(spark.range(300)).withColumn("text", F.concat("user_id", "id")).drop("id")
    one, many = (merged(spark, profile_months(more.repartition(parts))) for parts in (1, 7))
    pd.testing.assert_frame_equal(one.columns, many.columns, check_exact=True)
    assert one.facts == many.facts
    texts = 300 * raw.select("user_id").distinct().count()
    distinct = one.columns.set_index("column")["distinct"]
    assert distinct["text"] == pytest.approx(texts, rel=0.1)
    assert distinct["text"] != distinct["user_id"]


def test_only_months_that_have_changed_are_profiled(
    explored: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = small(explored, tables.REVIEW_PROFILE)
    asked: list[list[str]] = []

    def noting(raw: DataFrame) -> pd.DataFrame:
        asked.append(sorted(row.month for row in raw.select("month").distinct().collect()))
        return profile_months(raw)

    monkeypatch.setattr(assets, "profile_months", noting)
    run = explored.run()
    run.execute(EXPLORE, assets=[assets.review_profile])
    assert explored.metadata("review_profile_parts")["months_profiled"] == 0
    note = explored.store.path("review_profile_parts") / "_figures.json"
    note.write_text(note.read_text().replace('"2021-03": "', '"2021-03": "of another source '))
    run.execute(EXPLORE, assets=[assets.review_profile])
    assert asked == [["2021-03"]]
    pd.testing.assert_frame_equal(small(explored, tables.REVIEW_PROFILE), before)
    every = explored.run(review_profile={"afresh": True})
    every.execute(EXPLORE, assets=[assets.review_profile])
    assert len(asked[1]) == 6
    pd.testing.assert_frame_equal(small(explored, tables.REVIEW_PROFILE), before)


def test_ratings_are_counted_by_verified_purchase(explored: Graph) -> None:
    table = small(explored, tables.RATING_COUNTS)
    counts = table.set_index(["scope", "rating", "verified_purchase"])["reviews"]
    assert counts[counts > 0].to_dict() == {
        ("all time", 5.0, True): 21,
        ("all time", 2.0, True): 1,
        ("all time", 0.0, False): 1,
        ("2021", 5.0, True): 3,
        ("2021", 2.0, True): 1,
        ("2021", 0.0, False): 1,
    }
    assert len(counts) == 2 * (5 * 2 + 1)
    assert table.groupby("scope")["share"].sum().to_dict() == pytest.approx(
        {"all time": 1, "2021": 1}
    )
    shown = explored.metadata("rating_counts")["ratings_of_2021"].splitlines()
    assert shown[2] == "| 5 | yes | 3 | 60.00% |"


def test_reviews_are_counted_by_month_and_year(explored: Graph) -> None:
    table = small(explored, tables.REVIEW_COUNTS)
    assert table.to_numpy().tolist() == [
        ["2018-05", 1, 1],
        ["2019-05", 17, 17],
        ["2021-02", 2, 2],
        ["2021-03", 1, 0],
        ["2021-06", 1, 1],
        ["2021-12", 1, 1],
    ]
    years = explored.metadata("review_counts")["reviews_by_year"]
    assert years.splitlines()[2:] == ["| 2018 | 1 | 1 |", "| 2019 | 17 | 17 |", "| 2021 | 5 | 4 |"]


def test_main_categories_are_counted_and_judged(explored: Graph) -> None:
    table = small(explored, tables.MAIN_CATEGORY_COUNTS)
    assert table.drop(columns="share").to_numpy().tolist() == [
        ["Computers", 3, False],
        ["Books", 2, True],
        [None, 2, True],
    ]
    assert explored.metadata("main_category_counts")["excluded_products"] == 4


def test_most_helpful_reviews_are_told_once_each(explored: Graph) -> None:
    table = small(explored, tables.HELPFUL_REVIEWS)
    assert table["verified_purchase"].all()
    assert table["rank"].tolist() == list(range(1, 16))
    assert table["helpful_vote"].tolist() == [99, 17, 17, *range(16, 4, -1)]
    assert table["text"][1] == ("older " * 200)[:500]
    assert str(table["day"][1]) == "2018-05-01"
    shown = explored.metadata("helpful_reviews")
    assert shown["unverified_reviews"] == "No unverified review has a helpful vote."
    assert len(shown["verified_reviews"].splitlines()) == 17


def test_reviews_whose_values_cannot_be_are_shown(explored: Graph) -> None:
    table = small(explored, tables.ODD_REVIEWS)
    told = ["reason", "rank", "rating", "helpful_vote", "verified_purchase", "parent_asin"]
    assert table[told].to_numpy().tolist() == [
        ["0 stars", 1, 0.0, 0, False, "best"],
        ["negative votes", 1, 2.0, -3, True, "cheap"],
    ]
    shown = explored.metadata("odd_reviews")
    assert shown["reviews_with_0_stars"].splitlines()[2].startswith("| 1 | 0 |  | 0 | 2021-03-01 |")
    assert "| 1 | -3 | yes | 2 | 2021-12-31 |" in shown["reviews_with_negative_votes"]


def test_no_more_than_the_oldest_odd_reviews_are_kept(explored: Graph, spark: SparkSession) -> None:
    raw = read_table(spark, explored.store, RAW_REVIEWS).withColumn("rating", F.lit(0.0))
    table = exploration.odd_reviews(raw.repartition(5))
    assert table["reason"].tolist() == ["0 stars"] * 20 + ["negative votes"]
    assert table["rank"].tolist() == [*range(1, 21), 1]
    assert [str(day)[:7] for day in table["day"]] == [
        "2018-05",
        *["2019-05"] * 17,
        *["2021-02"] * 2,
        "2021-12",
    ]


def test_only_the_first_months_with_enough_rows_are_read() -> None:
    rows = {"2020-03": 5, "2020-01": 15, "2020-02": 0, "2020-04": 9}
    assert exploration.first_months(rows, enough=15) == ["2020-01"]
    assert exploration.first_months(rows, enough=16) == ["2020-01", "2020-03"]
    assert exploration.first_months(rows, enough=99) == ["2020-01", "2020-03", "2020-04"]


def test_products_of_categories_that_are_left_out_are_shown(explored: Graph) -> None:
    table = small(explored, tables.MISPLACED_PRODUCTS)
    told = ["main_category", "rank", "parent_asin", "rating_number", "price"]
    assert table[told].to_numpy().tolist() == [
        ["Books", 1, "cheap", 1_000, 0.01],
        ["Books", 2, "few", 3, 0.01],
    ]
    assert (
        "| Books | 1 | cheap | Product cheap | 1,000 |"
        in (explored.metadata("misplaced_products")["products"])
    )


def test_a_column_that_a_table_does_not_declare_is_told() -> None:
    with pytest.raises(KeyError, match="raw_reviews declares no column stars"):
        RAW_REVIEWS["stars"]


def test_products_lead_the_lists_that_they_should(explored: Graph) -> None:
    table = small(explored, tables.TOP_PRODUCTS)
    lists = table.groupby("list", sort=False)
    assert {
        name: list(zip(rows["parent_asin"], rows["value"], strict=True)) for name, rows in lists
    } == {
        "most rated": [
            ("dear", 5000),
            ("old", 1500),
            ("best", 1001),
            ("cheap", 1000),
            ("few", 3),
        ],
        "best rated": [("best", 4.9), ("dear", 4.8), ("old", 4.8)],
        "best rated but for Amazon's own": [("dear", 4.8), ("old", 4.8)],
        "most expensive": [("old", 300), ("best", 10.5), ("cheap", 0.01), ("few", 0.01)],
        "cheapest": [("cheap", 0.01), ("few", 0.01), ("best", 10.5), ("old", 300)],
        # Neither the review without a verified purchase counts, nor that of a book.
        "most popular": [("dear", 1), ("best", 1)],
        "most verified 5-star reviews": [("dear", 1), ("best", 1)],
    }
    assert table["product_name"].str.len().max() == 200
    shown = explored.metadata("top_products")
    assert "| 3 | best | Product best | 1,001 | ratings | 1,001 |" in shown["most_rated"]
    # A placeholder is no name.
    assert "| 1 | dear |  | 5,000 | ratings |" in shown["most_rated"]


def is_explored(explored: Graph) -> bool:
    return not Look(explored.family).due(declared_in("exploration"))


def test_what_other_products_led_is_explored_anew(explored: Graph) -> None:
    """Popular products are clean ones, so it matters which products are left out."""
    assert is_explored(explored)
    clean = [clean_metadata]
    explored.run(clean_metadata={"excluded_categories": []}).execute(INGEST, assets=clean)
    assert not is_explored(explored)
    explored.run().execute(EXPLORE, assets=[assets.top_products])
    table = small(explored, tables.TOP_PRODUCTS)
    popular = table[table["list"] == "most popular"]
    told = popular[["parent_asin", "value", "rating_number", "main_category"]]
    assert told.to_numpy().tolist() == [
        ["dear", 1, 5_000, "Computers"],
        ["best", 1, 1_001, "Computers"],
        ["cheap", 1, 1_000, "Books"],
    ]
    explored.run().execute(INGEST, assets=clean)
    explored.run().execute(EXPLORE, assets=[assets.top_products])
    assert is_explored(explored)


def test_pictures_are_stored_without_a_snapshot(explored: Graph) -> None:
    for name in ("popular_products", "ratings_by_verified", "reviews_over_time"):
        png = explored.store.path(f"{name}_plot") / f"{name}_plot.png"
        assert png.read_bytes().startswith(b"\x89PNG")
    assert "5 reviews" in explored.metadata("yearly_ratings_by_verified_plot")["alternative_text"]


def test_a_year_without_reviews_is_told(explored: Graph) -> None:
    plots = [assets.popular_products_plot, assets.yearly_ratings_by_verified_plot]
    year = {"year": 1985}
    run = explored.run(rating_counts=year, top_products=year)
    run.execute(EXPLORE, assets=[assets.rating_counts, assets.top_products, *plots])
    assert explored.metadata("rating_counts")["ratings_of_1985"] == "No reviews in 1985."
    shown = explored.metadata("top_products")
    assert shown["most_popular"] == "No such reviews in 1985."
    assert "| 1 | dear |" in shown["most_rated"]
    for plot in plots:
        text = explored.metadata(plot.name)["alternative_text"]
        assert "1985. Electronics · reviews up to 2021-" in text
        assert "No data: no " in text


def test_copies_of_a_helpful_review_leave_room_for_others(spark: SparkSession) -> None:
    """However often the first is copied, the fifteenth review of each kind is still found."""
    columns = "review_id string, helpful_vote bigint, verified_purchase boolean, timestamp bigint"
    copied = [("copied", 100, True, 0)] * 40
    others = [(f"{votes:02d}", votes, True, votes) for votes in range(1, 21)]
    rows = [*copied, *others, ("no", 3, None, 7)]
    raw = spark.createDataFrame(rows, columns).withColumn("month", F.lit("2023-01"))
    assert exploration.enough_votes(raw, 40) == 1  # fewer without a verified purchase have votes
    assert exploration.enough_votes(raw.where("verified_purchase"), 40) == 100
    assert exploration.enough_votes(raw.where("verified_purchase"), 41) == 20
    assert not exploration.are_all(exploration.most_helpful(raw, 20))
    found = exploration.most_helpful(raw, 1).sort_values(["rank", "review_id"])
    assert exploration.are_all(found[found["verified_purchase"]])
    assert found["review_id"].tolist() == ["copied", "no", *(f"{n:02d}" for n in range(20, 6, -1))]


def test_an_estimate_of_distinct_values_never_exceeds_the_rows() -> None:
    description = _description(100, dict.fromkeys(_FIGURES) | {"nulls": 10, "distinct": 93})
    assert description["distinct"] == description["count"] == 90


def test_no_helpful_reviews_make_an_empty_table(spark: SparkSession, explored: Graph) -> None:
    raw = read_table(spark, explored.store, RAW_REVIEWS, ["2021-03"])
    votes = exploration.enough_votes(raw)
    assert votes == 1
    assert exploration.most_helpful(raw, votes).empty
    assert exploration.helpful_reviews(raw, {}, votes).empty


def test_reviews_outside_the_span_of_months_make_no_year(explored: Graph) -> None:
    settings = explored.family.settings.model_copy(update={"last_month": "2020-12"})
    [family] = families(settings)
    run = HeadlessRun(build_definitions(settings), family, explored.instance, lambda _: None)
    run.execute(EXPLORE, assets=[assets.rating_counts, assets.reviews_over_time_plot])
    assert "ratings_of_2019" in explored.metadata("rating_counts")
    text = explored.metadata("reviews_over_time_plot")["alternative_text"]
    assert "2019-05" in text
    assert "2021" not in text
