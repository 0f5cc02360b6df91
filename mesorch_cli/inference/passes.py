"""What the network sees of a photo: the scales that add information, each with the tiles that cover it."""

from dataclasses import dataclass

import cv2
import numpy as np

from mesorch_cli.inference.backends.protocol import Tiles
from mesorch_cli.inference.settings import Settings
from mesorch_cli.inference.tiling import Plan, Tile
from mesorch_cli.network.rules import Scale

FEATURELESS_RANGE = 1 / 255  # of white: a tile within one grey level per channel is only rounding
GLANCE = 16  # every 16th pixel is checked first, which nearly always shows that a tile has features


Pixels = Tiles


@dataclass(frozen=True)
class Variation:
    """The same analysis of the same photo in another way, to see what stays.

    shifted: tiles lie halfway between those of the usual grid. mirrored: every scale sees the photo with left and right
    exchanged; the one that always does then sees it as it is.
    """

    shifted: bool = False
    mirrored: bool = False


AS_USUAL = Variation()


@dataclass(frozen=True)
class Pass:
    """One scale of one photo: the pixels it sees and the tiles that cover them.

    flipped: left and right are exchanged. left_out: tiles that are not analysed, see `first_look`.
    """

    scale: Scale
    pixels: Pixels
    plan: Plan
    flipped: bool = False
    left_out: frozenset[Tile] = frozenset()


def is_featureless(pixels: Pixels) -> bool:
    """Return whether every channel of (H, W, 3) pixels stays within one grey level of 255."""
    limit = FEATURELESS_RANGE * np.iinfo(pixels.dtype).max
    sample = pixels[::GLANCE, ::GLANCE]
    if (sample.max(axis=(0, 1)).astype(np.int64) - sample.min(axis=(0, 1)) > limit).any():
        return False
    spread = pixels.max(axis=(0, 1)).astype(np.int64) - pixels.min(axis=(0, 1))
    return bool((spread <= limit).all())


def scale_size(scale: Scale, height: int, width: int, side: int) -> tuple[int, int]:
    """Return the size at which a scale sees a photo, (height, width). Photos are shrunk for tiles, never enlarged."""
    if scale.kind != "tiles":
        return side, side
    factor = min(1.0, (scale.long_side or max(height, width)) / max(height, width))
    return max(1, round(height * factor)), max(1, round(width * factor))


def passes_of(pixels: Pixels, settings: Settings, variation: Variation = AS_USUAL) -> list[Pass]:
    """Return the scales that add information about this photo, in order; of equal tile scales, the last."""
    height, width = pixels.shape[:2]
    chosen: dict[tuple[str, int, int], Scale] = {}
    for scale in settings.scales:
        key = (scale.kind, *scale_size(scale, height, width, settings.side))
        chosen.pop(key, None)
        chosen[key] = scale
    result = []
    for (kind, seen_height, seen_width), scale in chosen.items():
        seen: Pixels = pixels
        if (seen_height, seen_width) != (height, width):
            # The published pipeline squashes without antialiasing. Shrinking for tiles is ours and uses it.
            how = cv2.INTER_AREA if kind == "tiles" else cv2.INTER_LINEAR
            seen = cv2.resize(pixels, (seen_width, seen_height), interpolation=how)  # type: ignore[assignment]
        flipped = (kind == "mirrored") != variation.mirrored
        if flipped:
            seen = np.ascontiguousarray(seen[:, ::-1])
        plan = Plan(seen_height, seen_width, settings.side, settings.overlap, variation.shifted)
        result.append(Pass(scale, seen, plan, flipped))
    return result
