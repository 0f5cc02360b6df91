"""Splicing: an object or a piece of another photo is put into this one."""

from collections.abc import Callable

import cv2
import numpy as np

from mesorch_cli.forge.compositing import Change, harmonised, paste, ring_around, surroundings_of
from mesorch_cli.forge.donors import Plane, cut_out, picked_object
from mesorch_cli.forge.patch import Patch, Pixels, Step, chance, drawn, flipped, rotated, scaled, tilted
from mesorch_cli.forge.shapes import Mask, drawn_area, place, region, snapped

SMALLEST_FACTOR, LARGEST_FACTOR = 0.15, 2.0  # of scaling an object
LARGEST_BOX = 1.2  # of the host's sides, which may cut an object off
LARGE_AREAS = (0.1, 0.4)  # shares of the photo: whole objects, as in real forgeries in circulation
CANDIDATES = 12  # windows of the donor from which a piece is chosen
FITTING_SHARE = 0.85  # of pieces chosen to fit their surroundings
SNAPPED_SHARE = 0.75  # of pieces with outlines that follow edges in the donor
PARTS = (0.84, 0.1, 0.06)  # shares of one, two and three objects or pieces of the donor in one photo


def splice(
    rng: np.random.Generator,
    host: Pixels,
    donor: Pixels,
    plane: Plane | None,
    area_range: tuple[float, float],
    large_share: float = 0.0,
) -> Change | None:
    """Return the host with a part of the donor in it, None if that failed.

    plane: the donor's objects (see Donor), None to take a piece of any shape. large_share: how often an object's area
    is drawn from LARGE_AREAS instead of the whole range.
    """
    low, high = max(area_range[0], LARGE_AREAS[0]), min(area_range[1], LARGE_AREAS[1])
    large = plane is not None and chance(rng, large_share) and low < high
    wanted = drawn_area(rng, (low, high) if large else area_range)
    count = 1 + int(rng.choice(len(PARTS), p=PARTS))
    result, mask, parts = host, np.zeros(host.shape[:2], bool), []
    for _ in range(count):
        share = max(area_range[0], wanted / count)
        change = (
            _splice_piece(rng, result, donor, share)
            if plane is None
            else _splice_object(rng, result, donor, plane, share)
        )
        if change is not None:
            result = change.pixels
            mask |= change.mask
            parts.append(change.parameters)
    return Change(result, mask, {"parts": parts}) if parts else None


def transformed(
    rng: np.random.Generator, patch: Patch, *, flip: float, rotate: float, spread: float, tilt: float
) -> tuple[Patch, list[Step]]:
    """Return the patch after drawn transforms, by the share of each and the spread of rotations in degrees."""
    wanted: list[Callable[[Patch], tuple[Patch, Step]]] = []
    if chance(rng, flip):
        wanted.append(flipped)
    if chance(rng, rotate):
        degrees = round(float(rng.normal(0, spread)), 4)
        wanted.append(lambda patch: rotated(rng, patch, degrees))
    if chance(rng, tilt):
        strength = drawn(rng, 0.03, 0.15)
        wanted.append(lambda patch: tilted(rng, patch, strength))
    steps = []
    for transform in wanted:
        patch, step = transform(patch)
        steps.append(step)
    return patch, steps


def _splice_object(rng: np.random.Generator, host: Pixels, donor: Pixels, plane: Plane, share: float) -> Change | None:
    picked = picked_object(rng, plane)
    if picked is None:
        return None
    opacity, parameters = picked
    if plane.dtype != np.uint8 and chance(rng, 0.5):
        # A careful forger cuts just inside the object, so that none of its old background remains.
        opacity = cv2.erode(opacity, np.ones((3, 3), np.uint8)).astype(np.float32)
        parameters["trimmed"] = 1
    patch = cut_out(donor, opacity)
    if patch is None:
        return None
    height, width = host.shape[:2]
    factor = float(np.sqrt(share * height * width / max(1.0, float(patch.opacity.sum()))))
    factor = min(factor, LARGEST_BOX * height / patch.opacity.shape[0], LARGEST_BOX * width / patch.opacity.shape[1])
    factor = float(np.clip(factor, SMALLEST_FACTOR, LARGEST_FACTOR))
    steps: list[Step] = []
    if not (0.8 < factor < 1.25 and chance(rng, 0.5)):
        patch, step = scaled(rng, patch, factor)
        steps.append(step)
    patch, turns = transformed(rng, patch, flip=0.5, rotate=0.3, spread=5, tilt=0.12)
    y, x = place(rng, height, width, patch.opacity.shape, patch.cut)
    patch, looks = harmonised(rng, patch, surroundings_of(host, y, x, patch.opacity.shape))
    turns += looks
    # A cut-out with its own opacity already has soft edges. Others get theirs here.
    change = paste(rng, host, patch, y, x, "own" if plane.dtype == np.uint8 and chance(rng, 0.7) else None)
    return _described(change, parameters | {"transforms": steps + turns})


def _splice_piece(rng: np.random.Generator, host: Pixels, donor: Pixels, share: float) -> Change | None:
    height, width = host.shape[:2]
    mask, shape = region(rng, height, width, share)
    y, x = place(rng, height, width, mask.shape)
    factor = 1.0 if chance(rng, 0.4) else round(float(np.exp(rng.uniform(np.log(0.5), np.log(1.6)))), 4)
    rows = min(donor.shape[0], max(8, round(mask.shape[0] / factor)))
    columns = min(donor.shape[1], max(8, round(mask.shape[1] / factor)))
    fitting = chance(rng, FITTING_SHARE)
    at = _window(rng, host, donor, mask, (y, x), (rows, columns), CANDIDATES if fitting else 1)
    pixels = np.ascontiguousarray(donor[at[0] : at[0] + rows, at[1] : at[1] + columns])
    small = cv2.resize(mask.astype(np.uint8), (columns, rows), interpolation=cv2.INTER_NEAREST) > 0
    if min(rows, columns) >= 32 and chance(rng, SNAPPED_SHARE):
        small, shape = snapped(pixels, small), f"{shape}, snapped to edges"
    patch = Patch.of(pixels, small)
    steps: list[Step] = []
    if factor != 1.0:
        patch, step = scaled(rng, patch, factor)
        steps.append(step)
    before = patch.opacity.shape
    patch, turns = transformed(rng, patch, flip=0.5, rotate=0.35, spread=12, tilt=0.15)
    y, x = y + (before[0] - patch.opacity.shape[0]) // 2, x + (before[1] - patch.opacity.shape[1]) // 2
    patch, looks = harmonised(rng, patch, surroundings_of(host, y, x, patch.opacity.shape))
    turns += looks
    taken = {"y": at[0], "x": at[1], "height": rows, "width": columns}
    parameters: Step = {"shape": shape, "taken": taken, "fitting": fitting, "transforms": steps + turns}
    return _described(paste(rng, host, patch, y, x), parameters)


def _window(
    rng: np.random.Generator,
    host: Pixels,
    donor: Pixels,
    mask: Mask,
    goal: tuple[int, int],
    size: tuple[int, int],
    candidates: int,
) -> tuple[int, int]:
    """Return (y, x) of the drawn donor window whose pixels are most like those around the goal."""
    rows, columns = size
    around = surroundings_of(host, *goal, mask.shape)
    small = cv2.resize(np.ascontiguousarray(around), (24, 24), interpolation=cv2.INTER_AREA).astype(np.float32)
    weight = cv2.resize(mask.astype(np.uint8), (24, 24), interpolation=cv2.INTER_NEAREST) > 0
    ring = ring_around(weight, 2)
    best = (np.inf, 0, 0)
    for _ in range(candidates):
        y, x = int(rng.integers(0, donor.shape[0] - rows + 1)), int(rng.integers(0, donor.shape[1] - columns + 1))
        if candidates == 1:
            return y, x
        seen = cv2.resize(np.ascontiguousarray(donor[y : y + rows, x : x + columns]), (24, 24)).astype(np.float32)
        best = min(best, (float(np.abs(seen - small)[ring].mean()), y, x))
    return best[1], best[2]


def _described(change: Change | None, parameters: Step) -> Change | None:
    return None if change is None else Change(change.pixels, change.mask, parameters | {"paste": change.parameters})
