"""Spark's temporary files: a folder for each process, so that what a killed one left is known."""

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.processes import is_abandoned, new_name

_SUBJECT = "amazon_seg_spark"


def temporary_folder() -> Path:
    """Makes a folder for the Java of this process, and removes those that dead ones have left.

    A Java that ends removes what it has put there, and the folder itself goes with the next start
    of the same user; so does what a killed one leaves.

    Raises:
        InputError: the system's folder of temporary files cannot be written to.
    """
    try:
        parent = Path(tempfile.gettempdir())
        _remove_abandoned(parent)
        folder = parent / new_name(_SUBJECT)
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise InputError(
            f"Spark can keep no temporary files ({error.strerror}: {error.filename}): make room, "
            "or set TMPDIR to a folder that can be written to."
        ) from error
    return folder


def _remove_abandoned(parent: Path) -> None:
    for folder in parent.glob(f"{_SUBJECT}-*"):
        with suppress(FileNotFoundError):  # another process removes it too
            found = folder.lstat()
            is_own = found.st_uid == os.getuid()
            if is_own and is_abandoned(folder.name, lambda: found.st_mtime):  # noqa: B023
                shutil.rmtree(folder, ignore_errors=True)
