"""What the assets of raw tables record, also where a run ends before it has recorded anything."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import DagsterInstance

from amazon_seg_assets.assets import declaration, ingestion
from amazon_seg_assets.headless import RunError
from amazon_seg_assets.locations import Location
from amazon_seg_assets.storage.footers import Stats, read_stats
from amazon_seg_assets_tests.graph import Graph
from amazon_seg_assets_tests.raw_files import product, review, write_raw

PRODUCTS = [product("kite", 10.0)]
REVIEWS = [review("a", "kite", "2023-01-05T00:00:00")]
MORE = [*REVIEWS, review("b", "kite", "2023-02-05T00:00:00")]


@pytest.fixture
def graph(tmp_path: Path) -> Iterator[Graph]:
    with DagsterInstance.ephemeral() as instance:
        graph = Graph(write_raw(tmp_path, "Games", REVIEWS, PRODUCTS), "Games", instance)
        graph.run().ingest_raw()
        yield graph


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
    write_raw(graph.folder, "Games", MORE, PRODUCTS)
    monkeypatch.setattr(declaration, "RETRY_AFTER_SECONDS", 0)
    monkeypatch.setattr(ingestion, "read_stats", fails_at_first)
    if failures > declaration.RETRIES:
        with pytest.raises(RunError, match="the storage is away"):
            graph.run().ingest_raw()
        assert graph.store.months("raw_reviews") == ["2023-01", "2023-02"]
    graph.run().ingest_raw()
    assert len(folders) == failures
    assert recorded(graph) == (True, ["2023-01", "2023-02"], 1)
    graph.run().ingest_raw()
    assert recorded(graph) == (False, [], 0)
