"""The report of a snapshot: one HTML file and its Markdown twin."""

from dataclasses import replace
from pathlib import Path

from dagster import Config, MetadataValue
from pydantic import Field

from amazon_seg_assets.dag.declaration import (
    AllBefore,
    AssetDeclaration,
    LookBack,
    declared_in,
    snapshot_asset,
)
from amazon_seg_assets.dag.handles import Snapshot, Stored
from amazon_seg_assets.dag.versions import WHOLE, Versions
from amazon_seg_assets.plots.render import as_source, to_preview
from amazon_seg_assets.rules.recommendations import default_recommendations
from amazon_seg_assets.schema import Artifact
from amazon_seg_assets.settings import Settings
from amazon_seg_assets.stages import STAGES
from amazon_seg_assets.stages.churn.tables import CHURN_EVALUATION, CHURN_SUMMARY
from amazon_seg_assets.stages.cleaning.tables import CLEAN_METADATA, CLEAN_REVIEWS
from amazon_seg_assets.stages.clusters.tables import K_SWEEP
from amazon_seg_assets.stages.comparison.tables import CLUSTERING_COMPARISON
from amazon_seg_assets.stages.exploration.tables import RATING_COUNTS, TOP_PRODUCTS
from amazon_seg_assets.stages.history.tables import LIFECYCLE_SUMMARY
from amazon_seg_assets.stages.movement.tables import (
    SEGMENT_EXPORT,
    SEGMENT_OUTCOMES,
    SEGMENT_PRODUCTS,
    SEGMENT_TRANSITIONS,
)
from amazon_seg_assets.stages.overview.tables import CLUSTER_VALIDATION, SEGMENT_SUMMARY
from amazon_seg_assets.stages.raw.tables import RAW_METADATA, RAW_REVIEWS
from amazon_seg_assets.stages.report.advice import cluster_advice, general_advice, segment_advice
from amazon_seg_assets.stages.report.figures import figures_of
from amazon_seg_assets.stages.report.gather import gather
from amazon_seg_assets.stages.report.insights import DETAILS, HEADLINES, TECHNICAL, supported
from amazon_seg_assets.stages.report.render import to_html, to_markdown
from amazon_seg_assets.stages.rfm.tables import RFM_FEATURES, RFM_HISTOGRAMS
from amazon_seg_assets.stages.segments.tables import RFM_SEGMENTS, SCHEME_COMPARISON
from amazon_seg_assets.stages.sentiment.tables import (
    SEGMENT_SENTIMENT,
    SEGMENT_WORDS,
    SENTIMENT_SUMS,
)
from amazon_seg_assets.storage.facts import failed_checks
from amazon_seg_assets.storage.locations import url_of

EXECUTIVE_REPORT = Artifact(
    "executive_report",
    "The report of the snapshot: segments, what to do about them, clusters, insights, the "
    "data and its limits, and the rules. `executive_report.html` needs nothing else: "
    "pictures are inside it. `executive_report.md` says the same without pictures. What "
    "the exploration has found is in it where that is of the raw tables as they now are.",
)

PICTURES = [
    declared
    for stage in STAGES[: STAGES.index("report")]
    for declared in declared_in(stage)
    if declared.section
]
"""The pictures that stages above have for the report."""

SEEN = ("brief", "segments", "history", "movement", "churn")
"""Sections, those before the appendices, whose pictures the metadata of the report shows: so it has
some 200 kB in Dagster's records, and with all of them it would have three times as much."""

EXPLORED = (
    RATING_COUNTS.name,
    TOP_PRODUCTS.name,
    *(picture.name for picture in PICTURES if picture.stage == "exploration"),
)
"""The parts of the exploration that the report shows."""


class ReportConfig(Config):
    """The advice of the report."""

    recommendations: str = Field(
        "",
        description=(
            "Path of a YAML file of recommendations, which must cover the segments of the scheme "
            "and may cover the labels of clusters. Empty: `recommendations.yaml` of the folder "
            "AMAZON_SEG_RULES, or else `rules/recommendations.yaml`."
        ),
    )


def _with_recommendations(settings: Settings) -> str:
    """Changed recommendations make it out of date."""
    return f"3-{default_recommendations(settings.rules).fingerprint}"


@snapshot_asset(
    EXECUTIVE_REPORT,
    reads=[
        RAW_REVIEWS,
        RAW_METADATA,
        CLEAN_METADATA,
        LookBack(CLEAN_REVIEWS),
        RFM_FEATURES,
        RFM_HISTOGRAMS,
        RFM_SEGMENTS,
        SEGMENT_SUMMARY,
        K_SWEEP,
        CLUSTER_VALIDATION,
        SCHEME_COMPARISON,
        LIFECYCLE_SUMMARY,
        SEGMENT_TRANSITIONS,
        AllBefore(SEGMENT_OUTCOMES),
        SEGMENT_PRODUCTS,
        SEGMENT_EXPORT,
        CHURN_EVALUATION,
        CHURN_SUMMARY,
        SEGMENT_SENTIMENT,
        SEGMENT_WORDS,
        AllBefore(SENTIMENT_SUMS),
        CLUSTERING_COMPARISON,
        RATING_COUNTS,
        TOP_PRODUCTS,
        *PICTURES,
    ],
    kinds={"html", "markdown"},
    code_version=_with_recommendations,
)
def executive_report(snapshot: Snapshot, config: ReportConfig) -> Stored:
    """Writes the report from what is stored of the snapshot."""
    rules = Path(config.recommendations) if config.recommendations else None
    findings = gather(snapshot, PICTURES, explored_now(snapshot), rules)
    markdown, html = to_markdown(findings), to_html(findings).encode()
    name = EXECUTIVE_REPORT.name
    with snapshot.replacing() as folder:
        (folder / f"{name}.html").write_bytes(html)
        (folder / f"{name}.md").write_text(markdown, encoding="utf-8")
    path = snapshot.folder(EXECUTIVE_REPORT) / f"{name}.html"
    seen = [one for one in findings.illustrations if one.section in SEEN]
    previews = {one.name: as_source(to_preview(one.png)) for one in seen}
    advice = (segment_advice, cluster_advice, general_advice)
    return snapshot.stored(
        **{"dagster/uri": MetadataValue.path(url_of(path)), "bytes": len(html)},
        report=MetadataValue.md(to_markdown(findings, previews)),
        customers=findings.customers,
        total_spend_usd=findings.spend,
        mean_spend_usd=findings.mean_spend,
        insights=len(supported([*HEADLINES, *DETAILS, *TECHNICAL], findings)),
        pictures=len(findings.illustrations),
        recommendations=sum(len(of(findings)) for of in advice),
        **figures_of(findings),
    )


def explored_now(snapshot: Snapshot) -> set[str]:
    """The parts of the exploration that are up to date; a picture, if its table is, too.

    What a demo in the same storage has left must not pass for a finding about the data.
    """
    versions = Versions(snapshot.family, snapshot.storage)
    explored: dict[str, AssetDeclaration] = {each.name: each for each in declared_in("exploration")}

    def is_current(name: str) -> bool:
        if name not in explored:  # a raw table, or the clean products
            return True
        note = versions.note(name)
        return (
            note is not None
            and not replace(note, config={}).difference(versions.now(explored[name], WHOLE, None))
            and not failed_checks(snapshot.storage, name)
            and all(map(is_current, explored[name].inputs))
        )

    return {name for name in EXPLORED if is_current(name)}
