"""README, CONTRIBUTING and docs say what is so: links, commands, settings, names, code."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml

import amazon_seg_assets
from amazon_seg_assets.cli import main
from amazon_seg_assets.settings import PREFIX, PSEUDONYM_KEY, Settings
from amazon_seg_assets_tests.ended_run import CATEGORY, SNAPSHOT, EndedRun

ROOT = Path(__file__).parent.parent
PACKAGE = Path(amazon_seg_assets.__file__).parent
README, CONTRIBUTING, DOCS = ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "docs"
PAGES = [README, CONTRIBUTING, *sorted(DOCS.glob("*.md"))]
SHAPE = json.loads(Path(__file__).with_name("graph_shape.json").read_text())
MOST_LINES = 150
NO_SETTINGS = {"AMAZON_SEG_RENEW", PSEUDONYM_KEY}

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def blocks(page: Path, language: str = "") -> list[str]:
    """The fenced code of a page, of one language or without any."""
    found = re.findall(rf"^ *```{language}\n(.*?)^ *```$", page.read_text(), re.M | re.S)
    return [dedent(block) for block in found]


def prose(page: Path) -> str:
    """A page without its fenced code."""
    return re.sub(r"^ *```.*?^ *```$", "", page.read_text(), flags=re.M | re.S)


def spans(text: str) -> list[str]:
    """The code inside lines."""
    return re.findall(r"`([^`\n]+)`", text)


def code(page: Path) -> list[str]:
    """Commands to type: lines of shell code, and code inside lines."""
    return ["\n".join(blocks(page, "sh")), *spans(prose(page))]


def rows(page: Path, heading: str) -> list[list[str]]:
    """Cells of the first table below a heading, without its header."""
    _, _, below = page.read_text().partition(f" {heading}\n")
    table = re.search(r"(?:^\|.*\n)+", below, re.M)
    assert table, f"{page.name} has no table below {heading}"
    return [[cell.strip() for cell in row[1:-1].split("|")] for row in table[0].splitlines()[2:]]


def anchors(page: Path) -> set[str]:
    """Anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def last_part(name: str) -> str:
    """The name of an asset or a job without its category."""
    return re.split("/|__", name)[-1]


def test_the_readme_is_short_and_leads_to_every_page() -> None:
    text = README.read_text()
    assert len(text.splitlines()) <= MOST_LINES
    names = (page.relative_to(ROOT) for page in PAGES if page != README)
    assert [name for name in names if f"]({name})" not in text] == []


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if not link.startswith("https://"):
            name, _, anchor = link.partition("#")
            target = page.parent / name if name else page
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link


@pytest.fixture
def options_of(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., set[str]]:
    """The options of a command, as its help tells them."""
    monkeypatch.setenv("COLUMNS", "1000")

    def told(*command: str) -> set[str]:
        with pytest.raises(SystemExit) as stopped:
            main([*command, "--help"])
        assert stopped.value.code == 0, command
        return set(re.findall(r"--[a-z][a-z-]*", capsys.readouterr().out)) - {"--help"}

    return told


@each_page
def test_commands_exist(page: Path, options_of: Callable[..., set[str]]) -> None:
    text = "\n".join(code(page))
    for command, given in re.findall(r"\bamazon-seg ([a-z]+)([^\n#]*)", text):
        assert set(re.findall(r"--[a-z-]+", given)) <= options_of(command), (command, given)
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"^make ([a-z]+)", text, re.M)) <= targets
    for module in re.findall(r"python\S* -m ([\w.]+)", text):
        assert find_spec(module), module


def test_every_option_is_told(options_of: Callable[..., set[str]]) -> None:
    told: dict[str, set[str]] = {}
    for options, commands, _ in rows(DOCS / "settings.md", "The command"):
        for command in spans(commands):
            told.setdefault(command, set()).update(spans(options))
    assert told == {command: options_of(command) for command in told}


def test_every_setting_is_told_with_its_default() -> None:
    told = {spans(name)[0]: default for name, default, _ in rows(DOCS / "settings.md", "Settings")}
    fields = {PREFIX + name.upper(): field for name, field in Settings.model_fields.items()}
    assert told.keys() == fields.keys()
    for name, field in fields.items():
        if field.default_factory is None:
            assert told[name].strip("`") == str(field.default or ""), name


def test_the_example_of_settings_has_them_all_with_their_defaults(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    example = ROOT / ".env.example"
    named = re.findall(rf"^(?:# )?({PREFIX}\w+)=", example.read_text(), re.M)
    assert sorted(named) == sorted(PREFIX + name.upper() for name in Settings.model_fields)
    for name in named:
        monkeypatch.delenv(name, raising=False)
    assert Settings(_env_file=example) == Settings(_env_file=None)


@each_page
def test_no_other_setting_is_told(page: Path) -> None:
    told = set(re.findall(rf"{PREFIX}[A-Z_]*[A-Z]", page.read_text()))
    assert told - NO_SETTINGS <= {PREFIX + name.upper() for name in Settings.model_fields}


def test_the_assets_that_are_told_are_in_the_graph() -> None:
    """The reference has all of them."""
    told = [name for cells in rows(DOCS / "data.md", "Assets") for name in spans(cells[0])]
    assert {"raw_reviews", "rfm_features", "executive_report"} < {*told}
    assert {*told} - {"…_plot"} <= {last_part(name) for name in SHAPE["assets"]}


def test_jobs_sensors_and_schedules_are_those_of_the_graph() -> None:
    page = DOCS / "operating.md"
    told = [spans(cells[0])[0] for cells in rows(page, "Jobs")]
    assert sorted(told) == sorted({last_part(name) for name in SHAPE["jobs"]})
    automatic = {last_part(name) for name in [*SHAPE["sensors"], *SHAPE["schedules"]]}
    assert automatic <= set(spans(page.read_text()))


def test_roles_are_those_of_the_standard_scheme() -> None:
    scheme = yaml.safe_load((PACKAGE / "rules/schemes/standard.yaml").read_text())
    roles = {name: segment["role"] for name, segment in scheme["segments"].items()}
    told = {
        spans(role)[0]: names.split(", ")
        for role, _, names in rows(DOCS / "rules.md", "A scheme of your own")
    }
    assert told.keys() == set(roles.values())
    for role, names in told.items():
        assert {roles[name] for name in names} == {role}


def test_the_layout_of_the_code_is_as_told() -> None:
    _, _, below = CONTRIBUTING.read_text().partition("## Layout\n")
    told = set(re.findall(r"\w+(?:/|\.py\b)", below.split("```")[1]))
    folders = [PACKAGE, PACKAGE / "stages", ROOT]
    assert [name for name in told if not any((folder / name).exists() for folder in folders)] == []
    there = [
        f"{path.name}/" if path.is_dir() else path.name
        for path in [*PACKAGE.iterdir(), *(PACKAGE / "stages").iterdir()]
        if (path / "__init__.py").exists() or path.suffix == ".py"
    ]
    assert {name for name in there if not name.startswith("__")} <= told


def test_files_that_contributors_are_sent_to_exist() -> None:
    paths = [each for each in spans(prose(CONTRIBUTING)) if re.fullmatch(r"[\w.-]+/[\w./-]*", each)]
    assert paths
    for path in paths:
        assert (ROOT / path).exists() or (PACKAGE / path).exists(), path


def texts(node: ast.AST) -> str:
    """A text of the code, with ``…`` where values come in."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    return "".join(map(texts, node.values)) if isinstance(node, ast.JoinedStr) else "…"


def test_errors_that_are_explained_are_those_of_the_code() -> None:
    said = [(ROOT / "Makefile").read_text()]
    for path in PACKAGE.rglob("*.py"):
        tree = ast.walk(ast.parse(path.read_text()))
        said += [texts(node) for node in tree if isinstance(node, ast.Constant | ast.JoinedStr)]
    cells = re.findall(r"^\| (`[^|]+) \|", (DOCS / "troubleshooting.md").read_text(), re.M)
    told = [each for cell in cells for each in spans(cell) if " " in each]
    assert len(told) > 20
    for each in told:
        pattern = re.compile(".*".join(map(re.escape, each.split("…"))))
        assert any(map(pattern.search, said)), each


@each_page
def test_python_on_a_page_imports_what_is_there(page: Path) -> None:
    for block in blocks(page, "python"):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("amazon_seg"):
                module = import_module(str(node.module))
                for name in (alias.name for alias in node.names):
                    assert hasattr(module, name) or find_spec(f"{node.module}.{name}"), name


def test_segments_can_be_counted_by_a_query(
    ended_run: EndedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The code as the page has it, in a folder where the table is as it has it too."""
    pytest.importorskip("duckdb", reason="needs the extra bench")
    folder = tmp_path / "data/Electronics/rfm_segments"
    folder.mkdir(parents=True)
    stored = ended_run.storage / CATEGORY / "rfm_segments" / f"month={SNAPSHOT}"
    (folder / "month=2023-09").symlink_to(stored)
    monkeypatch.chdir(tmp_path)
    [block] = blocks(DOCS / "data.md", "python")
    # Its last line is a result, which Python shows when it is typed.
    names: dict[str, Any] = {}
    exec(re.sub(r"^duckdb\.sql", "result = duckdb.sql", block, flags=re.M), names)
    assert sum(customers for _, customers in names["result"].fetchall()) == 12


def test_what_is_promised_names_tests_that_there_are() -> None:
    file, named = "", 0
    for text in spans((DOCS / "reliability.md").read_text()):
        if found := re.fullmatch(r"(test_\w+\.py)?(?:::)?(test_\w+)?", text):
            file, test = found[1] or file, found[2]
            assert not test or f"def {test}(" in (Path(__file__).parent / file).read_text(), text
            assert (Path(__file__).parent / file).is_file()
            named += 1
    assert named > 10
