"""The layers that the package's docstring describes, held against what modules import."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import amazon_seg_assets
from amazon_seg_assets.stages import STAGES

ROOT = Path(amazon_seg_assets.__file__).parent
PACKAGE = amazon_seg_assets.__name__
LAYERS = [
    set(names.split(", "))
    for names in re.findall(
        r"^    ([a-z_]+(?:, [a-z_]+)*)  ", amazon_seg_assets.__doc__ or "", re.M
    )
]
DEPTHS = {name: depth for depth, names in enumerate(LAYERS) for name in names}
FILES = [path for path in ROOT.rglob("*.py") if path.parent != ROOT or path.stem[:2] != "__"]
OF_STAGES = [path for path in FILES if path.parent.parent == ROOT / "stages"]

WITH_DAGSTER = {"dag", "planning", "run", "commands", "definitions"}
PICTURES = {"plots", "treemap", "tables"}
WITHOUT_SPARK = {
    *("cli", "commands", "definitions", "planning", "run", "plots", "sample", "rules", "sources"),
    *("settings", "errors", "features", "formats", "months", "texts"),
}
STAGES_WITHOUT_SPARK = {"raw", "report"}


def imported(path: Path) -> Iterator[str]:
    """Modules that a file imports, also late, but not those that it needs for types alone."""
    for node in running(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == PACKAGE:
            yield from (f"{PACKAGE}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def running(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        is_for_types = isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"
        if not is_for_types:
            yield child
            yield from running(child)


def ours(path: Path) -> Iterator[list[str]]:
    """Paths of this package's modules that a file imports, without the package's name."""
    for name in imported(path):
        if name.startswith(f"{PACKAGE}."):
            yield name.split(".")[1:]


def name_of(path: Path) -> str:
    """The module or package of the first level that a file belongs to."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def shown(value: object) -> str:
    return value.relative_to(ROOT).as_posix() if isinstance(value, Path) else str(value)


def test_each_module_is_in_one_layer() -> None:
    assert sum(map(len, LAYERS)) == len(DEPTHS)
    assert {name_of(path) for path in FILES} == set(DEPTHS)
    assert {path.parent.name for path in OF_STAGES} == set(STAGES)


@pytest.mark.parametrize("path", FILES, ids=shown)
def test_a_module_imports_only_what_is_below_it(path: Path) -> None:
    own = name_of(path)
    used = {name[0] for name in ours(path)} - {own, "__version__"}
    assert {name for name in used if DEPTHS[name] <= DEPTHS[own]} == set()


@pytest.mark.parametrize("path", OF_STAGES, ids=shown)
def test_a_stage_imports_only_stages_above_it(path: Path) -> None:
    used = {name[1] for name in ours(path) if name[0] == "stages" and len(name) > 1}
    above = STAGES[: STAGES.index(path.parent.name) + 1]
    assert used - {"STAGES"} <= {*above}


def knows_dagster(path: Path) -> bool:
    in_stage = path in OF_STAGES and path.stem in ("assets", "checks")
    return in_stage or name_of(path) in WITH_DAGSTER


def knows_spark(path: Path) -> bool:
    if path in OF_STAGES:
        return path.parent.name not in STAGES_WITHOUT_SPARK and path.stem not in PICTURES
    return name_of(path) not in WITHOUT_SPARK


@pytest.mark.parametrize(
    ("library", "path"),
    [
        *(("dagster", path) for path in FILES if not knows_dagster(path)),
        *(("pyspark", path) for path in FILES if not knows_spark(path)),
    ],
    ids=shown,
)
def test_the_core_knows_neither_dagster_nor_spark_where_it_needs_none(
    library: str, path: Path
) -> None:
    assert not [name for name in imported(path) if name.startswith(library)]


@pytest.mark.parametrize(
    ("module", "private"),
    [
        ("dag/internals.py", r"dagster\._|dagster_shared"),
        ("spark/internals.py", r"\._jsc\b|\._jvm\b|_gateway\b|_active_spark"),
    ],
)
def test_what_has_no_public_way_stands_in_one_module(module: str, private: str) -> None:
    used = {shown(path) for path in FILES if re.search(private, path.read_text())}
    assert used == {module}


RIDDLES = re.compile(r"(What|Whatever|Whoever|Those|Whether|Has|How|Which|Where|When|Who) ")


@pytest.mark.parametrize("path", FILES, ids=shown)
def test_docstrings_begin_with_a_noun_or_a_verb(path: Path) -> None:
    texts = [
        node.value.value
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    ]
    assert not [text for text in texts if isinstance(text, str) and RIDDLES.match(text)]
