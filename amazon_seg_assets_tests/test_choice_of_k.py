"""The choice of k."""

import pandas as pd
import pytest

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.transforms.choice_of_k import choose_k, find_knee


def sweep(wcss: list[float], silhouette: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"k": range(2, 2 + len(wcss)), "wcss": wcss, "silhouette": silhouette})


WCSS = [3.82e6, 2.74e6, 2.085e6, 1.83e6, 1.56e6]
PUBLISHED = sweep(WCSS, [0.5405, 0.465, 0.4935, 0.447, 0.487])


def test_the_published_figures_give_4() -> None:
    choice = choose_k(PUBLISHED)
    assert (choice.k, choice.knee) == (4, 4)
    assert "0.493" in choice.reason or "0.494" in choice.reason
    assert "0.540" in choice.reason or "0.541" in choice.reason


def test_a_knee_with_a_poor_silhouette_gives_way_to_the_best() -> None:
    choice = choose_k(sweep(WCSS, [0.70, 0.465, 0.4935, 0.447, 0.487]))
    assert (choice.k, choice.knee) == (2, 4)
    assert "not within 0.05" in choice.reason


def test_equal_silhouettes_give_the_smaller_k() -> None:
    assert choose_k(sweep(WCSS, [0.1, 0.7, 0.1, 0.7, 0.1])).k == 3


def test_an_override_wins_and_must_have_been_tried() -> None:
    assert choose_k(PUBLISHED, override=6).k == 6
    with pytest.raises(InputError, match="k = 9 was not tried: choose one of 2, 3, 4, 5, 6"):
        choose_k(PUBLISHED, override=9)


def test_an_error_that_rises_with_k_is_no_gain() -> None:
    assert find_knee(sweep([3.82e6, 2.74e6, 2.085e6, 2.5e6, 1.9e6], [0.5] * 5)) == 4


@pytest.mark.parametrize("wcss", [[5.0, 5.0, 5.0, 5.0], [5.0], [5.0, 3.0]])
def test_without_a_knee_the_best_silhouette_counts(wcss: list[float]) -> None:
    choice = choose_k(sweep(wcss, [0.3, 0.6, 0.5, 0.4][: len(wcss)]))
    assert choice.knee is None
    assert choice.k == (3 if len(wcss) > 1 else 2)


def test_the_order_of_rows_does_not_matter() -> None:
    assert choose_k(PUBLISHED.iloc[::-1]) == choose_k(PUBLISHED)
