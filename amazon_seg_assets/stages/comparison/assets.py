"""Other ways to cluster beside K-Means, judged by more than distances."""

from dataclasses import dataclass, replace
from datetime import date

from dagster import Config, MetadataValue
from pydantic import Field

from amazon_seg_assets.dag.declaration import LookBackIfStored, plot, snapshot_asset
from amazon_seg_assets.dag.handles import Snapshot, Stored
from amazon_seg_assets.dag.metadata import shown
from amazon_seg_assets.features import FEATURES
from amazon_seg_assets.months import month_range
from amazon_seg_assets.plots.style import Picture
from amazon_seg_assets.rules.labels import load_label_rules
from amazon_seg_assets.settings import Settings
from amazon_seg_assets.stages.clusters.grouping import ALGORITHM, SPREADS, Grouping
from amazon_seg_assets.stages.clusters.kmeans import LARGEST_SEED
from amazon_seg_assets.stages.clusters.points import Standardization
from amazon_seg_assets.stages.clusters.tables import CLUSTER_CENTERS, K_SWEEP
from amazon_seg_assets.stages.comparison import candidates, plots
from amazon_seg_assets.stages.comparison.choice import recommend
from amazon_seg_assets.stages.comparison.customers import (
    SEGMENT,
    longest_horizon,
    outcomes,
    segmented_points,
)
from amazon_seg_assets.stages.comparison.measuring import Outcomes
from amazon_seg_assets.stages.comparison.tables import (
    CLUSTERING_ALTERNATIVE,
    CLUSTERING_COMPARISON,
    PARTS,
    RECOMMENDATION,
)
from amazon_seg_assets.stages.history.tables import CUSTOMER_DAYS
from amazon_seg_assets.stages.movement.outcomes import HORIZONS
from amazon_seg_assets.stages.movement.transitions import A_YEAR, snapshot_before
from amazon_seg_assets.stages.rfm.assets import scope
from amazon_seg_assets.stages.rfm.tables import RFM_FEATURES
from amazon_seg_assets.stages.segments.tables import RFM_SEGMENTS

CODE_VERSION = "2"


class ComparisonConfig(Config):
    """The trial of each way's stability."""

    resamples: int = Field(
        candidates.RESAMPLES, description="Resamples for each algorithm and k.", ge=1, le=100
    )
    random_state: int = Field(
        42, description="Seed of starts, samples and resamples.", ge=0, le=LARGEST_SEED
    )


def _with_label_rules(settings: Settings) -> str:
    """Groups hold their labels: changed rules make them out of date."""
    return f"{CODE_VERSION}-{load_label_rules(settings.rules).fingerprint}"


@dataclass(frozen=True)
class _Afterwards:
    """The outcomes that groups are judged by, and their horizon; None and the reason if unknown."""

    outcomes: Outcomes | None
    horizon_days: int | None
    told: str


@snapshot_asset(
    CLUSTERING_COMPARISON,
    CLUSTERING_ALTERNATIVE,
    reads=[
        K_SWEEP,
        CLUSTER_CENTERS,
        RFM_SEGMENTS,
        LookBackIfStored(RFM_FEATURES),
        LookBackIfStored(CUSTOMER_DAYS),
    ],
    kinds={"pyspark", "scikitlearn"},
    code_version=_with_label_rules,
    comes_last=True,
)
def clustering_comparison(snapshot: Snapshot, config: ComparisonConfig) -> list[Stored]:
    """Fits other ways to cluster, and measures all by the same yardsticks."""
    sweep, centers = snapshot.small(K_SWEEP), snapshot.small(CLUSTER_CENTERS)
    how = snapshot.facts(K_SWEEP, ALGORITHM, SPREADS)
    chosen = Grouping.chosen(sweep, centers, how)
    by_k = {k: Grouping.of_k(k, centers, how) for k in sweep["k"].tolist()}
    segments = snapshot.read(RFM_SEGMENTS, [*FEATURES, SEGMENT])
    customers = segmented_points(segments, snapshot.rows(RFM_SEGMENTS))
    after = _afterwards(snapshot, chosen.scale)
    material = candidates.material(
        snapshot.spark,
        customers,
        how[ALGORITHM],
        by_k,
        after.outcomes,
        config.resamples,
        config.random_state,
    )
    table = candidates.compare(snapshot.spark, material, sweep, snapshot.rows(RFM_SEGMENTS))
    found = recommend(table, after.horizon_days)
    rules = load_label_rules(snapshot.family.settings.rules)
    moved = candidates.regrouped(customers, material, chosen, found.best_other, rules)
    kept = int(customers.points.customers.sum()) if found.best_other else 0
    facts = {
        RECOMMENDATION: found.sentence,
        "shortfalls": found.shortfalls,
        "recommended": (found.algorithm, found.k),
        "best_other": found.best_other,
        "horizon_days": after.horizon_days,
        "outcomes": after.told,
        PARTS: customers.points.parts,
    }
    return [
        snapshot.store(table, CLUSTERING_COMPARISON, facts).telling(
            recommendation=found.sentence,
            outcomes=after.told,
            against_the_others=MetadataValue.md(
                "\n".join(f"- {name}: {why or 'nothing'}" for name, why in found.shortfalls.items())
            ),
            distinct_customers=len(customers.points),
            parts_of_customers=customers.points.parts,
            failures=int(table["failure"].notna().sum()),
            comparison=shown(table),
        ),
        snapshot.store(
            moved,
            CLUSTERING_ALTERNATIVE,
            {"customers": kept},
        ).telling(customers_by_both=shown(moved, "Every other way failed.")),
    ]


def _afterwards(snapshot: Snapshot, scale: Standardization) -> _Afterwards:
    """The outcomes of the customers of a year before, up to the end of the snapshot, if stored."""
    earlier = snapshot_before(snapshot, A_YEAR)
    months = [*month_range(earlier.month, snapshot.month)]
    if not earlier.has(RFM_FEATURES):
        return _Afterwards(None, None, f"The snapshot {earlier.month} is not stored.")
    if {*months} - {*snapshot.storage.months(CUSTOMER_DAYS.name)}:
        return _Afterwards(
            None, None, f"No history is stored of all months from {earlier.month} on."
        )
    last_day, data_end = (
        date.fromisoformat(each.facts(RFM_FEATURES, "window_end")["window_end"])
        for each in (earlier, snapshot)
    )
    horizon = longest_horizon(last_day, data_end, HORIZONS)
    if horizon is None:
        return _Afterwards(None, None, f"The data ends too soon after {last_day}.")
    found = outcomes(
        replace(earlier, reaches={}).read(RFM_FEATURES, ["user_id", *FEATURES]),
        snapshot.read(CUSTOMER_DAYS, ["user_id", "day", "spend"], months),
        last_day,
        horizon,
        scale,
        earlier.rows(RFM_FEATURES),
    )
    told = (
        f"Of {int(found.customers.sum()):,} customers of {earlier.month}, "
        f"{int(found.returned.sum()):,} came back within {horizon} days."
    )
    return _Afterwards(found, horizon, told)


@plot(
    reads=[CLUSTERING_COMPARISON, RFM_FEATURES],
    section="choice",
    caption="Other ways to cluster beside K-Means: what the groups tell of who came back "
    "afterwards, whether they hold under resampling, and how far they are apart.",
)
def clustering_comparison_plot(snapshot: Snapshot) -> Picture:
    """Outcome lift, stability and plain silhouette of each way to cluster, by number of groups."""
    told = snapshot.facts(CLUSTERING_COMPARISON, RECOMMENDATION)[RECOMMENDATION]
    return plots.comparison(snapshot.small(CLUSTERING_COMPARISON), told, scope(snapshot))
