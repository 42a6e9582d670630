"""Moves since earlier snapshots, outcomes, and what segments buy."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import reduce
from itertools import takewhile
from typing import Any

import pandas as pd
from dagster import Config, MetadataValue
from pydantic import Field
from pyspark.sql import DataFrame, Observation

from amazon_seg_assets.dag.declaration import After, AllBefore, LookBack, plot, snapshot_asset
from amazon_seg_assets.dag.handles import Snapshot, Stored
from amazon_seg_assets.dag.metadata import markdown_table, shown
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.features import FEATURES
from amazon_seg_assets.months import month_after, month_range
from amazon_seg_assets.plots.style import Picture
from amazon_seg_assets.rules.scheme import Scheme
from amazon_seg_assets.schema import MONTH
from amazon_seg_assets.settings import Settings
from amazon_seg_assets.spark.internals import hidden_row
from amazon_seg_assets.stages.churn.tables import CHURN_SCORES
from amazon_seg_assets.stages.cleaning.tables import JOINED_REVIEWS
from amazon_seg_assets.stages.clusters.tables import CUSTOMER_CLUSTERS
from amazon_seg_assets.stages.history.tables import CUSTOMER_DAYS, CUSTOMER_LIFECYCLE
from amazon_seg_assets.stages.movement import export, outcomes, plots, products, transitions
from amazon_seg_assets.stages.movement.tables import (
    SEGMENT_EXPORT,
    SEGMENT_OUTCOMES,
    SEGMENT_PRODUCTS,
    SEGMENT_TRANSITIONS,
)
from amazon_seg_assets.stages.movement.transitions import (
    A_YEAR,
    COMPARED,
    EARLIER,
    MONTHS_BACK,
    OWN,
)
from amazon_seg_assets.stages.raw.manifest import require_manifest
from amazon_seg_assets.stages.raw.tables import RAW_REVIEWS
from amazon_seg_assets.stages.rfm.assets import scope
from amazon_seg_assets.stages.rfm.tables import RFM_FEATURES
from amazon_seg_assets.stages.segments.scheme_used import scheme_of
from amazon_seg_assets.stages.segments.scoring import SEGMENT, cuts_from_facts
from amazon_seg_assets.stages.segments.tables import RFM_SEGMENTS
from amazon_seg_assets.stages.value.tables import CUSTOMER_VALUE
from amazon_seg_assets.storage.exports import Exported, Form, write_one_file_each

_GROUPINGS = {
    "segment": (RFM_SEGMENTS, "segment"),
    "cluster": (CUSTOMER_CLUSTERS, "cluster_label"),
    "lifecycle": (CUSTOMER_LIFECYCLE, "lifecycle"),
}
"""Tables of the customers of a snapshot, and the columns that group them."""


@snapshot_asset(SEGMENT_TRANSITIONS, reads=[LookBack(RFM_SEGMENTS)], kinds={"pyspark"})
def segment_transitions(snapshot: Snapshot) -> Stored:
    """Counts the customers who moved between segments since earlier snapshots."""
    tables, compared, notes = [], {}, {}
    for months_back in MONTHS_BACK:
        earlier = transitions.snapshot_before(snapshot, months_back)
        if earlier.has(RFM_SEGMENTS):
            after, notes[earlier.month] = _by_both_yardsticks(snapshot, earlier)
            tables.append(transitions.segment_transitions(_segments(earlier), after, months_back))
            compared[months_back] = [name for name in (OWN, EARLIER) if name in after.columns]
        else:
            notes[earlier.month] = "It is not stored, so nothing is compared with it."
    stored = snapshot.store(_as_one(tables), facts={COMPARED: compared})
    year = transitions.moves(snapshot.small(SEGMENT_TRANSITIONS), A_YEAR, EARLIER)
    sentences = transitions.say_moves(year).values()
    return stored.telling(
        compared_months=[month_after(snapshot.month, -back) for back in compared],
        compared_with={month: note or "compared" for month, note in notes.items()},
        moves_in_a_year=MetadataValue.md(
            "\n".join(f"- {each}" for each in sentences) or "Unknown."
        ),
    )


def _segments(snapshot: Snapshot) -> DataFrame:
    return snapshot.read(RFM_SEGMENTS, ["user_id", *FEATURES, SEGMENT], [snapshot.month])


def _by_both_yardsticks(snapshot: Snapshot, earlier: Snapshot) -> tuple[DataFrame, str]:
    """The later customers, segmented by each yardstick that there is, and what to tell of it."""
    after, cuts = _segments(snapshot), earlier.facts(RFM_SEGMENTS).get("cuts")
    if cuts is None:
        return after.withColumnRenamed(SEGMENT, OWN), (
            "It was stored by an earlier version, without its cut points: materialize its "
            "rfm_segments again to see what is due to behaviour alone."
        )
    scheme, former = scheme_of(snapshot), scheme_of(earlier)
    both = transitions.by_earlier_rules(
        after, _segments(earlier), cuts_from_facts(cuts), former.cells
    )
    if scheme.fingerprint == former.fingerprint:
        return both, ""
    return both, (
        f"Its scheme was {former.name}, and is {scheme.name} now, by other rules: by the yardstick "
        f"`{OWN}`, customers moved for that alone."
    )


def _as_one(tables: list[DataFrame]) -> DataFrame | pd.DataFrame:
    if not tables:
        return pd.DataFrame(columns=SEGMENT_TRANSITIONS.column_names)
    union = reduce(DataFrame.unionAll, tables).coalesce(1)
    return union.sortWithinPartitions(*SEGMENT_TRANSITIONS.key)


@snapshot_asset(
    SEGMENT_OUTCOMES,
    reads=[RFM_SEGMENTS, CUSTOMER_CLUSTERS, CUSTOMER_LIFECYCLE, RFM_FEATURES, After(CUSTOMER_DAYS)],
    kinds={"pyspark"},
)
def segment_outcomes(snapshot: Snapshot) -> Stored:
    """Counts the customers of each group who came back after the snapshot."""
    last_day = date.fromisoformat(snapshot.facts(RFM_FEATURES, "window_end")["window_end"])
    days, data_end = days_after(snapshot, last_day)
    groups = groups_of(snapshot)
    table = outcomes.segment_outcomes(outcomes.members(groups), days, last_day, data_end)
    until = {"last_day": str(last_day), "data_end": str(data_end)}
    return snapshot.store(table, facts=until).telling(
        **until,
        groupings=list(groups),
        outcomes=shown(
            outcomes.longest_known(table),
            f"The data ends on {data_end}, too soon after the snapshot to tell who came back.",
        ),
    )


def groups_of(snapshot: Snapshot) -> dict[str, tuple[DataFrame, str]]:
    """Customers by each grouping that is stored, and the column with their group."""
    return {
        grouping: (snapshot.read(table, ["user_id", column]), column)
        for grouping, (table, column) in _GROUPINGS.items()
        if snapshot.has(table)
    }


def days_after(snapshot: Snapshot, last_day: date) -> tuple[DataFrame, date]:
    """The days of customers as far after the snapshot as the longest horizon, and their end.

    Args:
        snapshot: that reads ``customer_days`` of its month and those after.
        last_day: L.

    Returns:
        ``user_id``, ``day`` and ``spend``; and the last day of the history that is stored.
    """
    months, columns = _months_of_history(snapshot), ["user_id", "day", "spend"]
    ends = (snapshot.stats(CUSTOMER_DAYS, month).maximum.get("day") for month in reversed(months))
    data_end = next((day for day in ends if day is not None), last_day)
    reached = [month for month in months if month <= month_after(snapshot.month, A_YEAR)]
    if not reached:
        schema = CUSTOMER_DAYS.spark_schema
        return snapshot.spark.createDataFrame([], schema).select(*columns), data_end
    return snapshot.read(CUSTOMER_DAYS, columns, reached), data_end


def _months_of_history(snapshot: Snapshot) -> list[str]:
    """The snapshot's month and those after it, up to the first of which no history is stored."""
    stored = {*snapshot.storage.months(CUSTOMER_DAYS.name)}
    months = month_range(snapshot.month, snapshot.family.span.last)
    return [*takewhile(stored.__contains__, months)]


@snapshot_asset(
    SEGMENT_PRODUCTS,
    reads=[LookBack(JOINED_REVIEWS), RFM_SEGMENTS, RFM_FEATURES],
    kinds={"pyspark"},
    comes_last=True,
)
def segment_products(snapshot: Snapshot) -> Stored:
    """Finds the kinds of products that tell each segment from the rest."""
    how = snapshot.facts(RFM_FEATURES, "window_start", "window_end", "min_price")
    joined = snapshot.read(
        JOINED_REVIEWS, ["user_id", "timestamp", "price", "main_category", "categories"]
    )
    window = date.fromisoformat(how["window_start"]), date.fromisoformat(how["window_end"])
    segments = snapshot.read(RFM_SEGMENTS, ["user_id", SEGMENT])
    table = products.segment_products(joined, segments, window, how["min_price"])
    few = f"No kind of product has {products.LEAST_CUSTOMERS} customers of a segment."
    return snapshot.store(table).telling(most_telling=shown(table, few))


@plot(
    reads=[SEGMENT_TRANSITIONS, RFM_SEGMENTS, RFM_FEATURES],
    section="movement",
    caption="Where the customers of each segment of a year ago are now, by the rules of a year "
    "ago: only behaviour moves anybody.",
)
def segment_transitions_plot(snapshot: Snapshot) -> Picture:
    """Shares of the segments of a year ago that are in each segment now, by the earlier rules."""
    year = transitions.moves(snapshot.small(SEGMENT_TRANSITIONS), A_YEAR, EARLIER)
    earlier = month_after(snapshot.month, -A_YEAR)
    return plots.segment_transitions(year, earlier, scheme_of(snapshot).colours, scope(snapshot))


@plot(
    reads=[AllBefore(SEGMENT_OUTCOMES), RFM_SEGMENTS, AllBefore(RFM_FEATURES)],
    section="movement",
    caption="Customers of each segment who came back after the snapshot. Where the data ends too "
    "soon after it to tell, those of the latest stored snapshot before it of which that is known.",
)
def segment_outcomes_plot(snapshot: Snapshot) -> Picture:
    """Return rates of segments over the longest horizon, of the latest snapshot with known ones."""
    colours = scheme_of(snapshot).colours
    stored = sorted(snapshot.storage.months(SEGMENT_OUTCOMES.name), reverse=True)
    for month in (month for month in stored if month <= snapshot.month):
        earlier = replace(snapshot, month=month)
        known = outcomes.longest_known(earlier.small(SEGMENT_OUTCOMES))
        of_segments = known[known["grouping"] == "segment"]
        if not of_segments.empty:
            return plots.return_rates(of_segments, colours, scope(earlier))
    return plots.return_rates(of_segments, colours, scope(snapshot))


@plot(
    reads=[SEGMENT_PRODUCTS, RFM_SEGMENTS, RFM_FEATURES],
    section="movement",
    caption="The categories that each segment buys more often than all customers do.",
)
def segment_products_plot(snapshot: Snapshot) -> Picture:
    """The most telling categories of each segment."""
    table = snapshot.small(SEGMENT_PRODUCTS)
    special = table[table["level"] == products.CATEGORY]
    return plots.telling_categories(special, scheme_of(snapshot).colours, scope(snapshot))


class ExportConfig(Config):
    """The form of the files, and how users are named in them."""

    form: Form = Field("csv", description="Form of the files: `csv` or `parquet`.")
    pseudonyms: bool = Field(
        False,
        description="In place of each user HMAC-SHA256, in hex, by the key in the environment "
        f"variable `{export.PSEUDONYM_KEY}`.",
    )


def _with_control(settings: Settings) -> str:
    """Files with another control group show as out of date."""
    drawn = f"{settings.control_share}:{settings.control_salt}"
    return f"3-{hashlib.sha256(drawn.encode()).hexdigest()[:12]}"


@snapshot_asset(
    SEGMENT_EXPORT,
    reads=[
        LookBack(RFM_SEGMENTS),
        RFM_FEATURES,
        CUSTOMER_CLUSTERS,
        CUSTOMER_LIFECYCLE,
        CHURN_SCORES,
        CUSTOMER_VALUE,
        LookBack(JOINED_REVIEWS),
    ],
    kinds={"pyspark", "csv"},
    code_version=_with_control,
    comes_last=True,
)
def segment_export(snapshot: Snapshot, config: ExportConfig) -> Stored:
    """Writes the customers of each segment, who came and who left, to files of their own."""
    pads = export.hmac_pads(export.pseudonym_key(os.environ)) if config.pseudonyms else None
    scheme, settings = scheme_of(snapshot), snapshot.family.settings
    earlier = _comparable_months(snapshot, scheme)
    previous = export.previous_month(snapshot.month, earlier)
    unbroken = export.unbroken_months(snapshot.month, earlier)
    customers = export.customers_with_context(
        snapshot.read(RFM_SEGMENTS, export.SEGMENTED, [snapshot.month]),
        _known_of_customers(snapshot, previous, unbroken),
        export.is_control(settings.control_share, settings.control_salt),
    )
    if pads is not None:
        customers = export.with_pseudonyms(customers, hidden_row(snapshot.spark, pads))
    files = export.file_names(list(scheme.segments), _is_invented(snapshot))
    form, counts = config.form, Observation()
    before = None if previous is None else snapshot.stats(RFM_SEGMENTS, previous).rows
    listed: list[Mapping[str, Any]] = []

    def manifest(written: Sequence[Exported]) -> Mapping[str, Any]:
        export.check_complete(counts.get, files, snapshot.rows(RFM_SEGMENTS), before)
        listed.extend(export.listed(written, files, counts.get))
        return {**_about(snapshot, scheme, previous, config), "files": listed}

    arranged = export.for_campaigns(
        customers, files, counts, as_text=form == "csv", has_earlier=previous is not None
    )
    write_one_file_each(
        arranged, snapshot.storage, SEGMENT_EXPORT.name, snapshot.month, export.FILE, form, manifest
    )
    rows = {segment: counts.get[name] for segment, name in files.items()}
    table = [[e["file"], e["segment"], e["customers"], f"{e['rows']:,}"] for e in listed]
    return snapshot.stored(
        **{"dagster/partition_row_count": sum(rows.values())},
        files=MetadataValue.md(markdown_table(["file", "segment", "customers", "rows"], table)),
        rows_by_segment=MetadataValue.json(rows),
        segments_without_customers=[name for name, n in rows.items() if not n],
        ids_that_would_open_a_formula=counts.get[export.ESCAPED],
        compared_with=previous or "no earlier snapshot",
        control_share=settings.control_share,
        pseudonyms=config.pseudonyms,
    )


_IF_STORED = (
    (CUSTOMER_LIFECYCLE, ["lifecycle"]),
    (CHURN_SCORES, ["churn_probability", "band", "expected_loss"]),
    (CUSTOMER_VALUE, ["expected_spend_12m"]),
)
"""Columns of history, churn and value, as far as these are made."""


def _comparable_months(snapshot: Snapshot, scheme: Scheme) -> list[str]:
    """The stored snapshots of the twelve months before that have segments by the same rules."""

    def has_same_rules(month: str) -> bool:
        try:
            return scheme_of(replace(snapshot, month=month)).fingerprint == scheme.fingerprint
        except InputError:  # stored by an earlier version
            return False

    *before, _ = snapshot.family.span.look_back(snapshot.month)
    stored = snapshot.storage.months(RFM_SEGMENTS.name)
    return [month for month in before if month in stored and has_same_rules(month)]


def _known_of_customers(
    snapshot: Snapshot, previous: str | None, unbroken: Sequence[str]
) -> list[DataFrame]:
    """Frames by customer: changes, cluster, lifecycle if stored, category with the most spend."""
    facts = snapshot.facts(RFM_FEATURES, "window_start", "window_end", "min_price")
    start, end = (date.fromisoformat(facts[name]) for name in ("window_start", "window_end"))
    months = {snapshot.month, *unbroken, *([previous] if previous else [])}
    segments = snapshot.read(RFM_SEGMENTS, ["user_id", "segment", MONTH], sorted(months))
    joined = snapshot.read(JOINED_REVIEWS, ["user_id", "timestamp", "price", "main_category"])
    return [
        export.changes(segments, snapshot.month, previous, unbroken),
        snapshot.read(CUSTOMER_CLUSTERS, ["user_id", "cluster_label"]),
        *(
            snapshot.read(table, ["user_id", *columns])
            for table, columns in _IF_STORED
            if snapshot.has(table)
        ),
        export.top_categories(joined, start, end, facts["min_price"]),
    ]


def _is_invented(snapshot: Snapshot) -> bool:
    return require_manifest(snapshot.storage, RAW_REVIEWS.name).is_sample


def _about(
    snapshot: Snapshot, scheme: Scheme, previous: str | None, config: ExportConfig
) -> dict[str, Any]:
    """The manifest, but for the files."""
    facts = snapshot.facts(RFM_FEATURES)
    return {
        "category": snapshot.category,
        "snapshot": snapshot.month,
        "first_day": facts["window_start"],
        "last_day": facts["window_end"],
        "is_invented": _is_invented(snapshot),
        "scheme": scheme.name,
        "scheme_fingerprint": scheme.fingerprint,
        "compared_with": previous,
        "control_share": snapshot.family.settings.control_share,
        "pseudonyms": config.pseudonyms,
    }
