"""What a report is made from: the small tables and figures of one snapshot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from amazon_seg_assets.report.document import Illustration
from amazon_seg_assets.rules.recommendations import Recommendations
from amazon_seg_assets.rules.scheme import Scheme
from amazon_seg_assets.sources.sample import describes_sample

NEWCOMERS = ("New Customers", "Promising")
LAPSED = ("About to Sleep", "At Risk", "Can't Lose Them", "Hibernating", "Lost")
"""Segments of the built-in schemes; of a user's own scheme those that it has too."""


@dataclass(frozen=True)
class Step:
    """A step from raw to counted rows: why rows were left out, and how many."""

    reason: str
    rows: int


@dataclass(frozen=True)
class Origin:
    """Where the data comes from, and how much there is.

    Attributes:
        source: what a person would call it.
        reviews: raw reviews.
        verified: those of verified purchases.
        malformed: lines of the source that were not valid records.
        first_day: of the earliest review, ISO, UTC.
        last_day: of the latest.
        products: raw rows of products.
        products_left_out: why rows of products were left out.
        products_priced: products kept that have a price.
    """

    source: str
    reviews: int
    verified: int
    malformed: int
    first_day: str
    last_day: str
    products: int
    products_left_out: Sequence[Step]
    products_priced: int

    @property
    def is_invented(self) -> bool:
        """Whether it is the built-in sample, whose customers do not exist."""
        return describes_sample(self.source)

    @property
    def products_kept(self) -> int:
        """Products that were kept."""
        return self.products - sum(step.rows for step in self.products_left_out)


@dataclass(frozen=True)
class Window:
    """The year that a snapshot looks at, and what of its reviews counts.

    Attributes:
        start: first day, ISO, UTC.
        end: last day.
        min_price: a review counts if its product's price is above this, in USD.
        months: how many months were read for it.
        raw: raw reviews of these months.
        left_out: why reviews were left out, in the order of the steps.
        unpriced: reviews in the window whose product has no price, is unknown or was excluded.
        in_window: verified reviews in the window.
    """

    start: str
    end: str
    min_price: float
    months: int
    raw: int
    left_out: Sequence[Step]
    unpriced: int
    in_window: int

    @property
    def counted(self) -> int:
        """Reviews that count."""
        return self.raw - sum(step.rows for step in self.left_out)


@dataclass(frozen=True)
class Validation:
    """What is known of how good the clusters are.

    Attributes:
        sentences: what the figures mean.
        silhouette: the mean over all customers.
        silhouette_in_words: what it means.
        agreement: adjusted Rand index of clusters and segments.
        agreement_in_words: what it means.
        survival: share of customers who keep their cluster in a resample, a mean.
    """

    sentences: Sequence[str]
    silhouette: float
    silhouette_in_words: str
    agreement: float
    agreement_in_words: str
    survival: float


@dataclass(frozen=True)
class Ties:
    """What a scheme does to equal customers.

    Attributes:
        segment: customers who have an equal, in all features, in another segment, as a share of
            all.
        frequency: customers who have another frequency score than one of equal frequency, as a
            share of all.
        most_scores: most frequency scores that customers of one frequency have.
    """

    segment: float
    frequency: float
    most_scores: int


@dataclass(frozen=True)
class Findings:
    """All that a report of one snapshot is made from.

    Attributes:
        category: of the data set.
        snapshot: month as ``YYYY-MM``.
        origin: of the data.
        window: that the snapshot looks at.
        scheme: the rules of the segments.
        thresholds: by feature, the values at which the score changes, ascending in the score.
        recommendations: for the segments.
        segments: one row per segment that has customers, the largest first: ``segment``,
            ``customers``, ``share``, mean ``recency`` (days), ``frequency`` (reviews) and
            ``monetary`` (USD), and ``total_monetary`` (USD).
        clusters: one row per cluster: ``cluster``, ``cluster_label``, then as segments, and
            ``silhouette`` and ``survival``.
        overlap: one row per cluster and segment with customers: ``cluster``, ``cluster_label``,
            ``segment``, ``customers``.
        one_review: customers with a single review that counts.
        sweep: columns of ``k_sweep``.
        why_k: the sentence that says how k was chosen.
        starts: of K-Means, for each k.
        validation: of the clusters.
        comparison: columns of ``scheme_comparison``.
        ties: of the schemes ``standard`` and ``notebook``.
        ratings: columns of ``rating_counts``, None where it is not there or of other raw data.
        top_products: columns of ``top_products``, likewise.
        illustrations: stored pictures, by asset; those of the exploration may be missing.
    """

    category: str
    snapshot: str
    origin: Origin
    window: Window
    scheme: Scheme
    thresholds: Mapping[str, Sequence[float]]
    recommendations: Recommendations
    segments: pd.DataFrame
    clusters: pd.DataFrame
    overlap: pd.DataFrame
    one_review: int
    sweep: pd.DataFrame
    why_k: str
    starts: int
    validation: Validation
    comparison: pd.DataFrame
    ties: Mapping[str, Ties]
    ratings: pd.DataFrame | None = None
    top_products: pd.DataFrame | None = None
    illustrations: Mapping[str, Illustration] = field(default_factory=dict)

    @property
    def customers(self) -> int:
        """All customers."""
        return int(self.segments["customers"].sum())

    @property
    def spend(self) -> float:
        """What all customers spent, in USD."""
        return float(self.segments["total_monetary"].sum())

    @property
    def mean_spend(self) -> float:
        """What a customer spent, in USD."""
        return self.spend / self.customers

    @property
    def treats_equals_equally(self) -> bool:
        """Whether the scheme gives equal customers equal scores."""
        return self.scheme.scoring != "ntile"

    def of(self, segments: Sequence[str]) -> pd.DataFrame:
        """The rows of ``segments`` that are among these."""
        return self.segments[self.segments["segment"].isin(segments)]

    def customers_of(self, segments: Sequence[str]) -> int:
        """Customers in any of these segments."""
        return int(self.of(segments)["customers"].sum())

    def reachable(self, segments: Sequence[str]) -> list[str]:
        """Those of these segments that the scheme can lead to."""
        return [name for name in segments if name in self.scheme.cells.values()]
