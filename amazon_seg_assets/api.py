"""Stored tables and models for notebooks and other programs, without Dagster.

    from amazon_seg_assets import api

    month = api.months("rfm_segments")[-1]
    customers = api.load_table("rfm_segments", month)
    segmented = api.segment(new_customers, month)

Storage and category are those of the settings, from the environment or ``.env``; the arguments
``storage`` and ``category`` take their place. Spark starts only for Spark frames and for the model,
with the settings and the Java of the pipeline. An error that can be mended is an ``InputError``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

import pandas as pd
import pyarrow as pa

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.features import FEATURES
from amazon_seg_assets.months import contiguous
from amazon_seg_assets.schema import MONTH, Table
from amazon_seg_assets.settings import Settings, load_settings, parse_spark_conf
from amazon_seg_assets.spark.session import start_session
from amazon_seg_assets.stages import STAGES
from amazon_seg_assets.stages.clusters.tables import CLUSTER_MODEL
from amazon_seg_assets.stages.segments import scoring
from amazon_seg_assets.stages.segments.scheme_used import stored_scheme
from amazon_seg_assets.stages.segments.scoring import CutPoints
from amazon_seg_assets.stages.segments.tables import RFM_SEGMENTS
from amazon_seg_assets.storage.damage import require_sound
from amazon_seg_assets.storage.facts import require_facts
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.locations import Location, spark_path, url_of
from amazon_seg_assets.storage.parquet import read_arrow
from amazon_seg_assets.storage.spark_tables import read_table

if TYPE_CHECKING:
    from pyspark.ml import PipelineModel
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["InputError", "load_model", "load_table", "months", "segment", "tables"]

Form = Literal["pandas", "arrow", "spark"]
Months = str | Sequence[str] | None
Frame = TypeVar("Frame", pd.DataFrame, pa.Table, "DataFrame")

_USER = "user_id"


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
    ``cluster``, the number of the nearest center. Labels are in ``cluster_centers``, by ``k`` and
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
    facts = require_facts(store, RFM_SEGMENTS.name, month, "cuts")
    cuts = scoring.cuts_from_facts(facts["cuts"])
    cells = stored_scheme(store, month).cells
    needed = _needed(cuts)
    if isinstance(frame, pd.DataFrame):
        _require_all(needed, [*frame.columns])
        return frame.assign(**scoring.segments_of(_customers(frame[needed]), cuts, cells))
    if isinstance(frame, pa.Table):
        _require_all(needed, frame.column_names)
        customers = _customers(frame.select(needed).to_pandas())
        return _with_columns(frame, scoring.segments_of(customers, cuts, cells))
    _require_all(needed, frame.columns)
    return scoring.assign_segments(scoring.score(frame, cuts), cells)


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
            raise InputError(f"The settings name several categories: give category=, of {named}.")
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


def _needed(cuts: Mapping[str, CutPoints]) -> list[str]:
    """The columns of customers that cut points go by."""
    orders = [name for points in cuts.values() for name in points.order]
    return [*FEATURES, *([_USER] if _USER in orders else [])]


def _require_all(needed: Sequence[str], there: Sequence[str]) -> None:
    if missing := [name for name in needed if name not in there]:
        raise InputError(
            f"The frame of customers lacks {', '.join(missing)}: give {', '.join(needed)}."
        )


def _customers(frame: pd.DataFrame) -> pd.DataFrame:
    """The features as numbers, none of which is missing."""
    try:
        numbers = frame.astype(dict.fromkeys(FEATURES, "float64"))
    except (TypeError, ValueError) as error:
        raise InputError(f"Features of customers must be numbers: {error}.") from error
    if missing := int(numbers.isna().any(axis=1).sum()):
        raise InputError(
            f"{missing} of {len(numbers)} customers lack {', '.join(frame.columns)}: fill in or "
            "leave out such rows."
        )
    return numbers


def _with_columns(frame: pa.Table, columns: dict[str, Any]) -> pa.Table:
    kept = frame.drop_columns([name for name in columns if name in frame.column_names])
    for name, values in columns.items():
        type_ = pa.string() if isinstance(values, list) else None  # else that of NumPy
        kept = kept.append_column(name, pa.array(values, type_))
    return kept


def _spark(settings: Settings) -> SparkSession:
    conf = parse_spark_conf(settings.spark_conf)
    return start_session(settings.spark_master, conf, settings.cache)
