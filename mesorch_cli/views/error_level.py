"""Error level and JPEG ghosts: the difference between a photo and the photo saved again as a JPEG.

Ghosts after Farid, "Exposing Digital Forgeries from JPEG Ghosts", IEEE TIFS 2009, section II.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from mesorch_cli.report.overlay import colours
from mesorch_cli.views.settings import ViewSettings
from mesorch_cli.views.view import Picture, Source, too_small

GAIN = 15  # grey levels in the picture per level of difference
QUALITIES = tuple(range(50, 100, 5))
WINDOW = 16  # pixels a side over which a ghost's difference is averaged
TILE = 480  # pixels of the long side of one picture in the sheet
COLUMNS = 5
LABEL = 28


def saved_again(pixels: Picture, quality: int) -> Picture:
    """Return RGB pixels after a JPEG of this quality (libjpeg's scale), with colour at full resolution."""
    whole = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    ok, data = cv2.imencode(".jpg", pixels[..., ::-1], whole)
    if not ok:
        raise ValueError(f"pixels of {pixels.shape} cannot be saved as JPEG")
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB), np.uint8)


class ErrorLevel:
    """The difference to one quality."""

    name = "ela"
    title = "Error level"
    shows = (
        "The brighter a pixel, the more it changes when the photo is saved again as a JPEG of the chosen quality. "
        f"Differences are amplified {GAIN} times."
    )
    cannot = (
        "Edges and fine texture are always brighter than smooth parts, so brightness alone says nothing about "
        "editing, and a photo that was saved again as a whole hides what was done before."
    )

    def missing(self, source: Source, settings: ViewSettings) -> str | None:
        return None

    def draw(self, source: Source, settings: ViewSettings) -> Picture:
        difference = cv2.absdiff(source.pixels, saved_again(source.pixels, settings.ela_quality))
        return np.asarray(cv2.convertScaleAbs(difference, alpha=GAIN)[..., ::-1], np.uint8)


def ghosts(pixels: Picture) -> NDArray[np.float32]:
    """Return the differences to each of QUALITIES, (Q, h, w), scaled to 0..1 at each place, 0 for the nearest."""
    height, width = pixels.shape[:2]
    scale = min(1.0, TILE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    planes = []
    for quality in QUALITIES:
        difference = cv2.absdiff(pixels, saved_again(pixels, quality))
        squares = cv2.multiply(difference, difference, dtype=cv2.CV_32F)
        mean = cv2.transform(squares, np.full((1, 3), 1 / 3, np.float32))
        planes.append(cv2.resize(cv2.blur(mean, (WINDOW, WINDOW)), size, interpolation=cv2.INTER_AREA))
    stack = np.stack(planes)
    lowest, highest = stack.min(axis=0), stack.max(axis=0)
    return np.asarray((stack - lowest) / np.maximum(highest - lowest, 1e-6), np.float32)


class Ghosts:
    """The differences to many qualities, side by side."""

    name = "ghosts"
    title = "JPEG ghosts"
    shows = (
        f"The photo is saved again at qualities from {QUALITIES[0]} to {QUALITIES[-1]}, and each place is darkest at "
        "the quality it is nearest to; a part that was once saved at a lower quality than the rest turns dark there."
    )
    cannot = (
        "A part whose earlier block grid does not lie on the photo's own leaves no ghost, and smooth or saturated "
        "parts turn dark at many qualities without any editing."
    )

    def missing(self, source: Source, settings: ViewSettings) -> str | None:
        return too_small(source, WINDOW)

    def draw(self, source: Source, settings: ViewSettings) -> Picture:
        planes = ghosts(source.pixels)
        _, height, width = planes.shape
        rows = -(-len(QUALITIES) // COLUMNS)
        cell_width = max(width, 64)
        sheet = np.full((rows * (height + LABEL), COLUMNS * (cell_width + 6), 3), 255, np.uint8)
        for number, (quality, plane) in enumerate(zip(QUALITIES, planes, strict=True)):
            top, left = number // COLUMNS * (height + LABEL), number % COLUMNS * (cell_width + 6)
            sheet[top + LABEL : top + LABEL + height, left : left + width] = colours(plane)
            cv2.putText(
                sheet, f"Q {quality}", (left, top + 20), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (32, 32, 32), 1, cv2.LINE_AA
            )
        return sheet
