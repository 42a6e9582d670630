"""A document as Markdown: the same texts, with a sentence in place of each picture."""

from __future__ import annotations

import re
from collections.abc import Iterator

from amazon_seg_assets.report.document import (
    Advice,
    Advices,
    Block,
    Document,
    Facts,
    Heading,
    Illustration,
    Note,
    Paragraph,
    Point,
    Points,
    Table,
)

_SPECIAL = re.compile(r"[\\`*_\[\]|#~&<>]")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_OPENS_A_BLOCK = re.compile(r"^(\d+(?=[.)](?:\s|$))|(?=[-+=]))(.)")


def to_markdown(document: Document) -> str:
    """Writes a document as GitHub-flavoured Markdown.

    Pictures are told by their alternative texts: inside, they would be a megabyte, which is too
    much for what shows it.
    """
    contents = [f"- [{escape(s.title)}](#{s.id})" for s in document.sections]
    parts = [
        f"# {escape(document.title)}",
        escape(document.subtitle),
        "\n".join(contents),
    ]
    for section in document.sections:
        parts.append(f"## {escape(section.title)}")
        parts += [text for block in section.blocks for text in _block(block)]
    return "\n\n".join(parts) + "\n"


def escape(text: str) -> str:
    """A text that Markdown takes as it is, in one line; names of products may hold anything."""
    line = " ".join(text.split())
    safe = _SPECIAL.sub(lambda found: _ENTITIES.get(found[0], f"\\{found[0]}"), line)
    return _OPENS_A_BLOCK.sub(r"\1\\\2", safe)


def _block(block: Block) -> Iterator[str]:
    match block:
        case Paragraph(text):
            yield escape(text)
        case Note(text):
            yield f"> {escape(text)}"
        case Heading(text):
            yield f"### {escape(text)}"
        case Points(points):
            yield "\n".join(f"- {_point(point)}" for point in points)
        case Facts(facts):
            yield "\n".join(
                f"- **{escape(fact.value)}** {escape(fact.label)}"
                + (f" ({escape(fact.remark)})" if fact.remark else "")
                for fact in facts
            )
        case Table():
            yield _table(block)
        case Illustration():
            yield f"*Picture `{block.name}`: {escape(block.caption)}* {escape(block.alt)}"
        case Advices(items, level):
            for item in items:
                yield from _advice(item, "#" * level)


def _point(point: Point) -> str:
    return f"**{escape(point.lead)}.** {escape(point.text)}" if point.lead else escape(point.text)


def _table(table: Table) -> str:
    marks = ["---" if i < table.words else "---:" for i in range(len(table.header))]
    lines = [[escape(cell) for cell in table.header], marks]
    lines += [[escape(cell) for cell in row] for row in table.rows]
    text = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return f"{escape(table.caption)}\n\n{text}" if table.caption else text


def _advice(advice: Advice, marks: str) -> Iterator[str]:
    priority = "" if advice.priority is None else f" (priority {advice.priority})"
    yield f"{marks} {escape(advice.title)}{priority}"
    if advice.figures:
        yield escape(advice.figures)
    yield "\n".join(f"- **{escape(p.lead)}:** {escape(p.text)}" for p in advice.fields)
