"""The clusters of K-Means."""

from __future__ import annotations

import pandas as pd

from amazon_seg_assets.plots.style import (
    Picture,
    Scope,
    cluster_colour,
    count,
    house_style,
    money,
    new_figure,
    no_data,
    share,
)


def cluster_shares(clusters: pd.DataFrame, scope: Scope) -> Picture:
    """Share of customers in each cluster, as a ring.

    Args:
        clusters: ``cluster``, ``cluster_label``, ``customers``, mean ``recency`` (days),
            ``frequency`` (reviews) and ``monetary`` (USD).
        scope: for the caption.
    """
    title = "Customers by K-Means cluster"
    clusters = clusters.sort_values("cluster")
    with house_style():
        figure = new_figure(title, scope.caption())
        axes = figure.subplots()
        total = clusters["customers"].sum()
        if total == 0:
            no_data(axes, "no customers")
            return Picture(figure, f"{title}: no customers.")
        wedges, _ = axes.pie(
            clusters["customers"],
            colors=[cluster_colour(cluster) for cluster in clusters["cluster"]],
            startangle=90,
            counterclock=False,
            wedgeprops={"width": 0.42, "edgecolor": "white", "linewidth": 2},
        )
        lines = [
            f"{row.cluster_label}: {share(row.customers / total)}\n"
            f"{count(row.customers)} customers · {row.recency:.0f} days · "
            f"{row.frequency:.2f} reviews · {money(row.monetary)}"
            for row in clusters.itertuples(index=False)
        ]
        axes.legend(
            wedges, lines, loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False,
            labelspacing=1.1, fontsize=9.5,
        )  # fmt: skip
    parts = ", ".join(
        f"{row.cluster_label} {share(row.customers / total)}"
        for row in clusters.itertuples(index=False)
    )
    return Picture(figure, f"{title}: {parts}.")
