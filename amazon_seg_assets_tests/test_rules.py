"""Rules as files: what comes with the package, and what a user may get wrong."""

from pathlib import Path

import pytest
import yaml

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.rules.categories import load_excluded_categories
from amazon_seg_assets.rules.files import built_in
from amazon_seg_assets.rules.scheme import fm_score, load_scheme


def test_the_standard_scheme_follows_its_grid() -> None:
    cells = load_scheme("standard").cells
    assert len(cells) == 125
    assert cells[5, 1, 1] == "New Customers"
    assert cells[5, 3, 4] == "Champions"  # fm = 3.5, rounded half up to 4
    assert cells[4, 1, 5] == "Potential Loyalists"
    assert cells[3, 2, 2] == "Needs Attention"
    assert cells[2, 5, 4] == "Can't Lose Them"  # fm = 4.5 → 5
    assert cells[1, 1, 2] == "Lost"  # fm = 1.5 → 2
    assert load_scheme("standard").unreachable == []


def test_fm_rounds_half_up() -> None:
    assert [fm_score(1, m) for m in range(1, 6)] == [1, 2, 2, 3, 3]


@pytest.mark.parametrize(
    ("cell", "segment"),
    [
        ((5, 5, 5), "Champions"),
        ((4, 4, 3), "Loyal Customers"),
        ((4, 2, 2), "Potential Loyalists"),
        ((5, 1, 2), "New Customers"),
        ((4, 1, 1), "Promising"),
        ((2, 2, 3), "About to Sleep"),
        ((1, 1, 1), "Hibernating"),
        ((2, 5, 4), "Can't Lose Them"),
        ((1, 3, 3), "At Risk"),
        ((3, 1, 3), "Needs Attention"),
        ((5, 1, 5), "Lost"),
        ((3, 4, 1), "Lost"),
    ],
)
def test_the_notebook_scheme_takes_the_first_rule(cell: tuple[int, int, int], segment: str) -> None:
    assert load_scheme("notebook").cells[cell] == segment


def scheme_file(folder: Path, **changes: object) -> str:
    content = yaml.safe_load(built_in("schemes/standard.yaml").read_text())
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump({k: v for k, v in (content | changes).items() if v is not None}))
    return str(path)


def test_a_changed_rule_changes_the_fingerprint_and_a_changed_word_does_not(tmp_path: Path) -> None:
    standard = load_scheme("standard")
    assert load_scheme(scheme_file(tmp_path, description="x")).fingerprint == standard.fingerprint
    changed = scheme_file(tmp_path, grid=standard.grid | {1: ["Lost"] * 5})  # type: ignore[operator]
    assert load_scheme(changed).fingerprint != standard.fingerprint
    assert load_scheme(changed).unreachable == []


EVERYTHING = [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": "red"}, "colour"),
        ({"grid": {5: ["Lost"] * 5}}, "rows 1 to 5"),
        ({"grid": {r: ["Lost"] * 4 for r in EVERYTHING}}, "grid → 1"),
        ({"grid": {r: ["Gone"] * 5 for r in EVERYTHING}}, "'Gone' is not among"),
        ({"scoring": "guess"}, "scoring"),
        ({"scoring": "thresholds"}, "thresholds belong"),
        ({"grid": None}, "exactly one of"),
        ({"grid": None, "rules": [{"segment": "Lost", "r": [1, 2]}]}, "r3 f1 m1 is in no segment"),
        (
            {"grid": None, "rules": [{"segment": "Lost"}, {"segment": "Champions", "r": [5]}]},
            "r5 f1 m1 is in Lost and in Champions",
        ),
        ({"grid": None, "rules": [{"segment": "Lost", "r": [6]}]}, "rules → 0 → r → 0"),
        (
            {
                "scoring": "thresholds",
                "thresholds": {
                    "recency": [1, 2, 2, 4],
                    "frequency": EVERYTHING[:4],
                    "monetary": EVERYTHING[:4],
                },
            },
            "thresholds of recency must ascend",
        ),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=r"mine\.yaml") as error:
        load_scheme(scheme_file(tmp_path, **changes))
    assert message in str(error.value)


def test_broken_yaml_and_missing_files_are_told(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("grid: [1,\nname: x: y")
    with pytest.raises(InputError, match=r"no valid YAML.*line"):
        load_scheme(str(tmp_path / "broken.yaml"))
    with pytest.raises(InputError, match="standard, notebook"):
        load_scheme("modern")


def test_only_electronics_leaves_categories_out() -> None:
    assert len(load_excluded_categories("Electronics")) == 24
    assert load_excluded_categories("Books") == ()
