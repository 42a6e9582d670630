"""RFM segments, both schemes compared, and the customers of each segment as files."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import yaml
from dagster import Config, MetadataValue
from pydantic import Field, create_model
from pyspark.sql import Observation

from amazon_seg_assets.dag.declaration import plot, snapshot_asset
from amazon_seg_assets.dag.family import Family
from amazon_seg_assets.dag.handles import Snapshot, Stored
from amazon_seg_assets.dag.metadata import shown, sizes
from amazon_seg_assets.features import FEATURES
from amazon_seg_assets.plots.style import Picture
from amazon_seg_assets.rules.scheme import BUILT_IN_SCHEMES, DEFAULT_SCHEME, load_scheme
from amazon_seg_assets.settings import Settings
from amazon_seg_assets.stages.rfm.assets import scope
from amazon_seg_assets.stages.rfm.tables import RFM_FEATURES
from amazon_seg_assets.stages.segments import plots, scoring, ties
from amazon_seg_assets.stages.segments.tables import RFM_SEGMENTS, SCHEME_COMPARISON


class SegmentConfig(Config):
    """The choice of the rules of the segments."""

    scheme: str = Field(DEFAULT_SCHEME, description="RFM scheme.")
    scheme_file: str = Field(
        "",
        description="Path of a YAML file with a scheme of your own, in place of `scheme`.",
    )

    @classmethod
    def under(cls, family: Family) -> type[Config]:
        """The same with a choice of schemes, of which the deployment's is the default."""
        scheme = family.settings.scheme
        choices = tuple(dict.fromkeys([*BUILT_IN_SCHEMES, scheme]))
        default = Field(scheme, description=cls.model_fields["scheme"].description)
        kind: Any = Literal[choices]
        made: type[Config] = create_model(cls.__name__, __base__=cls, scheme=(kind, default))
        return made

    def identity(self) -> dict[str, str]:
        """The rules themselves: a file may change."""
        return {"scheme": load_scheme(self.scheme_file or self.scheme).fingerprint}


def _with_scheme(settings: Settings) -> str:
    """Segments by former rules show as out of date."""
    return f"4-{load_scheme(settings.scheme).fingerprint}"


@snapshot_asset(RFM_SEGMENTS, reads=[RFM_FEATURES], kinds={"pyspark"}, code_version=_with_scheme)
def rfm_segments(snapshot: Snapshot, config: SegmentConfig) -> Stored:
    """Scores each customer and assigns the segment."""
    scheme = load_scheme(config.scheme_file or config.scheme)
    customers = snapshot.read(RFM_FEATURES, ["user_id", *FEATURES])
    [cuts] = scoring.cut_points([scheme], customers)
    counts = Observation()
    segments = scoring.assign_segments(scoring.score(customers, cuts), scheme.cells).observe(
        counts, *scoring.segment_counts(scheme.segments)
    )
    thresholds = {feature: points.thresholds() for feature, points in cuts.items()}
    frozen = scoring.frozen_thresholds(cuts)
    # The user's file of the scheme may change: the report tells the rules that were used.
    used = scheme.model_dump(mode="json", exclude_none=True)
    known = {name: points.to_facts() for name, points in cuts.items()}
    stored = snapshot.store(
        segments, facts={"scheme": used, "thresholds": thresholds, "cuts": known}
    )
    return stored.telling(
        customers=stored.rows,
        **sizes("segment", {name: counts.get[name] for name in scheme.segments}),
        scheme=scheme.name,
        scheme_fingerprint=scheme.fingerprint,
        unreachable_segments=scheme.unreachable,
        **{f"thresholds_{name}": MetadataValue.json(values) for name, values in thresholds.items()},
        **{f"thresholds_{name}_mean": points.say_thresholds() for name, points in cuts.items()},
        **({"thresholds_frozen": _entries_of_a_scheme(frozen)} if frozen else {}),
    )


def _entries_of_a_scheme(thresholds: Mapping[str, Sequence[float]]) -> MetadataValue:
    """Thresholds as a scheme's file has them, to be copied: in place of its ``scoring``."""
    entries = {"scoring": "thresholds", "thresholds": thresholds}
    text = yaml.safe_dump(entries, default_flow_style=None, sort_keys=False)
    return MetadataValue.md(f"```yaml\n{text}```")


def _with_compared_schemes(_: Settings) -> str:
    return "-".join(["1", *(load_scheme(name).fingerprint for name in ties.COMPARED)])


@snapshot_asset(
    SCHEME_COMPARISON,
    reads=[RFM_FEATURES],
    kinds={"pyspark"},
    code_version=_with_compared_schemes,
    comes_last=True,
    check_step="customer_counts_checks",
)
def scheme_comparison(snapshot: Snapshot) -> Stored:
    """Segments the customers by both schemes, and counts those whom each separates from equals."""
    standard, notebook = map(load_scheme, ties.COMPARED)
    customers = snapshot.read(RFM_FEATURES, ["user_id", *FEATURES])
    table, figures = ties.compare_schemes(customers, standard, notebook)
    stands_out = {
        f"{what}_{where}": find(table, against)
        for what, find in (("starved", ties.starved), ("swollen", ties.swollen))
        for where, against in (
            ("against_standard", "standard_customers"),
            ("by_scores", "notebook_rules_customers"),
        )
    }
    return snapshot.store(table, facts=figures).telling(
        segments=shown(table), **figures, **stands_out
    )


@plot(
    reads=[SCHEME_COMPARISON, RFM_FEATURES],
    section="schemes",
    caption="The same customers under the standard scheme and under the one of the original "
    "analysis.",
)
def scheme_comparison_plot(snapshot: Snapshot) -> Picture:
    """Customers of each segment under the standard and the notebook scheme."""
    colours = {
        k: v for name in reversed(ties.COMPARED) for k, v in load_scheme(name).colours.items()
    }
    names = {f"{name}_customers": name for name in ties.COMPARED}
    table = snapshot.small(SCHEME_COMPARISON).rename(columns=names)
    return plots.scheme_comparison(table, colours, scope(snapshot))
