"""What the assets of raw tables record and warn of, and what they do when something is wrong."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from dagster import AssetRecordsFilter, DagsterInstance, MarkdownMetadataValue
from markdown_it import MarkdownIt

from amazon_seg_assets.dag import steps
from amazon_seg_assets.dag.declaration import declared_in
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.planning.jobs import INGEST
from amazon_seg_assets.run.headless import HeadlessRun, RunError
from amazon_seg_assets.sample.source import SampleSource
from amazon_seg_assets.sources.base import Kind
from amazon_seg_assets.stages.raw.ingest import ingest as ingest_files
from amazon_seg_assets.stages.raw.manifest import require_manifest
from amazon_seg_assets.storage import parquet
from amazon_seg_assets.storage.contents import keep_contents
from amazon_seg_assets.storage.locations import Location
from amazon_seg_assets.storage.parquet import Stats, read_stats
from amazon_seg_assets_tests.disk import on_disk
from amazon_seg_assets_tests.graph import Graph
from amazon_seg_assets_tests.page import Page
from amazon_seg_assets_tests.raw_files import product, review, write_raw

PRODUCTS = [product("kite", 10.0)]
REVIEWS = [review("a", "kite", "2023-01-05T00:00:00")]
MORE = [*REVIEWS, review("b", "kite", "2023-02-05T00:00:00")]


def ingest(graph: Graph) -> HeadlessRun:
    """Makes the raw tables alone."""
    run = graph.run()
    run.execute(INGEST, assets=declared_in("raw"))
    return run


def ingested(folder: Path, instance: DagsterInstance) -> Graph:
    graph = Graph(write_raw(folder, "Games", REVIEWS, PRODUCTS), "Games", instance)
    ingest(graph)
    return graph


@pytest.fixture
def graph(tmp_path: Path) -> Iterator[Graph]:
    with DagsterInstance.ephemeral() as instance:
        yield ingested(tmp_path, instance)


@pytest.fixture(scope="module")
def kept(instance: DagsterInstance, tmp_path_factory: pytest.TempPathFactory) -> Graph:
    """For tests that write another source, of which nothing is to be taken over."""
    return ingested(tmp_path_factory.mktemp("kept"), instance)


def recorded(graph: Graph) -> tuple[bool, list[str], int]:
    """Of the last ingestion of reviews whether the source changed, its months, and files read."""
    metadata = graph.metadata("raw_reviews")
    return metadata["source_changed"], metadata["months_changed"], metadata["files_read"]


@pytest.mark.parametrize("failures", [1, 2], ids=["step tried again", "run failed"])
def test_a_change_that_was_published_is_recorded_by_who_comes_next(
    graph: Graph, monkeypatch: pytest.MonkeyPatch, failures: int
) -> None:
    folders: list[Location] = []

    def fails_at_first(folder: Location) -> Stats:
        if folder == graph.store.path("raw_reviews") and len(folders) < failures:
            folders.append(folder)
            raise OSError("the storage is away")
        return read_stats(folder)

    assert recorded(graph) == (True, ["2023-01"], 1)
    assert graph.metadata("raw_reviews")["rows_read"] == 1
    write_raw(graph.folder, "Games", MORE, PRODUCTS)
    monkeypatch.setattr(steps, "RETRY_AFTER_SECONDS", 0)
    monkeypatch.setattr(parquet, "read_stats", fails_at_first)
    if failures > steps.RETRIES:
        with pytest.raises(RunError, match="the storage is away"):
            ingest(graph)
        assert graph.store.months("raw_reviews") == ["2023-01", "2023-02"]
    ingest(graph)
    assert len(folders) == failures
    assert recorded(graph) == (True, ["2023-01", "2023-02"], 1)
    assert graph.metadata("raw_reviews")["rows_read"] == 0  # this step has only recorded it
    ingest(graph)
    assert recorded(graph) == (False, [], 0)


def test_reviews_that_are_all_outside_the_span_replace_nothing(kept: Graph) -> None:
    former = kept.read("raw_reviews")
    in_seconds = [each | {"timestamp": each["timestamp"] // 1000} for each in MORE]
    write_raw(kept.folder, "Games", in_seconds, PRODUCTS)
    message = r"None of the 2 reviews of folder .* is within .*, but of 1970-01 … 1970-01: set"
    with pytest.raises(InputError, match=message):
        ingest(kept)
    assert kept.read("raw_reviews").equals(former)
    assert kept.store.months("raw_reviews") == ["2023-01"]


@pytest.mark.parametrize(
    ("missing", "folder"), [("reviews", "review_categories"), ("metadata", "meta_categories")]
)
def test_a_source_of_one_kind_alone_replaces_nothing(
    kept: Graph, missing: str, folder: str
) -> None:
    former = kept.files()
    write_raw(kept.folder, "Games", MORE, [*PRODUCTS, product("doll", 5.0)])
    [file] = kept.folder.glob(f"raw/{folder}/*")
    file.unlink()
    with pytest.raises(InputError, match=f"There are no {missing} in .*Games"):
        ingest(kept)
    assert kept.files() == former


def test_a_table_that_failed_a_check_is_made_anew_by_the_next_run(graph: Graph) -> None:
    former = graph.files()
    for table in ("raw_reviews", "raw_metadata"):
        folder = on_disk(graph.store.path(table))
        [file] = folder.rglob("*.parquet")
        pq.write_table(pq.ParquetFile(file).schema_arrow.empty_table(), file)
        keep_contents(folder)
        with pytest.raises(InputError, match=f"A check failed, .* {table}, rows_as_read: Of 1 row"):
            ingest(graph)
        ingest(graph)
        assert graph.files().keys() == former.keys()
        assert graph.metadata(table)["rows_read"] == 1


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


@pytest.mark.parametrize("table", ["raw_reviews", "raw_metadata"])
@pytest.mark.parametrize(
    ("pattern", "harm"),
    [
        ("*.parquet", Path.unlink),
        ("*.parquet", cut),
        ("_manifest.json", Path.unlink),
        ("_manifest.json", cut),
        ("_contents.json", cut),
    ],
)
def test_a_raw_table_that_is_damaged_is_made_anew_by_the_next_run(
    graph: Graph, table: str, pattern: str, harm: Callable[[Path], None]
) -> None:
    former = graph.files()
    [file] = on_disk(graph.store.path(table)).rglob(pattern)
    harm(file)
    ingest(graph)
    assert graph.metadata(table)["rows_read"] == 1
    assert {name: content for name, (_, content) in graph.files().items()} == {
        name: content for name, (_, content) in former.items()
    }


def test_the_sample_does_not_replace_what_a_damaged_manifest_no_longer_tells(
    graph: Graph, tmp_path: Path
) -> None:
    former, store = graph.files(), graph.store
    [manifest] = on_disk(store.path("raw_reviews")).glob("_manifest.json")
    cut(manifest)
    sample = SampleSource(tmp_path / "sample", reviews=1000)
    with pytest.raises(InputError, match=r"raw_reviews of Games is damaged: .*_manifest\.json"):
        ingest_files(Kind.REVIEWS, sample, store, 0.0, False, lambda _: None, 1)
    with pytest.raises(InputError, match=r"materialize it again, or run `amazon-seg run --force`"):
        require_manifest(store, "raw_reviews")
    assert graph.files() == former


def test_what_is_left_out_of_the_raw_tables_is_told(
    graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ingest(graph).warnings == []
    outside = [review("a", "kite", f"{month}-01T00:00:00") for month in ("1990-01", "2023-10")]
    outside.append(review("a", "kite", "9999-12-01T00:00:00"))
    products = [*PRODUCTS, product("doll", 5.0, colour="red")]
    outside[0]["mood"] = "fine"
    write_raw(graph.folder, "Games", MORE + outside, products)
    for path in graph.folder.glob("raw/*/*.jsonl"):
        path.write_text(path.read_text() + "[]\n")
    monkeypatch.setenv("AMAZON_SEG_MAX_MALFORMED_SHARE", "0.5")
    run = ingest(graph)
    assert sorted(warning for warning in run.warnings if "no_month_gaps" not in warning) == [
        "raw_metadata, all_lines_read: 1 of 3 lines are not valid records, and left out: "
        "`raw/meta_categories/meta_Games.jsonl, line 3: not a JSON object`.",
        "raw_metadata, no_unknown_fields: 1 field of the source not stored: `colour`.",
        "raw_reviews, all_lines_read: 1 of 6 lines are not valid records, and left out: "
        "`raw/review_categories/Games.jsonl, line 6: not a JSON object`.",
        "raw_reviews, no_unknown_fields: 1 field of the source not stored: `mood`.",
        "raw_reviews, rows_in_span: 3 of 5 reviews are outside the months 1996-05 … 2023-09, and "
        "left out; to count those from 1990-01 on, set AMAZON_SEG_FIRST_MONTH; to count those up "
        "to 2023-10, set AMAZON_SEG_LAST_MONTH to it, or to nothing to follow the data.",
    ]


HOSTILE = '![x](https://evil.example/x.png)<img src="https://evil.example/y.png">`|'
ESCAPES = "\x1b]0;owned\x07\x1b[2J"


def tags_shown(graph: Graph, asset: str) -> set[str]:
    """The tags of HTML that the Markdown of an asset's metadata becomes, where HTML is let in."""
    asked = AssetRecordsFilter(graph.family.key(asset))
    [record] = graph.instance.fetch_materializations(asked, limit=1).records
    assert record.asset_materialization is not None
    values = record.asset_materialization.metadata.values()
    texts = [each.value for each in values if isinstance(each, MarkdownMetadataValue)]
    assert len(texts) > 2
    return {tag for text in texts for tag in tags_of(text or "")}


def tags_of(text: str) -> set[str]:
    renderer = MarkdownIt("commonmark", {"html": True}).enable("table")
    return set(Page(renderer.render(text)).tags)


def test_text_of_a_source_is_no_markdown_and_moves_no_cursor(
    graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = review(HOSTILE, "kite", "2023-01-06T00:00:00", title=HOSTILE)
    broken = odd | {"rating": HOSTILE, "timestamp": HOSTILE[:30]}
    known = odd | {f"{ESCAPES}{HOSTILE}": 1}
    write_raw(graph.folder, "Games", [known, broken], [product(HOSTILE, HOSTILE, title=HOSTILE)])
    [file] = graph.folder.glob("raw/review_categories/*")
    file.rename(file.with_name("Games-![x](y.png)<img src=y>.jsonl"))
    monkeypatch.setenv("AMAZON_SEG_MAX_MALFORMED_SHARE", "0.5")
    run = ingest(graph)
    table = {"table", "thead", "tbody", "tr", "th", "td"}
    for asset in ("raw_reviews", "raw_metadata"):
        assert tags_shown(graph, asset) <= {"p", "ul", "li", *table}
    told = [*run.warnings, *graph.metadata("raw_reviews")["unknown_fields"]]
    assert any("evil.example" in each for each in told)
    assert all(each.isprintable() for each in told)
    # The UI shows what a check has found as Markdown, too.
    assert tags_of("\n\n".join(run.warnings)) == {"p", "code"}
