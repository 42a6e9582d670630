"""Files for other programs: one for each value of a column, and a manifest that lists them."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pyspark.sql import DataFrame

from amazon_seg_assets.storage.layout import Store, month_folder
from amazon_seg_assets.storage.locations import Location, move_file, spark_path

Form = Literal["csv", "parquet"]

MANIFEST = "manifest.json"

_OPTIONS: dict[Form, dict[str, str]] = {
    # RFC 4180, with all cells in quotes: where `;` separates cells, none begins within a text.
    # LF ends a line, as Spark would turn each LF inside of quotes into any other end.
    "csv": {
        "header": "true",
        "encoding": "UTF-8",
        "lineSep": "\n",
        "quote": '"',
        "escape": '"',
        "quoteAll": "true",
        "ignoreLeadingWhiteSpace": "false",
        "ignoreTrailingWhiteSpace": "false",
        "compression": "none",
    },
    "parquet": {"compression": "snappy"},  # the codec that most programs know
}


@dataclass(frozen=True)
class Exported:
    """A file that was written.

    Attributes:
        name: value of the column that it is of.
        file: its name, with the ending.
        bytes: its size.
        sha256: of its content, in hex.
    """

    name: str
    file: str
    bytes: int
    sha256: str


def write_one_file_each(
    frame: DataFrame,
    store: Store,
    asset: str,
    month: str,
    by: str,
    form: Form,
    manifest: Callable[[Sequence[Exported]], Mapping[str, Any]],
) -> None:
    """Replaces a month of an artifact by files ``<value of by>.<form>`` and `MANIFEST`.

    The files lack that column. Rows of a file must be in one partition, sorted. ``manifest`` is
    called with the files, in the order of their names, and gives the content of the manifest; if
    it raises, the former files stay.
    """
    with store.replacing_in_place(asset, [month]) as folder:
        target, parts = folder / month_folder(month), folder / "parts"
        frame.write.partitionBy(by).format(form).options(**_OPTIONS[form]).save(spark_path(parts))
        written = []
        for part in parts.glob(f"{by}=*"):
            name = part.name.removeprefix(f"{by}=")
            [file] = part.glob(f"part-*.{form}")
            written.append(_described(file, name, form))
            move_file(file, target / f"{name}.{form}")
        written.sort(key=lambda each: each.name)
        content = json.dumps(manifest(written), indent=1, ensure_ascii=False)
        (target / MANIFEST).write_text(f"{content}\n", encoding="utf-8")


def _described(file: Location, name: str, form: Form) -> Exported:
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256")  # type: ignore[arg-type]  # UPath's is wider
    return Exported(name, f"{name}.{form}", file.stat().st_size, digest.hexdigest())
