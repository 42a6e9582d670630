"""The table of segments that a run ends with."""

from io import StringIO
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from amazon_seg_assets import summary
from amazon_seg_assets.storage.layout import Store


def test_names_are_shown_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    segment = {"segment": "VIP [/gold] [x]", "customers": 1_200, "share": 1.0, "recency": 3.2}
    frame = pd.DataFrame([segment | {"frequency": 1.5, "monetary": 1_234.5}])
    monkeypatch.setattr(summary, "read_small", lambda *_: frame)
    monkeypatch.setattr(summary, "by_segment", lambda table: table)
    console = Console(width=120, file=StringIO(), record=True)
    console.print(summary.segment_table(Store(tmp_path, "Toys"), "2023-03"))
    shown = console.export_text()
    assert "Toys, snapshot 2023-03: 1,200 customers" in shown
    assert "│ VIP [/gold] [x] │     1,200 │ 100.0% │" in shown
