"""Customers by segment, in the form in which campaign tools take them."""

import re
import unicodedata
from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F

from amazon_seg_assets.features import FEATURES, SCORE_COLUMNS

COLUMNS = ("user_id", "segment", *SCORE_COLUMNS.values(), *FEATURES)
FILE = "file"
"""The column that says which file a customer goes to."""

ESCAPED = "_escaped"
"""Counts users whose id would open a formula; no file is called so."""

_FORMULA = r"^[=+\-@\t\r\n＝＋－＠]"
"""What opens a formula in a spreadsheet, as OWASP lists it
(https://owasp.org/www-community/attacks/CSV_Injection), full-width forms included."""

_TEXTS = ("user_id", "segment")
_LONGEST_NAME = 60


def file_names(segments: Sequence[str]) -> dict[str, str]:
    """A name for the file of each segment: ASCII letters, digits and hyphens.

    Of unique segments that lead to the same file name, the second gets ``-2``.
    """
    names: dict[str, str] = {}
    for segment in segments:
        ascii_text = unicodedata.normalize("NFKD", segment).encode("ascii", "ignore").decode()
        words = re.sub(r"[^a-z0-9]+", "-", ascii_text.replace("'", "").lower())
        base = words.strip("-")[:_LONGEST_NAME].rstrip("-") or "segment"
        name, number = base, 1
        while name in names.values():
            number += 1
            name = f"{base}-{number}"
        names[segment] = name
    return names


def for_campaigns(
    customers: DataFrame, files: Mapping[str, str], counts: Observation, as_text: bool
) -> DataFrame:
    """Arranges customers for one file per segment: highest monetary value first, then by user.

    Each file is one partition, sorted with spilling to disk, so memory does not grow with it.

    Args:
        customers: columns of ``rfm_segments``.
        files: name of the file of each segment that there may be.
        counts: receives the customers of each file under its name, and `ESCAPED`.
        as_text: for files that people open as spreadsheets: texts that would open a formula get
            an apostrophe in front, and money has two decimals, never an exponent.

    Returns:
        ``COLUMNS`` and ``file``.
    """
    named = F.create_map(*(F.lit(text) for pair in files.items() for text in pair))
    # Never null, as Spark would sort anew by a partition column that may be.
    chosen = customers.select(
        *COLUMNS, F.coalesce(named[F.col("segment")], F.lit("unknown")).alias(FILE)
    )
    counted = chosen.observe(
        counts,
        F.count_if(_opens_formula("user_id")).alias(ESCAPED),
        *(F.count_if(F.col(FILE) == name).alias(name) for name in files.values()),
    )
    arranged = counted.repartition(len(files), FILE).sortWithinPartitions(
        FILE, F.col("monetary").desc(), "user_id"
    )
    if not as_text:
        return arranged
    return arranged.withColumns(
        {
            **{name: _harmless(name) for name in _TEXTS},
            "monetary": F.col("monetary").cast("decimal(20,2)"),
        }
    )


def _opens_formula(name: str) -> Column:
    return F.col(name).rlike(_FORMULA)


def _harmless(name: str) -> Column:
    return F.when(_opens_formula(name), F.concat(F.lit("'"), name)).otherwise(F.col(name))
