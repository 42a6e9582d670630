"""Text from data, made harmless for where it is shown: Markdown, and terminals."""

import re

_SPECIAL = re.compile(r"[\\`*_\[\]|#~&<>]")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_OPENS_A_BLOCK = re.compile(r"^(\d+(?=[.)](?:\s|$))|(?=[-+=]))(.)")


def as_markdown(text: str) -> str:
    """A text that Markdown takes as it is, in one line; names of products may hold anything."""
    return _OPENS_A_BLOCK.sub(r"\1\\\2", as_cell(text))


def as_cell(text: str) -> str:
    """The same within a line, such as a cell of a table, where no block can begin."""
    line = " ".join(text.split())
    return _SPECIAL.sub(lambda found: _ENTITIES.get(found[0], f"\\{found[0]}"), line)


def as_code(text: str) -> str:
    """The same as code, which Markdown takes as it is and a terminal shows between two marks."""
    return f"`{text.replace('`', chr(39))}`"


def printable(text: str) -> str:
    """A text in which escape sequences and other signs that do not print are written out.

    A terminal would obey them: change colours, the window's title, or what was printed before.
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
