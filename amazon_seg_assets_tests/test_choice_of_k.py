"""The choice of k."""

import pandas as pd
import pytest

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.stages.clusters.choice_of_k import choose_k, find_knee


def sweep(wcss: list[float], silhouette: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"k": range(2, 2 + len(wcss)), "wcss": wcss, "silhouette": silhouette})


WCSS = [3.82e6, 2.74e6, 2.085e6, 1.83e6, 1.56e6]
PUBLISHED = sweep(WCSS, [0.5405, 0.465, 0.4935, 0.447, 0.487])


def test_the_published_figures_give_4() -> None:
    choice = choose_k(PUBLISHED)
    assert (choice.k, choice.knee) == (4, 4)
    assert choice.reason.startswith("k = 4 is the knee of WCSS, and its squared silhouette (0.49")
    assert "within 0.05 of the best (0.54" in choice.reason
    assert choice.reason.endswith("at k = 2).")


@pytest.mark.parametrize(
    "more", [[1.40, 1.27, 1.17, 1.08, 1.0, 0.94], [1.36, 1.2, 1.08, 0.98, 0.9, 0.83]]
)
def test_the_knee_stays_at_4_if_the_published_curve_goes_on_to_12(more: list[float]) -> None:
    longer = sweep([*WCSS, *(1e6 * value for value in more)], [0.5] * 11)
    assert (longer["k"].iloc[-1], choose_k(longer).k) == (12, 4)


def test_a_knee_with_a_poor_silhouette_gives_way_to_the_best() -> None:
    choice = choose_k(sweep(WCSS, [0.70, 0.465, 0.4935, 0.447, 0.487]))
    assert (choice.k, choice.knee) == (2, 4)
    assert "not within 0.05 of the best (0.700 at k = 2), which was chosen" in choice.reason


def test_a_silhouette_exactly_at_the_tolerance_is_close() -> None:
    figures = sweep(WCSS, [0.28, 0.1, 0.23, 0.1, 0.1])  # in floats, 0.28 - 0.05 > 0.23
    assert choose_k(figures).k == 4
    assert choose_k(figures, tolerance=0.04).k == 2


def test_a_knee_with_the_best_silhouette_is_chosen_even_without_tolerance() -> None:
    choice = choose_k(sweep(WCSS, [0.4, 0.4, 0.6, 0.4, 0.4]), tolerance=0)
    assert choice.reason.endswith("and its squared silhouette (0.600) is the best.")


NAN = float("nan")


@pytest.mark.parametrize(
    ("silhouettes", "k"),
    [
        ([NAN, 0.4, 0.5, 0.4, 0.4], 4),
        ([NAN, 0.6, 0.5, 0.4, 0.4], 3),
        ([0.3, 0.4, NAN, 0.4, 0.2], 3),
        ([NAN] * 5, 4),
    ],
)
def test_an_unknown_silhouette_is_the_worst(silhouettes: list[float], k: int) -> None:
    choice = choose_k(sweep(WCSS, silhouettes))
    assert (choice.k, choice.knee) == (k, 4)
    assert "nan" not in choice.reason


def test_equal_silhouettes_give_the_smaller_k() -> None:
    assert choose_k(sweep(WCSS, [0.1, 0.7, 0.1, 0.7, 0.1])).k == 3


def test_an_override_wins_and_must_have_been_tried() -> None:
    choice = choose_k(PUBLISHED, override=6)
    assert (choice.k, choice.knee) == (6, 4)
    assert "set by hand: its squared silhouette is 0.487" in choice.reason
    assert choice.reason.endswith("the knee of WCSS is at k = 4.")
    with pytest.raises(InputError, match=r"k = 9 was not tried, or .* of 2, 3, 4, 5, 6\."):
        choose_k(PUBLISHED, override=9)


def test_an_error_that_rises_with_k_is_no_gain() -> None:
    assert find_knee(sweep([3.82e6, 2.74e6, 2.085e6, 2.5e6, 1.9e6], [0.5] * 5)) == 4
    # Gains of 2, 1, 0.1 and none; as it stands the last error would stretch the scale.
    assert find_knee(sweep([5.0, 3.0, 2.0, 1.9, 6.0], [0.5] * 5)) == 4


def test_an_end_of_the_sweep_is_no_knee() -> None:
    assert find_knee(sweep([5.0, 4.9, 4.8, 1.0], [0.5] * 4)) is None


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "wcss", [[5.0, 5.0, 5.0, 5.0], [5.0, 4.0, 3.0, 2.0], [2.0, 3.0, 4.0, 5.0], [5.0], [5.0, 3.0]]
)
def test_without_a_knee_the_best_silhouette_counts(wcss: list[float]) -> None:
    choice = choose_k(sweep(wcss, [0.3, 0.6, 0.5, 0.4][: len(wcss)]))
    assert choice.knee is None
    assert choice.reason.startswith("WCSS has no knee")
    assert choice.k == (3 if len(wcss) > 1 else 2)


def test_the_order_of_rows_does_not_matter() -> None:
    assert choose_k(PUBLISHED.iloc[::-1]) == choose_k(PUBLISHED)
