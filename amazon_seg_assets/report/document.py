"""The vocabulary of a report: sections of blocks, whatever they are written as.

All texts are plain: what writes a document down escapes them, and so neither a product's name nor
a rule's text can bring in markup.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of running text."""

    text: str


@dataclass(frozen=True)
class Note:
    """A remark that stands back: what is missing, how to read a table."""

    text: str


@dataclass(frozen=True)
class Heading:
    """A heading inside a section."""

    text: str


@dataclass(frozen=True)
class Point:
    """An item of a list: a few words that lead, and the rest; the words may be none."""

    lead: str
    text: str


@dataclass(frozen=True)
class Points:
    """A list."""

    points: tuple[Point, ...]


@dataclass(frozen=True)
class Fact:
    """A figure that is shown large.

    Attributes:
        value: as people read it.
        label: what it is.
        remark: what puts it into proportion.
    """

    value: str
    label: str
    remark: str = ""


@dataclass(frozen=True)
class Facts:
    """Figures side by side."""

    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Table:
    """A table of texts.

    Attributes:
        header: of the columns.
        rows: cells, as many in each row as in the header.
        words: how many of the first columns hold words; the others hold numbers.
        colours: of the rows, as in the pictures; empty if rows have none.
        caption: says what the table shows.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: int = 1
    colours: tuple[str, ...] = ()
    caption: str = ""


@dataclass(frozen=True)
class Illustration:
    """A stored picture.

    Attributes:
        name: of the asset that drew it.
        svg: its content.
        alt: the text that stands for it where it cannot be seen.
        caption: says what it shows and how to read it.
    """

    name: str
    svg: bytes
    alt: str
    caption: str


@dataclass(frozen=True)
class Advice:
    """What to do about a group of customers, or in general.

    Attributes:
        title: the segment, the label of clusters, or a few words.
        priority: 1 comes first; None for general ones, which have none.
        figures: how many customers it is about and what they spend, in one line; may be empty.
        fields: what is said of it, such as action and offer.
        colour: of the segment or cluster, as in the pictures.
    """

    title: str
    priority: int | None
    figures: str
    fields: tuple[Point, ...]
    colour: str = ""


@dataclass(frozen=True)
class Advices:
    """Advice, the most urgent first.

    Attributes:
        items: in order.
        level: of their headings; that of a section is 2, that of `Heading` 3.
    """

    items: tuple[Advice, ...]
    level: int = 3


Block = Paragraph | Note | Heading | Points | Facts | Table | Illustration | Advices


@dataclass(frozen=True)
class Section:
    """A section of the document.

    Attributes:
        title: its heading, of letters and blanks; unique.
        blocks: its content, in order.
    """

    title: str
    blocks: tuple[Block, ...]

    @property
    def id(self) -> str:
        """Names it in links, as Markdown does by itself."""
        return self.title.lower().replace(" ", "-")


@dataclass(frozen=True)
class Document:
    """A whole report.

    Attributes:
        title: of the document.
        subtitle: says what it covers, in one line.
        sections: in order.
    """

    title: str
    subtitle: str
    sections: tuple[Section, ...]
