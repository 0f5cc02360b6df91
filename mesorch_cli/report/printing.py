"""Sections of a report drawn on a sheet."""

from mesorch_cli.evidence.orientation import Box
from mesorch_cli.report.blocks import (
    Block,
    Cell,
    Heading,
    Lines,
    Link,
    Measures,
    Pairs,
    Points,
    Quote,
    Section,
    Table,
    Text,
)
from mesorch_cli.report.sheet import BOLD, INK, MUTED, TEXT, Column, Sheet

SIZE, ROOM = 7.0, 12.0  # points: of letters in tables, and between columns


def draw_section(sheet: Sheet, section: Section) -> None:
    """Draw all that a section says."""
    sheet.heading(section.title, 9)
    for block in section.blocks:
        _draw(sheet, block)


def _draw(sheet: Sheet, block: Block) -> None:
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


def _table(sheet: Sheet, table: Table) -> None:
    """Draw a table; what its columns need beyond their longest words they share in what the sheet leaves."""
    titles = [f"{column.title}: x, y, width, height" if column.box else column.title for column in table.columns]
    rows = [[_words(cell) for cell in row] for row in table.rows]
    least, more = [], []
    for title, *cells in zip(titles, *rows, strict=True):
        words = [sheet.measure(word, BOLD, SIZE) for text in (title, *cells) for word in text.split()]
        least.append(max(words, default=0.0) + ROOM)
        more.append(max(0.0, max(sheet.measure(text, TEXT, SIZE) for text in (title[:20], *cells)) + ROOM - least[-1]))
    share = min(1.0, max(0.0, sheet.inner - sum(least)) / max(sum(more), 1.0))
    fitting = min(1.0, sheet.inner / sum(least))
    columns = [
        Column(title, fitting * (width + share * extra), right=column.number)
        for column, title, width, extra in zip(table.columns, titles, least, more, strict=True)
    ]
    sheet.gap(3)
    sheet.head(columns, SIZE)
    for cells in rows:
        sheet.row(columns, cells, SIZE)


def _words(cell: Cell) -> str:
    if isinstance(cell, Box):
        return ", ".join(map(str, cell))
    return cell.words if isinstance(cell, Link) else cell
