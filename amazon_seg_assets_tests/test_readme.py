"""The README's Python works as it stands there."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from amazon_seg_assets_tests.ended_run import CATEGORY, SNAPSHOT, EndedRun

README = Path(__file__).parent.parent / "README.md"
SNIPPETS = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)


@pytest.fixture
def execute(
    ended_run: EndedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], dict[str, Any]]:
    """Executes the snippet that mentions a table, where that table is as the README has it."""

    def execute_with(table: str) -> dict[str, Any]:
        folder = tmp_path / "data/Electronics" / table
        folder.mkdir(parents=True)
        stored = ended_run.storage / CATEGORY / table / f"month={SNAPSHOT}"
        (folder / "month=2023-09").symlink_to(stored)
        [snippet] = [each for each in SNIPPETS if table in each]
        # Java stays in the folder in which it was started.
        snippet = snippet.replace('"data/', f'"{tmp_path}/data/')
        # Its last line is a result, which Python shows when it is typed.
        names: dict[str, Any] = {}
        exec(re.sub(r"^(duckdb\.sql|model\.transform)", r"result = \1", snippet, flags=re.M), names)
        return names

    monkeypatch.chdir(tmp_path)
    return execute_with


def test_segments_can_be_counted_by_a_query(execute: Callable[[str], dict[str, Any]]) -> None:
    pytest.importorskip("duckdb", reason="needs the extra bench")
    rows = execute("rfm_segments")["result"].fetchall()
    assert sum(customers for _, customers in rows) == 12


def test_the_stored_model_scores_new_customers(execute: Callable[[str], dict[str, Any]]) -> None:
    [customer] = execute("cluster_model")["result"].collect()
    assert customer.recency == 12
    assert customer.cluster in (0, 1)
