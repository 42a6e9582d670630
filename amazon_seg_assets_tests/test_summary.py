"""The table of segments that a run ends with."""

from io import StringIO
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from amazon_seg_assets.run import summary
from amazon_seg_assets.sample.source import SampleSource
from amazon_seg_assets.stages.raw.manifest import Manifest
from amazon_seg_assets.storage.layout import Store


def shown(
    store: Store, monkeypatch: pytest.MonkeyPatch, source: str = "folder source"
) -> list[str]:
    """Lines of the table of one segment, of reviews from a source that is described so."""
    with store.replacing("raw_reviews") as folder:
        Manifest("1-version", source, files={}).write(folder)
    segment = {"segment": "VIP [/gold] [x]", "customers": 1_200, "share": 1.0, "recency": 3.2}
    frame = pd.DataFrame([segment | {"frequency": 1.5, "monetary": 1_234.5}])
    monkeypatch.setattr(summary, "read_small", lambda *_: frame)
    monkeypatch.setattr(summary, "by_segment", lambda table: table)
    console = Console(width=120, file=StringIO(), record=True)
    console.print(summary.segment_table(store, "2023-03"))
    return [line.strip() for line in console.export_text().splitlines()]


def test_names_are_shown_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    title, *rows = shown(Store(tmp_path, "Toys"), monkeypatch)
    assert title == "Toys, snapshot 2023-03: 1,200 customers"
    assert any(row.startswith("│ VIP [/gold] [x] │     1,200 │ 100.0% │") for row in rows)


def test_invented_customers_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sample = SampleSource(tmp_path).description
    title, *_ = shown(Store(tmp_path, "Toys"), monkeypatch, sample)
    assert title == "Toys, snapshot 2023-03: 1,200 customers, invented (built-in sample)"
