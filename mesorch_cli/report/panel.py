"""Photo, map and outlines side by side, with the map's scale: one picture for a written report."""

import textwrap
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from mesorch_cli.evidence.orientation import WORDS
from mesorch_cli.inference.regions import WEAK_MEAN, Region
from mesorch_cli.report.joins import Join, legend_of
from mesorch_cli.report.outlines import FONT, INK, join, number, outline
from mesorch_cli.report.overlay import BAR_GAP, BAR_WIDTH, LABEL_WIDTH, MARGIN, PAPER, bar, colours, png, scaled

LONGEST_PART = 800  # pixels a side of each of the three parts
SHORTEST_PART = 400  # pixels of the long side; smaller photos are enlarged
LEAST_WIDTH = 300  # pixels of a part, with room for its title
GAP, TITLE, LINE, LETTER = 12, 26, 20, 7.5  # pixels
STACKED_FROM = 2.5  # times as wide as high; then the parts are stacked

Map = NDArray[np.float32]
Picture = NDArray[np.uint8]


def panel(
    pixels: NDArray[np.unsignedinteger],
    map_: Map,
    threshold: float,
    regions: Sequence[Region],
    orientation: int,
    joins: Sequence[Join] = (),
) -> bytes:
    """Return PNG bytes of photo, map and outlined photo in the stored raster, with the colour scale.

    pixels: (H, W, 3) RGB uint8 or uint16. regions: in the order of the record. orientation: EXIF, 1 to 8; named below.
    """
    height, width = map_.shape
    photo, chance = scaled(pixels, map_, SHORTEST_PART, LONGEST_PART)
    outlined = photo.copy()
    outline(outlined, chance, threshold)
    join(outlined, joins, width, height)
    number(outlined, regions, width, height)
    parts = [("Photo", photo), ("Map", colours(chance)), ("Outlines of regions", outlined)]
    foot = f"Outlines: map above {threshold:.2f}, the photo's threshold. "
    foot += f"Dim, without a number: weak regions (mean below {WEAK_MEAN:g}). "
    foot += f"Blue: {legend_of(joins)}. " if joins else ""
    foot += f"Stored raster, {width} x {height} pixels."
    if orientation != 1:
        foot += f" Orientation {orientation}, not applied: {WORDS[orientation]}."
    return png(_arranged(parts, foot, threshold, stacked=width >= STACKED_FROM * height))


def _arranged(parts: list[tuple[str, Picture]], foot: str, threshold: float, *, stacked: bool) -> Picture:
    """Put parts of one size on white paper, each under its title, the scale at the right and the foot below."""
    along, across = parts[0][1].shape[:2]
    step_x, step_y = max(across, LEAST_WIDTH) + GAP, along + TITLE
    columns, rows = (1, len(parts)) if stacked else (len(parts), 1)
    bar_left = MARGIN + columns * step_x - GAP + BAR_GAP
    bottom = MARGIN + rows * step_y
    bar_height = max(bottom - MARGIN - TITLE, 120)
    bottom = max(bottom, MARGIN + TITLE + bar_height)
    width = bar_left + BAR_WIDTH + LABEL_WIDTH
    lines = textwrap.wrap(foot, round((width - 2 * MARGIN) / LETTER))
    sheet = np.full((bottom + LINE * len(lines) + MARGIN, width, 3), PAPER, np.uint8)
    for index, (title, picture) in enumerate(parts):
        x, y = (MARGIN, MARGIN + index * step_y) if stacked else (MARGIN + index * step_x, MARGIN)
        cv2.putText(sheet, title, (x, y + 16), FONT, 0.55, INK, 1, cv2.LINE_AA)
        sheet[y + TITLE : y + TITLE + along, x : x + across] = picture
    bar(sheet, bar_left, MARGIN + TITLE, bar_height, threshold)
    for index, line in enumerate(lines, start=1):
        cv2.putText(sheet, line, (MARGIN, bottom + LINE * index), FONT, 0.45, INK, 1, cv2.LINE_AA)
    return sheet
