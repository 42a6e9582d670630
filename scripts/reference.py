"""Writes ``docs/reference.md`` from the declarations: all assets, columns and checks.

usage: python -m scripts.reference [--check]
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path

from amazon_seg_assets.dag.checks import Check, checks_of
from amazon_seg_assets.dag.declaration import AssetDeclaration, declared_in
from amazon_seg_assets.dag.family import Reach
from amazon_seg_assets.dag.handles import MonthRange, Snapshot
from amazon_seg_assets.definitions import own_checks
from amazon_seg_assets.schema import Table, type_name
from amazon_seg_assets.stages import STAGES

FILE = Path(__file__).parent.parent / "docs" / "reference.md"
RENEW = "python -m scripts.reference"

_PARTITIONS = {
    Snapshot: "month; each is made on its own",
    MonthRange: "month; a range is made in one pass",
}


def reference() -> str:
    """The page, in Markdown."""
    own = own_checks()
    return "\n".join(
        line for lines in (_head(), *(_stage(stage, own) for stage in STAGES)) for line in lines
    )


def _head() -> Iterator[str]:
    yield "# Reference of assets, columns and checks"
    yield ""
    yield f"Made from the declarations by `{RENEW}`; CI fails where it is out of date."
    yield "Keys in Dagster are `<category>/<asset>`. A column is never null unless it says so."
    yield "Checks block whatever would be made from data that fails, unless they warn."
    yield ""
    yield from (f"- [{stage}](#{stage})" for stage in STAGES)
    yield ""


def _stage(stage: str, own: Sequence[Check]) -> Iterator[str]:
    said = import_module(f"amazon_seg_assets.stages.{stage}").__doc__ or ""
    yield from (f"## {stage}", "", said.strip(), "")
    for declared in declared_in(stage):
        checks = checks_of(declared, own)
        for output in declared.stores:
            yield from (f"### {output.name}", "", output.description, "")
            yield from _facts(declared)
            if isinstance(output, Table):
                yield from _columns(output)
                yield from _checks([each for each in checks if each.table is output])


def _facts(declared: AssetDeclaration) -> Iterator[str]:
    reads = [f"`{name}`{_beside(reach)}" for name, reach in declared.inputs.items()]
    yield f"- Made from: {', '.join(reads) or 'the source'}"
    yield f"- Partitions: {_PARTITIONS.get(declared.handle, 'none')}"
    yield f"- Kinds: {', '.join(sorted(declared.kinds))}"
    if declared.section:
        yield f"- In the report: {declared.section}"
    yield ""


def _beside(reach: Reach | None) -> str:
    """The months that are read beside the snapshot's own."""
    if reach is None:
        return ""
    if reach.after:
        return " (with the months after)"
    return f" (with {'all' if reach.before is None else 'the twelve'} months before)"


def _columns(table: Table) -> Iterator[str]:
    yield from _table(
        ("column", "type", "unit", "meaning", "from"),
        [
            (
                f"`{column.name}`",
                f"`{type_name(column.type)}`",
                column.unit,
                f"{column.description}{' May be null.' if column.nullable else ''}",
                ", ".join(f"`{source}`" for source in column.sources),
            )
            for column in table.columns
        ],
    )


def _checks(checks: Sequence[Check]) -> Iterator[str]:
    yield from _table(
        ("check", "holds if", "threshold"),
        [
            (
                f"`{check.name}`",
                f"{check.description}{'' if check.blocking else ' Warns.'}",
                ", ".join(f"`{k}` = {default}" for k, (_, default) in check.thresholds.items()),
            )
            for check in checks
        ],
    )


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for row in (header, ["---"] * len(header), *rows):
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"
    yield ""


def main() -> int:
    """Writes the page, or says whether it is up to date."""
    text = reference()
    if "--check" in sys.argv[1:]:
        is_current = FILE.exists() and FILE.read_text(encoding="utf-8") == text
        if not is_current:
            print(f"{FILE.name} is out of date: run `{RENEW}`.", file=sys.stderr)
        return not is_current
    FILE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
