"""A part of the photo with every pixel as a square."""

import cv2
import numpy as np

from mesorch_cli.evidence.photo import eight_bits
from mesorch_cli.views.settings import ViewSettings
from mesorch_cli.views.view import Picture, Source

LONGEST = 1600  # pixels of the picture
LARGEST_SQUARE = 32
SMALLEST_WITH_GRID = 4
LINE = 128


def square(width: int, height: int) -> int:
    """Return the side of the square for one pixel of the photo."""
    return max(1, min(LARGEST_SQUARE, LONGEST // max(width, height)))


class Zoom:
    """A rectangle of the photo, enlarged without smoothing."""

    name = "zoom"
    title = "Zoom"
    shows = (
        "The chosen rectangle with each pixel of the photo as a square of its own colour, and grey lines between "
        f"pixels where a square has at least {SMALLEST_WITH_GRID} pixels."
    )
    cannot = "Nothing is smoothed or sharpened, so it shows no more than the file holds."

    def missing(self, source: Source, settings: ViewSettings) -> str | None:
        if settings.zoom is None:
            return "No rectangle was chosen; name one with --zoom X,Y,W,H."
        height, width = source.photo.pixels.shape[:2]
        part = settings.zoom
        if part.x + part.width > width or part.y + part.height > height:
            return (
                f"The rectangle {part.x},{part.y},{part.width},{part.height} does not lie inside the photo of "
                f"{width} x {height} pixels."
            )
        return None

    def draw(self, source: Source, settings: ViewSettings) -> Picture:
        part = settings.zoom
        assert part is not None
        rows, columns = slice(part.y, part.y + part.height), slice(part.x, part.x + part.width)
        pixels = eight_bits(source.photo.pixels[rows, columns])[..., ::-1]
        side = square(part.width, part.height)
        size = (part.width * side, part.height * side)
        picture = np.asarray(cv2.resize(np.ascontiguousarray(pixels), size, interpolation=cv2.INTER_NEAREST), np.uint8)
        if side >= SMALLEST_WITH_GRID:
            picture[::side] = LINE
            picture[:, ::side] = LINE
        return picture
