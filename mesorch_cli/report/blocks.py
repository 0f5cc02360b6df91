"""What a report says, apart from how it looks: sections of blocks, which the page and the document for print both draw."""

from dataclasses import dataclass

from mesorch_cli.evidence.orientation import Box


@dataclass(frozen=True)
class Text:
    """A paragraph. loud: stands out. quiet: small print."""

    words: str
    loud: bool = False
    quiet: bool = False


@dataclass(frozen=True)
class Heading:
    """A heading within a section. key: its anchor on a page, "" for none."""

    words: str
    key: str = ""


@dataclass(frozen=True)
class Link:
    """A text that leads to another file of the case, where the medium can. address: relative, from the page."""

    words: str
    address: str


@dataclass(frozen=True)
class Point:
    """An entry of a list. lead: its first, bold words, "" for none. small: said in small print after it."""

    lead: str = ""
    words: str = ""
    small: str = ""
    link: Link | None = None


@dataclass(frozen=True)
class Points:
    """A list."""

    points: tuple[Point, ...]


@dataclass(frozen=True)
class Pairs:
    """Names with their values under an optional title."""

    rows: tuple[tuple[str, str], ...]
    title: str = ""


@dataclass(frozen=True)
class Measures:
    """Figures: (name, value, what it means)."""

    rows: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Quote:
    """Paragraphs to be copied."""

    paragraphs: tuple[str, ...]


@dataclass(frozen=True)
class Lines:
    """Text that keeps its lines and blanks. title: "" for none. folded: a page shows it on demand."""

    lines: tuple[str, ...]
    title: str = ""
    folded: bool = False


@dataclass(frozen=True)
class Said:
    """An answer and, in small print after it, what it rests on."""

    words: str
    small: str


Cell = str | Box | Link | Said


@dataclass(frozen=True)
class Column:
    """A column of a table. box: its cells are rectangles, x, y, width and height. number: it holds figures.

    group: a head above this column and those beside it of the same group, "" for none.
    """

    title: str
    number: bool = False
    box: bool = False
    group: str = ""


@dataclass(frozen=True)
class Table:
    """A table; the first cell of a row names it."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Figure:
    """A picture with its caption. file: its name beside the record, "" where there is none and the caption says why.

    alt: what it shows, for who cannot see it. lead: the first, bold words of the caption.
    """

    file: str
    alt: str
    caption: str
    lead: str = ""


@dataclass(frozen=True)
class Figures:
    """Pictures in rows of `across`, each with its caption. title: above them, "" for none. note: small print below them."""

    figures: tuple[Figure, ...]
    across: int
    title: str = ""
    note: str = ""


Block = Text | Heading | Points | Pairs | Measures | Quote | Lines | Table | Figures


@dataclass(frozen=True)
class Section:
    """Blocks under a title. key: of its anchor on a page, different for every section."""

    key: str
    title: str
    blocks: tuple[Block, ...]


def kind_of(block: Block) -> str:
    """Return the name of a block's kind, for a template to choose by."""
    return type(block).__name__.lower()
