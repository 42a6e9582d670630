"""The layers that the package's docstring describes, held against what modules import."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import amazon_seg_assets

ROOT = Path(amazon_seg_assets.__file__).parent
PACKAGE = amazon_seg_assets.__name__
LAYERS = [
    set(names.split(", "))
    for names in re.findall(
        r"^    ([a-z_]+(?:, [a-z_]+)*)  ", amazon_seg_assets.__doc__ or "", re.M
    )
]
DEPTHS = {name: depth for depth, names in enumerate(LAYERS) for name in names}
WITHOUT_SPARK = {"plots", "report", "ingestion", "sources", "rules", "formats", "errors", "months"}
FIRST_WITH_DAGSTER = "partitions"


def imported(path: Path) -> Iterator[str]:
    """Modules that a file imports, also those that it imports late."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == PACKAGE:
            yield from (f"{PACKAGE}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def name_of(path: Path) -> str:
    """The module or package of the first level that a file belongs to."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


FILES = [path for path in ROOT.rglob("*.py") if path.parent != ROOT or path.stem[:2] != "__"]


def test_each_module_is_in_one_layer() -> None:
    assert sum(map(len, LAYERS)) == len(DEPTHS)
    assert {name_of(path) for path in FILES} == set(DEPTHS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_module_imports_only_what_is_below_it(path: Path) -> None:
    own = name_of(path)
    ours = (name for name in imported(path) if name.startswith(f"{PACKAGE}."))
    used = {name.split(".")[1] for name in ours} - {own, "__version__"}
    assert {name for name in used if DEPTHS[name] <= DEPTHS[own]} == set()


@pytest.mark.parametrize(
    ("library", "path"),
    [
        *(
            ("dagster", path)
            for path in FILES
            if DEPTHS[name_of(path)] > DEPTHS[FIRST_WITH_DAGSTER]
        ),
        *(("pyspark", path) for path in FILES if name_of(path) in WITHOUT_SPARK),
    ],
    ids=lambda value: value.relative_to(ROOT).as_posix() if isinstance(value, Path) else value,
)
def test_the_core_knows_neither_dagster_nor_spark_where_it_needs_none(
    library: str, path: Path
) -> None:
    assert not [name for name in imported(path) if name.startswith(library)]
