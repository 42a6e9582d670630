"""Files of customers: read as a table, and written batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.scoring.customers import CUSTOMER

CSV, PARQUET = ".csv", ".parquet"
_REVIEWS = (".jsonl", ".json")
_GZIP = ".gz"


def holds_reviews(path: Path) -> bool:
    """Tells by its name whether a file holds reviews; else it holds customers.

    Raises:
        InputError: it is of neither form.
    """
    end = path.with_suffix("").suffix if path.suffix == _GZIP else path.suffix
    if end in _REVIEWS:
        return True
    if path.suffix in (CSV, PARQUET):
        return False
    raise InputError(
        f"{path} is of no known form: give customers as .csv or .parquet, or reviews as .jsonl or "
        ".jsonl.gz."
    )


def read_customers(path: Path) -> pa.Table:
    """A file of customers, its features as they are written: texts of CSV, or numbers.

    Raises:
        InputError: it cannot be read as what it says that it is.
    """
    try:
        if path.suffix == PARQUET:
            return pq.read_table(path, partitioning=None)
        # As texts, so that an id keeps its zeros, and a row that is wrong can be named.
        texts = pacsv.ConvertOptions(column_types=dict.fromkeys(CUSTOMER, pa.string()))
        return pacsv.read_csv(path, convert_options=texts)
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist: check the path.") from error
    except (OSError, pa.ArrowException) as error:
        told = str(error).splitlines()[0]
        raise InputError(
            f"{path} cannot be read as {path.suffix[1:]} ({told}): check the file."
        ) from error


class Writer(Protocol):
    """A file that tables are appended to."""

    def write_table(self, table: pa.Table) -> None:
        """Appends rows."""
        ...


@contextmanager
def writing(path: Path, schema: pa.Schema) -> Iterator[Writer]:
    """Gives a writer of a CSV or Parquet file, which is there when the block ends without error.

    Raises:
        InputError: the file cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        with _writer(part, schema, path.suffix) as writer:
            yield writer
        part.replace(path)
    except OSError as error:
        told = error.strerror or error
        raise InputError(f"{path} cannot be written ({told}): choose another file.") from error
    finally:
        part.unlink(missing_ok=True)


def _writer(path: Path, schema: pa.Schema, form: str) -> Any:
    if form == PARQUET:
        return pq.ParquetWriter(path, schema, compression="zstd")
    return pacsv.CSVWriter(path, schema)


def require_writable_form(path: Path) -> None:
    """Checks that the name of a file to write says its form.

    Raises:
        InputError: it does not.
    """
    if path.suffix not in (CSV, PARQUET):
        raise InputError(f"{path} is of no form that is written: end its name in .csv or .parquet.")
