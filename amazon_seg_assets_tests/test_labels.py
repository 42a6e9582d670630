"""Labels of clusters."""

import numpy as np
import pandas as pd
import pytest

from amazon_seg_assets.rules.labels import load_label_rules
from amazon_seg_assets.transforms.labels import label_clusters

RULES = load_label_rules()
COLUMNS = ["customers", "recency", "frequency", "monetary"]
PUBLISHED = [
    (282_063, 210.4, 2.831, 223.83),
    (663_709, 294.6, 1.035, 25.38),
    (335_409, 245.8, 1.000, 234.68),
    (547_209, 148.0, 1.038, 32.74),
]


def labels(*rows: tuple[float, ...]) -> list[str]:
    return label_clusters(pd.DataFrame(list(rows), columns=COLUMNS), RULES)


def test_the_published_centroids_get_the_published_labels() -> None:
    assert labels(*PUBLISHED) == [
        "Loyal Customer",
        "Churned",
        "One Time Big Spender",
        "New Customer",
    ]


def test_two_of_a_label_are_told_apart_by_what_differs_most() -> None:
    assert labels((10, 100, 2.0, 50.0), (10, 100, 4.0, 60.0)) == [
        "Loyal Customer (fewer reviews)",
        "Loyal Customer (more reviews)",
    ]


def test_three_of_a_label_are_ranked() -> None:
    assert labels((10, 300, 2.0, 9.0), (10, 100, 2.0, 9.0), (10, 200, 2.0, 9.0)) == [
        "Loyal Customer (recency 3 of 3)",
        "Loyal Customer (recency 1 of 3)",
        "Loyal Customer (recency 2 of 3)",
    ]


@pytest.mark.parametrize("k", [1, 2, 5, 12])
def test_labels_are_unique_whatever_the_clusters(k: int) -> None:
    draw = np.random.default_rng(k)
    for _ in range(50):
        rows = zip(
            draw.integers(1, 1000, k),
            draw.choice([1.0, 100.0, 300.0], k),
            draw.choice([1.0, 1.4, 3.0], k),
            draw.choice([0.3, 30.0, 300.0], k),
            strict=True,
        )
        assert len(set(labels(*rows))) == k
