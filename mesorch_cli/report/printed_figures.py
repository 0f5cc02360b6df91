"""Pictures with their captions drawn on a sheet, each row whole, and the pictures of a case made ready for that."""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from mesorch_cli.errors import InputError
from mesorch_cli.evidence.isolation.isolated_reader import process_reader
from mesorch_cli.evidence.photo import ReadOptions
from mesorch_cli.files.reading import read_below
from mesorch_cli.report.blocks import Figure, Figures
from mesorch_cli.report.preview import LONGEST_PREVIEW, jpeg, shrunk
from mesorch_cli.report.sheet import MARGIN, MUTED, Sheet

LARGEST_PICTURE = 256 << 20  # bytes of a picture of the case that is read at all
PICTURE = ReadOptions(max_pixels=LONGEST_PREVIEW**2)  # as previews are written; a case may come from others
PER_POINT = 2.5  # pixels, which are 180 per inch
BETWEEN, ROWS = 12.0, 6.0  # points between pictures of a row, and between rows
TALLEST = 190.0  # points of a picture
NONE = 26.0  # points of the frame that stands for a picture that cannot be shown
SIZE = 7.0  # points of the letters of captions
STEP = SIZE * 1.3
MISSING = "The picture is missing or damaged."


@dataclass(frozen=True)
class Printed:
    """A picture ready for print: JPEG bytes, and its size in pixels."""

    data: bytes
    width: int
    height: int


Load = Callable[[str, int], Printed | None]  # by file name, with at most so many pixels a side


def printed(case: Path, name: str, longest: int) -> Printed | None:
    """Return a picture of a case as JPEG of at most `longest` pixels a side, None if none can be read."""
    try:
        photo = process_reader().read(name, data=read_below(case, name, LARGEST_PICTURE), options=PICTURE)
    except (OSError, InputError):
        return None
    if not photo.decode.integrity.ok:
        return None
    small = shrunk(photo.pixels, longest)
    return Printed(jpeg(small), small.shape[1], small.shape[0])


@dataclass(frozen=True)
class _Placed:
    """A picture of a row with the size that it takes, in points, and its caption in lines."""

    figure: Figure
    picture: Printed | None
    width: float
    height: float
    lines: list[str]


def draw_figures(sheet: Sheet, block: Figures, load: Load) -> None:
    """Draw pictures in rows. The title stays with the first row, captions with their pictures, the note with the last row."""
    width = (sheet.inner - BETWEEN * (block.across - 1)) / block.across
    note = sheet.fonts.wrapped(block.note, sheet.inner, SIZE) if block.note else []
    rows = [block.figures[at : at + block.across] for at in range(0, len(block.figures), block.across)]
    for number, figures in enumerate(rows, start=1):
        row = [_placed(sheet, figure, width, load) for figure in figures]
        tallest, deepest = max(one.height for one in row), max(len(one.lines) for one in row)
        title = block.title if number == 1 else ""
        below = note if number == len(rows) else []
        sheet.room_for(tallest + STEP * (deepest + len(below)) + 2 * ROWS + (20 if title else 0))
        if title:
            sheet.subheading(title)
        sheet.gap(ROWS / 2)
        top = sheet.y
        for place, one in enumerate(row):
            _draw(sheet, one, MARGIN + place * (width + BETWEEN), top, tallest)
        sheet.y = top - tallest - STEP * deepest - ROWS / 2
        for line in below:
            sheet.gap(STEP)
            sheet.note(MARGIN, line)


def _placed(sheet: Sheet, figure: Figure, width: float, load: Load) -> _Placed:
    caption = " ".join(filter(None, (figure.lead, figure.caption)))
    lines = sheet.fonts.wrapped(caption, width, SIZE)
    if not figure.file:
        return _Placed(figure, None, width, 0.0, lines)
    picture = load(figure.file, round(width * PER_POINT))
    if picture is None:
        return _Placed(figure, None, width, NONE, lines)
    factor = min(width / picture.width, TALLEST / picture.height)
    return _Placed(figure, picture, picture.width * factor, picture.height * factor, lines)


def _draw(sheet: Sheet, one: _Placed, x: float, top: float, tallest: float) -> None:
    """Draw a picture that hangs from `top`, and its caption below the tallest of the row."""
    from reportlab.lib.utils import ImageReader

    if one.picture is not None:
        sheet.canvas.drawImage(ImageReader(BytesIO(one.picture.data)), x, top - one.height, one.width, one.height)
    elif one.height:
        sheet.frame(x, top - one.height, one.width, one.height, [(MUTED, 0.5)])
        sheet.y = top - one.height / 2 - SIZE / 2
        sheet.note(x + 6, MISSING)
    for index, line in enumerate(one.lines, start=1):
        sheet.y = top - tallest - STEP * index
        sheet.note(x, line)
