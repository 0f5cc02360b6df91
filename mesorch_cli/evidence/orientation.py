"""From the stored raster to the upright picture: the eight EXIF orientations as maps of places."""

from typing import NamedTuple


class Box(NamedTuple):
    """A rectangle of pixels: left, top, width, height."""

    x: int
    y: int
    width: int
    height: int


def upright_size(width: int, height: int, orientation: int) -> tuple[int, int]:
    """Return (width, height) of the picture as a viewer shows it."""
    return (height, width) if orientation >= 5 else (width, height)


def upright_box(box: Box, width: int, height: int, orientation: int) -> Box:
    """Return where `box`, in the stored raster of `width` x `height` pixels, lies in the picture as a viewer shows it.

    orientation: 1 to 8 as in EXIF; 1 changes nothing.
    """
    x, y, w, h = box
    right, below = width - x - w, height - y - h  # distances to the other two edges
    places = {
        1: (x, y),
        2: (right, y),
        3: (right, below),
        4: (x, below),
        5: (y, x),
        6: (below, x),
        7: (below, right),
        8: (y, right),
    }
    return Box(*places[orientation], *((h, w) if orientation >= 5 else (w, h)))
