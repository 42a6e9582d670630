"""Dagster's records: in ``DAGSTER_HOME``, or a folder of the project; and runs that died.

Dagster is imported where it is needed, as that takes seconds.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import amazon_seg_assets
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.processes import is_abandoned, new_name, subject_of

if TYPE_CHECKING:
    from dagster import DagsterInstance

DEFAULT_HOME = ".dagster_home"
_CONFIG = "dagster.yaml"

WORKSPACE = Path(amazon_seg_assets.__file__).with_name("workspace.yaml")
"""Of this package, as that of the current folder may be of another project."""

_PROCESS_TAG = "amazon_seg/process"


def ensure_dagster_home() -> Path:
    """Makes sure that ``DAGSTER_HOME`` names a folder with a ``dagster.yaml``, and returns it.

    Raises:
        InputError: the folder cannot be made or written to.
    """
    given = Path(os.environ.get("DAGSTER_HOME") or DEFAULT_HOME)
    try:
        home = given.expanduser().absolute()
        home.mkdir(parents=True, exist_ok=True)
        config = home / _CONFIG
        if not config.exists():
            config.write_text(files(__package__).joinpath(_CONFIG).read_text())
    except (OSError, RuntimeError) as error:
        raise _not_writable(given, error) from error
    os.environ["DAGSTER_HOME"] = str(home)
    return home


def open_instance(home: Path) -> DagsterInstance:
    """Dagster's records in a folder that `ensure_dagster_home` has returned.

    Raises:
        InputError: its ``dagster.yaml`` is not valid, or its databases cannot be written to.
    """
    from dagster import DagsterError, DagsterInstance, DagsterInvalidConfigError
    from yaml import YAMLError

    from amazon_seg_assets.dag.internals import INVALID_FILE

    try:
        with keeping_records(home):
            return DagsterInstance.get()
    except OSError as error:
        raise _not_writable(home, error) from error
    except (DagsterError, INVALID_FILE, YAMLError) as error:
        first = error.errors[0].message if isinstance(error, DagsterInvalidConfigError) else error
        # What Dagster expects instead is all that there is.
        reason = " ".join(str(first).split()).partition(" Expected: ")[0].rstrip(".")
        raise InputError(
            f"Dagster cannot use {home / _CONFIG} ({reason}): correct the file, or remove it to "
            "have the default one written."
        ) from error


@contextmanager
def keeping_records(home: Path) -> Iterator[None]:
    """Tells in a sentence why Dagster's database cannot keep what happens meanwhile.

    Raises:
        InputError: it cannot, as on a full disk.
    """
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except SQLAlchemyError as error:
        raise _not_writable(home, error) from error


def _not_writable(home: Path, error: Exception) -> InputError:
    # What the database itself says has neither the statement nor a link, as SQLAlchemy's own has.
    said = getattr(error, "strerror", None) or str(getattr(error, "orig", None) or error)
    return InputError(
        f"Dagster cannot keep its records in {home} ({said.rstrip('.')}): make room there, or set "
        "DAGSTER_HOME to a folder that can be written to."
    )


def process_tag(run_id: str) -> dict[str, str]:
    """A tag that tells in which process a run is, named as a write to the storage is."""
    return {_PROCESS_TAG: new_name(_plain(run_id))}


def _plain(run_id: str) -> str:
    return run_id.replace("-", "")


def end_dead_runs(instance: DagsterInstance) -> None:
    """Records runs of the command as failed whose process is gone, as others wait for them.

    Dagster itself watches only processes that it has started.
    """
    from dagster import DagsterRunStatus, RunsFilter

    for record in instance.get_run_records(RunsFilter(statuses=[DagsterRunStatus.STARTED])):
        run, started = record.dagster_run, record.start_time or 0.0
        process = run.tags.get(_PROCESS_TAG, "")
        # What Dagster starts again from the UI has the tags of the former run.
        is_of_command = subject_of(process) == _plain(run.run_id)
        if is_of_command and is_abandoned(process, lambda: started):  # noqa: B023
            instance.report_run_failed(run, "The process of this run is gone.")
