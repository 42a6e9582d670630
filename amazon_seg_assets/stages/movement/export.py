"""Customers by segment, in the form in which campaign tools take them."""

import hashlib
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.features import FEATURES, SCORE_COLUMNS
from amazon_seg_assets.months import LOOK_BACK_MONTHS, month_after
from amazon_seg_assets.schema import MONTH
from amazon_seg_assets.settings import PSEUDONYM_KEY
from amazon_seg_assets.spark.sums import total_usd
from amazon_seg_assets.stages.rfm.transform import counted
from amazon_seg_assets.storage.exports import Exported

SEGMENTED = ("user_id", "segment", *SCORE_COLUMNS.values(), *FEATURES)
"""Columns taken over from ``rfm_segments``."""

COLUMNS = (
    *SEGMENTED,
    "previous_segment",
    "segment_since",
    "cluster_label",
    "lifecycle",
    "top_category",
    "control",
    "churn_probability",
    "band",
    "expected_loss",
    "expected_spend_12m",
)
_FIGURES = ("churn_probability", "expected_loss", "expected_spend_12m")
FILE = "file"
"""The column that says which file a row goes to."""

JOINED, LEFT = "-joined", "-left"
"""Ends of the names of files: who came into a segment since the earlier snapshot, who left it."""

ESCAPED = "_escaped"
"""Counts users whose id would open a formula; no file is called so."""

SHORTEST_KEY = 16
"""Characters of a key; shorter ones are soon guessed."""

_FORMULA = tuple("=+-@\t\r\n＝＋－＠")
"""Openings of a formula in a spreadsheet, as OWASP lists them
(https://owasp.org/www-community/attacks/CSV_Injection), full-width forms included."""

PRESENT = "present"
"""Kind of the file that lists the customers of a segment, in the manifest."""

_MONEY = ("monetary", "expected_loss", "expected_spend_12m")
_TEXTS = (
    "user_id",
    "segment",
    "previous_segment",
    "cluster_label",
    "lifecycle",
    "top_category",
    "band",
)
_LONGEST_NAME = 60
_INVENTED = "invented-"
_UNKNOWN = "unknown"
_SHA256_BLOCK = 64  # bytes


def file_names(segments: Sequence[str], is_invented: bool = False) -> dict[str, str]:
    """A name for the file of each segment: ASCII letters, digits and hyphens.

    Those of invented customers say so, wherever the files may end up. Of unique segments that lead
    to the same file name, the second gets ``-2``; so does one that is called like another's file of
    those who joined or left.
    """
    names: dict[str, str] = {}
    taken: set[str] = set()
    for segment in segments:
        ascii_text = unicodedata.normalize("NFKD", segment).encode("ascii", "ignore").decode()
        words = re.sub(r"[^a-z0-9]+", "-", ascii_text.replace("'", "").lower())
        base = words.strip("-")[:_LONGEST_NAME].rstrip("-") or "segment"
        base = f"{_INVENTED}{base}" if is_invented else base
        name, number = base, 1
        while taken & {*_files_of(name)}:
            number += 1
            name = f"{base}-{number}"
        names[segment] = name
        taken.update(_files_of(name))
    return names


def previous_month(snapshot: str, stored: Collection[str]) -> str | None:
    """The snapshot that customers are compared with: a month before, else twelve, if stored."""
    earlier = (month_after(snapshot, -1), month_after(snapshot, -LOOK_BACK_MONTHS))
    return next((month for month in earlier if month in stored), None)


def unbroken_months(snapshot: str, stored: Collection[str]) -> list[str]:
    """The stored snapshots just before one, without a gap, the latest first; at most twelve."""
    months: list[str] = []
    for back in range(1, LOOK_BACK_MONTHS + 1):
        month = month_after(snapshot, -back)
        if month not in stored:
            break
        months.append(month)
    return months


def changes(
    segments: DataFrame, snapshot: str, previous: str | None, unbroken: Sequence[str]
) -> DataFrame:
    """Follows each customer through the stored snapshots.

    Args:
        segments: ``user_id``, ``segment`` and ``month`` of ``rfm_segments`` in all these months.
        snapshot: the present month.
        previous: of the snapshot to compare with.
        unbroken: the months just before the present one, the latest first.

    Returns:
        ``user_id``, ``previous_segment`` (null: not a customer then), and ``segment_since``: the
        month since which the customer is in the present segment without a break, as far back as
        ``unbroken`` goes; null for somebody who is no longer a customer.
    """
    months = dict.fromkeys([snapshot, *unbroken, *([previous] if previous else [])])
    if len(months) == 1:  # there is nothing to bring together
        nothing = F.lit(None).cast("string").alias("previous_segment")
        return segments.select("user_id", nothing, F.lit(snapshot).alias("segment_since"))
    held = segments.groupBy("user_id").agg(
        *(F.max(F.when(F.col(MONTH) == month, F.col("segment"))).alias(month) for month in months)
    )
    now, after = F.col(snapshot), [snapshot, *unbroken]
    since = F.coalesce(
        *(
            F.when(~F.col(month).eqNullSafe(now), F.lit(next_month))
            for next_month, month in zip(after, unbroken, strict=False)
        ),
        F.lit(after[-1]),
    )
    before = F.col(previous) if previous else F.lit(None).cast("string")
    return held.select(
        "user_id",
        before.alias("previous_segment"),
        F.when(now.isNotNull(), since).alias("segment_since"),
    )


def top_categories(joined: DataFrame, start: date, end: date, min_price: float) -> DataFrame:
    """The main category on which each customer spent most; of equal ones the first by name.

    Args:
        joined: ``user_id``, ``timestamp``, ``price`` and ``main_category`` of reviews.
        start: first day of the window.
        end: last day of it, included.
        min_price: a review counts if its price, to six decimals, is above this, in USD.

    Returns:
        ``user_id`` and ``top_category``; without customers whose products have no category.
    """
    placed = counted(joined, start, end, min_price).where("main_category IS NOT NULL")
    total = total_usd(F.col("price")).alias("spend")
    # One shuffle serves both groups, and the join with the customers.
    of_user = placed.repartition("user_id")
    spend = of_user.groupBy("user_id", "main_category").agg(total)
    first = F.struct(-F.col("spend"), "main_category")
    return spend.groupBy("user_id").agg(F.min_by("main_category", first).alias("top_category"))


def is_control(share: float, salt: str) -> Column:
    """True for a stable share of the users, of whatever month.

    The first eight bytes of SHA-256 of ``<salt>:<user_id>`` (UTF-8), big-endian, divided by 2^64,
    are below ``share``: any language can compute that.
    """
    digest = F.sha2(F.concat(F.lit(f"{salt}:"), "user_id"), 256)
    fraction = F.conv(F.substring(digest, 1, 16), 16, 10).cast("double") / 2.0**64
    return fraction < share


def customers_with_context(
    customers: DataFrame, further: Sequence[DataFrame], control: Column
) -> DataFrame:
    """Adds to the customers of a snapshot, and to those who left it, what else is known of them.

    Args:
        customers: `SEGMENTED` of ``rfm_segments``.
        further: first `changes`, which may have customers of the earlier snapshot alone, then
            further columns by ``user_id``, which is unique in each.
        control: as of `is_control`.

    Returns:
        `COLUMNS`; null where nothing is known.
    """
    moved, *others = further
    wide = customers.join(moved, "user_id", "full_outer")
    wide = reduce(lambda left, right: left.join(right, "user_id", "left"), others, wide)
    wide = wide.withColumn("control", control)
    missing = {
        name: F.lit(None).cast("double" if name in _FIGURES else "string")
        for name in COLUMNS
        if name not in wide.columns
    }
    return wide.withColumns(missing).select(*COLUMNS)


def pseudonym_key(environment: Mapping[str, str]) -> str:
    """The key of pseudonyms.

    Raises:
        InputError: there is none, or it is too short.
    """
    key = environment.get(PSEUDONYM_KEY, "")
    if len(key) < SHORTEST_KEY:
        lack = "is shorter" if key else "is not set"
        raise InputError(
            f"The key of pseudonyms, the environment variable {PSEUDONYM_KEY}, {lack}: "
            f"give {SHORTEST_KEY} characters or more, or run segment_export without pseudonyms."
        )
    return key


def hmac_pads(key: str) -> dict[str, bytes]:
    """The two blocks that HMAC-SHA256 puts in front of what it hashes (RFC 2104)."""
    secret = key.encode()
    if len(secret) > _SHA256_BLOCK:
        secret = hashlib.sha256(secret).digest()
    block = secret.ljust(_SHA256_BLOCK, b"\0")
    return {"inner": bytes(b ^ 0x36 for b in block), "outer": bytes(b ^ 0x5C for b in block)}


def with_pseudonyms(customers: DataFrame, pads: DataFrame) -> DataFrame:
    """Puts HMAC-SHA256 of ``user_id``, in hex, in the place of it.

    Args:
        customers: with ``user_id``, among others.
        pads: one row of `hmac_pads`: literals would show in plans, which Spark's UI and its logs
            hold; the content of a frame does not.
    """
    inner = F.unhex(F.sha2(F.concat("inner", F.col("user_id").cast("binary")), 256))
    pseudonym = F.sha2(F.concat("outer", inner), 256)
    keyed = customers.crossJoin(F.broadcast(pads)).withColumn("user_id", pseudonym)
    return keyed.drop("inner", "outer")


def for_campaigns(
    customers: DataFrame,
    files: Mapping[str, str],
    counts: Observation,
    as_text: bool,
    has_earlier: bool,
) -> DataFrame:
    """Arranges customers for one file per segment: highest monetary value first, then by user.

    Where there is an earlier snapshot, who came into a segment since is also in a second file, and
    who left it in a third, with the present segment, if any. Each file is one partition, sorted
    with spilling to disk, so memory does not grow with it.

    Args:
        customers: `COLUMNS`.
        files: name of the file of each segment that there may be.
        counts: receives the rows of each file under its name, and `ESCAPED`.
        as_text: for files that people open as spreadsheets: texts that would open a formula get
            an apostrophe in front, and money has two decimals, never an exponent.
        has_earlier: an earlier snapshot is stored.

    Returns:
        `COLUMNS` and ``file``.
    """
    named = F.create_map(*(F.lit(text) for pair in files.items() for text in pair))
    now, before = F.col("segment"), F.col("previous_segment")
    places = [_file(named, now)]
    if has_earlier:
        changed = ~now.eqNullSafe(before)
        places += [
            F.when(changed, _file(named, now, JOINED)),
            F.when(changed, _file(named, before, LEFT)),
        ]
    placed = customers.withColumn(FILE, F.explode(F.array(*places))).where(F.col(FILE).isNotNull())
    # Never null, as Spark would sort anew by a partition column that may be.
    sure = placed.withColumn(FILE, F.coalesce(FILE, F.lit(_UNKNOWN)))
    kinds = _files_of if has_earlier else _only
    every = [name for of in files.values() for name in kinds(of)]
    counted = sure.observe(
        counts,
        F.count_if(_opens_formula("user_id") & F.col(FILE).isin(*files.values())).alias(ESCAPED),
        *(F.count_if(F.col(FILE) == name).alias(name) for name in every),
    )
    arranged = counted.repartition(len(every), FILE).sortWithinPartitions(
        FILE, F.col("monetary").desc_nulls_last(), "user_id"
    )
    if not as_text:
        return arranged
    return arranged.withColumns(
        {
            **{name: _harmless(name) for name in _TEXTS},
            **{name: F.col(name).cast("decimal(20,2)") for name in _MONEY},
            "churn_probability": F.col("churn_probability").cast("decimal(5,4)"),
        }
    )


def check_complete(
    counts: Mapping[str, int], files: Mapping[str, str], now: int, before: int | None
) -> None:
    """Checks that nobody was lost on the way to the files, and nobody was counted twice.

    Args:
        counts: rows of each file.
        files: name of the file of each segment.
        now: customers of the snapshot.
        before: customers of the earlier one; None where there is none.

    Raises:
        ValueError: rows do not add up.
    """
    present, joined, left = (
        sum(counts.get(f"{name}{end}", 0) for name in files.values()) for end in ("", JOINED, LEFT)
    )
    if present != now:
        raise ValueError(f"{present} rows were exported of {now} customers")
    if before is not None and present - joined + left != before:
        raise ValueError(
            f"{present} customers, {joined} who joined and {left} who left a segment do not lead "
            f"back to the {before} customers before"
        )


def listed(
    written: Sequence[Exported], files: Mapping[str, str], counts: Mapping[str, int]
) -> list[dict[str, Any]]:
    """The files as the manifest lists them: segment, whom of it they hold, rows, bytes, hash."""
    kinds = dict(zip(("", JOINED, LEFT), (PRESENT, "joined", "left"), strict=True))
    of = {f"{name}{end}": (each, kinds[end]) for each, name in files.items() for end in kinds}
    return [
        {
            "file": each.file,
            "segment": of[each.name][0],
            "customers": of[each.name][1],
            "rows": counts[each.name],
            "bytes": each.bytes,
            "sha256": each.sha256,
        }
        for each in written
    ]


def _files_of(name: str) -> tuple[str, ...]:
    return name, f"{name}{JOINED}", f"{name}{LEFT}"


def _only(name: str) -> tuple[str, ...]:
    return (name,)


def _file(named: Column, segment: Column, end: str = "") -> Column:
    """The file of a segment, null for none; rows of an unknown one are missed in the end."""
    known = F.concat(F.coalesce(named[segment], F.lit(_UNKNOWN)), F.lit(end))
    return F.when(segment.isNotNull(), known)


def _opens_formula(name: str) -> Column:
    return F.substring(name, 1, 1).isin(*_FORMULA)


def _harmless(name: str) -> Column:
    return F.when(_opens_formula(name), F.concat(F.lit("'"), name)).otherwise(F.col(name))
