"""Tests of the status: what is stored, what of it is stale and why; and the place of the report."""

import json
import shutil
import webbrowser
from pathlib import Path
from typing import Any

import pytest

from amazon_seg_assets.cli import main
from amazon_seg_assets.storage.facts import note_checks
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets_tests.ended_run import CATEGORY, SNAPSHOT, EndedRun


@pytest.fixture(scope="module")
def place(ended_run: EndedRun, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options of a copy of a storage that a run has left, in which a check has failed since."""
    storage = tmp_path_factory.mktemp("status") / "data"
    shutil.copytree(ended_run.storage, storage)
    note_checks(Store(storage, CATEGORY), "rfm_segments", SNAPSHOT, {"user_id_unique": False})
    return ["--source", str(ended_run.source), "--category", CATEGORY, "--storage", str(storage)]


def states(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, dict[str, Any]]:
    main(["status", *options, "--json"])
    return {each["asset"]: each for each in json.loads(capsys.readouterr().out)[CATEGORY]}


def test_status_tells_what_is_stored_what_is_stale_and_why(
    place: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    found = states(capsys, *place)
    expected = {
        "raw_reviews": ("yes", "", ""),
        "clean_metadata": ("yes", "", ""),
        "joined_reviews": ("2023-01 to 2023-03", "", ""),
        "rfm_features": (SNAPSHOT, "", ""),
        # The run was told to make two clusters; one without options would choose.
        "k_sweep": (SNAPSHOT, SNAPSHOT, "made with another k"),
        "rfm_segments": (SNAPSHOT, SNAPSHOT, "the check user_id_unique has failed"),
        "scheme_comparison": (SNAPSHOT, "", ""),
        "segment_counts_plot": (
            SNAPSHOT,
            SNAPSHOT,
            f"made from segment_summary {SNAPSHOT}, rfm_segments {SNAPSHOT}, which is stale",
        ),
        "customer_days": ("", "", ""),
    }
    told = {
        name: (found[name]["stored"], found[name]["stale"], found[name]["why"]) for name in found
    }
    assert {name: told[name] for name in expected} == expected


def test_a_source_that_has_changed_or_is_gone_makes_raw_tables_stale(
    place: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert states(capsys, *place, "--source", "sample")["raw_reviews"]["why"] == (
        "the source has changed"
    )
    why = states(capsys, *place, "--source", "nowhere")["raw_reviews"]["why"]
    assert "nowhere does not exist" in why


def test_status_is_a_table_for_people(
    place: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    main(["status", *place])
    title, *lines = capsys.readouterr().out.splitlines()
    assert title.strip().startswith(f"{CATEGORY} in {place[-1]}: ")
    [row] = [line for line in lines if " rfm_segments " in line and "failed" in line]
    assert row.count(SNAPSHOT) == 2


def test_a_storage_without_anything_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = states(capsys, "--source", "sample", "--category", CATEGORY, "--storage", str(tmp_path))
    assert {each["stored"] for each in found.values()} == {""}


def test_the_report_is_found_and_opened(
    place: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def opens(url: str) -> bool:
        opened.append(url)
        return True

    monkeypatch.setattr(webbrowser, "open", opens)
    main(["report", *place])
    assert opened == []
    main(["report", *place, "--snapshot", SNAPSHOT, "--open"])
    report = Path(place[-1]) / f"{CATEGORY}/executive_report/month={SNAPSHOT}/executive_report.html"
    assert capsys.readouterr().out.splitlines() == [str(report)] * 2
    assert opened == [report.as_uri()]
    monkeypatch.setattr(webbrowser, "open", lambda _: False)
    with pytest.raises(SystemExit):
        main(["report", *place, "--open"])
    assert "There is no browser to open it in" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("category", "snapshot", "message"),
    [
        (CATEGORY, "2022-03", f"--snapshot 2022-03`. Those of {SNAPSHOT} are there."),
        ("Games", None, "make it with `amazon-seg run`."),
    ],
)
def test_a_report_that_is_not_there_is_told(
    place: list[str],
    capsys: pytest.CaptureFixture[str],
    category: str,
    snapshot: str | None,
    message: str,
) -> None:
    asked = ["--snapshot", snapshot] if snapshot else []
    with pytest.raises(SystemExit):
        main(["report", *place, "--category", category, *asked])
    assert capsys.readouterr().err.strip().endswith(message)
