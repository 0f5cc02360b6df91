"""The two frames of a photo: the stored raster, and upright as its orientation (EXIF 1..8) requests.

In both, x grows to the right and y downwards from the upper left corner, in pixels.
"""

from typing import NamedTuple

# Stored (x, y) of a W x H photo to upright: X = a x + c y + (e_w W + e_h H), Y = b x + d y + (f_w W + f_h H).
_MAPS = {
    1: (1, 0, 0, 1, (0, 0), (0, 0)),
    2: (-1, 0, 0, 1, (1, 0), (0, 0)),
    3: (-1, 0, 0, -1, (1, 0), (0, 1)),
    4: (1, 0, 0, -1, (0, 0), (0, 1)),
    5: (0, 1, 1, 0, (0, 0), (0, 0)),
    6: (0, 1, -1, 0, (0, 1), (0, 0)),
    7: (0, -1, -1, 0, (0, 1), (1, 0)),
    8: (0, -1, 1, 0, (0, 0), (1, 0)),
}
WORDS = {
    1: "upright as stored",
    2: "mirrored left to right",
    3: "turned by 180 degrees",
    4: "mirrored top to bottom",
    5: "mirrored left to right, then turned by 90 degrees to the left",
    6: "turned by 90 degrees to the right",
    7: "mirrored left to right, then turned by 90 degrees to the right",
    8: "turned by 90 degrees to the left",
}


class Box(NamedTuple):
    """A rectangle of whole pixels; x, y: its upper left corner."""

    x: int
    y: int
    width: int
    height: int


def upright_size(width: int, height: int, orientation: int) -> tuple[int, int]:
    """Return width and height of the upright photo."""
    return (height, width) if orientation >= 5 else (width, height)


def matrix(width: int, height: int, orientation: int) -> tuple[int, int, int, int, int, int]:
    """Return (a, b, c, d, e, f) as SVG defines them: X = a x + c y + e, Y = b x + d y + f, from stored to upright."""
    a, b, c, d, right, down = _MAPS[orientation]
    return (a, b, c, d, right[0] * width + right[1] * height, down[0] * width + down[1] * height)


def upright_box(box: Box, width: int, height: int, orientation: int) -> Box:
    """Return where a rectangle of the stored raster of width x height lies in the upright photo."""
    a, b, c, d, e, f = matrix(width, height, orientation)
    corners = [(box.x, box.y), (box.x + box.width, box.y + box.height)]
    across = sorted(a * x + c * y + e for x, y in corners)
    along = sorted(b * x + d * y + f for x, y in corners)
    return Box(across[0], along[0], across[1] - across[0], along[1] - along[0])
