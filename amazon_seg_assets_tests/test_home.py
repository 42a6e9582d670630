"""Dagster's own commands, as typed where there is no home for its records."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from dagster._cli.asset import asset_materialize_command

from amazon_seg_assets_tests.raw_files import product, review, write_raw

DEFINITIONS = """
from pathlib import Path
from amazon_seg_assets.definitions import build_definitions
from amazon_seg_assets.settings import Settings

here = Path(__file__).parent
defs = build_definitions(Settings(category="Toys", source=str(here), storage=here / "data"))
"""


def test_nothing_is_changed_without_a_home_for_its_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_raw(tmp_path, "Toys", [review("a", "p", "2023-03-01T00:00:00")], [product("p", 1.0)])
    (tmp_path / "defs.py").write_text(DEFINITIONS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    ended = CliRunner().invoke(
        asset_materialize_command, ["-f", "defs.py", "--select", "Toys/raw_metadata"]
    )
    assert ended.exit_code != 0
    assert "DAGSTER_HOME is not set" in ended.output
    assert not (tmp_path / "data").exists()
