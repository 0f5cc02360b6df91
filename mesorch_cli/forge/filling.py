"""Fills a hole from the photo around it: by diffusion, with one fitting patch, or with many small ones."""

import cv2
import numpy as np

from mesorch_cli.forge.compositing import ring_around
from mesorch_cli.forge.patch import Pixels, Step, drawn
from mesorch_cli.forge.shapes import Mask

DIFFUSION_MARGIN = 12  # pixels around the hole that the diffusion uses
METHODS = {"telea": cv2.INPAINT_TELEA, "navier-stokes": cv2.INPAINT_NS}
CANDIDATES = 24  # places from which one fitting patch is chosen
RING = 5  # pixels around a hole in which a patch is compared
BLOCKS = 7  # along the longer side of a hole, when it is filled by blocks
SMALLEST_BLOCK, LARGEST_BLOCK = 8, 36
BLOCK_CANDIDATES = 14  # places drawn for each block, besides those that continue its neighbours
REACH = 2.5  # of the hole's longer side: how far away blocks are searched


def diffused(rng: np.random.Generator, host: Pixels, hole: Mask, y: int, x: int) -> tuple[Pixels, Step]:
    """Return the pixels of the box at (y, x), with its hole filled from the border by Telea or Navier-Stokes."""
    rows, columns = hole.shape
    top, left = max(0, y - DIFFUSION_MARGIN), max(0, x - DIFFUSION_MARGIN)
    part = np.ascontiguousarray(host[top : y + rows + DIFFUSION_MARGIN, left : x + columns + DIFFUSION_MARGIN])
    flags = np.zeros(part.shape[:2], np.uint8)
    flags[y - top : y - top + rows, x - left : x - left + columns] = hole
    method = list(METHODS)[int(rng.integers(len(METHODS)))]
    radius = drawn(rng, 2, 5)
    filled = cv2.inpaint(part, flags, radius, METHODS[method])
    inner = filled[y - top : y - top + rows, x - left : x - left + columns]
    return np.ascontiguousarray(inner, dtype=np.uint8), {"filling": method, "radius": radius}


def one_patch(rng: np.random.Generator, host: Pixels, hole: Mask, y: int, x: int) -> tuple[Pixels, Step] | None:
    """Return the box in the same photo whose surroundings are most like the hole's; None without one.

    Raises nothing; the hole's box must lie inside the photo.
    """
    rows, columns = hole.shape
    ring = ring_around(hole, RING)
    wanted = host[y : y + rows, x : x + columns][ring].astype(np.int16)
    best: tuple[float, int, int] | None = None
    for _ in range(CANDIDATES):
        other_y = int(rng.integers(0, host.shape[0] - rows + 1))
        other_x = int(rng.integers(0, host.shape[1] - columns + 1))
        if abs(other_y - y) < 0.6 * rows and abs(other_x - x) < 0.6 * columns:
            continue
        seen = host[other_y : other_y + rows, other_x : other_x + columns][ring]
        error = float(np.abs(seen - wanted).mean())
        if best is None or error < best[0]:
            best = (error, other_y, other_x)
    if best is None:
        return None
    taken = host[best[1] : best[1] + rows, best[2] : best[2] + columns]
    return np.ascontiguousarray(taken), {"filling": "one patch", "source": {"y": best[1], "x": best[2]}}


def by_blocks(rng: np.random.Generator, host: Pixels, hole: Mask, y: int, x: int) -> tuple[Pixels, Step] | None:
    """Return the box at (y, x), with its hole filled from the border inwards by blocks from examples.

    Candidates are places drawn near the hole and places that continue neighbouring blocks. The one that agrees best
    with the known pixels is used (Criminisi et al. 2004; propagation as in Barnes et al. 2009). None if the photo has
    no room for examples.
    """
    rows, columns = hole.shape
    block = min(LARGEST_BLOCK, max(SMALLEST_BLOCK, -(-max(rows, columns) // BLOCKS)))
    margin = max(3, block // 3)
    top, left = max(0, y - margin), max(0, x - margin)
    bottom, right = min(host.shape[0], y + rows + margin), min(host.shape[1], x + columns + margin)
    canvas = host[top:bottom, left:right].copy()
    missing = np.zeros(canvas.shape[:2], bool)
    missing[y - top : y - top + rows, x - left : x - left + columns] = hole
    whole = np.zeros(host.shape[:2], bool)
    whole[top:bottom, left:right] = missing
    depth = cv2.distanceTransform(missing.astype(np.uint8), cv2.DIST_L2, 3)
    corners = [(at_y, at_x) for at_y in range(0, rows + margin, block) for at_x in range(0, columns + margin, block)]
    order = sorted(corners, key=lambda at: float(depth[at[0] : at[0] + block, at[1] : at[1] + block].max(initial=0)))
    offsets: dict[tuple[int, int], tuple[int, int]] = {}
    for at in order:
        window = np.s_[max(0, at[0] - margin) : at[0] + block + margin, max(0, at[1] - margin) : at[1] + block + margin]
        inner = np.zeros(missing.shape, bool)
        inner[at[0] : at[0] + block, at[1] : at[1] + block] = True
        wanted = (missing & inner)[window]
        if not wanted.any():
            continue
        known = ~missing[window]
        if not known.any():
            return None
        start = (top + window[0].start, left + window[1].start)
        near = [offsets[beside] for beside in _beside(at, block) if beside in offsets]
        found = _best_offset(rng, host, whole, canvas[window], known, start, near, max(rows, columns))
        if found is None:
            return None
        offsets[at] = found
        source_y, source_x = start[0] + found[0], start[1] + found[1]
        example = host[source_y : source_y + known.shape[0], source_x : source_x + known.shape[1]]
        _blended(canvas[window], example, wanted, whole[top:bottom, left:right][window], margin)
        missing[window] &= ~wanted
    return np.ascontiguousarray(canvas[y - top : y - top + rows, x - left : x - left + columns]), {
        "filling": "blocks by example",
        "block": block,
    }


def _blended(canvas: Pixels, example: Pixels, wanted: Mask, hole: Mask, margin: int) -> None:
    """Write an example into the wanted pixels, and fade it over the margin into the filled pixels beside them."""
    distance = cv2.distanceTransform((~wanted).astype(np.uint8), cv2.DIST_L2, 3)
    share = (np.clip(1 - distance / margin, 0, 1) * hole)[..., None]
    mixed = canvas * (1 - share) + example * share
    canvas[...] = np.clip(mixed + 0.5, 0, 255).astype(np.uint8)


def _best_offset(
    rng: np.random.Generator,
    host: Pixels,
    hole: Mask,
    seen: Pixels,
    known: Mask,
    start: tuple[int, int],
    near: list[tuple[int, int]],
    side: int,
) -> tuple[int, int] | None:
    """Return the offset from `start` to the example that agrees best with the known pixels; None without one."""
    rows, columns = known.shape
    reach = int(REACH * side)
    low = (max(0, start[0] - reach), max(0, start[1] - reach))
    high = (min(host.shape[0] - rows, start[0] + reach), min(host.shape[1] - columns, start[1] + reach))
    places = [(start[0] + offset[0], start[1] + offset[1]) for offset in near]
    drawn_y = rng.integers(low[0], high[0] + 1, BLOCK_CANDIDATES)
    drawn_x = rng.integers(low[1], high[1] + 1, BLOCK_CANDIDATES)
    places += [(int(at_y), int(at_x)) for at_y, at_x in zip(drawn_y, drawn_x, strict=True)]
    coarse = np.s_[::2, ::2]
    weight = known[coarse]
    if not weight.any():
        coarse, weight = np.s_[::1, ::1], known
    wanted = seen[coarse][weight].astype(np.int16)
    best: tuple[float, int, int] | None = None
    for at_y, at_x in places:
        if not (0 <= at_y <= host.shape[0] - rows and 0 <= at_x <= host.shape[1] - columns):
            continue
        if hole[at_y : at_y + rows, at_x : at_x + columns].any():
            continue
        example = host[at_y : at_y + rows, at_x : at_x + columns][coarse][weight]
        error = float(np.abs(example - wanted).mean())
        if best is None or error < best[0]:
            best = (error, at_y - start[0], at_x - start[1])
    return None if best is None else best[1:]


def _beside(at: tuple[int, int], block: int) -> list[tuple[int, int]]:
    return [(at[0] + block * down, at[1] + block * across) for down in (-1, 0, 1) for across in (-1, 0, 1)]
