"""Files for other programs: one for each value of a column, under a name that people chose."""

from collections.abc import Callable
from typing import Literal

from pyspark.sql import DataFrame

from amazon_seg_assets.storage.layout import Store, month_folder
from amazon_seg_assets.storage.locations import move_file, spark_path

Form = Literal["csv", "parquet"]

_OPTIONS: dict[Form, dict[str, str]] = {
    # RFC 4180: CRLF ends a line, also one inside quotes, and a quote inside quotes is doubled.
    "csv": {
        "header": "true",
        "encoding": "UTF-8",
        "lineSep": "\r\n",
        "quote": '"',
        "escape": '"',
        "ignoreLeadingWhiteSpace": "false",
        "ignoreTrailingWhiteSpace": "false",
        "compression": "none",
    },
    "parquet": {"compression": "snappy"},  # the codec that most programs know
}


def write_one_file_each(
    frame: DataFrame,
    store: Store,
    asset: str,
    month: str,
    by: str,
    form: Form,
    check: Callable[[], None],
) -> None:
    """Replaces a month of an artifact by files ``<value of by>.<form>``.

    The files lack that column. Rows of a file must be in one partition, sorted. ``check`` is called
    when all is written; if it raises, the former files stay.
    """
    with store.replacing_in_place(asset, [month]) as folder:
        target, parts = folder / month_folder(month), folder / "parts"
        frame.write.partitionBy(by).format(form).options(**_OPTIONS[form]).save(spark_path(parts))
        for part in parts.glob(f"{by}=*"):
            [file] = part.glob(f"part-*.{form}")
            move_file(file, target / f"{part.name.removeprefix(f'{by}=')}.{form}")
        check()
