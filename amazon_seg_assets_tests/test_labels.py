"""Labels of clusters."""

import numpy as np
import pandas as pd
import pytest

from amazon_seg_assets.rules.labels import LabelRule, load_label_rules
from amazon_seg_assets.stages.clusters.labels import label_clusters

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


REST = [(800, 300.0, 1.0, 30.0), (400, 250.0, 1.0, 240.0)]  # Churned, One Time Big Spender


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        ((100, 60.0, 1.0, 20.0), (100, 150.0, 1.0, 24.0), ("more recent", "less recent")),
        # Spend differs by the greater factor, but it varies more between all clusters too.
        ((100, 100.0, 1.0, 20.0), (100, 160.0, 1.0, 34.0), ("more recent", "less recent")),
        ((100, 60.0, 1.0, 4.0), (100, 66.0, 1.0, 60.0), ("lower spend", "higher spend")),
        ((100, 60.0, 1.4, 20.0), (100, 60.0, 1.0, 20.0), ("more frequent", "less frequent")),
    ],
)
def test_two_of_a_label_are_told_apart_by_what_differs_most(
    one: tuple[float, ...], other: tuple[float, ...], words: tuple[str, str]
) -> None:
    assert labels(*REST, one, other)[2:] == [f"New Customer ({word})" for word in words]


def test_two_clusters_alone_are_told_apart_by_the_greatest_factor() -> None:
    assert labels((10, 100, 2.0, 50.0), (10, 90, 4.0, 60.0)) == [
        "Loyal Customer (less frequent)",
        "Loyal Customer (more frequent)",
    ]


def test_three_of_a_label_are_ranked() -> None:
    assert labels((10, 100, 2.0, 90.0), (10, 100, 2.0, 9.0), (10, 100, 2.0, 20.0)) == [
        "Loyal Customer (spend 3 of 3)",
        "Loyal Customer (spend 1 of 3)",
        "Loyal Customer (spend 2 of 3)",
    ]


def test_clusters_that_do_not_differ_are_numbered() -> None:
    # A mean that equals the overall mean is at least the overall mean, however sums are rounded.
    assert labels(*[(13, 100.1, 1.1, 29.99)] * 3) == [
        "One Time Big Spender (1 of 3)",
        "One Time Big Spender (2 of 3)",
        "One Time Big Spender (3 of 3)",
    ]


def test_a_cluster_of_all_customers_is_labelled_whatever_its_index() -> None:
    one = pd.DataFrame([(10, 100.0, 1.0, 50.0)], columns=COLUMNS, index=[7])
    assert label_clusters(one, RULES) == ["One Time Big Spender"]


@pytest.mark.parametrize("k", range(1, 13))
def test_labels_are_unique_whatever_the_clusters(k: int) -> None:
    draw = np.random.default_rng(k)
    for _ in range(50):
        rows = list(
            zip(
                draw.integers(1, 1000, k),
                draw.choice([1.0, 100.0, 300.0], k),
                draw.choice([1.0, 1.4, 3.0], k),
                draw.choice([0.3, 30.0, 300.0], k),
                strict=True,
            )
        )
        found = labels(*rows)
        assert len(set(found)) == k
        assert found == labels(*rows)


def test_a_rule_needs_one_limit() -> None:
    with pytest.raises(ValueError, match="Churned needs either at_least or at_most"):
        LabelRule(label="Churned", role="lapsed", feature="recency", at_least=1, at_most=2)


def test_a_label_has_a_role_with_or_without_what_tells_it_apart() -> None:
    assert [RULES.role_of(label) for label in RULES.names] == [
        "loyal", "big_spender", "newcomer", "lapsed",
    ]  # fmt: skip
    assert RULES.role_of("Churned (less recent)") == "lapsed"
    assert RULES.role_of("Loyal Customer (spend 2 of 3)") == "loyal"
    assert RULES.role_of("Gone") is None
