"""Reads what the report of a snapshot is made from; nothing that grows with the customers."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from amazon_seg_assets.months import month_after
from amazon_seg_assets.rules.labels import load_label_rules
from amazon_seg_assets.rules.recommendations import load_recommendations
from amazon_seg_assets.rules.scheme import Scheme
from amazon_seg_assets.schema import Artifact, Table
from amazon_seg_assets.stages.churn.tables import CHURN_EVALUATION, CHURN_SUMMARY, HIGH
from amazon_seg_assets.stages.cleaning.tables import CLEAN_METADATA, CLEAN_REVIEWS
from amazon_seg_assets.stages.clusters.grouping import ALGORITHM
from amazon_seg_assets.stages.clusters.tables import K_SWEEP
from amazon_seg_assets.stages.clusters.ways import KMEANS, NAMES
from amazon_seg_assets.stages.comparison.tables import CLUSTERING_COMPARISON, RECOMMENDATION
from amazon_seg_assets.stages.exploration.tables import RATING_COUNTS, TOP_PRODUCTS
from amazon_seg_assets.stages.exploration.transform import utc_day
from amazon_seg_assets.stages.history.tables import LIFECYCLE_SUMMARY
from amazon_seg_assets.stages.movement import transitions
from amazon_seg_assets.stages.movement.export import PRESENT
from amazon_seg_assets.stages.movement.outcomes import longest_known
from amazon_seg_assets.stages.movement.products import CATEGORY
from amazon_seg_assets.stages.movement.tables import (
    SEGMENT_EXPORT,
    SEGMENT_OUTCOMES,
    SEGMENT_PRODUCTS,
    SEGMENT_TRANSITIONS,
)
from amazon_seg_assets.stages.movement.transitions import A_YEAR
from amazon_seg_assets.stages.overview import summary
from amazon_seg_assets.stages.overview.tables import CLUSTER_VALIDATION, SEGMENT_SUMMARY
from amazon_seg_assets.stages.raw.manifest import MonthCounts, require_manifest
from amazon_seg_assets.stages.raw.tables import RAW_METADATA, RAW_REVIEWS
from amazon_seg_assets.stages.report.findings import (
    Churn,
    Concentration,
    Evaluation,
    Findings,
    Illustration,
    Leavers,
    Origin,
    Returns,
    Sentiment,
    Step,
    Ties,
    Window,
    YearAgo,
)
from amazon_seg_assets.stages.rfm.histograms import of_log_monetary, share_of_top
from amazon_seg_assets.stages.rfm.tables import RFM_FEATURES, RFM_HISTOGRAMS
from amazon_seg_assets.stages.segments.scheme_used import scheme_of
from amazon_seg_assets.stages.segments.tables import RFM_SEGMENTS, SCHEME_COMPARISON
from amazon_seg_assets.stages.segments.ties import COMPARED
from amazon_seg_assets.stages.sentiment import segments as of_sentiment
from amazon_seg_assets.stages.sentiment.segments import COMPARISONS
from amazon_seg_assets.stages.sentiment.tables import (
    OTHERS_NEGATIVE,
    OWN_POSITIVE,
    SEGMENT_SENTIMENT,
    SEGMENT_WORDS,
    SENTIMENT_SUMS,
)
from amazon_seg_assets.stages.sentiment.words import LEAST_CUSTOMERS, diverse
from amazon_seg_assets.stages.value.tables import HORIZON_DAYS
from amazon_seg_assets.storage.exports import MANIFEST
from amazon_seg_assets.storage.locations import url_of

if TYPE_CHECKING:
    from amazon_seg_assets.dag.declaration import AssetDeclaration
    from amazon_seg_assets.dag.handles import Snapshot

MAY_LACK = ("history", "value", "churn", "movement", "sentiment", "comparison")
"""Stages that a run may leave out."""

SENTIMENT = "sentiment"
"""The section that is left out where no text says anything."""

TOLD_WORDS = 6
"""Words of a segment in a sentence."""

_PRODUCT_REASONS = {
    "excluded_category": "of an excluded main category",
    "no_category": "without a main category, as others are excluded",
    "listed_again": "products that are listed again",
}
_REVIEW_REASONS = {
    "no_user": "without a user",
    "no_price": "of products without a price, or that are unknown or excluded",
    "low_price": "of products whose price is too low to count",
}


def gather(
    snapshot: Snapshot,
    pictures: Sequence[AssetDeclaration],
    explored: Collection[str] = (),
    recommendations: Path | None = None,
) -> Findings:
    """Reads the findings of a snapshot.

    Args:
        snapshot: of a category.
        pictures: that the report shows.
        explored: tables and pictures of the exploration that may be shown; they are stored.
        recommendations: the user's own file, instead of that of the deployment.

    Raises:
        InputError: something has not been materialized, or the file is not valid.
    """
    scheme, folder = scheme_of(snapshot), snapshot.family.settings.rules
    of_customers = snapshot.small(SEGMENT_SUMMARY)
    how = snapshot.facts(K_SWEEP, "why", "search", ALGORITHM)
    quality = snapshot.small(CLUSTER_VALIDATION)[["cluster", "silhouette", "stability"]]
    clusters = summary.by_cluster(of_customers).merge(quality, "left", "cluster")
    labels, sentiment = load_label_rules(folder), _sentiment(snapshot, scheme)
    return Findings(
        category=snapshot.category,
        snapshot=snapshot.month,
        made=str(datetime.now(UTC).date()),
        origin=_origin(snapshot),
        window=_window(snapshot),
        scheme=scheme,
        thresholds=snapshot.facts(RFM_SEGMENTS)["thresholds"],
        recommendations=load_recommendations(scheme, recommendations, folder),
        segments=summary.by_segment(of_customers),
        clusters=clusters,
        cluster_roles={
            label: role for label in clusters["cluster_label"] if (role := labels.role_of(label))
        },
        overlap=summary.by_cluster_and_segment(of_customers),
        concentration=_concentration(snapshot),
        sweep=snapshot.small(K_SWEEP),
        why_k=how["why"],
        algorithm=NAMES[how[ALGORITHM]],
        n_init=how["search"]["n_init"] if how[ALGORITHM] == KMEANS else 1,
        evaluation=_evaluation(snapshot.facts(CLUSTER_VALIDATION, "silhouette_plain")),
        comparison=snapshot.small(SCHEME_COMPARISON),
        ties=_ties(snapshot.facts(SCHEME_COMPARISON)),
        a_year_ago=_a_year_ago(snapshot),
        moves=_moves(snapshot),
        returns=_returns(snapshot),
        lifecycle=_if_stored(snapshot, LIFECYCLE_SUMMARY),
        products=_products(snapshot),
        lists=_lists(snapshot),
        churn=_churn(snapshot),
        sentiment=sentiment,
        other_ways=_other_ways(snapshot),
        ratings=_shown(snapshot, RATING_COUNTS, explored),
        top_products=_shown(snapshot, TOP_PRODUCTS, explored),
        illustrations=[
            _illustration(snapshot, picture)
            for picture in pictures
            if _is_shown(snapshot, picture, explored)
            and (sentiment or picture.section != SENTIMENT)
        ],
    )


def _origin(snapshot: Snapshot) -> Origin:
    reviews = require_manifest(snapshot.storage, RAW_REVIEWS.name)
    products = require_manifest(snapshot.storage, RAW_METADATA.name)
    kept, reasons = snapshot.stats(CLEAN_METADATA), snapshot.facts(CLEAN_METADATA)
    counts = sum(reviews.months.values(), MonthCounts())
    first, last = (snapshot.stats(RAW_REVIEWS, end(reviews.months)) for end in (min, max))
    return Origin(
        source=reviews.source,
        is_sample=reviews.is_sample,
        reviews=counts.rows,
        verified=counts.verified,
        malformed=reviews.malformed,
        first_day=str(utc_day(first.minimum["timestamp"])),
        last_day=str(utc_day(last.maximum["timestamp"])),
        products=products.rows,
        products_left_out=_steps(reasons, _PRODUCT_REASONS)
        or [Step("excluded, or listed again", products.rows - kept.rows)],
        products_priced=kept.rows - (kept.nulls["price"] or 0),
    )


def _window(snapshot: Snapshot) -> Window:
    facts = snapshot.facts(RFM_FEATURES)
    raw = require_manifest(snapshot.storage, RAW_REVIEWS.name).months
    months = snapshot.family.span.look_back(snapshot.month)
    counts = sum((raw.get(month, MonthCounts()) for month in months), MonthCounts())
    clean = sum(snapshot.stats(CLEAN_REVIEWS, month).rows for month in months)
    return Window(
        start=facts["window_start"],
        end=facts["window_end"],
        min_price=facts["min_price"],
        months=len(months),
        raw=counts.rows,
        left_out=[
            Step("not of a verified purchase", counts.rows - counts.verified),
            Step("exact duplicates", counts.verified - clean),
            Step("before the window", clean - facts["in_window"]),
            *_steps(facts, _REVIEW_REASONS),
        ],
        unpriced=facts["no_price"],
        in_window=facts["in_window"],
    )


def _steps(facts: dict[str, Any], reasons: dict[str, str]) -> list[Step]:
    return [Step(text, facts[name]) for name, text in reasons.items() if name in facts]


def _evaluation(facts: dict[str, Any]) -> Evaluation:
    return Evaluation(
        sentences=facts["sentences"],
        silhouette=facts["silhouette"],
        silhouette_plain=facts["silhouette_plain"],
        silhouette_in_words=facts["silhouette_in_words"],
        agreement=facts["segments_adjusted_rand"],
        agreement_in_words=facts["agreement_in_words"],
        stability=facts["stable_share_mean"],
    )


def _ties(facts: dict[str, Any]) -> dict[str, Ties]:
    return {
        name: Ties(
            facts[f"{name}_equals_in_other_segments_share"],
            facts[f"{name}_equal_frequency_other_score_share"],
            facts[f"{name}_equal_frequency_most_scores"],
        )
        for name in COMPARED
    }


def _concentration(snapshot: Snapshot) -> Concentration:
    repeat = snapshot.facts(RFM_FEATURES, "repeat_customers", "repeat_usd")
    bins = of_log_monetary(snapshot.small(RFM_HISTOGRAMS))
    return Concentration(share_of_top(bins), repeat["repeat_customers"], repeat["repeat_usd"])


def _a_year_ago(snapshot: Snapshot) -> YearAgo | None:
    table = _if_stored(snapshot, SEGMENT_TRANSITIONS)
    if table is None:
        return None
    moves = transitions.moves(table, A_YEAR, transitions.OWN)
    then = moves[moves["from_segment"].notna()]
    if then.empty:
        return None
    return YearAgo(
        snapshot=month_after(snapshot.month, -A_YEAR),
        customers=int(then["customers"].sum()),
        spend=float(then["spend_before"].sum()),
        stayed=int(then.loc[then["to_segment"].notna(), "customers"].sum()),
    )


def _moves(snapshot: Snapshot) -> pd.DataFrame | None:
    table = _if_stored(snapshot, SEGMENT_TRANSITIONS)
    if table is None:
        return None
    moves = transitions.moves(table, A_YEAR, transitions.EARLIER)
    return None if moves.empty else moves


def _products(snapshot: Snapshot) -> pd.DataFrame | None:
    table = _if_stored(snapshot, SEGMENT_PRODUCTS)
    return None if table is None else table[table["level"] == CATEGORY]


def _other_ways(snapshot: Snapshot) -> str:
    if not snapshot.has(CLUSTERING_COMPARISON):
        return ""
    found: str = snapshot.facts(CLUSTERING_COMPARISON, RECOMMENDATION)[RECOMMENDATION]
    return found


def _churn(snapshot: Snapshot) -> Churn | None:
    if not (snapshot.has(CHURN_EVALUATION) and snapshot.has(CHURN_SUMMARY)):
        return None
    facts = snapshot.facts(CHURN_EVALUATION, "reason", "horizon_days")
    if facts["reason"]:
        return None
    table = snapshot.small(CHURN_SUMMARY)
    sums = table.groupby("segment")[["customers", "expected_churners", "expected_loss"]].sum()
    likely = table[table["band"] == HIGH].set_index("segment")["customers"]
    of_all = snapshot.small(CHURN_EVALUATION).query("population == 'all'").set_index("model")
    auc, low, high = (
        float(of_all.at["chosen", end]) for end in ("roc_auc", "roc_auc_low", "roc_auc_high")
    )
    return Churn(
        int(facts["horizon_days"]),
        sums.assign(likely=likely.reindex(sums.index, fill_value=0))
        .reset_index()
        .sort_values(["expected_loss", "segment"], ascending=[False, True], ignore_index=True),
        (auc, low, high),
        float(of_all.at["recency_alone", "roc_auc"]),
    )


def _sentiment(snapshot: Snapshot, scheme: Scheme) -> Sentiment | None:
    table, found = _if_stored(snapshot, SEGMENT_SENTIMENT), _if_stored(snapshot, SEGMENT_WORDS)
    if table is None or found is None:
        return None
    of_segments = table[(table["grouping"] == "segment") & (table["reviews"] > 0)]
    if of_segments.empty:
        return None
    order = {name: place for place, name in enumerate(scheme.segments)}
    before = transitions.snapshot_before(snapshot, A_YEAR)
    facts = snapshot.facts(SEGMENT_SENTIMENT, "accuracy", "accuracy_of_vader")
    words, special = (
        {
            segment: diverse(rows, TOLD_WORDS)["term"].tolist()
            for segment, rows in found[found["against"] == against].groupby("segment")
        }
        for against in (OWN_POSITIVE, OTHERS_NEGATIVE)
    )
    return Sentiment(
        segments=of_segments.sort_values("name", key=lambda names: names.map(order)),
        told={name: of_sentiment.beyond_chance(of_segments, name) for name in COMPARISONS},
        compared_with=before.month if before.has(SENTIMENT_SUMS) else "",
        words=words,
        special=special,
        least_customers=LEAST_CUSTOMERS,
        leavers=_leavers(before),
        accuracy=facts["accuracy"],
        accuracy_of_vader=facts["accuracy_of_vader"],
    )


def _leavers(before: Snapshot) -> Leavers | None:
    sums = _if_stored(before, SENTIMENT_SUMS)
    found = None if sums is None else of_sentiment.leavers(sums)
    return None if found is None else Leavers(before.month, HORIZON_DAYS, *found)


def _lists(snapshot: Snapshot) -> dict[str, str]:
    """The file of each segment that `segment_export` has written."""
    if not snapshot.has(SEGMENT_EXPORT):
        return {}
    folder = snapshot.folder(SEGMENT_EXPORT)
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    listed = [one for one in manifest["files"] if one["customers"] == PRESENT]
    return {one["segment"]: url_of(folder / one["file"]) for one in listed}


def _returns(snapshot: Snapshot) -> Returns | None:
    before = transitions.snapshot_before(snapshot, A_YEAR)
    table = _if_stored(before, SEGMENT_OUTCOMES)
    if table is None:
        return None
    known = longest_known(table[table["grouping"] == "segment"])
    if known.empty:
        return None
    rates = known.set_index("name")["return_rate"].astype(float).to_dict()
    overall = float(known["returned"].sum() / known["customers"].sum())
    return Returns(before.month, int(known["horizon_days"].iloc[0]), rates, overall)


def _if_stored(snapshot: Snapshot, table: Table) -> pd.DataFrame | None:
    """A table of history or movement, which may have been left out."""
    return snapshot.small(table) if snapshot.has(table) else None


def _shown(snapshot: Snapshot, table: Table, explored: Collection[str]) -> pd.DataFrame | None:
    return snapshot.small(table) if table.name in explored else None


def _is_shown(snapshot: Snapshot, picture: AssetDeclaration, explored: Collection[str]) -> bool:
    """True for a picture that is up to date; history and movement may have been left out."""
    if picture.stage == "exploration":
        return picture.name in explored
    [artifact] = picture.stores
    return picture.stage not in MAY_LACK or snapshot.has(artifact)


def _illustration(snapshot: Snapshot, picture: AssetDeclaration) -> Illustration:
    [artifact] = picture.stores
    assert isinstance(artifact, Artifact)
    name, folder = picture.name, snapshot.folder(artifact, picture.has_months)
    alt = (folder / f"{name}.txt").read_text(encoding="utf-8").strip()
    svg, png = ((folder / f"{name}.{kind}").read_bytes() for kind in ("svg", "png"))
    return Illustration(name, picture.section, svg, png, alt, picture.caption)
