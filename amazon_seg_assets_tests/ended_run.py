"""The main job as typed, for two categories, of which one has no files and one twelve customers.

For tests of what it prints and of what it stores.
"""

from __future__ import annotations

from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest

from amazon_seg_assets.cli import main
from amazon_seg_assets_tests.raw_files import product, review, write_raw

CATEGORY, MISSING, SNAPSHOT = "Toys", "Games", "2023-03"
SKIPPED = "exploration,history,sentiment,comparison"
"""Parts that the run leaves out, as they take long and other files run them."""
HOSTILE = "<script>alert(1)</script> ](javascript:alert(1)) | `code` **x** \u202e&amp; '\"\n# y"

_PURCHASES = [
    review(f"user-{user:02d}", f"product-{user % 3}", f"2023-0{1 + user % 3}-1{user % 9}T12:00:00")
    for user in range(12)
]
_PRODUCTS = [product(f"product-{number}", 10.0 * 3**number, title=HOSTILE) for number in range(3)]


@dataclass(frozen=True)
class EndedRun:
    """A run that has ended, well for the category that has files.

    Attributes:
        source: the folder of the raw files, absolute.
        folder: in which it ran, absolute; the storage was given as ``out``.
        home: Dagster's records.
        output: what it has printed.
        log: what it has printed as errors.
        status: with which it has exited.
    """

    source: Path
    folder: Path
    home: Path
    output: str
    log: str
    status: object

    @property
    def storage(self) -> Path:
        return self.folder / "out"


def run_in(folder: Path) -> EndedRun:
    """Runs the main job in this process and with its Spark session, without `SKIPPED`."""
    source = write_raw(folder / "source", CATEGORY, _PURCHASES, _PRODUCTS)
    home, output, log = folder / "home", StringIO(), StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(output), redirect_stderr(log):
        patch.chdir(folder)
        patch.setenv("DAGSTER_HOME", str(home))
        settings = ["--source", str(source), "--category", f"{MISSING},{CATEGORY}"]
        with pytest.raises(SystemExit) as stopped:
            main(["run", *settings, "--storage", "out", "--k", "2", "--skip", SKIPPED])
    return EndedRun(source, folder, home, output.getvalue(), log.getvalue(), stopped.value.code)
