"""A document for printing, drawn from the top of each page downwards. The same calls give the same bytes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

from mesorch_cli.report.fonts import BOLD, FIXED, TEXT, Fonts

MARGIN = 48.0  # points, of 1/72 inch
TOTAL, TOTAL_WIDTH = "total", 22.0  # the number of pages, and points kept for it
INK, MUTED, LINE = 0x1A1E24, 0x535C68, 0xC9CFD6


@dataclass(frozen=True)
class Column:
    """A column of a table. width: in points. right: aligned to the right. fixed: in the fixed-width font.

    group: a head above this column and those beside it of the same group, "" for none.
    """

    title: str
    width: float
    right: bool = False
    fixed: bool = False
    group: str = ""


class Sheet:
    """A document of A4 pages. `y` is where the next thing goes, in points from the bottom."""

    def __init__(self, title: str, footer: str, font: Path | None, date: datetime | None = None) -> None:
        """Begin a document. font, and errors: see `Fonts`. date: of the document."""
        self.fonts = Fonts(font)
        from reportlab.lib.pagesizes import A4
        from reportlab.pdfgen.canvas import Canvas

        self._buffer = BytesIO()
        self.canvas: Any = Canvas(self._buffer, pagesize=A4, invariant=1, pageCompression=1)
        self.width, self.height = A4
        self.canvas.setTitle(self.fonts.drawable(title))
        self.canvas.setCreator("mesorch")
        if date is not None:
            stamp = f"D:{date.astimezone(UTC):%Y%m%d%H%M%S}Z"
            self.canvas.setDateFormatter(lambda *_: stamp)
        self._footer = footer
        self._page = 1
        self.y = self.height - MARGIN

    @property
    def inner(self) -> float:
        """Return the width between the margins."""
        return float(self.width - 2 * MARGIN)

    def finish(self) -> bytes:
        """Close the document and return its bytes."""
        self._draw_footer()
        self.canvas.beginForm(TOTAL)
        self._string(0, 0, str(self._page), TEXT, 7, MUTED)
        self.canvas.endForm()
        self.canvas.save()
        return self._buffer.getvalue()

    def new_page(self) -> None:
        self._draw_footer()
        self.canvas.showPage()
        self._page += 1
        self.y = self.height - MARGIN

    def room_for(self, height: float) -> bool:
        """Begin a new page if less than `height` is left of this one; say whether that was so."""
        if self.y - height >= MARGIN + 14:
            return False
        self.new_page()
        return True

    def text(self, text: str, size: float = 9, *, font: str = TEXT, colour: int = INK) -> None:
        """Draw a paragraph."""
        for line in self.fonts.wrapped(text, self.inner, size, font):
            self.room_for(size * 1.4)
            self.y -= size * 1.4
            self._string(MARGIN, self.y + size * 0.3, line, font, size, colour)

    def heading(self, text: str, size: float = 11) -> None:
        """Draw a heading over a line, never at the foot of a page."""
        self.room_for(size * 5)
        self.y -= size * 0.7
        self.text(text, size, font=BOLD)
        self.rule()
        self.y -= 3

    def subheading(self, text: str) -> None:
        """Draw a small heading, never at the foot of a page."""
        self.room_for(40)
        self.y -= 4
        self.text(text, 8, font=BOLD, colour=MUTED)

    def frame(self, x: float, y: float, width: float, height: float, lines: Sequence[tuple[int, float]]) -> None:
        """Draw a rectangle from its lower left corner, once in each (colour, width of line)."""
        for colour, line in lines:
            self.canvas.setStrokeColorRGB(*_rgb(colour))
            self.canvas.setLineWidth(line)
            self.canvas.rect(x, y, width, height, stroke=1, fill=0)

    def path(self, points: Sequence[tuple[float, float]], lines: Sequence[tuple[int, float]]) -> None:
        """Draw straight lines from point to point, once in each (colour, width of line)."""
        for colour, line in lines:
            self.canvas.setStrokeColorRGB(*_rgb(colour))
            self.canvas.setLineWidth(line)
            for start, end in pairwise(points):
                self.canvas.line(*start, *end)

    def segments(
        self,
        segments: Sequence[tuple[tuple[float, float], tuple[float, float]]],
        colour: int,
        line: float,
        opacity: float,
    ) -> None:
        """Draw translucent lines between pairs of points, no denser where they cross. line: its width."""
        if not segments:
            return
        path = self.canvas.beginPath()
        for start, end in segments:
            path.moveTo(*start)
            path.lineTo(*end)
        self.canvas.saveState()
        self.canvas.setStrokeColorRGB(*_rgb(colour))
        self.canvas.setStrokeAlpha(opacity)
        self.canvas.setLineWidth(line)
        self.canvas.drawPath(path, stroke=1, fill=0)
        self.canvas.restoreState()

    def rule(self) -> None:
        """Draw a line across."""
        self._line(MARGIN, self.width - MARGIN)

    def _line(self, left: float, right: float) -> None:
        self.canvas.setStrokeColorRGB(*_rgb(LINE))
        self.canvas.setLineWidth(0.5)
        self.canvas.line(left, self.y, right, self.y)

    def gap(self, height: float) -> None:
        self.y -= height

    def pairs(self, rows: Sequence[tuple[str, str]], size: float = 8) -> None:
        """Draw names with their values beside them."""
        left = 150.0
        for name, value in rows:
            names = self.fonts.wrapped(name, left - 10, size)
            values = self.fonts.wrapped(value, self.inner - left, size)
            step = size * 1.35
            self.room_for(step * min(max(len(names), len(values)), 40))
            for index in range(max(len(names), len(values))):
                self.room_for(step)
                self.y -= step
                if index < len(names):
                    self._string(MARGIN, self.y + size * 0.3, names[index], TEXT, size, MUTED)
                if index < len(values):
                    self._string(MARGIN + left, self.y + size * 0.3, values[index], TEXT, size, INK)

    def head(self, columns: Sequence[Column], size: float = 7) -> None:
        """Draw the heads of a table's columns."""
        titles = [self.fonts.wrapped(column.title, column.width - 6, size, BOLD) for column in columns]
        grouped = any(column.group for column in columns)
        self.room_for(size * 1.3 * (max(map(len, titles)) + (4 if grouped else 2)))
        if grouped:
            self._groups(columns, size)
        for index in range(max(map(len, titles))):
            self.y -= size * 1.3
            x = MARGIN
            for column, lines in zip(columns, titles, strict=True):
                if index < len(lines):
                    self._cell(x, self.y + size * 0.3, column, lines[index], BOLD, size, MUTED)
                x += column.width
        self.y -= 2
        self.rule()

    def _groups(self, columns: Sequence[Column], size: float) -> None:
        """Draw the heads of groups of columns, each over a line as wide as its columns."""
        groups = [(title, sum(one.width for one in of)) for title, of in groupby(columns, key=lambda one: one.group)]
        heads = [self.fonts.wrapped(title, width - 6, size, BOLD) for title, width in groups]
        deepest = max(map(len, heads))
        self.y -= size * 1.3 * deepest
        x = MARGIN
        for (title, width), lines in zip(groups, heads, strict=True):
            for index, line in enumerate(reversed(lines)):
                self._string(x, self.y + size * (0.3 + 1.3 * index), line, BOLD, size, MUTED)
            if title:
                self._line(x, x + width - 6)
            x += width

    def lines(self, lines: Sequence[str], size: float = 7) -> None:
        """Draw text of fixed width, line by line; a line that is too long goes on in the next."""
        for line in lines:
            for part in self.fonts.wrapped(line, self.inner, size, FIXED):
                self.room_for(size * 1.35)
                self.y -= size * 1.35
                self._string(MARGIN, self.y + size * 0.3, part, FIXED, size, INK)

    def row(self, columns: Sequence[Column], cells: Sequence[str], size: float = 7) -> None:
        """Draw a row of a table, with the heads again on a new page."""
        lines = [
            self.fonts.wrapped(cell, column.width - 6, size, FIXED if column.fixed else TEXT)
            for column, cell in zip(columns, cells, strict=True)
        ]
        deepest = max(map(len, lines))
        step = size * 1.3
        if self.room_for(step * min(deepest, 40) + 3):
            self.head(columns, size)
        for index in range(deepest):
            if self.room_for(step):
                self.head(columns, size)
            self.y -= step
            x = MARGIN
            for column, parts in zip(columns, lines, strict=True):
                if index < len(parts):
                    self._cell(x, self.y + size * 0.3, column, parts[index], FIXED if column.fixed else TEXT, size, INK)
                x += column.width
        self.y -= 2
        self.rule()

    def _cell(self, x: float, y: float, column: Column, text: str, font: str, size: float, colour: int) -> None:
        if column.right:
            x += column.width - 6 - self.fonts.measure(text, font, size)
        self._string(x, y, text, font, size, colour)

    def _string(self, x: float, y: float, text: str, font: str, size: float, colour: int) -> None:
        self.canvas.setFillColorRGB(*_rgb(colour))
        self.canvas.setFont(self.fonts.roles[font], size)
        self.canvas.drawString(x, y, text)

    def pill(self, text: str, background: int, ink: int, size: float = 10) -> None:
        """Draw a word on a coloured ground."""
        self.room_for(size * 2)
        self.y -= size * 1.8
        self.canvas.setFillColorRGB(*_rgb(background))
        self.canvas.rect(MARGIN, self.y, self.fonts.measure(text, BOLD, size) + 14, size * 1.6, stroke=0, fill=1)
        self._string(MARGIN + 7, self.y + size * 0.48, text, BOLD, size, ink)
        self.y -= 4

    def label(self, x: float, y: float, text: str) -> None:
        """Draw a number on a picture: white with a dark edge."""
        for move_x, move_y, colour in (
            (0.5, 0.0, 0),
            (-0.5, 0.0, 0),
            (0.0, 0.5, 0),
            (0.0, -0.5, 0),
            (0.0, 0.0, 0xFFFFFF),
        ):
            self._string(x + move_x, y + move_y, text, BOLD, 7, colour)

    def note(self, x: float, text: str) -> None:
        """Draw a short line of small text at x, on the present height."""
        self._string(x, self.y + 1, text, TEXT, 7, MUTED)

    def _draw_footer(self) -> None:
        self._string(MARGIN, MARGIN - 18, self.fonts.drawable(self._footer)[:110], TEXT, 7, MUTED)
        page = f"page {self._page} of "
        left = self.width - MARGIN - TOTAL_WIDTH
        self._string(left - self.fonts.measure(page, TEXT, 7), MARGIN - 18, page, TEXT, 7, MUTED)
        self.canvas.saveState()
        self.canvas.translate(left, MARGIN - 18)
        self.canvas.doForm(TOTAL)  # drawn when the last page is known
        self.canvas.restoreState()


def _rgb(colour: int) -> tuple[float, float, float]:
    return (colour >> 16) / 255, (colour >> 8 & 255) / 255, (colour & 255) / 255
