"""Stored tables and models for notebooks and other programs, without Dagster.

    from amazon_seg_assets import api

    month = api.months("rfm_segments")[-1]
    customers = api.load_table("rfm_segments", month)
    scored = api.score(new_customers, month)

Storage and category are those of the settings, from the environment or ``.env``; the arguments
``storage`` and ``category`` take their place. Spark starts only for Spark frames, the model and
files of reviews, with the settings and the Java of the pipeline. An error that can be mended is an
``InputError``.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

import pandas as pd
import pyarrow as pa

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.months import contiguous
from amazon_seg_assets.schema import MONTH, Table
from amazon_seg_assets.scoring.customers import (
    CUSTOMER,
    Rules,
    Segmentation,
    as_numbers,
    require_columns,
    require_distinct,
)
from amazon_seg_assets.scoring.score import Scored, score_table, with_columns
from amazon_seg_assets.scoring.score import score_file as scored_file
from amazon_seg_assets.settings import Settings, load_settings, parse_spark_conf
from amazon_seg_assets.spark.session import start_session
from amazon_seg_assets.stages import STAGES
from amazon_seg_assets.stages.clusters.tables import CLUSTER_MODEL
from amazon_seg_assets.stages.segments import scoring
from amazon_seg_assets.stages.segments.tables import RFM_SEGMENTS
from amazon_seg_assets.storage.damage import require_sound
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.locations import Location, spark_path, url_of
from amazon_seg_assets.storage.parquet import read_arrow
from amazon_seg_assets.storage.spark_tables import read_table

if TYPE_CHECKING:
    from pyspark.ml import PipelineModel
    from pyspark.sql import DataFrame, SparkSession

__all__ = [
    "InputError", "Scored", "load_model", "load_table", "months", "score", "score_file", "segment",
    "tables",
]  # fmt: skip

Form = Literal["pandas", "arrow", "spark"]
Months = str | Sequence[str] | None
Frame = TypeVar("Frame", pd.DataFrame, pa.Table, "DataFrame")
InMemory = TypeVar("InMemory", pd.DataFrame, pa.Table)

_FRAME = "The frame of customers"


def tables() -> list[str]:
    """Names of all tables, stored or not, in the order of the data."""
    return [*_declared()]


def months(
    name: str, *, storage: str | Location | None = None, category: str | None = None
) -> list[str]:
    """The months of a table that are stored, in order.

    Args:
        name: of a table that is laid out by month, such as ``rfm_segments``, or ``cluster_model``.
        storage: folder or URL in place of the setting.
        category: in place of the setting.

    Raises:
        InputError: there is no such table, or none of it is stored; says what to do.
    """
    store = _store(load_settings(storage=storage), category)
    if name != CLUSTER_MODEL.name and not _table(name).by_month:
        raise InputError(f"{name} has no months: it is loaded without one.")
    store.require(name)
    return store.months(name)


@overload
def load_table(
    name: str,
    month: Months = None,
    *,
    form: Literal["pandas"] = "pandas",
    columns: Sequence[str] | None = None,
    storage: str | Location | None = None,
    category: str | None = None,
) -> pd.DataFrame: ...


@overload
def load_table(
    name: str,
    month: Months = None,
    *,
    form: Literal["arrow"],
    columns: Sequence[str] | None = None,
    storage: str | Location | None = None,
    category: str | None = None,
) -> pa.Table: ...


@overload
def load_table(
    name: str,
    month: Months = None,
    *,
    form: Literal["spark"],
    columns: Sequence[str] | None = None,
    storage: str | Location | None = None,
    category: str | None = None,
) -> DataFrame: ...


def load_table(
    name: str,
    month: Months = None,
    *,
    form: Form = "pandas",
    columns: Sequence[str] | None = None,
    storage: str | Location | None = None,
    category: str | None = None,
) -> Any:
    """Loads a stored table, or some of its months and columns.

    Columns, types and units are those of ``docs/reference.md``. A table that is laid out by month
    has the further column ``month``. As pandas or Arrow, all that is asked for is in memory:
    reviews of many months are better read as Spark, or by few columns.

    Args:
        name: of the table, such as ``rfm_segments``; `tables` has them all.
        month: ``YYYY-MM``, or several of them; all that are stored if none is given.
        form: ``pandas``, ``arrow`` or ``spark``; the latter starts Spark if it does not run.
        columns: to read; all if none are given.
        storage: folder or URL in place of the setting.
        category: in place of the setting.

    Raises:
        InputError: there is no such table, column or form, or it is not stored; says which are.
    """
    if form not in ("pandas", "arrow", "spark"):
        raise InputError(f"A table cannot be loaded as {form!r}: give pandas, arrow or spark.")
    settings, table = load_settings(storage=storage), _table(name)
    store = _store(settings, category)
    chosen = _months(store, table.name, month, has_months=table.by_month)
    _require_columns(table, columns)
    if form == "spark":
        return read_table(_spark(settings), store, table, chosen, columns)
    found = read_arrow(store, table, chosen, columns)
    return found if form == "arrow" else found.to_pandas()


def load_model(
    month: str, *, storage: str | Location | None = None, category: str | None = None
) -> PipelineModel:
    """Loads the clusters of a snapshot as a Spark ML pipeline; starts Spark if it does not run.

    It takes ``recency`` (days), ``frequency`` (reviews) and ``monetary`` (USD), and adds
    ``cluster``, its number. Labels are in ``cluster_centers``, by ``k`` and
    cluster.

    Args:
        month: the snapshot, ``YYYY-MM``.
        storage: folder or URL in place of the setting.
        category: in place of the setting.

    Raises:
        InputError: the model of that month is not stored, or damaged; says what to do.
    """
    from pyspark.ml import PipelineModel

    settings, name = load_settings(storage=storage), CLUSTER_MODEL.name
    store = _store(settings, category)
    _months(store, name, month, has_months=True)
    require_sound(store, name, [month])
    _spark(settings)
    return PipelineModel.load(spark_path(store.path(name, month)))


def segment(
    frame: Frame,
    month: str,
    *,
    storage: str | Location | None = None,
    category: str | None = None,
) -> Frame:
    """Scores new customers and assigns their segments, as a stored snapshot does its own.

    The cut points and the scheme are those kept with ``rfm_segments`` of that month, whatever the
    scheme's file says today. A score is 1 plus the cut points that the customer is above, so that
    values which nobody had then get one too. A pandas or Arrow frame needs no Spark; a Spark frame
    is not computed, only planned, and its rows must have no nulls.

    Args:
        frame: pandas, Arrow or Spark: ``recency`` (days from the last review in the window to the
            day after the snapshot's last), ``frequency`` (reviews in the window), ``monetary``
            (USD), and any others; ``user_id`` too where the scheme divides equal customers.
        month: the snapshot, ``YYYY-MM``.
        storage: folder or URL in place of the setting.
        category: in place of the setting.

    Returns:
        The frame, of the same kind, with ``r_score``, ``f_score``, ``m_score`` (1 to 5),
        ``rfm_score`` (their digits) and ``segment``. Former columns of these names are replaced.

    Raises:
        InputError: the segments of that month are not stored, or the frame lacks columns or values.
    """
    store = _store(load_settings(storage=storage), category)
    _months(store, RFM_SEGMENTS.name, month, has_months=True)
    rules = Segmentation.stored(store, month)
    if isinstance(frame, pd.DataFrame):
        require_columns(rules.columns, [*frame.columns], _FRAME)
        return frame.assign(**rules.apply(as_numbers(frame[rules.columns], _FRAME)))
    if isinstance(frame, pa.Table):
        require_columns(rules.columns, frame.column_names, _FRAME)
        customers = as_numbers(frame.select(rules.columns).to_pandas(), _FRAME)
        return with_columns(frame, rules.apply(customers))
    require_columns(rules.columns, frame.columns, _FRAME)
    return scoring.assign_segments(scoring.score(frame, rules.cuts), rules.cells)


def score(
    customers: InMemory,
    month: str,
    *,
    storage: str | Location | None = None,
    category: str | None = None,
) -> InMemory:
    """Assigns cluster and segment to new customers, as a stored snapshot does to its own.

    As `segment`, and the cluster, by those of that month. Spark does not start.

    Args:
        customers: pandas or Arrow: ``user_id``, each once, ``recency`` (days), ``frequency``
            (reviews), ``monetary`` (USD), and any others.
        month: the snapshot, ``YYYY-MM``.
        storage: folder or URL in place of the setting.
        category: in place of the setting.

    Returns:
        The frame, of the same kind, with ``cluster`` (its number), ``cluster_label`` and the
        columns that `segment` adds. Former columns of these names are replaced.

    Raises:
        InputError: clusters or segments of that month are not stored, or the frame lacks columns
            or values, or has a customer twice, or none.
    """
    store = _store(load_settings(storage=storage), category)
    _months(store, RFM_SEGMENTS.name, month, has_months=True)
    rules = Rules.stored(store, month)
    if isinstance(customers, pa.Table):
        return score_table(customers, rules, _FRAME)
    require_columns(CUSTOMER, [*customers.columns], _FRAME)
    numbers = as_numbers(customers[[*CUSTOMER]], _FRAME)
    require_distinct(numbers, _FRAME)
    return customers.assign(**rules.apply(numbers))


def score_file(
    path: str | Path,
    output: str | Path,
    month: str,
    *,
    storage: str | Location | None = None,
    category: str | None = None,
) -> Scored:
    """Scores a file of customers, or of reviews, into another file: ``amazon-seg score``.

    Customers, CSV or Parquet, are scored as `score` does. Reviews are JSON Lines in the hub's form,
    gzipped or not, and all that there are of each customer: those up to the snapshot's last day
    count, with the prices of the products stored. They lead to the features, the segment, and
    what ``churn_scores`` and ``customer_value`` have; null where the snapshot has no model. Spark
    starts for reviews alone, on this machine. Users without a review that counts in the window
    are left out.

    Args:
        path: ``.csv`` or ``.parquet``; or ``.jsonl``, ``.jsonl.gz`` for reviews.
        output: ``.csv`` or ``.parquet``; is replaced.
        month: the snapshot, ``YYYY-MM``.
        storage: folder or URL in place of the setting.
        category: in place of the setting.

    Raises:
        InputError: the month is not stored, or a file cannot be used; says what is wrong.
    """
    settings = load_settings(storage=storage)
    store = _store(settings, category)
    _months(store, RFM_SEGMENTS.name, month, has_months=True)
    return scored_file(
        Path(path),
        Path(output),
        store,
        month,
        settings.max_malformed_share,
        lambda: _spark_here(settings),
    )


@cache
def _declared() -> dict[str, Table]:
    """All tables by name, in the order of the data."""
    names = (f"amazon_seg_assets.stages.{stage}.tables" for stage in STAGES)
    modules = [import_module(name) for name in names if find_spec(name)]
    values = (value for module in modules for value in vars(module).values())
    return {value.name: value for value in values if isinstance(value, Table)}


def _table(name: str) -> Table:
    if name not in (declared := _declared()):
        raise InputError(f"There is no table {name}{_near(name, [*declared])}")
    return declared[name]


def _near(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f": did you mean {near[0]}?" if near else f": there are {', '.join(known)}."


def _store(settings: Settings, category: str | None) -> Store:
    if category is None:
        if len(settings.categories) > 1:
            named = ", ".join(settings.categories)
            raise InputError(f"The settings name several categories: give one of {named}.")
        [category] = settings.categories
    return Store(settings.storage, category)


def _months(store: Store, name: str, asked: Months, *, has_months: bool) -> Sequence[str] | None:
    """The months to read; None for all."""
    store.require(name)
    if asked is None:
        return None
    if not has_months:
        raise InputError(f"{name} has no months: load it without one.")
    chosen, stored = [asked] if isinstance(asked, str) else [*asked], store.months(name)
    if not chosen:
        raise InputError(f"No month of {name} is asked for: give one or several, or none for all.")
    if missing := [month for month in chosen if month not in stored]:
        ranges = (
            first if first == last else f"{first} … {last}" for first, last in contiguous(stored)
        )
        raise InputError(
            f"{name} of {store.category} has no {', '.join(map(str, missing))} in "
            f"{url_of(store.root)}: stored are {', '.join(ranges)}."
        )
    return chosen


def _require_columns(table: Table, columns: Sequence[str] | None) -> None:
    known = [*table.column_names, *([MONTH] if table.by_month else [])]
    for name in columns or ():
        if name not in known:
            raise InputError(f"{table.name} has no column {name}{_near(name, known)}")


def _spark(settings: Settings) -> SparkSession:
    conf = parse_spark_conf(settings.spark_conf)
    return start_session(settings.spark_master, conf, settings.cache)


def _spark_here(settings: Settings) -> SparkSession:
    """Spark on this machine, where the files are, whatever master the pipeline has."""
    master = settings.spark_master if settings.spark_master.startswith("local") else "local[*]"
    return start_session(master, parse_spark_conf(settings.spark_conf), settings.cache)
