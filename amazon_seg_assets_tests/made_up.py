"""Findings of a snapshot made up by hand, for tests of the report."""

from __future__ import annotations

import pandas as pd

from amazon_seg_assets.rules.recommendations import load_recommendations
from amazon_seg_assets.rules.scheme import load_scheme
from amazon_seg_assets.stages.report.findings import (
    Concentration,
    Evaluation,
    Findings,
    Illustration,
    Origin,
    Step,
    Ties,
    Window,
)

SECTIONS = ("brief", "segments", "clusters", "choice", "schemes", "exploration")


def segments(**rows: tuple[int, float, float, float]) -> pd.DataFrame:
    """Customers, mean recency, frequency and monetary by segment, the largest first."""
    table = pd.DataFrame(
        [(name.replace("_", " "), *row) for name, row in rows.items()],
        columns=["segment", "customers", "recency", "frequency", "monetary"],
    )
    table["share"] = table["customers"] / table["customers"].sum()
    return table.assign(total_monetary=table["customers"] * table["monetary"])


def overlap(*rows: tuple[int, str, str, int]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["cluster", "cluster_label", "segment", "customers"])


def of_a_hundred() -> Findings:
    """100 customers: 20 Champions at 100 USD, 50 Hibernating and 30 Lost at 10 USD each."""
    scheme = load_scheme("standard")
    clusters = segments(Churned=(80, 250, 1.0, 10.0), Loyal=(20, 10, 4.0, 100.0))
    names = ["New Customers", "Champions", "Lost"]
    return Findings(
        category="Toys",
        snapshot="2023-03",
        made="2023-04-05",
        origin=Origin(
            "a folder", False, 1000, 900, 2, "2001-01-01", "2023-03-20", 50,
            [Step("listed again", 5)], 40,
        ),
        window=Window(
            "2022-03-20", "2023-03-20", 0.25, 13, 400,
            [Step("not verified", 40), Step("duplicates", 0), Step("no price", 60)], 60, 240,
        ),
        scheme=scheme,
        thresholds={"recency": [300.0, 200.5], "frequency": [1.0], "monetary": [5.5, 1250.0]},
        recommendations=load_recommendations(scheme),
        segments=segments(
            Hibernating=(50, 200, 1.0, 10.0), Lost=(30, 300, 1.0, 10.0),
            Champions=(20, 10, 4.0, 100.0),
        ),
        clusters=clusters.rename(columns={"segment": "cluster_label"}).assign(
            cluster=[0, 1], silhouette=[0.8, 0.7], stability=[1.0, 0.9]
        ),
        cluster_roles={"Churned": "lapsed", "Loyal": "loyal"},
        overlap=overlap(
            (0, "Churned", "Hibernating", 50), (0, "Churned", "Lost", 30),
            (1, "Loyal", "Champions", 20),
        ),
        concentration=Concentration(0.45, 20, 2_000.0),
        sweep=pd.DataFrame(
            {
                "k": [2], "wcss": [123.4], "silhouette": [0.75], "silhouette_plain": [0.5],
                "iterations": [3], "converged": [True], "seconds": [9.87], "chosen": [True],
            }
        ),
        why_k="k = 2 was set by hand.",
        algorithm="K-Means",
        n_init=12,
        evaluation=Evaluation(
            ["Sizes are even."], 0.75, 0.52, "reasonable structure", 0.4, "poor", 0.98
        ),
        comparison=pd.DataFrame(
            {"segment": names, "difference_by_scores": [-12, 9, 3]}
        ),
        ties={"standard": Ties(0.0, 0.0, 1), "notebook": Ties(0.25, 0.8, 5)},
        illustrations=[
            Illustration(
                f"{name}_plot", name, b"<svg/>", b"", f"What {name}_plot shows", f"On {name}."
            )
            for name in SECTIONS
        ],
    )  # fmt: skip
