"""The interface of a view, and the pixels that views are drawn from."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mesorch_cli.evidence.photo import Photo, eight_bits
from mesorch_cli.views.settings import ViewSettings

Picture = NDArray[np.uint8]
"""(H, W, 3) BGR or (H, W) grey."""

MOST_PIXELS = 24_000_000  # pixels that a view processes, which bounds its memory
LONGEST_SIDE = 16_384
CELL = 16  # the part begins at a multiple of this, so that JPEG blocks keep their place


@dataclass(frozen=True)
class Source:
    """A photo prepared for views.

    pixels: (H, W, 3) uint8 RGB, the shown part at full resolution. changes: how it was obtained. thumbnail: the picture
    that the file embeds; None if there is none, or it cannot be read.
    """

    photo: Photo
    pixels: Picture
    changes: tuple[str, ...]
    thumbnail: Photo | None = None


class View(Protocol):
    """One view of a photo. shows, cannot: a sentence each on what it shows and on what it cannot show."""

    name: str
    title: str
    shows: str
    cannot: str

    def missing(self, source: Source, settings: ViewSettings) -> str | None:
        """Return why this view of the photo is impossible, None if it is possible."""

    def draw(self, source: Source, settings: ViewSettings) -> Picture:
        """Return the picture."""


def source_of(photo: Photo, thumbnail: Photo | None = None) -> Source:
    """Return the source of the views: the whole photo, or the middle of a very large one. thumbnail: see Source."""
    height, width = photo.pixels.shape[:2]
    changes = []
    rows, columns = min(height, LONGEST_SIDE), min(width, LONGEST_SIDE)
    if rows * columns > MOST_PIXELS:
        scale = (MOST_PIXELS / (rows * columns)) ** 0.5
        rows, columns = max(1, int(rows * scale)), max(1, int(columns * scale))
    top, left = (height - rows) // 2 // CELL * CELL, (width - columns) // 2 // CELL * CELL
    if (rows, columns) != (height, width):
        changes.append(
            f"The photo has {width} x {height} pixels. The views show its middle, {columns} x {rows} pixels from "
            f"({left}, {top}) on, at full resolution; use --zoom for other parts."
        )
    if photo.pixels.dtype == np.uint16:
        changes.append("The photo has 16 bits a sample. The views show them rounded to 8.")
    part = eight_bits(photo.pixels[top : top + rows, left : left + columns])
    return Source(photo, np.ascontiguousarray(part), tuple(changes), thumbnail)


def too_small(source: Source, side: int) -> str | None:
    """Return a sentence if a photo has fewer than `side` pixels a side, otherwise None."""
    height, width = source.pixels.shape[:2]
    if min(height, width) >= side:
        return None
    return f"The photo has {width} x {height} pixels; this view needs at least {side} a side."
