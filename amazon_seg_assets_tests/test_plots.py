"""Pictures show the figures of their frames, legibly, and render to the same bytes each time."""

from __future__ import annotations

import itertools
import math
import struct
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import same_color, to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle, Wedge
from matplotlib.text import Annotation, Text

from amazon_seg_assets.formats import count, counted, cut_name, money, share, short
from amazon_seg_assets.plots.features import FEATURES
from amazon_seg_assets.plots.render import to_png, to_svg
from amazon_seg_assets.plots.style import (
    ACCENT,
    CLUSTER_COLOURS,
    DENSITY,
    LEAST_CONTRAST,
    MUTED,
    RULE,
    Picture,
    RawScope,
    Scope,
    cluster_colour,
    contrast,
    edge,
    house_style,
    text_colour,
)
from amazon_seg_assets.rules.scheme import BUILT_IN_SCHEMES, ROLE_COLOURS, load_scheme
from amazon_seg_assets.stages.clusters import plots as clusters
from amazon_seg_assets.stages.clusters.ks import POSSIBLE_KS
from amazon_seg_assets.stages.clusters.ways import ALGORITHMS
from amazon_seg_assets.stages.comparison import plots as ways
from amazon_seg_assets.stages.exploration import plots as exploration
from amazon_seg_assets.stages.history import plots as history
from amazon_seg_assets.stages.history.tables import STATUSES
from amazon_seg_assets.stages.movement import plots as movement
from amazon_seg_assets.stages.overview import plots as overview
from amazon_seg_assets.stages.overview.treemap import BAND_COLOUR, segment_treemap
from amazon_seg_assets.stages.rfm.plots import distributions
from amazon_seg_assets.stages.segments.plots import scheme_comparison
from amazon_seg_assets.stages.sentiment import plots as sentiment

COLOURS = load_scheme("standard").colours
SCOPE = Scope("Electronics", "2023-09", 17_123, is_invented=True)
CAPTION = "Electronics · snapshot 2023-09 · 17,123 customers, invented (built-in sample)"
RAW = RawScope("Electronics", date(2023, 9, 13), is_invented=True)
RAW_CAPTION = "Electronics · reviews up to 2023-09-13, invented (built-in sample)"

SWEEP = pd.DataFrame(
    {
        "k": [2, 3, 4, 5, 6],
        "wcss": [3.82e6, 2.74e6, 2.0851e6, 1.83e6, 1.56e6],
        "silhouette": [0.5405, 0.465, 0.4937, 0.447, 0.487],
        "silhouette_plain": [0.38, 0.31, 0.33, 0.29, 0.32],
        "chosen": [False, False, True, False, False],
    }
)
CLUSTERS = pd.DataFrame(
    {
        "cluster": [0, 1, 2, 3],
        "cluster_label": ["Loyal", "Churned", "One Time Big Spender", "New"],
        "customers": [1000, 2000, 3000, 4000],
        "recency": [210.4, 294.6, 245.8, 148.0],
        "frequency": [2.831, 1.035, 1.0, 1.038],
        "monetary": [223.83, 25.38, 234.68, 32.74],
        "recency_center": [-0.15, 0.75, 0.23, -0.82],
        "frequency_log_center": [2.1, -0.35, -0.4, -0.34],
        "monetary_log_center": [1.1, -0.65, 1.2, -0.45],
    }
)
SEGMENTS = pd.DataFrame(
    [
        ("Champions", 4000, 200.0),
        ("Lost", 5000, 10.0),
        ("At Risk", 999, 50.0),
        ("Promising", 1, 7.5),
        ("New Customers", 0, math.nan),
    ],
    columns=["segment", "customers", "mean_monetary"],
).assign(total_monetary=lambda f: (f["customers"] * f["mean_monetary"]).fillna(0.0))
INSIDE = pd.DataFrame(
    [
        (0, "Loyal", "Champions", 3000),
        (0, "Loyal", "At Risk", 1000),
        (1, "Churned", "Lost", 5990),
        (1, "Churned", "Champions", 10),
    ],
    columns=["cluster", "cluster_label", "segment", "customers"],
)
BINS = pd.DataFrame(
    [
        (0, "Loyal", 8, 10.0, 30),
        (0, "Loyal", 15, 100.0, 10),
        (1, "Churned", 358, 10.0, 1),
    ],
    columns=["cluster", "cluster_label", "x_bin", "y_bin", "customers"],
)
CELLS = pd.DataFrame(
    [(5, 5, 600, 250.5), (1, 1, 300, 10.0), (3, 2, 100, 1234.0)],
    columns=["r_score", "fm_score", "customers", "mean_monetary"],
).assign(segments=[["Champions"], ["Lost", "Hibernating", "At Risk"], ["Can't Lose Them"]])
SCHEMES = pd.DataFrame(
    {
        "segment": ["Champions", "Lost", "Promising", "At Risk"],
        "standard": [1000, 4000, 800, 0],
        "notebook": [2500, 3000, 0, 300],
    }
)
PRODUCTS = pd.DataFrame(
    {"product_name": [f"Product {n}" for n in range(25)], "reviews": [100 - n for n in range(25)]}
)
RATINGS = pd.DataFrame(
    [(1.0, True, 200), (5.0, True, 1_200_000), (1.0, False, 50), (5.0, False, 99_750)],
    columns=["rating", "verified_purchase", "reviews"],
)
CUT_OFF = RawScope("Electronics", date(2023, 4, 13), is_invented=True)
MONTHS = pd.DataFrame({"month": ["2023-04", "2023-01"], "reviews": [7, 3]})
HISTOGRAM = pd.DataFrame(
    [
        ("recency", False, 0.0, 100.0, 5),
        ("recency", False, 100.0, 200.0, 10),
        ("frequency", False, 1.0, 2.0, 15),
        ("frequency", True, 0.5, 1.0, 15),
        ("monetary", False, 0.0, 10.0, 15),
        ("monetary", True, 0.0, 1.0, 15),
    ],
    columns=["feature", "transformed", "bin_left", "bin_right", "customers"],
)
LIFECYCLES = pd.DataFrame(
    {
        "status": STATUSES,
        "customers": [9_000, 6_123, 2_000, 4_500],
        "spend": [400_000.5, 900_000.0, 75_000.0, 0.0],
        "spend_before": [0.0, 700_000.0, 0.0, 310_000.0],
    }
)
COHORTS = pd.DataFrame(
    [
        (f"{number // 4}-Q{number % 4 + 1}", since, 4_000, 4_000 // (1 + since * since))
        for number in range(2017 * 4, 2023 * 4)
        for since in range(2023 * 4 - number)
    ],
    columns=["cohort", "quarters_since", "cohort_customers", "active_customers"],
)
MOVES = pd.DataFrame(
    [
        (before, now, 1 + 37 * place % 1000)
        for place, (before, now) in enumerate(itertools.product([*COLOURS, None], repeat=2))
        if before or now
    ],
    columns=["from_segment", "to_segment", "customers"],
)
RATES = pd.DataFrame(
    [(name, 365, 1000, 50 * place, place / 20) for place, name in enumerate(COLOURS)],
    columns=["name", "horizon_days", "customers", "returned", "return_rate"],
)
TELLING = pd.DataFrame(
    [
        (segment, f"Cables, Adapters & Chargers {place}", 4.5 - place / 3, 0.2 / place)
        for segment in COLOURS
        for place in range(1, 11)
    ],
    columns=["segment", "name", "lift", "share"],
)
SKEWNESS = {"recency": -0.344, "frequency": 18.703, "frequency_log": 2.0}

Draw = Callable[[], Picture]
NEGATIVE = pd.DataFrame(
    {
        "grouping": ["segment", "segment", "lifecycle"],
        "name": ["Champions", "Lost", "new"],
        "reviews": [300, 100, 400],
        "negative_share": [0.1, 0.2, 0.125],
        "negative_share_low": [0.08, 0.1, 0.1],
        "negative_share_high": [0.15, 0.4, 0.15],
    }
)
SAID = pd.DataFrame(
    [
        (stars, tenth, 1_000 * (stars > 3) if tenth == 10 else 30 * (tenth == 1))
        for stars in range(1, 6)
        for tenth in range(1, 11)
    ],
    columns=["stars", "tenth", "reviews"],
)
WORDS = pd.DataFrame(
    [
        ("Champions", "battery died", 40, 2.5),
        ("Champions", "battery", 60, 2.0),
        ("Champions", "refund", 30, 1.5),
        ("Lost", "cracked", 12, 3.25),
    ],
    columns=["segment", "term", "customers", "log_odds"],
)
WAYS = pd.DataFrame(
    [(name, k, name == "kmeans" and k == 4) for name in ALGORITHMS[:4] for k in (3, 4, 5)]
    + [("hdbscan", 9, False)],
    columns=["algorithm", "k", "chosen"],
).assign(
    wcss=1.0,
    outcome_lift=lambda rows: rows.index / 100,
    stability=lambda rows: 0.99 - rows.index / 40,
    silhouette_plain=lambda rows: 0.3 + rows["k"] / 50,
    failure=lambda rows: rows["algorithm"].map({"gaussian_mixture": "collapsed"}),
)
NO_WAYS = WAYS.assign(wcss=math.nan)
KEEP = "Keep K-Means."

PICTURES: dict[str, Draw] = {
    "elbow": lambda: clusters.elbow(SWEEP, SCOPE),
    "silhouette": lambda: clusters.silhouette(SWEEP, 0.05, SCOPE),
    "cluster_shares": lambda: overview.cluster_shares(CLUSTERS, SCOPE),
    "cluster_profile": lambda: clusters.cluster_profile(CLUSTERS, SCOPE),
    "cluster_density": lambda: clusters.cluster_density(BINS, "recency", "monetary", SCOPE),
    "segment_counts": lambda: overview.segment_counts(SEGMENTS, COLOURS, SCOPE),
    "segment_shares": lambda: overview.segment_shares(SEGMENTS, COLOURS, SCOPE),
    "segment_money": lambda: overview.segment_money(SEGMENTS, COLOURS, SCOPE),
    "segment_treemap": lambda: segment_treemap(INSIDE, COLOURS, SCOPE),
    "rfm_heatmap": lambda: overview.rfm_heatmap(CELLS, SCOPE),
    "scheme_comparison": lambda: scheme_comparison(SCHEMES, COLOURS, SCOPE),
    "popular_products": lambda: exploration.popular_products(PRODUCTS, 2023, RAW),
    "ratings_by_verified": lambda: exploration.ratings_by_verified(RATINGS, 2023, RAW),
    "reviews_over_time": lambda: exploration.reviews_over_time(MONTHS, CUT_OFF),
    "distributions": lambda: distributions(HISTOGRAM, SKEWNESS, SCOPE),
    "lifecycle": lambda: history.lifecycle(LIFECYCLES, SCOPE),
    "cohort_retention": lambda: history.cohort_retention(COHORTS, SCOPE),
    "segment_transitions": lambda: movement.segment_transitions(MOVES, "2022-09", COLOURS, SCOPE),
    "ways": lambda: ways.comparison(WAYS, KEEP, SCOPE),
    "return_rates": lambda: movement.return_rates(RATES, COLOURS, SCOPE),
    "telling_categories": lambda: movement.telling_categories(TELLING, COLOURS, SCOPE),
    "negative_shares": lambda: sentiment.negative_shares(
        {"2022-09": NEGATIVE.assign(negative_share=0.3), "2023-09": NEGATIVE}, COLOURS, SCOPE
    ),
    "by_stars": lambda: sentiment.by_stars(SAID, SCOPE),
    "telling_words": lambda: sentiment.telling_words(WORDS, COLOURS, SCOPE),
}

LONG = "extraordinary " * 2200
STRANGE = [LONG, "X" * 30_000, "耳机 🎧 $x_1^2$ \\frac{1", "<b>&amp;</b>", "\x00\ud800\t", "", None]
OWN_SEGMENTS = pd.DataFrame(
    {
        "segment": [LONG, "W" * 30_000, "耳机 $^$", *(f"own {n}" for n in range(12))],
        "customers": [10**12, 1, 0, *range(12)],
        "mean_monetary": [1e11, 0.01, math.nan, *([1.0] * 12)],
        "total_monetary": [1e14, 0.01, 0.0, *([1.0] * 12)],
    }
)
OWN_COLOURS = dict(zip(OWN_SEGMENTS["segment"], CLUSTER_COLOURS, strict=False))
MANY_CLUSTERS = pd.DataFrame(
    {
        "cluster": range(12),
        "cluster_label": [f"A rather long label of a cluster, {n}" for n in range(12)],
        "customers": [10**9, *range(11)],
        "recency": 367.0,
        "frequency": [1e6, *([1.0] * 11)],
        "monetary": [1e9, *([0.3] * 11)],
        "recency_center": np.linspace(-2, 2, 12),
        "frequency_log_center": [40.0, *([-0.1] * 11)],
        "monetary_log_center": np.linspace(3, -3, 12),
    }
)
FREQUENCIES = FEATURES["frequency"].edges[:-1]
EXTREMES: dict[str, Draw] = {
    "elbow, one k": lambda: clusters.elbow(SWEEP[:1], SCOPE),
    "elbow, equal customers": lambda: clusters.elbow(SWEEP.assign(wcss=3e-18), SCOPE),
    "silhouette, up and down": lambda: clusters.silhouette(
        pd.DataFrame(
            {
                "k": range(2, 13),
                "silhouette": [0.5, 0.4, math.nan, 0.9, 0.8, 0.3, -0.2, 0.2, 0.2, 0.2, 0.2],
                "silhouette_plain": [0.3, 0.2, math.nan, 0.7, 0.6, 0.2, *[-0.1] * 5],
                "chosen": [k == 12 for k in range(2, 13)],
            }
        ),
        0.05,
        SCOPE,
    ),
    "silhouette, near one": lambda: clusters.silhouette(
        SWEEP[:3].assign(silhouette=[0.98, 0.97, 0.99], silhouette_plain=[0.94, 0.93, 0.95]),
        0.05,
        SCOPE,
    ),
    "shares, one has nearly all": lambda: overview.cluster_shares(MANY_CLUSTERS, SCOPE),
    "shares, one has all": lambda: overview.cluster_shares(CLUSTERS[:1], SCOPE),
    "profile, twelve": lambda: clusters.cluster_profile(MANY_CLUSTERS, SCOPE),
    "profile, one": lambda: clusters.cluster_profile(CLUSTERS[:1], SCOPE),
    "density, many reviews": lambda: clusters.cluster_density(
        pd.DataFrame(
            [(n % 2, f"Loyal {n % 2}", left, 10.0, 1 + n) for n, left in enumerate(FREQUENCIES)],
            columns=BINS.columns,
        ),
        "frequency",
        "monetary",
        SCOPE,
    ),
    "density, one customer": lambda: clusters.cluster_density(
        BINS[2:].assign(x_bin=1), "frequency", "monetary", SCOPE
    ),
    "counts, own segments": lambda: overview.segment_counts(OWN_SEGMENTS, OWN_COLOURS, SCOPE),
    "shares, own segments": lambda: overview.segment_shares(OWN_SEGMENTS, OWN_COLOURS, SCOPE),
    "money, own segments": lambda: overview.segment_money(OWN_SEGMENTS, OWN_COLOURS, SCOPE),
    "money, nothing spent": lambda: overview.segment_money(
        SEGMENTS.assign(mean_monetary=0.0, total_monetary=0.0), COLOURS, SCOPE
    ),
    "treemap, twelve clusters": lambda: segment_treemap(
        pd.DataFrame(
            [
                (row.cluster, row.cluster_label, segment, row.customers + 1)
                for row in MANY_CLUSTERS.itertuples()
                for segment in COLOURS
            ],
            columns=INSIDE.columns,
        ),
        COLOURS,
        SCOPE,
    ),
    "treemap, one": lambda: segment_treemap(INSIDE[:1], COLOURS, SCOPE),
    "heat map, one cell": lambda: overview.rfm_heatmap(
        CELLS[:1].assign(mean_monetary=1.2e12), SCOPE
    ),
    "schemes, one segment": lambda: scheme_comparison(SCHEMES[2:3], COLOURS, SCOPE),
    "products, strange names": lambda: exploration.popular_products(
        pd.DataFrame({"product_name": STRANGE, "reviews": [10**13, 6, 5, 4, 3, 2, 1]}), 2023, RAW
    ),
    "ratings, huge": lambda: exploration.ratings_by_verified(
        RATINGS.assign(reviews=RATINGS["reviews"] * 10**7, rating=[0.0, 5.0, 0.0, 3.0]), None, RAW
    ),
    "more months than have values": lambda: exploration.reviews_over_time(
        pd.DataFrame(
            {
                "month": pd.period_range("2021-06", periods=28, freq="M").astype(str),
                "reviews": [2**n for n in range(28)],
            }
        ),
        RAW,
    ),
    "months": lambda: exploration.reviews_over_time(
        pd.DataFrame({"month": ["1996-11", "2023-09"], "reviews": [1, 10**9]}), RAW
    ),
    "months, the last nearly empty": lambda: exploration.reviews_over_time(
        pd.DataFrame({"month": ["1996-11", "2023-08", "2023-09"], "reviews": [1, 10**9, 1]}), RAW
    ),
    "a category with a long name": lambda: clusters.cluster_profile(
        CLUSTERS[:1], replace(SCOPE, category=LONG, customers=10**12)
    ),
    "distributions, one bin": lambda: distributions(
        HISTOGRAM.drop_duplicates(["feature", "transformed"]), {}, SCOPE
    ),
    "lifecycle, huge": lambda: history.lifecycle(
        LIFECYCLES.assign(customers=10**10, spend=1e13, spend_before=1e13), SCOPE
    ),
    "lifecycle, all new": lambda: history.lifecycle(LIFECYCLES[:1].assign(spend=0.0), SCOPE),
    "cohorts, one of one": lambda: history.cohort_retention(
        COHORTS[1:2].assign(cohort_customers=1, active_customers=1), SCOPE
    ),
    "cohorts, nobody came back": lambda: history.cohort_retention(
        COHORTS.assign(active_customers=0), SCOPE
    ),
    "transitions, own segments": lambda: movement.segment_transitions(
        pd.DataFrame(
            {
                "from_segment": OWN_SEGMENTS["segment"],
                "to_segment": OWN_SEGMENTS["segment"][::-1].to_numpy(),
                "customers": [10**12] * 15,
            }
        ),
        "2022-09",
        OWN_COLOURS,
        SCOPE,
    ),
    "transitions, one": lambda: movement.segment_transitions(MOVES[:1], "2022-09", COLOURS, SCOPE),
    "rates, own segments": lambda: movement.return_rates(
        OWN_SEGMENTS[["segment", "customers"]]
        .rename(columns={"segment": "name"})
        .assign(horizon_days=90, returned=lambda f: f["customers"], return_rate=1.0),
        OWN_COLOURS,
        SCOPE,
    ),
    "rates, nobody came back": lambda: movement.return_rates(
        RATES.assign(returned=0, return_rate=0.0), COLOURS, SCOPE
    ),
    "categories, own segments and wide names": lambda: movement.telling_categories(
        pd.DataFrame(
            [
                (segment, name, 10.0**place, 0.123)
                for segment in OWN_SEGMENTS["segment"]
                for place, name in enumerate(["W" * 24, LONG, "耳机 $^$", "<b>&amp;</b>", "\t"])
            ],
            columns=TELLING.columns,
        ),
        OWN_COLOURS,
        SCOPE,
    ),
    "categories, one": lambda: movement.telling_categories(TELLING[:1], COLOURS, SCOPE),
}


def texts_of(figure: Figure) -> list[Text]:
    """All texts that are drawn; Matplotlib also keeps ticks beyond the limits, without drawing."""
    hidden: set[Text] = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in axis.get_major_ticks() + axis.get_minor_ticks():
                if not axes.axison or not low <= tick.get_loc() <= high:
                    hidden |= {tick.label1, tick.label2}
    texts: list[Any] = figure.findobj(Text)
    return [text for text in texts if text.get_visible() and text.get_text() and text not in hidden]


def words_of(picture: Picture) -> list[str]:
    return [text.get_text() for text in texts_of(picture.figure)]


def points_of(line: Line2D) -> tuple[list[float], list[float]]:
    return np.asarray(line.get_xdata()).tolist(), np.asarray(line.get_ydata()).tolist()


def bars_of(axes: Axes) -> list[Rectangle]:
    return [bar for container in axes.containers for bar in container]


def test_numbers_are_written_for_people() -> None:
    assert [count(0), count(1234), count(1_828_390), count(math.nan)] == [
        "0", "1,234", "1,828,390", "–",
    ]  # fmt: skip
    assert [counted(1, "customer"), counted(17_123, "customer")] == [
        "1 customer", "17,123 customers",
    ]  # fmt: skip
    assert [short(n) for n in (0, 3e-17, 0.5, 950, 999.9, 1500, 999_999, 1_828_390, 2e9, 5e16)] == [
        "0", "0", "0.5", "950", "1 K", "1.5 K", "1 M", "1.83 M", "2 B", "50,000 T",
    ]  # fmt: skip
    assert [money(n) for n in (0, 12.345, 999.99, 1234.4, 12_500, 2.5e6, math.nan)] == [
        "$0.00", "$12.35", "$999.99", "$1,234", "$12.5 K", "$2.5 M", "–",
    ]  # fmt: skip
    assert [share(n) for n in (0, 0.0001, 0.1234, 0.9998, 1 - 1e-15, 1, math.nan)] == [
        "0.0 %", "<0.1 %", "12.3 %", ">99.9 %", "100.0 %", "100.0 %", "–",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "width", "cut"),
    [
        ("short", 10, "short"),
        ("exactly te", 10, "exactly te"),
        ("exactly ten", 10, "exactly…"),
        ("a b\tc\n  d", 10, "a b c d"),
        ("one two three four", 12, "one two…"),
        ("one two, three four", 12, "one two…"),
        ("Unbreakable", 6, "Unbre…"),
        ("a Unbreakable", 8, "a Unbre…"),
        ("", 10, "(no name)"),
        ("\x00 \ud800", 10, "(no name)"),
        (None, 10, "(no name)"),
        (math.nan, 10, "(no name)"),
        ("x" * 30_000, 5, "xxxx…"),
    ],
)
def test_names_are_cut_between_words(name: object, width: int, cut: str) -> None:
    found = cut_name(name, width)
    assert found == cut
    assert len(found) <= max(width, len("(no name)"))


# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
COLOUR_BLINDNESS = {
    "none": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def apart(colours: Iterable[str], kind: str = "none") -> float:
    """The least distance between two of these colours in CIELAB, as somebody sees them."""

    def lab(colour: str) -> np.ndarray:
        rgb = np.array(to_rgb(colour))
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        seen = np.clip(np.array(COLOUR_BLINDNESS[kind]) @ linear, 0, 1)
        x, y, z = np.cbrt(TO_XYZ @ seen / [0.9505, 1, 1.089])
        return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])

    pairs = itertools.combinations(map(lab, colours), 2)
    return float(min(np.linalg.norm(one - other) for one, other in pairs))


@pytest.mark.parametrize("kind", COLOUR_BLINDNESS)
def test_a_colour_has_one_meaning_for_colour_blind_people_too(kind: str) -> None:
    """Of up to twelve clusters, and of the built-in segments, each two are well apart.

    One of each may be nearer, and to what is neither: their places and names tell them apart too.
    """
    is_rare = kind == "tritanopia"
    assert len(COLOURS) == 11
    assert apart(COLOURS.values(), kind) > (14 if is_rare else 20)
    assert apart(CLUSTER_COLOURS[:12], kind) > 22
    everything = [*COLOURS.values(), *CLUSTER_COLOURS[:12], ACCENT, MUTED]
    assert apart(everything, kind) > (7 if is_rare else 12)


def test_what_is_drawn_stands_out_from_white_paper() -> None:
    """Clusters by their colour alone, up to twelve; what is lighter by its edge."""
    alone = [*CLUSTER_COLOURS[:12], ACCENT, MUTED, RULE, to_hex(DENSITY(0.0)), to_hex(DENSITY(1.0))]
    light = [*CLUSTER_COLOURS[12:], *itertools.chain(*ROLE_COLOURS.values()), "#FFFFFF"]
    assert min(contrast(colour, "white") for colour in alone) >= LEAST_CONTRAST
    assert min(contrast(edge(colour), "white") for colour in light) >= LEAST_CONTRAST
    assert all(same_color(edge(colour), colour) for colour in alone)
    assert contrast("black", "white") == pytest.approx(21)


@pytest.mark.parametrize(
    ("kind", "least"),
    [("none", 12), ("protanopia", 9), ("deuteranopia", 9), ("tritanopia", 6)],
)
def test_colours_differ_of_all_roles_and_as_many_clusters_as_may_be(kind: str, least: int) -> None:
    """So many cannot be far apart; 2 is about the least difference that eyes see side by side."""
    of_roles = [tone for tones in ROLE_COLOURS.values() for tone in tones]
    of_clusters = [cluster_colour(cluster) for cluster in range(POSSIBLE_KS[-1])]
    assert {*COLOURS.values()} <= {*of_roles}
    assert apart([*of_roles, *of_clusters, ACCENT, MUTED], kind) > least


def test_a_segment_has_the_same_colour_in_both_schemes() -> None:
    assert all(load_scheme(name).colours == COLOURS for name in BUILT_IN_SCHEMES)


def test_text_is_dark_on_light_and_white_on_dark() -> None:
    assert text_colour("#F5F5F5") == "#1A1A1A"
    assert text_colour("#00467A") == "white"


@pytest.mark.parametrize("name", PICTURES)
def test_same_frame_gives_same_bytes(name: str) -> None:
    one, other = PICTURES[name](), PICTURES[name]()
    svg, png = to_svg(one.figure), to_png(one.figure, dpi=60)
    assert (to_png(other.figure, dpi=60), to_svg(other.figure)) == (png, svg)
    assert one.alt == other.alt
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    inches = one.figure.get_size_inches()
    assert (width, height) == pytest.approx(tuple(60 * inches), abs=1)
    assert ET.fromstring(svg).tag == "{http://www.w3.org/2000/svg}svg"


def assert_stands_out(figure: Figure) -> None:
    """Of each area the colour or an edge stands out from white, and so do all lines."""
    patches = [patch for legend in figure.legends for patch in legend.get_patches()]
    patches += [patch for axes in figure.axes for patch in axes.patches]
    edges = {to_hex(patch.get_edgecolor()) for patch in patches} - {"#ffffff"}
    lines = [line.get_color() for axes in figure.axes for line in axes.get_lines()]
    lines += [spine.get_edgecolor() for axes in figure.axes for spine in axes.spines.values()]
    assert all(contrast(to_hex(c), "white") >= LEAST_CONTRAST for c in (*edges, *lines))
    for patch in patches:
        face = to_hex(patch.get_facecolor())
        # Seams of areas are white, and light areas have another edge inside.
        has_edge = to_hex(patch.get_edgecolor()) != "#ffffff" or edge(face) in {face, *edges}
        assert has_edge or same_color(face, BAND_COLOUR), face


def assert_tells_its_caption(name: str, picture: Picture) -> None:
    """In the figure and in words."""
    of_raw = {"popular_products": RAW, "ratings_by_verified": RAW, "reviews_over_time": CUT_OFF}
    caption = of_raw.get(name, SCOPE).caption()
    assert caption in words_of(picture)
    assert f". {caption}. " in picture.alt


@pytest.mark.parametrize("name", [*PICTURES, *EXTREMES])
def test_texts_stay_inside_and_apart_and_all_stands_out(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture = (PICTURES | EXTREMES)[name]()
        figure = picture.figure
        with house_style():
            figure.draw_without_rendering()
            boxes = [(text, text.get_window_extent()) for text in texts_of(figure)]
    assert_stands_out(figure)
    if name in PICTURES:
        assert_tells_its_caption(name, picture)
    for text, box in boxes:
        assert "e+" not in text.get_text(), "no scientific notation"
        assert not text.get_parse_math(), text
        assert figure.bbox.x0 - 1 <= box.x0, text
        assert box.x1 <= figure.bbox.x1 + 1, text
        assert figure.bbox.y0 - 1 <= box.y0, text
        assert box.y1 <= figure.bbox.y1 + 1, text
        if isinstance(text, Annotation):
            assert text.axes is not None
            frame = text.axes.bbox
            assert frame.x0 <= box.x0 <= box.x1 <= frame.x1, text
            assert frame.y0 <= box.y0 <= box.y1 <= frame.y1, text
    for (one, box), (other, other_box) in itertools.combinations(boxes, 2):
        assert not box.padded(-1.5).overlaps(other_box.padded(-1.5)), (one, other)


EMPTY: dict[str, tuple[Draw, str]] = {
    "negative_shares": (
        lambda: sentiment.negative_shares({"2022-09": NEGATIVE}, COLOURS, SCOPE),
        "no text of these customers can be told",
    ),
    "by_stars": (
        lambda: sentiment.by_stars(SAID.assign(reviews=0), SCOPE),
        "no text of these customers can be told",
    ),
    "telling_words": (
        lambda: sentiment.telling_words(WORDS[:0], COLOURS, SCOPE),
        "no word is in enough negative texts of a segment",
    ),
    "ways": (lambda: ways.comparison(NO_WAYS, KEEP, SCOPE), "no customers"),
    "elbow": (lambda: clusters.elbow(SWEEP[:0], SCOPE), "no k was tried"),
    "silhouette": (
        lambda: clusters.silhouette(SWEEP.assign(silhouette=math.nan), 0.05, SCOPE),
        "the silhouette is not defined for any k",
    ),
    "cluster_shares": (lambda: overview.cluster_shares(CLUSTERS[:0], SCOPE), "no customers"),
    "cluster_profile": (lambda: clusters.cluster_profile(CLUSTERS[:0], SCOPE), "no customers"),
    "cluster_density": (
        lambda: clusters.cluster_density(BINS.assign(customers=0), "recency", "monetary", SCOPE),
        "no customers",
    ),
    "segment_counts": (
        lambda: overview.segment_counts(SEGMENTS.assign(customers=0), COLOURS, SCOPE),
        "no customers",
    ),
    "segment_shares": (
        lambda: overview.segment_shares(SEGMENTS[:0], COLOURS, SCOPE),
        "no customers",
    ),
    "segment_money": (lambda: overview.segment_money(SEGMENTS[:0], COLOURS, SCOPE), "no customers"),
    "segment_treemap": (lambda: segment_treemap(INSIDE[:0], COLOURS, SCOPE), "no customers"),
    "rfm_heatmap": (lambda: overview.rfm_heatmap(CELLS[:0], SCOPE), "no customers"),
    "scheme_comparison": (lambda: scheme_comparison(SCHEMES[:0], COLOURS, SCOPE), "no customers"),
    "popular_products": (
        lambda: exploration.popular_products(PRODUCTS[:0], 2023, RAW),
        "no verified reviews in 2023",
    ),
    "ratings_by_verified": (
        lambda: exploration.ratings_by_verified(RATINGS[:0], None, RAW),
        "no reviews (all time)",
    ),
    "reviews_over_time": (
        lambda: exploration.reviews_over_time(MONTHS[:0], CUT_OFF),
        "no reviews",
    ),
    "distributions": (
        lambda: distributions(HISTOGRAM[:0], {}, SCOPE),
        "no customers",
    ),
    "lifecycle": (
        lambda: history.lifecycle(LIFECYCLES.assign(customers=0), SCOPE),
        "no customers",
    ),
    "cohort_retention": (
        lambda: history.cohort_retention(COHORTS[COHORTS["quarters_since"] == 0], SCOPE),
        "no quarter after the first",
    ),
    "segment_transitions": (
        lambda: movement.segment_transitions(MOVES[:0], "2022-09", COLOURS, SCOPE),
        "the snapshot 2022-09 cannot be compared",
    ),
    "return_rates": (
        lambda: movement.return_rates(RATES[:0], COLOURS, SCOPE),
        "the data ends too soon after the snapshot",
    ),
    "telling_categories": (
        lambda: movement.telling_categories(TELLING[:0], COLOURS, SCOPE),
        "no category has enough customers of a segment",
    ),
}


@pytest.mark.parametrize("name", EMPTY)
def test_no_data_is_said(name: str) -> None:
    draw, what = EMPTY[name]
    picture = draw()
    assert f"No data: {what}" in words_of(picture)
    assert f"No data: {what}." in picture.alt
    assert_tells_its_caption(name, picture)
    assert to_png(picture.figure).startswith(b"\x89PNG")


def test_every_picture_has_an_empty_form() -> None:
    assert EMPTY.keys() == PICTURES.keys()


def test_ways_to_cluster_are_lines_by_k_and_failures_are_crossed_out() -> None:
    picture = PICTURES["ways"]()
    outcomes, stability, _ = picture.figure.axes
    lines = {line.get_label(): line for line in outcomes.lines}
    assert points_of(lines["bisecting K-Means"]) == ([3, 4, 5], [0.06, 0.07, 0.08])
    crosses = [points_of(line) for line in outcomes.lines if line.get_marker() == "x"]
    assert [points for points in crosses if points[0]] == [([3, 4, 5], [0.09, 0.1, 0.11])]
    assert points_of(stability.lines[-1])[0] == [4, 4]  # the chosen k
    mixture = "Gaussian mixture (4) outcomes 0.100, stability 0.740, silhouette 0.380, failed: c"
    assert mixture in picture.alt
    assert picture.alt.endswith(KEEP)
    unknown = ways.comparison(WAYS.assign(outcome_lift=math.nan), KEEP, SCOPE)
    assert "Not known" in words_of(unknown)
    assert "K-Means (4) outcomes –, stability" in unknown.alt


def test_only_invented_data_is_called_so() -> None:
    assert (SCOPE.caption(), RAW.caption()) == (CAPTION, RAW_CAPTION)
    assert replace(SCOPE, is_invented=False).caption() == (
        "Electronics · snapshot 2023-09 · 17,123 customers"
    )
    assert replace(RAW, is_invented=False).caption() == "Electronics · reviews up to 2023-09-13"
    assert RawScope("Gift_Cards", None, is_invented=False).caption() == "Gift_Cards · no reviews"


def test_elbow_marks_the_chosen_k() -> None:
    picture = clusters.elbow(SWEEP.sample(frac=1, random_state=1), SCOPE)
    (axes,) = picture.figure.axes
    rule, ring, curve = axes.get_lines()
    assert points_of(curve) == ([2, 3, 4, 5, 6], SWEEP["wcss"].tolist())
    assert points_of(rule)[0] == [4, 4]
    assert points_of(ring) == ([4], [2.0851e6])
    assert ring.get_label() == "chosen: k = 4"
    assert list(axes.get_xticks()) == [2, 3, 4, 5, 6]
    assert [text.get_text() for text in axes.texts] == [
        "3.82 M", "2.74 M", "2.09 M", "1.83 M", "1.56 M",
    ]  # fmt: skip
    assert "k = 4: 2.09 M" in picture.alt
    assert picture.alt.endswith("Chosen: k = 4.")


def test_of_many_k_only_the_chosen_and_the_ends_are_labelled() -> None:
    table = pd.DataFrame({"k": range(2, 51), "wcss": range(491, 1, -10)})
    picture = clusters.elbow(table.assign(chosen=table["k"] == 12), SCOPE)
    (axes,) = picture.figure.axes
    assert [text.get_text() for text in axes.texts] == ["491", "391", "11"]
    assert "k = 13: 381" in picture.alt


def test_silhouette_marks_the_best_and_the_band_in_which_the_knee_is_taken() -> None:
    picture = clusters.silhouette(SWEEP.sample(frac=1, random_state=1), 0.05, SCOPE)
    (axes,) = picture.figure.axes
    _, ring, best, squared, plain = axes.get_lines()
    assert points_of(squared) == ([2, 3, 4, 5, 6], SWEEP["silhouette"].tolist())
    assert points_of(plain) == ([2, 3, 4, 5, 6], SWEEP["silhouette_plain"].tolist())
    assert (points_of(ring), points_of(best)) == (([4], [0.4937]), ([2], [0.5405]))
    (band,) = axes.patches
    assert isinstance(band, Rectangle)
    assert (band.get_y(), band.get_height()) == pytest.approx((0.4905, 0.05))
    (legend,) = picture.figure.legends
    assert {text.get_text() for text in legend.get_texts()} == {
        "by squared distance",
        "by plain distance",
        "chosen: k = 4",
        "best by squared distance: k = 2",
        "up to 0.05 below the best: the knee of WCSS is taken",
    }
    assert "By plain distance: k = 2: 0.380, k = 3: 0.310" in picture.alt
    assert "Best by squared distance: k = 2; the knee of WCSS is taken from 0.490 up" in picture.alt
    assert picture.alt.endswith("Chosen: k = 4.")


def test_silhouette_leaves_out_what_is_not_defined() -> None:
    table = SWEEP.assign(silhouette=[0.5, math.nan, 0.25, 0.125, -0.5])
    picture = clusters.silhouette(table, 0.05, SCOPE)
    (axes,) = picture.figure.axes
    curve = axes.get_lines()[3]
    assert points_of(curve)[0] == [2, 4, 5, 6]
    assert axes.get_ylim()[0] < -0.5
    assert "k = 3: –" in picture.alt
    assert "k = 6: -0.500" in picture.alt


def test_rings_show_shares() -> None:
    picture = overview.cluster_shares(CLUSTERS, SCOPE)
    (axes,) = picture.figure.axes
    wedges = [patch for patch in axes.patches if isinstance(patch, Wedge)]
    assert [wedge.theta2 - wedge.theta1 for wedge in wedges] == pytest.approx([36, 72, 108, 144])
    for cluster, wedge in enumerate(wedges):
        assert same_color(wedge.get_facecolor(), cluster_colour(cluster))
    (legend,) = picture.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "Loyal: 10.0 % (1,000)",
        "Churned: 20.0 % (2,000)",
        "One Time Big Spender: 30.0 % (3,000)",
        "New: 40.0 % (4,000)",
    ]
    assert "Churned: 20.0 % (2,000)" in picture.alt


@pytest.mark.parametrize(("number", "is_ring"), [(6, True), (7, False), (12, False)])
def test_a_ring_of_many_slices_gives_way_to_bars(number: int, is_ring: bool) -> None:
    many = MANY_CLUSTERS[:number]
    (axes,) = overview.cluster_shares(many, SCOPE).figure.axes
    assert any(isinstance(patch, Wedge) for patch in axes.patches) == is_ring
    if not is_ring:
        assert [bar.get_width() for bar in bars_of(axes)] == many["customers"].tolist()


def test_shares_of_customers_stand_beside_those_of_spend() -> None:
    picture = overview.segment_shares(SEGMENTS, COLOURS, SCOPE)
    (axes,) = picture.figure.axes
    customers, spend = axes.containers
    assert [bar.get_width() for bar in customers] == pytest.approx([0.5, 0.4, 0.0999, 0.0001, 0.0])
    money_of = [50_000, 800_000, 49_950, 7.5, 0]
    assert [bar.get_width() for bar in spend] == pytest.approx([m / 899_957.5 for m in money_of])
    names = ["Lost", "Champions", "At Risk", "Promising", "New Customers"]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == names
    for name, filled, hatched in zip(names, customers, spend, strict=True):
        assert same_color(filled.get_facecolor(), COLOURS[name])
        assert same_color(hatched.get_edgecolor(), edge(COLOURS[name]))
        assert (filled.get_hatch(), hatched.get_hatch()) == (None, "////")
    assert "Champions 40.0 % of customers, 88.9 % of spend" in picture.alt
    nothing = overview.segment_shares(SEGMENTS.assign(total_monetary=0.0), COLOURS, SCOPE)
    assert "Champions 40.0 % of customers, – of spend" in nothing.alt


def test_profile_draws_centers_and_writes_means() -> None:
    picture = clusters.cluster_profile(CLUSTERS, SCOPE)
    assert len(picture.figure.axes) == 4
    loyal = picture.figure.axes[0]
    assert loyal.get_title(loc="left") == "Loyal (10.0 %)"
    assert [bar.get_width() for bar in bars_of(loyal)] == [-0.15, 2.1, 1.1]
    assert same_color(bars_of(loyal)[0].get_facecolor(), cluster_colour(0))
    assert [text.get_text() for text in loyal.texts] == ["210 days", "2.83 reviews", "$223.83"]
    # Few days since the last review are good, many reviews and dollars too.
    assert [tick.get_text() for tick in loyal.get_yticklabels()] == [
        "Recency\n← better", "Frequency\nbetter →", "Monetary\nbetter →",
    ]  # fmt: skip
    (others,) = [line for line in loyal.get_lines() if line.get_marker() == "|"]
    assert points_of(others)[0] == [0.75, -0.35, -0.65, 0.23, -0.4, 1.2, -0.82, -0.34, -0.45]
    assert all(line.get_linestyle() == "None" or line is not others for line in loyal.get_lines())
    assert len({axes.get_xlim() for axes in picture.figure.axes}) == 1
    assert "recency 210 days (-0.15 sd), frequency 2.83 reviews (+2.10 sd)" in picture.alt


def test_density_counts_customers_in_bins() -> None:
    picture = clusters.cluster_density(BINS, "recency", "monetary", SCOPE)
    loyal, churned, _ = picture.figure.axes
    mesh = loyal.collections[-1]
    counts: np.ndarray = np.ma.masked_invalid(np.ma.asarray(mesh.get_array())).filled(0)
    assert counts.sum() == 40
    assert (counts > 0).sum() == 2
    assert counts.max() == 30
    assert picture.figure.get_supxlabel() == "Recency (days)"
    assert picture.figure.get_supylabel() == "Monetary (USD)"
    assert loyal.get_yscale() == "log"
    assert loyal.get_xscale() == "linear"
    assert loyal.get_xlim() == churned.get_xlim() == (8, 365)
    assert loyal.get_ylim() == churned.get_ylim()
    assert mesh.get_clim() == churned.collections[-1].get_clim() == (1, 30)
    assert "Loyal 40 customers, the median one at recency 8 to 14 and monetary $10 to $12.6" in (
        picture.alt
    )


@pytest.mark.parametrize(
    ("frequencies", "names"),
    [
        ([1, 2, 3], ["1", "2", "3"]),
        ([1, 4, 10], ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10–12"]),
        ([1], ["1"]),
        (
            [1, 100],
            ["1", "3", "5", "7", "9", "13–15", "20–24", "32–39", "50–62", "79–99"],
        ),
    ],
)
def test_each_count_of_reviews_has_a_tick_in_the_middle_of_its_cell(
    frequencies: list[int], names: list[str]
) -> None:
    bins = pd.DataFrame(
        [(0, "Loyal", 8, float(frequency), 5) for frequency in frequencies], columns=BINS.columns
    )
    axes, _ = clusters.cluster_density(bins, "recency", "frequency", SCOPE).figure.axes
    cells = axes.collections[-1].get_coordinates()[:, 0, 1]  # type: ignore[attr-defined]
    ticks = sorted({*axes.get_yticks(), *axes.get_yticks(minor=True)})
    # No place of the panel is above the last.
    assert axes.get_ylim() == (cells[0], cells[-1])
    assert ticks == ((cells[:-1] + cells[1:]) / 2).tolist()
    assert [tick.get_text() for tick in axes.get_yticklabels()] == names


def test_the_median_customer_has_half_of_the_others_below() -> None:
    # The first bin reaches a quarter of the customers, the second half, the third three quarters.
    counts = [(8, 10.0, 15), (15, 12.6, 10), (22, 15.8, 15)]
    bins = pd.DataFrame([(0, "Loyal", *row) for row in counts], columns=BINS.columns)
    picture = clusters.cluster_density(bins, "recency", "monetary", SCOPE)
    assert "the median one at recency 15 to 21 and monetary $12.6 to $15.8" in picture.alt


def test_density_refuses_bins_of_others() -> None:
    with pytest.raises(ValueError, match="no bin of recency starts at 9"):
        clusters.cluster_density(BINS.assign(x_bin=9), "recency", "monetary", SCOPE)


def test_bins_hold_every_possible_value() -> None:
    for feature in FEATURES.values():
        assert list(feature.edges) == sorted(set(feature.edges))
    assert (FEATURES["recency"].edges[0], FEATURES["recency"].edges[-1]) == (1, 372)
    assert FEATURES["frequency"].edges[:12] == (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 16)
    assert FEATURES["monetary"].edges[0] == 0.01
    assert FEATURES["monetary"].edges[-1] == 1e10


def test_segment_bars_are_customers() -> None:
    picture = overview.segment_counts(SEGMENTS, COLOURS, SCOPE)
    (axes,) = picture.figure.axes
    assert [bar.get_width() for bar in bars_of(axes)] == [5000, 4000, 999, 1, 0]
    names = ["Lost", "Champions", "At Risk", "Promising", "New Customers"]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == names
    for name, bar in zip(names, bars_of(axes), strict=True):
        assert same_color(bar.get_facecolor(), COLOURS[name])
    assert [text.get_text() for text in axes.texts] == [
        "5,000 (50.0 %)", "4,000 (40.0 %)", "999 (10.0 %)", "1 (<0.1 %)", "0 (0.0 %)",
    ]  # fmt: skip
    # The first is on top.
    assert axes.get_ylim()[0] > axes.get_ylim()[1]
    assert "Lost 5,000 (50.0 %); Champions 4,000 (40.0 %)" in picture.alt


def test_money_bars_are_means_and_totals() -> None:
    picture = overview.segment_money(SEGMENTS, COLOURS, SCOPE)
    left, right = picture.figure.axes
    assert [bar.get_width() for bar in bars_of(left)] == [200, 50, 10, 7.5, 0]
    assert [bar.get_width() for bar in bars_of(right)] == [800_000, 49_950, 50_000, 7.5, 0]
    assert [text.get_text() for text in left.texts] == [
        "$200.00", "$50.00", "$10.00", "$7.50", "–",
    ]  # fmt: skip
    assert right.texts[0].get_text() == "$800 K (88.9 %)"
    assert same_color(bars_of(left)[0].get_facecolor(), COLOURS["Champions"])
    assert "Champions mean $200.00, total $800 K (88.9 %)" in picture.alt


def test_treemap_areas_are_customers() -> None:
    picture = segment_treemap(INSIDE, COLOURS, SCOPE)
    (axes,) = picture.figure.axes
    areas = {
        colour: sum(
            patch.get_width() * patch.get_height()
            for patch in axes.patches
            if isinstance(patch, Rectangle) and same_color(patch.get_facecolor(), colour)
        )
        for colour in (COLOURS["At Risk"], COLOURS["Lost"])
    }
    # A band of 0.3 inches on top of each cluster, which is as high as the map here.
    assert areas[COLOURS["Lost"]] == pytest.approx(11 * 5.7 * 0.599)
    assert areas[COLOURS["At Risk"]] == pytest.approx(11 * 5.7 * 0.1)
    words = words_of(picture)
    assert {"Churned · 60.0 %", "Loyal · 40.0 %", "Champions\n3,000 (75.0 %)"} <= set(words)
    assert "Loyal (40.0 % of all): Champions 75.0 %, At Risk 25.0 %" in picture.alt
    backwards = dict(reversed(COLOURS.items()))
    for colours, names in (
        (COLOURS, ["Champions", "At Risk", "Lost"]),
        (backwards, ["Lost", "At Risk", "Champions"]),
    ):
        [legend] = segment_treemap(INSIDE, colours, SCOPE).figure.legends
        assert [text.get_text() for text in legend.get_texts()] == names


def test_treemap_tells_clusters_of_one_label_apart() -> None:
    labels = [f"Loyal Customer (frequency {rank} of 3)" for rank in (1, 2, 3)]
    inside = pd.DataFrame(
        {
            "cluster": range(3),
            "cluster_label": labels,
            "segment": "Lost",
            "customers": (400, 90, 10),
        }
    )
    words = " ".join(words_of(segment_treemap(inside, COLOURS, SCOPE)))
    for rank, share_of_all in ((1, "80.0 %"), (2, "18.0 %"), (3, "2.0 %")):
        assert f"(frequency {rank} of 3) · {share_of_all}" in words


def test_heat_map_has_shares_and_means() -> None:
    picture = overview.rfm_heatmap(CELLS, SCOPE)
    axes = picture.figure.axes[0]
    texts = {text.get_position(): text.get_text() for text in axes.texts}
    assert len(texts) == 25
    assert texts[(5, 5)] == "Champions\n60.0 %\n$250.50"
    assert texts[(1, 1)] == "Lost +2\n30.0 %\n$10.00"
    assert texts[(2, 3)] == "Can't Lose\nThem\n10.0 %\n$1,234"
    assert texts[(3, 2)] == "none"
    # Rows by R, columns by FM: a colour is where its text is.
    mesh: np.ma.MaskedArray = np.ma.asarray(axes.collections[0].get_array()).reshape(5, 5)
    filled = {(fm + 1, r + 1): mesh[r, fm] for r, fm in np.argwhere(~np.ma.getmaskarray(mesh))}
    assert filled == {(5, 5): 0.6, (1, 1): 0.3, (2, 3): 0.1}
    assert "R 5 and FM 5 Champions 60.0 %, mean $250.50; R 1 and FM 1 Lost +2 30.0 %" in picture.alt
    assert picture.figure.axes[1].get_ylabel() == "Share of customers"


def test_schemes_side_by_side() -> None:
    picture = scheme_comparison(SCHEMES, COLOURS, SCOPE)
    (axes,) = picture.figure.axes
    standard, notebook = axes.containers
    assert [bar.get_width() for bar in standard] == [4000, 1000, 800, 0]
    assert [bar.get_width() for bar in notebook] == [3000, 2500, 0, 300]
    (legend,) = picture.figure.legends
    assert [bars[0].get_hatch() for bars in (standard, notebook)] == [None, "////"]
    assert [
        (handle.get_hatch(), text.get_text().partition(":")[0])
        for handle, text in zip(legend.get_patches(), legend.get_texts(), strict=True)
    ] == [(None, "standard"), ("////", "notebook")]
    assert [text.get_text() for text in axes.texts[4:]] == [
        "3,000 (-25 %)", "2,500 (+150 %)", "0 (-100 %)", "300 (none under standard)",
    ]  # fmt: skip
    assert "Champions 1,000 against 2,500 (+150 %)" in picture.alt


def test_popular_products_are_the_first_twenty() -> None:
    picture = exploration.popular_products(PRODUCTS.sample(frac=1, random_state=1), 2023, RAW)
    (axes,) = picture.figure.axes
    assert [bar.get_width() for bar in bars_of(axes)] == list(range(100, 80, -1))
    assert axes.get_yticklabels()[0].get_text() == "Product 0"
    assert "Product 19: 81" in picture.alt
    assert "Product 20" not in picture.alt


@pytest.mark.parametrize(
    ("last_day", "told"),
    [
        (date(2023, 9, 13), "2023 (up to 2023-09-13)"),
        (date(2023, 12, 31), "2023"),
        (date(2024, 1, 1), "2023"),
    ],
)
def test_a_year_that_the_data_cuts_off_is_marked(last_day: date, told: str) -> None:
    scope = replace(RAW, last_day=last_day)
    popular = exploration.popular_products(PRODUCTS, 2023, scope)
    assert f"Most popular products of {told}" in words_of(popular)
    assert f"Verified reviews in {told}" in words_of(popular)
    rated = exploration.ratings_by_verified(RATINGS, 2023, scope)
    assert f"Ratings by verified purchase, {told}" in words_of(rated)


def test_ratings_are_grouped() -> None:
    picture = exploration.ratings_by_verified(RATINGS, 2023, RAW)
    axes, shares = picture.figure.axes
    verified, others = axes.containers
    assert [bar.get_height() for bar in verified] == [200, 1_200_000]
    assert [bar.get_height() for bar in others] == [50, 99_750]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["1 star", "5 stars"]
    assert [text.get_text() for text in axes.texts] == ["200", "1.2 M", "50", "99,750"]
    # Each kind is a whole of its own.
    assert [bar.get_height() for bar in shares.containers[1]] == pytest.approx(
        [50 / 99_800, 99_750 / 99_800]
    )
    assert [text.get_text() for text in shares.texts] == ["<0.1 %", ">99.9 %", "0.1 %", "99.9 %"]
    assert "1,300,000 reviews, 92.3 % of them verified purchases" in picture.alt
    assert "not verified: 1 star 50 (0.1 %), 5 stars 99,750 (99.9 %)" in picture.alt


def test_ratings_without_unverified_reviews() -> None:
    rated = RATINGS[RATINGS["verified_purchase"]]
    picture = exploration.ratings_by_verified(rated, None, RAW)
    for axes in picture.figure.axes:
        assert [bar.get_height() for bar in axes.containers[1]] == [0, 0]
    assert "Ratings by verified purchase, all time" in words_of(picture)
    assert "not verified (0.0 % of reviews)" in words_of(picture)


def test_months_without_reviews_are_zero() -> None:
    picture = exploration.reviews_over_time(MONTHS, CUT_OFF)
    (axes,) = picture.figure.axes
    assert [bar.get_height() for bar in bars_of(axes)] == [3, 0, 0, 7]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == [
        "2023-01", "2023-02", "2023-03", "2023-04",
    ]  # fmt: skip
    assert "10 reviews, 2023-01 to 2023-04. Most: 7 in 2023-04. Last: 7 in 2023-04" in picture.alt


@pytest.mark.parametrize("months", [MONTHS, MONTHS.assign(month=["2023-04", "1998-10"])])
def test_a_month_that_the_data_cuts_off_is_marked(months: pd.DataFrame) -> None:
    told = "2023-04 is cut off: its last review is of 2023-04-13"
    for last_day, hatched in ((date(2023, 4, 13), 1), (date(2023, 4, 30), 0)):
        scope = replace(RAW, last_day=last_day)
        picture = exploration.reviews_over_time(months, scope)
        patches = picture.figure.axes[0].patches
        assert sum(patch.get_hatch() is not None for patch in patches) == hatched
        assert (patches[-1].get_hatch() is not None) == bool(hatched)
        assert (told in words_of(picture), told in picture.alt) == (hatched, hatched)


def test_many_months_are_an_area() -> None:
    picture = EXTREMES["months"]()
    steps, last = picture.figure.axes[0].patches
    values = steps.get_data().values  # type: ignore[attr-defined]
    assert len(values) == 322
    assert (values[0], values[1:].max()) == (1, 0)
    assert last.get_data().values == [10**9]  # type: ignore[attr-defined]


def test_distributions_tell_the_skewness() -> None:
    picture = distributions(HISTOGRAM, SKEWNESS, SCOPE)
    axes = picture.figure.axes
    assert [a.get_title(loc="left") for a in axes] == [
        "skewness -0.34", "skewness 18.70", "skewness 2.00", "", "",
    ]  # fmt: skip
    assert [a.get_xlabel() for a in axes] == [
        "Recency (days)", "Frequency (reviews)", "log(1 + frequency in reviews)",
        "Monetary (USD)", "log(1 + monetary in USD)",
    ]  # fmt: skip
    assert {a.get_ylabel() for a in axes} == {"Customers"}
    # A feature that is not transformed has the whole column.
    heights = [a.get_position().height for a in axes]
    assert heights[0] > 2 * max(heights[1:])
    assert [bar.get_height() for bar in bars_of(axes[0])] == [5, 10]
    assert [bar.get_width() for bar in bars_of(axes[0])] == [100, 100]
    assert "Frequency (reviews) skewness 18.70" in picture.alt
    assert "log(1 + frequency in reviews) skewness 2.00" in picture.alt


def test_a_bar_of_a_histogram_stands_around_its_counts() -> None:
    bins = [("frequency", False, n, n + 1, 9 - n) for n in (1, 2, 3)]
    histogram = pd.concat([HISTOGRAM[:2], pd.DataFrame(bins, columns=HISTOGRAM.columns)])
    axes = distributions(histogram, {}, SCOPE).figure.axes[1]
    middles = [bar.get_x() + bar.get_width() / 2 for bar in bars_of(axes)]
    low, high = axes.get_xlim()
    assert middles == [1, 2, 3] == [tick for tick in axes.get_xticks() if low < tick < high]


def test_strange_names_are_drawn_as_they_are() -> None:
    picture = EXTREMES["products, strange names"]()
    names = [tick.get_text() for tick in picture.figure.axes[0].get_yticklabels()]
    assert names[2:] == [
        "耳机 🎧 $x_1^2$ \\frac{1", "<b>&amp;</b>", "(no name)", "(no name)", "(no name)",
    ]  # fmt: skip
    assert max(map(len, names)) <= 58


def test_negative_shares_are_told_with_their_intervals() -> None:
    picture = PICTURES["negative_shares"]()
    assert "dashed, that of all customers now: 12.5 %" in picture.alt
    assert (
        "Lost: 2022-09 30.0 % (10.0 % to 40.0 %), 2023-09 20.0 % (10.0 % to 40.0 %)" in picture.alt
    )
    drawn = [axes for axes in picture.figure.axes if axes.get_visible()]
    assert [axes.get_title(loc="left") for axes in drawn] == ["Champions", "Lost"]


def test_stars_and_texts_that_contradict_each_other_are_told() -> None:
    assert "4 stars (1,030 reviews): 2.9 % negative, 97.1 % positive" in PICTURES["by_stars"]().alt


def test_telling_words_share_no_word() -> None:
    picture = PICTURES["telling_words"]()
    assert (
        "Champions: battery died 2.5 (40), refund 1.5 (30); Lost: cracked 3.25 (12)" in picture.alt
    )
