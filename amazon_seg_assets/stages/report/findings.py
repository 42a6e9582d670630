"""The small tables and figures of one snapshot that a report is made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from amazon_seg_assets.rules.recommendations import Recommendations
from amazon_seg_assets.rules.scheme import Role, Scheme


@dataclass(frozen=True)
class Step:
    """A step from raw to counted rows: why rows were left out, and how many."""

    reason: str
    rows: int


@dataclass(frozen=True)
class Origin:
    """Source and amount of the data.

    Attributes:
        source: as a person would call it.
        is_sample: comes from the built-in sample, whose customers do not exist.
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
    is_sample: bool
    reviews: int
    verified: int
    malformed: int
    first_day: str
    last_day: str
    products: int
    products_left_out: Sequence[Step]
    products_priced: int

    @property
    def products_kept(self) -> int:
        """Products that were kept."""
        return self.products - sum(step.rows for step in self.products_left_out)


@dataclass(frozen=True)
class Window:
    """The year that a snapshot looks at, and the reviews of it that count.

    Attributes:
        start: first day, ISO, UTC.
        end: last day.
        min_price: a review counts if its product's price is above this, in USD.
        months: number of months read for it.
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

    @property
    def unpriced_share(self) -> float:
        """Verified reviews in the window that do not count for want of a price, as a share."""
        return self.unpriced / self.in_window if self.in_window else 0.0


@dataclass(frozen=True)
class Evaluation:
    """Quality of the clusters.

    Attributes:
        sentences: interpretation of the figures.
        silhouette: the mean over all customers, by squared distance.
        silhouette_plain: the same by plain distance.
        silhouette_in_words: the interpretation of the plain one.
        agreement: adjusted Rand index of clusters and segments.
        agreement_in_words: its interpretation.
        stability: share of customers who keep their cluster in a resample, a mean.
    """

    sentences: Sequence[str]
    silhouette: float
    silhouette_plain: float
    silhouette_in_words: str
    agreement: float
    agreement_in_words: str
    stability: float


@dataclass(frozen=True)
class YearAgo:
    """The snapshot a year before, as far as it is compared.

    Attributes:
        snapshot: month as ``YYYY-MM``.
        customers: of then.
        spend: of these, in USD.
        stayed: customers of then who are customers now.
    """

    snapshot: str
    customers: int
    spend: float
    stayed: int


@dataclass(frozen=True)
class Returns:
    """Customers of the snapshot a year before who came back after it.

    Attributes:
        snapshot: month as ``YYYY-MM``.
        horizon_days: days after its last day that count; the longest that the data reaches.
        rates: share of each segment's customers who came back, 0 to 1.
        overall: share of all customers who did.
    """

    snapshot: str
    horizon_days: int
    rates: Mapping[str, float]
    overall: float


@dataclass(frozen=True)
class Concentration:
    """The customers who bring the money.

    Attributes:
        top_tenth: share of the spend that the tenth of the customers with the highest brings.
        repeat_customers: customers with several reviews that count.
        repeat_spend: of these, in USD.
    """

    top_tenth: float
    repeat_customers: int
    repeat_spend: float


@dataclass(frozen=True)
class Churn:
    """Customers who are likely to leave, and how well that is told.

    Attributes:
        horizon_days: without a clean review that count as leaving.
        segments: one row a segment, the most expected loss first: ``segment``, ``customers``,
            ``likely`` (customers in the band high), ``expected_churners``, ``expected_loss`` (USD).
        auc: area under the ROC curve of the model on a later snapshot, with its interval.
        auc_of_recency: the same of recency alone.
    """

    horizon_days: int
    segments: pd.DataFrame
    auc: tuple[float, float, float]
    auc_of_recency: float

    @property
    def is_better(self) -> bool:
        """Tells that the model tells more than recency alone, beyond chance."""
        return self.auc[1] > self.auc_of_recency


@dataclass(frozen=True)
class Leavers:
    """Texts of customers who left after a snapshot, beside those of customers who stayed.

    Attributes:
        snapshot: month as ``YYYY-MM``.
        horizon_days: without a clean review that count as leaving.
        left: share of their texts that are negative.
        stayed: the same of those who stayed.
        difference: the former less the latter, with its interval.
    """

    snapshot: str
    horizon_days: int
    left: float
    stayed: float
    difference: tuple[float, float, float]

    @property
    def is_sure(self) -> bool:
        """Tells that the difference is hardly chance."""
        return self.difference[1] > 0 or self.difference[2] < 0


@dataclass(frozen=True)
class Sentiment:
    """Sentiment of the customers' texts, and its words.

    Attributes:
        segments: rows of ``segment_sentiment`` of the segments with texts, in the scheme's order.
        told: of these, by comparison, the rows whose difference is hardly chance.
        compared_with: the snapshot a year before; empty where it is not stored.
        words: by segment, words that tell its negative texts from its positive ones.
        special: the same from the negative texts of others.
        least_customers: with a word before it is told.
        leavers: of the snapshot a year before; None where it is not known who left.
        accuracy: share of texts that the model has told right; None where that is not known.
        accuracy_of_vader: the same of the lexicon.
    """

    segments: pd.DataFrame
    told: Mapping[str, pd.DataFrame]
    compared_with: str
    words: Mapping[str, Sequence[str]]
    special: Mapping[str, Sequence[str]]
    least_customers: int
    leavers: Leavers | None = None
    accuracy: float | None = None
    accuracy_of_vader: float | None = None

    @property
    def reviews(self) -> int:
        """Texts of all segments."""
        return int(self.segments["reviews"].sum())

    @property
    def negative_share(self) -> float:
        """Share of them that are negative."""
        return float(self.segments["negative_share"] @ self.segments["reviews"] / self.reviews)


@dataclass(frozen=True)
class Ties:
    """Treatment of equal customers by a scheme.

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
class Illustration:
    """A stored plot.

    Attributes:
        name: of the asset that drew it.
        section: of the report, such as segments or clusters.
        svg: its content.
        png: the same.
        alt: the text that stands for it where it cannot be seen.
        caption: says what it shows and how to read it.
    """

    name: str
    section: str
    svg: bytes
    png: bytes
    alt: str
    caption: str


@dataclass(frozen=True)
class Findings:
    """Everything that the report of one snapshot is made from.

    Attributes:
        category: of the data set.
        snapshot: month as ``YYYY-MM``.
        made: day on which the report was made, ISO, UTC.
        origin: of the data.
        window: that the snapshot looks at.
        scheme: the rules of the segments.
        thresholds: by feature, the values at which the score changes, ascending in the score.
        recommendations: for the segments.
        segments: one row per segment that has customers, the largest first: ``segment``,
            ``customers``, ``share``, mean ``recency`` (days), ``frequency`` (reviews) and
            ``monetary`` (USD), and ``total_monetary`` (USD).
        clusters: one row per cluster: ``cluster``, ``cluster_label``, then as segments, and
            ``silhouette`` and ``stability``.
        cluster_roles: role of each cluster, by its label as stored.
        overlap: one row per cluster and segment with customers: ``cluster``, ``cluster_label``,
            ``segment``, ``customers``.
        concentration: of the spend.
        sweep: columns of ``k_sweep``.
        why_k: the sentence that says how k was chosen.
        algorithm: that found the clusters, by name.
        n_init: its starts, for each k.
        evaluation: of the clusters.
        comparison: columns of ``scheme_comparison``.
        ties: of the schemes ``standard`` and ``notebook``.
        a_year_ago: the snapshot a year before; None where it is not stored.
        moves: rows of ``segment_transitions`` since then, both by the rules of then: only behaviour
            moves anybody. None where there are none.
        returns: of the same, None where it is not stored, or the data ends too soon after it.
        lifecycle: columns of ``lifecycle_summary``; None where history is left out.
        products: rows of ``segment_products`` on special categories, the most telling of each
            segment first; None where they are left out.
        lists: place of the file with the customers of each segment; without those not exported.
        churn: of the customers; None where it is left out, or the data carries no model.
        sentiment: of the customers; None where it is left out, or too few texts say something.
        other_ways: what other ways to cluster come to; empty where they are left out.
        ratings: columns of ``rating_counts``, None where it is not there or of other raw data.
        top_products: columns of ``top_products``, likewise.
        illustrations: in the order in which they are shown; those of the exploration may be
            missing.
    """

    category: str
    snapshot: str
    made: str
    origin: Origin
    window: Window
    scheme: Scheme
    thresholds: Mapping[str, Sequence[float]]
    recommendations: Recommendations
    segments: pd.DataFrame
    clusters: pd.DataFrame
    cluster_roles: Mapping[str, str]
    overlap: pd.DataFrame
    concentration: Concentration
    sweep: pd.DataFrame
    why_k: str
    algorithm: str
    n_init: int
    evaluation: Evaluation
    comparison: pd.DataFrame
    ties: Mapping[str, Ties]
    a_year_ago: YearAgo | None = None
    moves: pd.DataFrame | None = None
    returns: Returns | None = None
    lifecycle: pd.DataFrame | None = None
    products: pd.DataFrame | None = None
    lists: Mapping[str, str] = field(default_factory=dict)
    churn: Churn | None = None
    sentiment: Sentiment | None = None
    other_ways: str = ""
    ratings: pd.DataFrame | None = None
    top_products: pd.DataFrame | None = None
    illustrations: Sequence[Illustration] = ()

    @property
    def customers(self) -> int:
        """All customers."""
        return int(self.segments["customers"].sum())

    @property
    def spend(self) -> float:
        """Spend of all customers, in USD."""
        return float(self.segments["total_monetary"].sum())

    @property
    def mean_spend(self) -> float:
        """Mean spend of a customer, in USD."""
        return self.spend / self.customers

    @property
    def one_review(self) -> int:
        """Customers with a single review that counts."""
        return self.customers - self.concentration.repeat_customers

    @property
    def at_stake(self) -> dict[str, float]:
        """Money at stake of each segment, the most first: spend of those who will not come back.

        Its spend times the share of such customers who did not come back a year before, in USD; all
        of it where that is not known.
        """
        rates = self.returns.rates if self.returns else {}
        spent = zip(self.segments["segment"], self.segments["total_monetary"].tolist(), strict=True)
        found = {name: spend * (1 - rates.get(name, 0.0)) for name, spend in spent}
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

    @property
    def is_relative(self) -> bool:
        """Tells that scores compare customers with each other, and so fix the shares of segments.

        Of ever so good or bad a year, a fifth of the customers has each score, but for equal ones.
        """
        return self.scheme.scoring != "thresholds"

    @property
    def treats_equals_equally(self) -> bool:
        """Tells that equal customers get equal scores."""
        return not self.scheme.splits_ties

    @property
    def empty_segments(self) -> list[str]:
        """Segments of the scheme that no customer is in."""
        return [name for name in self.scheme.segments if name not in set(self.segments["segment"])]

    @property
    def unadvised(self) -> list[str]:
        """Segments that have customers but no recommendation."""
        return [n for n in self.segments["segment"] if n not in self.recommendations.segments]

    @property
    def unexplored(self) -> list[str]:
        """Tables of the exploration that are not there."""
        tables = {"rating_counts": self.ratings, "top_products": self.top_products}
        return [name for name, table in tables.items() if table is None]

    def of(self, segments: Sequence[str]) -> pd.DataFrame:
        """The rows of ``segments`` that are among these."""
        return self.segments[self.segments["segment"].isin(segments)]

    def customers_of(self, segments: Sequence[str]) -> int:
        """Customers in any of these segments."""
        return int(self.of(segments)["customers"].sum())

    def reachable(self, *roles: Role) -> list[str]:
        """Segments of these roles that the scheme can lead to."""
        unreachable = self.scheme.unreachable
        return [name for name in self.scheme.of_role(*roles) if name not in unreachable]

    def populated(self, *roles: Role) -> list[str]:
        """Segments of these roles that have customers."""
        return [name for name in self.scheme.of_role(*roles) if self.customers_of([name])]

    def shows(self, section: str) -> bool:
        """True if there is a picture for a section."""
        return any(one.section == section for one in self.illustrations)
