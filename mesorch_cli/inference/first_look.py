"""Which native tiles of a photo can be left out after a first look at the whole of it.

At native size, most of a large photo's tiles are sky, walls or blur. Where a tile has hardly any detail, and the views of
the whole photo see nothing there, it adds nothing to the map (measured: docs/speed.md).
"""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from mesorch_cli.evidence.photo import eight_bits
from mesorch_cli.inference.fusion import Fusion, sigmoid_in_place
from mesorch_cli.inference.passes import Pass, Pixels
from mesorch_cli.inference.tiling import Tile
from mesorch_cli.network.rules import FirstLookRule

DETAIL_SIGMA = 2.0  # pixels; detail is what a blur of this width leaves, so that grain is none


def detail(pixels: Pixels) -> float:
    """Return the mean step of brightness from a pixel to the next across and down, added, in grey levels of 255.

    pixels: (H, W, 3) RGB. Noise is blurred away before.
    """
    brightness = cv2.cvtColor(np.ascontiguousarray(eight_bits(pixels)), cv2.COLOR_RGB2GRAY)
    smooth = cv2.GaussianBlur(brightness, (0, 0), DETAIL_SIGMA).astype(np.float32)
    steps = (np.abs(np.diff(smooth, axis=axis)) for axis in (0, 1))
    return float(sum(step.mean() if step.size else 0.0 for step in steps))


def looks(passes: Sequence[Pass], rule: FirstLookRule | None) -> int:
    """Return how many passes come before the rule decides: those of the whole photo, 0 without a rule or without tiles."""
    whole = next((index for index, one in enumerate(passes) if one.scale.kind == "tiles"), 0)
    return 0 if rule is None else whole


def thinned(one: Pass, seen: Fusion, height: int, width: int, rule: FirstLookRule) -> Pass:
    """Return a pass of tiles without those that the rule leaves out.

    seen: what the views of the whole photo, (height, width), say so far.
    """
    highest = {tile: seen.highest(*_place(tile, one, height, width)) for tile in one.plan}
    probability = np.array([*highest.values()], np.float32)
    sigmoid_in_place(probability[None])
    quiet = probability < rule.share * probability.max()
    left_out = (
        tile
        for tile, nothing in zip(highest, quiet, strict=True)
        if nothing and detail(one.pixels[tile.rows, tile.columns]) < rule.detail
    )
    return replace(one, left_out=frozenset(left_out))


def _place(tile: Tile, one: Pass, height: int, width: int) -> tuple[slice, slice]:
    """Return the rows and columns of the photo that a tile of its own scale touches."""
    rows, columns = height / one.plan.height, width / one.plan.width
    left, right = tile.columns.start, tile.columns.stop
    if one.flipped:
        left, right = one.plan.width - right, one.plan.width - left
    return (
        slice(int(tile.rows.start * rows), int(np.ceil(tile.rows.stop * rows))),
        slice(int(left * columns), int(np.ceil(right * columns))),
    )
