"""Rules as files: what comes with the package, and what a user may get wrong."""

import re
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.rules.categories import (
    ExcludedCategories,
    load_category_rules,
    load_excluded_categories,
)
from amazon_seg_assets.rules.files import built_in, load_rules
from amazon_seg_assets.rules.labels import load_label_rules
from amazon_seg_assets.rules.recommendations import default_recommendations, load_recommendations
from amazon_seg_assets.rules.scheme import (
    BUILT_IN_SCHEMES,
    ROLE_COLOURS,
    Scheme,
    fm_score,
    load_scheme,
)
from amazon_seg_assets.settings import load_settings
from amazon_seg_assets_tests.oracle import EXCLUDED_OF_ELECTRONICS

EVERYTHING = [1, 2, 3, 4, 5]


def test_the_standard_scheme_follows_its_grid() -> None:
    scheme = load_scheme("standard")
    assert len(scheme.cells) == 125
    assert scheme.unreachable == []
    # Along f = m the fm score is f itself, so each row shows its five columns.
    initials = ["".join(scheme.cells[r, fm, fm][0] for fm in EVERYTHING) for r in EVERYTHING]
    assert initials == ["LLAAC", "HHAAC", "ANNLL", "PPPLC", "NPPCC"]
    assert scheme.cells[5, 1, 1] == "New Customers"
    assert scheme.cells[5, 3, 4] == "Champions"  # fm = 3.5, rounded half up to 4
    assert scheme.cells[4, 1, 5] == "Potential Loyalists"
    assert scheme.cells[3, 2, 2] == "Needs Attention"
    assert scheme.cells[2, 2, 3] == "About to Sleep"  # fm = 2.5 → 3
    assert scheme.cells[2, 5, 4] == "Can't Lose Them"  # fm = 4.5 → 5
    assert scheme.cells[1, 1, 2] == "Lost"  # fm = 1.5 → 2


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


def in_words(r: int, f: int, m: int) -> str:
    """The ordered rules of the original analysis, written once more."""
    if r >= 4 and f >= 4 and m >= 4:
        return "Champions"
    if r >= 3 and f >= 4 and m >= 3:
        return "Loyal Customers"
    if r >= 4 and f >= 2 and m >= 2:
        return "Potential Loyalists"
    if r == 5 and f <= 2 and m <= 2:
        return "New Customers"
    if r >= 4 and f <= 2 and m <= 2:
        return "Promising"
    if r <= 2 and f <= 2:
        return "About to Sleep" if m >= 3 else "Hibernating"
    if r <= 2 and f >= 4 and m >= 4:
        return "Can't Lose Them"
    if r <= 2 and f >= 3 and m >= 3:
        return "At Risk"
    return "Needs Attention" if r <= 3 and f <= 3 and m <= 3 else "Lost"


def test_the_notebook_scheme_agrees_with_the_original_rules_in_every_cell() -> None:
    cells = load_scheme("notebook").cells
    assert cells == {cell: in_words(*cell) for cell in product(EVERYTHING, repeat=3)}
    assert load_scheme("notebook").unreachable == []


def segments_of(name: str) -> dict[str, Any]:
    segments: dict[str, Any] = yaml.safe_load(built_in(f"schemes/{name}.yaml").read_text())
    return segments["segments"]


def scheme_file(folder: Path, **changes: object) -> str:
    content = yaml.safe_load(built_in("schemes/standard.yaml").read_text())
    path = folder / "mine.yaml"
    given = {name: value for name, value in (content | changes).items() if value is not None}
    path.write_text(yaml.safe_dump(given, sort_keys=False))
    return str(path)


def test_a_changed_rule_changes_the_fingerprint_and_a_changed_word_does_not(tmp_path: Path) -> None:
    standard = load_scheme("standard")
    assert load_scheme(scheme_file(tmp_path, description="x")).fingerprint == standard.fingerprint
    changed = scheme_file(tmp_path, grid=standard.grid | {1: ["Lost"] * 5})  # type: ignore[operator]
    assert load_scheme(changed).fingerprint != standard.fingerprint
    assert load_scheme(changed).unreachable == []


def test_roles_and_colours_do_not_change_who_gets_which_segment(tmp_path: Path) -> None:
    standard = load_scheme("standard")
    looks = {"role": "best", "colour": "#123456", "meaning": "Other words."}
    segments = segments_of("standard") | {"Lost": looks}
    changed = load_scheme(scheme_file(tmp_path, segments=segments))
    assert changed.segments["Lost"].model_dump() == looks
    assert changed.fingerprint == standard.fingerprint


@pytest.mark.parametrize("name", BUILT_IN_SCHEMES)
def test_segments_are_found_by_their_roles_in_the_scheme_s_order(name: str) -> None:
    scheme = load_scheme(name)
    assert scheme.of_role("best") == ["Champions"]
    assert scheme.of_role("loyal") == ["Loyal Customers"]
    assert scheme.of_role("growing") == ["Potential Loyalists"]
    assert scheme.of_role("newcomer") == ["New Customers", "Promising"]
    assert scheme.of_role("middling") == ["Needs Attention"]
    gone = {"About to Sleep", "At Risk", "Can't Lose Them", "Hibernating", "Lost"}
    assert scheme.of_role("lapsed", "fading", "at_stake") == [
        segment for segment in scheme.segments if segment in gone
    ]
    assert set(scheme.of_role("lapsed")) == {"Hibernating", "Lost"}
    assert scheme.of_role("fading") == ["About to Sleep"]


def with_roles(folder: Path, *segments: tuple[str, str | None]) -> Scheme:
    """A scheme of segments with these roles and colours, of which the first has all cells."""
    given = {
        f"own {n}": {"meaning": "x", "role": role} | ({"colour": colour} if colour else {})
        for n, (role, colour) in enumerate(segments)
    }
    return load_scheme(
        scheme_file(folder, segments=given, grid=None, ordered_rules=[], otherwise="own 0")
    )


def test_a_segment_without_a_colour_gets_a_free_tone_of_its_role(tmp_path: Path) -> None:
    best, loyal = ROLE_COLOURS["best"], ROLE_COLOURS["loyal"]
    found = with_roles(
        tmp_path, ("best", None), ("loyal", None), ("best", None), ("best", "#abcdef")
    )
    assert list(found.colours.items()) == [
        ("own 0", best[0]), ("own 1", loyal[0]), ("own 2", best[1]), ("own 3", "#ABCDEF"),
    ]  # fmt: skip
    taken = with_roles(tmp_path, ("best", None), ("lapsed", best[0].lower()))
    assert list(taken.colours.values()) == [best[1], best[0]]


@pytest.mark.parametrize("role", ROLE_COLOURS)
def test_as_many_segments_as_may_be_differ_in_colour(tmp_path: Path, role: str) -> None:
    scheme = with_roles(tmp_path, *[(role, None)] * 125)
    assert len({*scheme.colours.values()}) == 125
    assert all(re.fullmatch("#[0-9A-F]{6}", colour) for colour in scheme.colours.values())
    with pytest.raises(InputError, match="at most 125 segments"):
        with_roles(tmp_path, *[(role, None)] * 126)


ROLES = "best, loyal, growing, newcomer, middling, fading, at_stake, lapsed"


@pytest.mark.parametrize(
    ("segment", "message"),
    [
        ("Gone.", f"segments → Lost: give it a meaning and a role, one of {ROLES}"),
        ({"meaning": "Gone."}, f"segments → Lost: give it a meaning and a role, one of {ROLES}"),
        ({"meaning": "Gone.", "role": "gone"}, f"segments → Lost: give it .* one of {ROLES}"),
        ({"role": "lapsed"}, "segments → Lost → meaning: the entry is missing"),
        *(
            ({"meaning": "x", "role": "lapsed", "colour": colour}, "Lost → colour: needs a colour")
            for colour in ("red", "#12345", "#1234567", None)
        ),
        ({"meaning": "x", "role": "lapsed", "colour": 123456}, "Lost → colour: needs a text"),
        (
            {"meaning": "x", "role": "lapsed", "colour": "#c44e00"},
            "At Risk and Lost have the colour #C44E00, change one",
        ),
    ],
)
def test_what_is_wrong_in_a_segment_is_named(tmp_path: Path, segment: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_scheme(scheme_file(tmp_path, segments=segments_of("standard") | {"Lost": segment}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": "red"}, "colour: no such entry is known"),
        ({"name": None}, "name: the entry is missing"),
        ({"segments": ["Lost"]}, "segments: needs entries of the form 'name: value'"),
        ({"grid": None, "rules": [{"segment": "Lost", "m": []}]}, "rules → item 1 → m"),
        ({"grid": {5: ["Lost"] * 5}}, "rows 1 to 5"),
        ({"grid": {r: ["Lost"] * 4 for r in EVERYTHING}}, "not 4 (and 4 more)"),
        ({"grid": {**dict.fromkeys(EVERYTHING, ["Lost"] * 5), 3: ["Lost"]}}, "grid → 3: "),
        (
            {"grid": {r: ["Gone"] * 5 for r in EVERYTHING}},
            "r1 f1 m1 is in 'Gone', which is not among the segments",
        ),
        ({"scoring": "guess"}, "scoring"),
        ({"scoring": "thresholds"}, "thresholds belong"),
        ({"grid": None}, "exactly one of"),
        ({"grid": None, "rules": [{"segment": "Lost", "r": [1, 2]}]}, "r3 f1 m1 is in no segment"),
        (
            {"grid": None, "rules": [{"segment": "Lost"}, {"segment": "Champions", "r": [5]}]},
            "r5 f1 m1 is in Lost and in Champions",
        ),
        ({"grid": None, "rules": [{"segment": "Lost", "r": [6]}]}, "rules → item 1 → r → item 1"),
        (
            {"grid": None, "rules": [{"segment": "Lost", "r": [1, True]}]},
            "rules → item 1 → r → item 2: needs a whole number",
        ),
        ({"grid": {str(r): ["Lost"] * 5 for r in EVERYTHING}}, "needs a whole number without"),
        (
            {"scoring": "thresholds", "thresholds": {"recency": [False, 1, 2, 3]}},
            "thresholds → recency → item 1: needs a number",
        ),
        (
            {
                "scoring": "thresholds",
                "thresholds": {
                    "recency": [1, 3, 2, 4],
                    "frequency": EVERYTHING[:4],
                    "monetary": EVERYTHING[:4],
                },
            },
            "thresholds of recency must ascend, though neighbours may be equal",
        ),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=r"mine\.yaml") as error:
        load_scheme(scheme_file(tmp_path, **changes))
    assert message in str(error.value)


def test_broken_yaml_and_missing_files_are_told(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("name: x\ngrid: [1,\ny: z: w")
    with pytest.raises(InputError, match=r"broken\.yaml are no valid YAML: line 3, column"):
        load_scheme(str(broken))
    broken.write_bytes(b"name: \xff\xfe")
    with pytest.raises(InputError, match=r"broken\.yaml cannot be read"):
        load_scheme(str(broken))
    broken.write_text("")
    with pytest.raises(InputError, match=r"broken\.yaml are not valid: needs entries of the form"):
        load_scheme(str(broken))
    with pytest.raises(InputError, match="standard, notebook"):
        load_scheme("modern")


@pytest.mark.parametrize("row", ["5", "5.0", "05"])
def test_a_row_that_stands_twice_is_told_with_its_line(tmp_path: Path, row: str) -> None:
    twice = tmp_path / "twice.yaml"
    text = built_in("schemes/standard.yaml").read_text()
    twice.write_text(f"{text}  {row}: [Lost, Lost, Lost, Lost, Lost]\n")
    line = len(text.splitlines()) + 1
    with pytest.raises(InputError, match=rf"line {line}, column 3: the entry '{row}' stands twice"):
        load_scheme(str(twice))


def test_an_entry_may_stand_in_place_of_one_that_is_merged_in(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("excluded:\n  <<: {Books: [a], Toys: [b]}\n  Books: [c]\n")
    assert load_rules(ExcludedCategories, mine).excluded == {"Books": ["c"], "Toys": ["b"]}


def test_a_scheme_in_a_home_folder_of_nobody_is_told() -> None:
    with pytest.raises(InputError, match="There is no RFM scheme ~nobody-here/mine"):
        load_scheme("~nobody-here/mine.yaml")


def test_single_cells_and_cut_points_can_be_set_by_hand(tmp_path: Path) -> None:
    cuts = {"recency": [30, 90, 180, 270], "frequency": [2, 2, 5, 5], "monetary": [9.5, 20, 50, 99]}
    changes = {
        "scoring": "thresholds",
        "thresholds": cuts,
        "segments": {name: {"meaning": "x", "role": "best"} for name in ("Best", "Rest", "None")},
        "grid": None,
        "ordered_rules": [{"segment": "Best", "r": [5], "f": [5], "m": [5]}],
        "otherwise": "Rest",
    }
    scheme = load_scheme(scheme_file(tmp_path, **changes))
    assert scheme.thresholds is not None
    assert scheme.thresholds.model_dump() == cuts
    assert [cell for cell, segment in scheme.cells.items() if segment == "Best"] == [(5, 5, 5)]
    assert scheme.unreachable == ["None"]


def test_only_electronics_leaves_categories_out(tmp_path: Path) -> None:
    assert set(load_excluded_categories("Electronics")) == EXCLUDED_OF_ELECTRONICS
    assert load_excluded_categories("Books") == ()
    mine = tmp_path / "mine.yaml"
    mine.write_text("excluded: {Books: Audible Audiobooks}")
    with pytest.raises(
        InputError, match=r"mine\.yaml are not valid: excluded → Books: needs a list"
    ):
        load_rules(ExcludedCategories, mine)


@pytest.mark.parametrize("name", BUILT_IN_SCHEMES)
def test_each_segment_has_a_recommendation(name: str) -> None:
    scheme = load_scheme(name)
    found = load_recommendations(scheme).segments
    assert list(found) == list(scheme.segments)


def test_each_label_of_clusters_has_a_recommendation() -> None:
    labels = ["Loyal Customer", "One Time Big Spender", "New Customer", "Churned"]
    assert load_label_rules().names == labels
    found = load_recommendations(load_scheme("standard")).clusters
    assert set(found) == set(labels)


def test_general_recommendations_need_a_figure_that_supports_them() -> None:
    found = load_recommendations(load_scheme("standard"))

    def titles(**figures: float) -> list[str]:
        return [one.title for one in found.applicable(figures)]

    assert titles() == []
    new, back = "Look for new customers", "Launch a win-back campaign"
    assert titles(new_customer_shortfall=0.05, stayed_away_share=0.49) == [new]
    assert titles(new_customer_shortfall=0.04, stayed_away_share=0.5) == [back]
    assert titles(newcomer_share=0.0, lapsed_share=1.0) == []
    assert titles(one_review_share=float("nan")) == []


def recommendations_file(folder: Path, *segments: str, **general: object) -> Path:
    words = dict.fromkeys(["goal", "action", "offer", "channel", "reason"], "x")
    entry = {"title": "x", "action": "x", "reason": "x", **general}
    path = folder / "advice.yaml"
    by_segment = dict.fromkeys(segments, words)
    path.write_text(yaml.safe_dump({"segments": by_segment, "general": [entry] if general else []}))
    return path


def two_segments(folder: Path) -> Scheme:
    changes = {
        "segments": {
            "Lost": {"meaning": "Gone.", "role": "lapsed"},
            "Found": {"meaning": "Here.", "role": "best"},
        },
        "grid": {r: ["Lost"] * 4 + ["Found"] for r in EVERYTHING},
    }
    return load_scheme(scheme_file(folder, **changes))


def test_recommendations_are_about_the_segments_of_the_scheme(tmp_path: Path) -> None:
    scheme = two_segments(tmp_path)
    assert list(load_recommendations(scheme).segments) == ["Lost"]
    own = load_recommendations(scheme, recommendations_file(tmp_path, "Found", "Lost"))
    assert list(own.segments) == ["Lost", "Found"]
    with pytest.raises(InputError, match=r"advice\.yaml.*Found of the scheme standard is missing"):
        load_recommendations(scheme, recommendations_file(tmp_path, "Lost"))
    with pytest.raises(InputError, match=r"segments → Gone: .*which has Lost, Found"):
        load_recommendations(scheme, recommendations_file(tmp_path, "Lost", "Found", "Gone"))


def test_recommendations_may_leave_clusters_out_and_must_know_their_labels(tmp_path: Path) -> None:
    scheme = two_segments(tmp_path)
    own = recommendations_file(tmp_path, "Lost", "Found")
    assert load_recommendations(scheme, own).clusters == {}
    content = yaml.safe_load(own.read_text())
    own.write_text(yaml.safe_dump(content | {"clusters": {"Churned": content["segments"]["Lost"]}}))
    assert list(load_recommendations(scheme, own).clusters) == ["Churned"]
    own.write_text(yaml.safe_dump(content | {"clusters": {"Gone": content["segments"]["Lost"]}}))
    message = r"advice\.yaml .*clusters → Gone: .*, One Time Big Spender, New Customer or Churned\."
    with pytest.raises(InputError, match=message):
        load_recommendations(scheme, own)


@pytest.mark.parametrize(
    ("general", "message"),
    [
        ({"figure": "lapsed_share"}, "general → item 1: give at_least, at_most or both"),
        ({"figure": "weather", "at_least": 1}, "general → item 1 → figure"),
        ({"figure": "lapsed_share", "at_most": float("nan")}, "general → item 1 → at_most"),
        ({"figure": "lapsed_share", "at_least": True}, "at_least: needs a number"),
        ({"figure": "lapsed_share", "at_least": 40}, "fractions of 1, such as 0.4 for 40%"),
        ({"figure": "lapsed_share", "at_least": 0.9, "at_most": 0.1}, "would never apply"),
    ],
)
def test_conditions_that_cannot_be_checked_are_told(
    tmp_path: Path, general: dict[str, object], message: str
) -> None:
    file = recommendations_file(tmp_path, "Lost", "Found", **general)
    with pytest.raises(InputError, match=message):
        load_recommendations(two_segments(tmp_path), file)


@pytest.fixture
def own_rules(tmp_path: Path) -> Path:
    """The folder of rules of one's own, still empty."""
    folder = tmp_path / "rules"
    folder.mkdir()
    return folder


def test_rules_of_one_s_own_take_the_place_of_the_built_in_ones(own_rules: Path) -> None:
    categories, labels = load_category_rules(own_rules), load_label_rules(own_rules)
    assert set(load_excluded_categories("Electronics", own_rules)) == EXCLUDED_OF_ELECTRONICS
    (own_rules / "excluded_categories.yaml").write_text("excluded: {Toys: [Books]}")
    assert load_excluded_categories("Toys", own_rules) == ("Books",)
    assert load_excluded_categories("Electronics", own_rules) == ()
    assert load_category_rules(own_rules).fingerprint != categories.fingerprint
    assert load_label_rules(own_rules) == labels

    text = built_in("cluster_labels.yaml").read_text()
    (own_rules / "cluster_labels.yaml").write_text(text.replace("Churned", "Gone"))
    assert load_label_rules(own_rules).names == [*labels.names[:-1], "Gone"]
    assert load_label_rules(own_rules).fingerprint != labels.fingerprint


def test_recommendations_of_the_deployment_are_those_of_a_user(
    own_rules: Path, tmp_path: Path
) -> None:
    scheme, built_in_ones = two_segments(tmp_path), default_recommendations(own_rules)
    assert list(load_recommendations(scheme, folder=own_rules).segments) == ["Lost"]
    deployed = own_rules / "recommendations.yaml"
    recommendations_file(tmp_path, "Found", "Lost").rename(deployed)
    assert list(load_recommendations(scheme, folder=own_rules).segments) == ["Lost", "Found"]
    assert default_recommendations(own_rules).fingerprint != built_in_ones.fingerprint

    recommendations_file(tmp_path, "Found").rename(deployed)
    with pytest.raises(InputError, match=r"recommendations\.yaml .*: Lost of the scheme standard"):
        load_recommendations(scheme, folder=own_rules)
    for_one_run = recommendations_file(tmp_path, "Lost", "Found")
    assert list(load_recommendations(scheme, for_one_run, own_rules).segments) == ["Lost", "Found"]

    # Labels do not depend on the scheme, so they are told before a run.
    text = built_in("recommendations.yaml").read_text()
    deployed.write_text(text.replace("  Churned:", "  Gone:"))
    with pytest.raises(
        InputError, match=r"recommendations\.yaml .*: clusters → Gone: clusters have"
    ):
        default_recommendations(own_rules)


def test_what_is_wrong_in_rules_of_one_s_own_is_named(own_rules: Path) -> None:
    (own_rules / "excluded_categories.yaml").write_text("excluded: {Toys: Books}")
    message = r"rules.excluded_categories\.yaml are not valid: excluded → Toys: needs a list"
    with pytest.raises(InputError, match=message):
        load_category_rules(own_rules)


@pytest.mark.parametrize(
    ("word", "other", "message"),
    [
        ("label: Churned,", "label: Churned (all),", "the label 'Churned (all)' has a bracket"),
        ("label: Churned,", "label: New Customer,", "the label 'New Customer' has two roles, keep"),
        ("role: newcomer", "role: guest", "labels → item 3 → role: Input should be 'loyal', 'big"),
        ("role: newcomer, ", "", "labels → item 3 → role: the entry is missing"),
        ("less recent", "more recent", "qualifiers → recency: lower and higher are both 'more rec"),
    ],
)
def test_labels_that_cannot_be_told_apart_are_told(
    own_rules: Path, word: str, other: str, message: str
) -> None:
    text = built_in("cluster_labels.yaml").read_text()
    (own_rules / "cluster_labels.yaml").write_text(text.replace(word, other))
    with pytest.raises(InputError, match=r"cluster_labels\.yaml are not valid: ") as error:
        load_label_rules(own_rules)
    assert message in str(error.value)


@pytest.mark.parametrize("name", ["recommendation.yaml", "recommendations.yml", "standard.yaml"])
def test_a_file_that_is_none_of_the_rules_is_told(own_rules: Path, name: str) -> None:
    for ignored in ("notes.txt", ".#cluster_labels.yaml"):
        (own_rules / ignored).touch()
    assert load_label_rules(own_rules)
    (own_rules / name).touch()
    with pytest.raises(InputError) as error:
        load_label_rules(own_rules)
    assert str(error.value) == (
        f"The setting AMAZON_SEG_RULES ({str(own_rules)!r}) is not valid: {name} in it is no file "
        "of rules, call it cluster_labels.yaml, excluded_categories.yaml or recommendations.yaml, "
        "or move it elsewhere."
    )


def test_the_setting_of_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AMAZON_SEG_RULES", "~/rules")
    assert load_settings().rules == tmp_path / "rules"
    monkeypatch.setenv("AMAZON_SEG_RULES", "~nobody-here/rules")
    with pytest.raises(InputError, match=r"AMAZON_SEG_RULES .*: its home folder cannot be found"):
        load_settings()
    monkeypatch.setenv("AMAZON_SEG_RULES", "")
    assert load_settings().rules is None


def test_rules_of_one_s_own_that_are_in_no_folder_are_told(own_rules: Path) -> None:
    own_rules.rmdir()
    message = (
        r"AMAZON_SEG_RULES \('.*rules'\) is not valid: it cannot be read \(.*\), give a folder"
    )
    with pytest.raises(InputError, match=message):
        load_category_rules(own_rules)
