"""Sections of a report drawn on a sheet."""

from mesorch_cli.evidence.orientation import Box
from mesorch_cli.report.blocks import (
    Block,
    Cell,
    Figures,
    Heading,
    Lines,
    Link,
    Measures,
    Pairs,
    Points,
    Quote,
    Said,
    Section,
    Table,
    Text,
)
from mesorch_cli.report.fonts import BOLD, TEXT
from mesorch_cli.report.printed_figures import Load, draw_figures
from mesorch_cli.report.sheet import INK, MUTED, Column, Sheet

SIZE, ROOM = 7.0, 12.0  # points: of letters in tables, and between columns
CLOSE = 7.0  # points between columns that stand in groups, as there are many of them
BEGIN = 150.0  # points in which such a table begins: the section's title, heads and the first row
UNBROKEN = 6  # letters: there, a text of so many stays in one line, such as `4 of 4`


def draw_section(sheet: Sheet, section: Section, load: Load) -> None:
    """Draw all that a section says. load: gives its pictures."""
    if _grouped(section.blocks[0]):
        sheet.room_for(BEGIN)
    sheet.heading(section.title, 9)
    for block in section.blocks:
        _draw(sheet, block, load)


def _draw(sheet: Sheet, block: Block, load: Load) -> None:
    match block:
        case Text():
            size, colour = (7, MUTED) if block.quiet else (8, INK)
            sheet.text(block.words, size, font=BOLD if block.loud else TEXT, colour=colour)
        case Heading():
            sheet.subheading(block.words)
        case Points():
            for point in block.points:
                words = (point.lead, point.words, point.link.words if point.link else "", point.small)
                sheet.text("- " + " ".join(filter(None, words)), 8)
        case Pairs():
            sheet.subheading(block.title)
            sheet.pairs(block.rows, 7)
        case Measures():
            sheet.pairs([(name.lower(), f"{value}. {meaning}") for name, value, meaning in block.rows])
        case Quote():
            for paragraph in block.paragraphs:
                sheet.text(paragraph, 8)
                sheet.gap(3)
        case Lines():
            sheet.subheading(block.title)
            sheet.lines(block.lines)
        case Table():
            _table(sheet, block)
        case Figures():
            draw_figures(sheet, block, load)


def _table(sheet: Sheet, table: Table) -> None:
    """Draw a table; what its columns need beyond their longest words they share in what the sheet leaves."""
    titles = [f"{column.title}: x, y, width, height" if column.box else column.title for column in table.columns]
    rows = [[_words(cell) for cell in row] for row in table.rows]
    grouped = _grouped(table)
    room = CLOSE if grouped else ROOM
    least, more = [], []
    for title, *cells in zip(titles, *rows, strict=True):
        texts = (title, *cells)
        parts = [[text] if grouped and len(text) <= UNBROKEN else text.split() for text in texts]
        words = [sheet.fonts.measure(word, BOLD, SIZE) for part in parts for word in part]
        least.append(max(words, default=0.0) + room)
        more.append(
            max(0.0, max(sheet.fonts.measure(text, TEXT, SIZE) for text in (title[:20], *cells)) + room - least[-1])
        )
    share = min(1.0, max(0.0, sheet.inner - sum(least)) / max(sum(more), 1.0))
    fitting = min(1.0, sheet.inner / sum(least))
    columns = [
        Column(title, fitting * (width + share * extra), right=column.number, group=column.group)
        for column, title, width, extra in zip(table.columns, titles, least, more, strict=True)
    ]
    sheet.gap(3)
    sheet.head(columns, SIZE)
    for cells in rows:
        sheet.row(columns, cells, SIZE)


def _grouped(block: Block) -> bool:
    return isinstance(block, Table) and any(column.group for column in block.columns)


def _words(cell: Cell) -> str:
    if isinstance(cell, Box):
        return ", ".join(map(str, cell))
    if isinstance(cell, Said):
        return "; ".join(filter(None, (cell.words, cell.small)))
    return cell.words if isinstance(cell, Link) else cell
