"""The report of a snapshot: one HTML file and its Markdown twin, from small tables and figures."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from dagster import AssetDep, AssetExecutionContext, Config, DagsterInstance, MetadataValue
from pydantic import Field

from amazon_seg_assets.assets import exploration
from amazon_seg_assets.assets.declaration import artifact_spec, seg_asset
from amazon_seg_assets.ingestion.manifest import MonthCounts, require_manifest
from amazon_seg_assets.locations import url_of
from amazon_seg_assets.partitions import SNAPSHOT_NEEDS, snapshot_months
from amazon_seg_assets.report.advice import cluster_advice, general_advice, segment_advice
from amazon_seg_assets.report.compose import compose
from amazon_seg_assets.report.document import Illustration
from amazon_seg_assets.report.figures import figures_of
from amazon_seg_assets.report.findings import Findings, Origin, Step, Ties, Validation, Window
from amazon_seg_assets.report.html import to_html
from amazon_seg_assets.report.insights import insights
from amazon_seg_assets.report.markdown import to_markdown
from amazon_seg_assets.report.pictures import CAPTIONS, EXPLORATION_PICTURES, PICTURES
from amazon_seg_assets.resources import StoreResource
from amazon_seg_assets.rules.recommendations import default_recommendations, load_recommendations
from amazon_seg_assets.rules.scheme import BUILT_IN_SCHEMES, Scheme
from amazon_seg_assets.staleness import is_up_to_date
from amazon_seg_assets.storage.figures import read_figures, require_figures
from amazon_seg_assets.storage.footers import read_stats
from amazon_seg_assets.storage.layout import Store, month_folder
from amazon_seg_assets.storage.small_tables import read_small
from amazon_seg_assets.tables.clean import CLEAN_METADATA, CLEAN_REVIEWS
from amazon_seg_assets.tables.customers import (
    K_SWEEP,
    RFM_FEATURES,
    RFM_SEGMENTS,
    SEGMENT_SUMMARY,
)
from amazon_seg_assets.tables.densities import CLUSTER_DENSITY
from amazon_seg_assets.tables.exploration import RATING_COUNTS, TOP_PRODUCTS
from amazon_seg_assets.tables.model import Table
from amazon_seg_assets.tables.raw import RAW_METADATA, RAW_REVIEWS
from amazon_seg_assets.tables.validation import CLUSTER_VALIDATION, SCHEME_COMPARISON
from amazon_seg_assets.transforms import summary

EXECUTIVE_REPORT = "executive_report"
EXPLORED = (RATING_COUNTS.name, TOP_PRODUCTS.name, *EXPLORATION_PICTURES)
"""What the report shows of the exploration."""

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


class ReportConfig(Config):
    """What the report says beyond the figures."""

    recommendations: str | None = Field(
        None,
        description=(
            "Path of a YAML file of recommendations, which must cover the segments of the scheme "
            "and may cover the labels of clusters. By default `recommendations.yaml` of the folder "
            "AMAZON_SEG_RULES, or else `rules/recommendations.yaml`."
        ),
    )


@seg_asset(
    artifact_spec(
        EXECUTIVE_REPORT,
        description=(
            "The report of the snapshot: segments, what to do about them, clusters, insights, the "
            "data and its limits, and the rules. `executive_report.html` needs nothing else: "
            "pictures are inside it. `executive_report.md` says the same without pictures. What "
            "the exploration has found is in it where that is of the raw tables as they now are."
        ),
        group="report",
        kinds={"html", "markdown"},
        deps=[
            RAW_REVIEWS.name,
            RAW_METADATA.name,
            CLEAN_METADATA.name,
            AssetDep(CLEAN_REVIEWS.name, partition_mapping=SNAPSHOT_NEEDS),
            RFM_FEATURES.name,
            RFM_SEGMENTS.name,
            SEGMENT_SUMMARY.name,
            CLUSTER_DENSITY.name,
            K_SWEEP.name,
            CLUSTER_VALIDATION.name,
            SCHEME_COMPARISON.name,
            *PICTURES,
            *EXPLORED,
        ],
        # Changed recommendations make it out of date.
        code_version=f"1-{default_recommendations().fingerprint}",
    )
)
def executive_report(
    context: AssetExecutionContext, config: ReportConfig, storage: StoreResource
) -> None:
    """Writes the report from what is stored of the snapshot."""
    store = storage.store
    rules = None if config.recommendations is None else Path(config.recommendations)
    explored = explored_now(context.instance, store)
    for snapshot in context.partition_keys:
        findings = gather(store, snapshot, explored, rules)
        document = compose(findings)
        markdown = to_markdown(document)
        html = to_html(document).encode()
        with store.replacing(EXECUTIVE_REPORT, [snapshot]) as folder:
            target = folder / month_folder(snapshot)
            target.mkdir()
            (target / f"{EXECUTIVE_REPORT}.html").write_bytes(html)
            (target / f"{EXECUTIVE_REPORT}.md").write_text(markdown, encoding="utf-8")
        path = store.path(EXECUTIVE_REPORT, snapshot) / f"{EXECUTIVE_REPORT}.html"
        context.add_asset_metadata(
            {
                "report": MetadataValue.md(markdown),
                "dagster/uri": MetadataValue.path(url_of(path)),
                "bytes": len(html),
                "customers": findings.customers,
                "total_monetary": findings.spend,
                "mean_monetary": findings.mean_spend,
                "insights": len(insights(findings)),
                "pictures": len(findings.illustrations),
                "recommendations": sum(
                    len(advice(findings))
                    for advice in (segment_advice, cluster_advice, general_advice)
                ),
                **figures_of(findings),
            },
            partition_key=snapshot,
        )


def explored_now(instance: DagsterInstance, store: Store) -> set[str]:
    """Those of ``EXPLORED`` that are of the raw tables as they now are; a picture, if its table is.

    What a demo in the same storage has left must not pass for a finding about the data.
    """

    def is_current(name: str) -> bool:
        if name in (RAW_REVIEWS.name, RAW_METADATA.name):
            return True
        asset = getattr(exploration, name)
        made_from = (parent.path[-1] for parent in asset.asset_deps[asset.key])
        code_version = asset.code_versions_by_key[asset.key]
        return is_up_to_date(instance, store, asset.key, code_version) and all(
            map(is_current, made_from)
        )

    return {name for name in EXPLORED if is_current(name)}


def gather(
    store: Store,
    snapshot: str,
    explored: Collection[str] = (),
    recommendations: Path | None = None,
) -> Findings:
    """Reads what the report of a snapshot is made from; nothing that grows with the customers.

    Args:
        store: where everything is stored.
        snapshot: month as ``YYYY-MM``.
        explored: those of ``EXPLORED`` to show; they are stored.
        recommendations: the user's own file, instead of that of the deployment.

    Raises:
        InputError: something has not been materialized, or the file is not valid.
    """
    rules = require_figures(store, RFM_SEGMENTS.name, snapshot)
    scheme = Scheme.model_validate(rules["scheme"])
    of_customers = read_small(store, SEGMENT_SUMMARY, snapshot)
    density = read_small(store, CLUSTER_DENSITY, snapshot)
    how = require_figures(store, K_SWEEP.name, snapshot, "why", "starts")
    ties = require_figures(store, SCHEME_COMPARISON.name, snapshot)
    return Findings(
        category=store.category,
        snapshot=snapshot,
        origin=_origin(store),
        window=_window(store, snapshot),
        scheme=scheme,
        thresholds=rules["thresholds"],
        recommendations=load_recommendations(scheme, recommendations),
        segments=summary.by_segment(of_customers),
        clusters=_clusters(store, snapshot, of_customers),
        overlap=summary.by_cluster_and_segment(of_customers),
        # Bins of low frequencies hold one whole number each.
        one_review=int(density.loc[density["frequency_bin"] == 1, "customers"].sum()),
        sweep=read_small(store, K_SWEEP, snapshot),
        why_k=how["why"],
        starts=how["starts"]["starts"],
        validation=_validation(require_figures(store, CLUSTER_VALIDATION.name, snapshot)),
        comparison=read_small(store, SCHEME_COMPARISON, snapshot),
        ties={
            name: Ties(
                ties[f"{name}_equals_in_other_segments_share"],
                ties[f"{name}_equal_frequency_other_score_share"],
                ties[f"{name}_equal_frequency_most_scores"],
            )
            for name in BUILT_IN_SCHEMES
        },
        ratings=_shown(store, RATING_COUNTS, explored),
        top_products=_shown(store, TOP_PRODUCTS, explored),
        illustrations={
            **{name: _illustration(store, name, snapshot) for name in PICTURES},
            **{
                name: _illustration(store, name)
                for name in EXPLORATION_PICTURES
                if name in explored
            },
        },
    )


def _origin(store: Store) -> Origin:
    reviews = require_manifest(store, RAW_REVIEWS.name)
    products = require_manifest(store, RAW_METADATA.name)
    store.require(CLEAN_METADATA.name)
    kept = read_stats(store.path(CLEAN_METADATA.name))
    reasons = read_figures(store, CLEAN_METADATA.name)
    counts = sum(reviews.months.values(), MonthCounts())
    first, last = (
        read_stats(store.path(RAW_REVIEWS.name, end(reviews.months))) for end in (min, max)
    )
    return Origin(
        source=reviews.source,
        reviews=counts.rows,
        verified=counts.verified,
        malformed=reviews.malformed,
        first_day=str(exploration.utc_day(first.minimum["timestamp"])),
        last_day=str(exploration.utc_day(last.maximum["timestamp"])),
        products=products.rows,
        products_left_out=_steps(reasons, _PRODUCT_REASONS)
        or [Step("excluded, or listed again", products.rows - kept.rows)],
        products_priced=kept.rows - (kept.nulls["price"] or 0),
    )


def _window(store: Store, snapshot: str) -> Window:
    figures = require_figures(store, RFM_FEATURES.name, snapshot)
    raw = require_manifest(store, RAW_REVIEWS.name).months
    months = snapshot_months(snapshot)
    store.require(CLEAN_REVIEWS.name, months)
    counts = sum((raw.get(month, MonthCounts()) for month in months), MonthCounts())
    clean = sum(read_stats(store.path(CLEAN_REVIEWS.name, month)).rows for month in months)
    return Window(
        start=figures["window_start"],
        end=figures["window_end"],
        min_price=figures["min_price"],
        months=len(months),
        raw=counts.rows,
        left_out=[
            Step("not of a verified purchase", counts.rows - counts.verified),
            Step("exact duplicates", counts.verified - clean),
            Step("before the window", clean - figures["in_window"]),
            *_steps(figures, _REVIEW_REASONS),
        ],
        unpriced=figures["no_price"],
        in_window=figures["in_window"],
    )


def _steps(figures: dict[str, Any], reasons: dict[str, str]) -> list[Step]:
    return [Step(text, figures[name]) for name, text in reasons.items() if name in figures]


def _clusters(store: Store, snapshot: str, of_customers: pd.DataFrame) -> pd.DataFrame:
    quality = read_small(store, CLUSTER_VALIDATION, snapshot)
    columns = ["cluster", "silhouette", "survival"]
    return summary.by_cluster(of_customers).merge(quality[columns], "left", "cluster")


def _validation(figures: dict[str, Any]) -> Validation:
    sentences: Sequence[str] = figures["sentences"]
    return Validation(
        sentences=sentences,
        silhouette=figures["silhouette"],
        silhouette_in_words=figures["silhouette_in_words"],
        agreement=figures["segments_adjusted_rand"],
        agreement_in_words=figures["agreement_in_words"],
        survival=figures["surviving_share_mean"],
    )


def _shown(store: Store, table: Table, explored: Collection[str]) -> pd.DataFrame | None:
    return read_small(store, table) if table.name in explored else None


def _illustration(store: Store, name: str, snapshot: str | None = None) -> Illustration:
    store.require(name, None if snapshot is None else [snapshot])
    folder = store.path(name, snapshot)
    alt = (folder / f"{name}.txt").read_text(encoding="utf-8").strip()
    return Illustration(name, (folder / f"{name}.svg").read_bytes(), alt, CAPTIONS[name])
