"""Overlay for people, heat map and mask for programs, as PNG bytes; and the colours of the map."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from mesorch_cli.evidence.storage import allocate
from mesorch_cli.inference.fusion import bands
from mesorch_cli.report.joins import Join
from mesorch_cli.report.outlines import FONT, INK, join, outline

LONGEST_OVERLAY = 2048  # pixels; the heat map keeps the photo's own size
SHORTEST_OVERLAY = 320  # pixels of the long side; smaller photos are enlarged, so that the bar is readable
BAR_WIDTH = 28
BAR_GAP = 14
LABEL_WIDTH = 62
MARGIN = 16
MOST_OPAQUE = 0.4  # of the colour where the map is 1
MIDDLE_GREY = 127
PAPER = 255
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
CLOSE = 0.06  # of the scale; closer labels would overlap
WHITE16 = 65535
COMPRESSION = 2  # of PNG: four fifths of the time of level 4, 4 % more bytes

Map = NDArray[np.float32]
Picture = NDArray[np.uint8]


def png(picture: NDArray[np.uint8] | NDArray[np.uint16]) -> bytes:
    """Encode a grey or BGR picture as PNG. The same picture gives the same bytes."""
    ok, data = cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, COMPRESSION])
    if not ok:
        raise ValueError(f"a picture of {picture.shape} {picture.dtype} cannot be encoded as PNG")
    return data.tobytes()


def heatmap(map_: Map) -> bytes:
    """Return the map at the photo's size as 16-bit grey: value = round(map * 65535)."""
    scaled = allocate(map_.shape, np.uint16)
    for rows in bands(*map_.shape):
        scaled[rows] = np.rint(map_[rows] * np.float32(WHITE16))
    return png(scaled)


def mask(map_: Map, threshold: float) -> bytes:
    """Return the pixels where the map exceeds the threshold as 255, the others as 0, at the photo's size."""
    above = np.greater(map_, np.float32(threshold), out=allocate(map_.shape, np.bool_)).view(np.uint8)
    above *= np.uint8(255)
    return png(above)


def colours(values: Map) -> Picture:
    """Map 0..1 to BGR by the inferno map: dark to bright in even steps, readable without telling red from green."""
    levels = np.rint(np.clip(values, 0.0, 1.0) * 255).astype(np.uint8)
    return np.asarray(cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO), np.uint8)


def blended(photo: Picture, chance: Map, threshold: float) -> Picture:
    """Return a BGR photo in grey under the colours of its map, (H, W), with the outlines of parts above the threshold.

    The colours are translucent everywhere, as an examiner must see the pixels in a region.
    """
    grey = np.repeat(cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY)[..., None], 3, axis=2)
    picture = tinted(np.asarray(grey, np.uint8), chance)
    outline(picture, chance, threshold)
    return picture


def tinted(picture: Picture, values: Map) -> Picture:
    """Return a BGR picture under the colours of values 0..1, with opacity from 0 at 0 to MOST_OPAQUE at 1."""
    opacity = np.asarray((MOST_OPAQUE * np.sqrt(np.clip(values, 0, 1)))[..., None], np.float32)
    return np.asarray(np.rint(picture * (1 - opacity) + colours(values) * opacity), np.uint8)


def scaled(pixels: NDArray[np.unsignedinteger], map_: Map, shortest: int, longest: int) -> tuple[Picture, Map]:
    """Return photo (BGR) and map at one size: at most `longest` pixels a side, and the long side, if it can be reached
    by enlarging eight times, at least `shortest`.
    """
    height, width = map_.shape
    factor = min(1.0, longest / max(height, width))
    factor = max(factor, min(shortest / max(height, width), 8.0))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    photo = np.asarray(cv2.resize(pixels, size, interpolation=how), pixels.dtype)
    if photo.dtype == np.uint16:
        photo = photo // 257
    chance = np.asarray(cv2.resize(map_, size, interpolation=how), np.float32)
    return np.ascontiguousarray(photo[..., ::-1], np.uint8), chance


def overlay(pixels: NDArray[np.unsignedinteger], map_: Map, threshold: float, joins: Sequence[Join] = ()) -> bytes:
    """Return the photo in grey under its map, the outlines of regions, joined parts, and a colour bar of the range 0..1.

    pixels: (H, W, 3) RGB uint8 or uint16. The photo is shown in its stored raster, on LONGEST_OVERLAY pixels at most.
    """
    photo, chance = scaled(pixels, map_, SHORTEST_OVERLAY, LONGEST_OVERLAY)
    picture = blended(photo, chance, threshold)
    join(picture, joins, map_.shape[1], map_.shape[0])
    bar_height = max(picture.shape[0], 160)
    width = MARGIN + picture.shape[1] + BAR_GAP + BAR_WIDTH + LABEL_WIDTH
    sheet = np.full((bar_height + 2 * MARGIN, width, 3), PAPER, np.uint8)
    sheet[MARGIN : MARGIN + picture.shape[0], MARGIN : MARGIN + picture.shape[1]] = picture
    bar(sheet, MARGIN + picture.shape[1] + BAR_GAP, MARGIN, bar_height, threshold, through=True)
    return png(sheet)


def bar(sheet: Picture, left: int, top: int, height: int, threshold: float, *, through: bool = False) -> None:
    """Draw the colours of the map from 0 to 1 with their values and the threshold's mark.

    through: as they look over a photo of middle grey.
    """
    ramp = np.repeat(np.linspace(1, 0, height, dtype=np.float32)[:, None], BAR_WIDTH, axis=1)
    grey = np.full((*ramp.shape, 3), MIDDLE_GREY, np.uint8)
    sheet[top : top + height, left : left + BAR_WIDTH] = tinted(grey, ramp) if through else colours(ramp)
    cv2.rectangle(sheet, (left - 1, top - 1), (left + BAR_WIDTH, top + height), INK, 1)
    labels = {value: f"{value:g}" for value in TICKS if abs(value - threshold) > CLOSE or value in (0, 1)}
    if CLOSE < threshold < 1 - CLOSE:
        labels[threshold] = f"> {threshold:.2f}"
    for value, text in labels.items():
        y = top + round((1 - value) * (height - 1))
        cv2.line(sheet, (left + BAR_WIDTH - 6, y), (left + BAR_WIDTH + 4, y), INK, 1)
        cv2.putText(sheet, text, (left + BAR_WIDTH + 8, y + 5), FONT, 0.45, INK, 1, cv2.LINE_AA)
