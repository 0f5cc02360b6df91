"""Puts a patch into a photo, with one of several kinds of edge, and light and grain from the surroundings."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mesorch_cli.forge.matte import grain_matched, matted
from mesorch_cli.forge.patch import FAINTEST, Patch, Pixels, Step, chance, drawn
from mesorch_cli.forge.shapes import Mask, window_of

FEWEST_PIXELS = 30  # of a region inside the photo; fewer make no forgery
EDGES = {"hard": 0.1, "soft": 0.36, "feathered": 0.2, "gradient domain": 0.12, "matte": 0.22}
HARMONISED_SHARE = 0.35  # of light corrections that go nearly all the way to the surroundings
LIT_SHARE, GRAIN_SHARE = 0.65, 0.45
SAMPLED = 40_000  # pixels for measuring a mean and a deviation
SOFTEST = 2.5  # sigma in pixels of a soft edge; most have the half pixel of an anti-aliased selection
COARSEST, FINEST = 12, 96  # pixels of the longest side on which the correction is solved
SWEEPS = 40  # of the relaxation, at each size
PERCEPTIBLE = 2  # grey levels; less is lost in the next JPEG
MARGIN = 6  # pixels of host around a region in which its correction is measured


@dataclass(frozen=True)
class Change:
    """A changed photo: pixels (H, W, 3), the mask (H, W) of every touched pixel, and what was done.

    Outside the mask, no pixel differs from the previous photo.
    """

    pixels: Pixels
    mask: Mask
    parameters: Step


def light_matched(rng: np.random.Generator, patch: Patch, surroundings: Pixels) -> tuple[Patch, Step]:
    """Move a patch's colours part of the way to the surroundings (Reinhard et al. 2001: mean and deviation in Lab)."""
    mask = patch.mask
    if mask.sum() < FEWEST_PIXELS or surroundings.size == 0:
        return patch, {}
    lab = cv2.cvtColor(patch.pixels, cv2.COLOR_RGB2LAB)
    own = lab[mask][:: max(1, int(mask.sum()) // SAMPLED)].astype(np.float32)
    shown = np.ascontiguousarray(
        surroundings[:: max(1, surroundings.shape[0] // 256), :: max(1, surroundings.shape[1] // 256)]
    )
    host = cv2.cvtColor(shown, cv2.COLOR_RGB2LAB).astype(np.float32).reshape(-1, 3)
    strength = drawn(rng, 0.15, 0.7) if not chance(rng, HARMONISED_SHARE) else drawn(rng, 0.7, 1.0)
    mean, deviation = own.mean(axis=0), own.std(axis=0) + 1
    gain = 1 - strength + strength * np.clip((host.std(axis=0) + 1) / deviation, 0.7, 1.4)
    shift = np.clip(host.mean(axis=0) - mean, -45, 45) * strength  # a dark object on snow stays a dark object
    values = np.arange(256, dtype=np.float32)[:, None]
    table = np.clip((values - mean) * gain + mean + shift + 0.5, 0, 255).astype(np.uint8)
    matched = cv2.cvtColor(cv2.LUT(lab, np.ascontiguousarray(table[None])), cv2.COLOR_LAB2RGB)
    return Patch(np.asarray(matched, np.uint8), patch.opacity, patch.cut), {"step": "light", "strength": strength}


def harmonised(rng: np.random.Generator, patch: Patch, surroundings: Pixels) -> tuple[Patch, list[Step]]:
    """Give a patch, by share, the light and grain of its surroundings."""
    steps = []
    if chance(rng, LIT_SHARE):
        patch, step = light_matched(rng, patch, surroundings)
        steps.append(step)
    if chance(rng, GRAIN_SHARE) and surroundings.size:
        patch, step = grain_matched(rng, patch, surroundings)
        steps.append(step)
    return patch, [step for step in steps if step]


def surroundings_of(host: Pixels, y: int, x: int, box: tuple[int, int]) -> Pixels:
    """Return the part of the host under a box at (y, x), extended by a quarter of its size on every side."""
    tall, wide = box
    return host[
        max(0, y - tall // 4) : max(0, y + tall + tall // 4), max(0, x - wide // 4) : max(0, x + wide + wide // 4)
    ]


def clipped(patch: Patch, size: tuple[int, int], y: int, x: int) -> tuple[Patch, int, int] | None:
    """Return the part of a patch at (y, x) inside a photo of size (H, W), and its place; None if it is too small."""
    height, width = size
    rows, columns = patch.opacity.shape
    top, left, bottom, right = max(0, y), max(0, x), min(height, y + rows), min(width, x + columns)
    if bottom - top < 4 or right - left < 4:
        return None
    window = np.s_[top - y : bottom - y, left - x : right - x]
    part = Patch(np.ascontiguousarray(patch.pixels[window]), np.ascontiguousarray(patch.opacity[window]))
    return None if part.mask.sum() < FEWEST_PIXELS else (part, top, left)


def paste(
    rng: np.random.Generator, host: Pixels, patch: Patch, y: int, x: int, edge: str | None = None
) -> Change | None:
    """Return the host with the patch at (y, x), None if too little of the patch is inside the host.

    edge: one of EDGES, or "own" for the opacity as it is; drawn if not given.
    """
    inside = clipped(patch, (host.shape[0], host.shape[1]), y, x)
    if inside is None:
        return None
    patch, top, left = inside
    if edge is None:
        edge = list(EDGES)[int(rng.choice(len(EDGES), p=list(EDGES.values())))]
    parameters: Step = {"y": top, "x": left, "edge": edge}
    window = np.s_[top : top + patch.opacity.shape[0], left : left + patch.opacity.shape[1]]
    pixels, opacity = patch.pixels, patch.opacity
    if edge == "hard":
        opacity = (opacity > 0.5).astype(np.float32)
    elif edge == "soft":
        parameters["sigma"] = round(float(np.exp(rng.uniform(np.log(0.4), np.log(SOFTEST)))), 4)
        opacity = softened(opacity, parameters["sigma"])
    elif edge == "feathered":
        parameters["width"] = drawn(rng, 1.0, 5.0)
        opacity = feathered(opacity, parameters["width"])
    elif edge == "matte":
        parameters["radius"] = int(rng.integers(2, 9))
        opacity = matted(pixels, (opacity > 0.5).astype(np.float32), parameters["radius"])
    elif edge == "gradient domain":
        mask = opacity > 0.5
        if mask.sum() < FEWEST_PIXELS:
            return None
        pixels, opacity = gradient_domain(host, pixels, mask, top, left), mask.astype(np.float32)
    opacity = np.where(opacity < FAINTEST, np.float32(0), opacity)
    if np.count_nonzero(opacity) < FEWEST_PIXELS:
        return None
    result, touched = host.copy(), np.zeros(host.shape[:2], bool)
    mixed = result[window] * (1 - opacity[..., None]) + pixels * opacity[..., None]
    result[window] = np.clip(mixed + 0.5, 0, 255).astype(np.uint8)
    touched[window] = opacity > 0
    return Change(result, touched, parameters)


def softened(opacity: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Return an opacity with an outline blurred on both sides, as in an anti-aliased or feathered selection."""
    outline = (opacity > 0.5).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(outline, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE), np.float32)


def feathered(opacity: NDArray[np.float32], width: float) -> NDArray[np.float32]:
    """Return an opacity that rises over `width` pixels inwards from a region's outline, and is zero outside."""
    depth = cv2.distanceTransform((opacity > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    ramp = np.clip(depth / (width + 1), 0, 1)
    return np.asarray(ramp * ramp * (3 - 2 * ramp) * (opacity > 0.5), np.float32)


def gradient_domain(host: Pixels, pixels: Pixels, mask: Mask, top: int, left: int) -> Pixels:
    """Return the pixels of a patch after the smoothest correction that makes them meet the host along the mask.

    That is the solution of the Poisson equation with the patch's gradients (Perez et al. 2003). The correction is
    harmonic inside the mask and known around it. It is found by relaxation from coarse to fine, on a grid of at most
    FINEST cells a side, so its time does not grow with the region.
    """
    rows, columns = mask.shape
    bounds = (max(0, top - MARGIN), max(0, left - MARGIN))
    around = host[bounds[0] : top + rows + MARGIN, bounds[1] : left + columns + MARGIN]
    pad = (
        (top - bounds[0], around.shape[0] - rows - (top - bounds[0])),
        (left - bounds[1], around.shape[1] - columns - (left - bounds[1])),
    )
    own = np.pad(pixels, (*pad, (0, 0)), "edge").astype(np.float32)
    unknown = np.pad(mask, pad)
    near = cv2.dilate(unknown.astype(np.uint8), np.ones((2 * MARGIN - 1, 2 * MARGIN - 1), np.uint8)) > 0
    known = (~unknown & near).astype(np.float32)
    if not known.any():
        return pixels
    difference = (around.astype(np.float32) - own) * known[..., None]
    correction = _harmonic(difference, known, unknown)
    inner = correction[pad[0][0] : pad[0][0] + rows, pad[1][0] : pad[1][0] + columns]
    return np.asarray(np.clip(pixels + inner + 0.5, 0, 255), np.uint8)


def _harmonic(weighted: NDArray[np.float32], known: NDArray[np.float32], unknown: Mask) -> NDArray[np.float32]:
    """Extend values known at some pixels (already multiplied by `known`) smoothly to the unknown pixels."""
    height, width = known.shape
    mean = (weighted.sum(axis=(0, 1)) / known.sum()).astype(np.float32)
    values: NDArray[np.float32] | None = None
    side = min(COARSEST, max(height, width))
    while True:
        factor = min(1.0, side / max(height, width))
        size = (max(2, round(width * factor)), max(2, round(height * factor)))
        weight = cv2.resize(known, size, interpolation=cv2.INTER_AREA)
        sums = cv2.resize(weighted, size, interpolation=cv2.INTER_AREA)
        fixed = weight > 0
        given = np.where(fixed[..., None], sums / np.maximum(weight, 1e-6)[..., None], 0).astype(np.float32)
        start = np.broadcast_to(mean, given.shape) if values is None else cv2.resize(values, size)
        values = np.where(fixed[..., None], given, start).astype(np.float32)
        values = _relaxed(values, fixed)
        if factor == 1.0 or side >= FINEST:
            break
        side = min(side * 2, FINEST)
    full = values if factor == 1.0 else cv2.resize(values, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.where(unknown[..., None], full, 0), np.float32)


def _relaxed(values: NDArray[np.float32], fixed: Mask) -> NDArray[np.float32]:
    """Repeatedly replace the values that are not fixed by the mean of their four neighbours."""
    cross = np.array([[0, 0.25, 0], [0.25, 0, 0.25], [0, 0.25, 0]], np.float32)
    free = (~fixed).astype(np.float32)[..., None]
    held = values * (1 - free)
    for _ in range(SWEEPS):
        values = cv2.filter2D(values, -1, cross, borderType=cv2.BORDER_REPLICATE) * free + held
    return values


def ring_around(mask: Mask, width: int = 5) -> Mask:
    """Return the pixels within `width` of a mask in its box, or the mask itself if the box leaves no room."""
    ring = (cv2.dilate(mask.astype(np.uint8), np.ones((2 * width + 1, 2 * width + 1), np.uint8)) > 0) & ~mask
    return ring if ring.sum() >= 10 else mask


def touched_share(before: Pixels, change: Change, more_than: int = PERCEPTIBLE) -> float:
    """Return the share of the mask, 0..1, where pixels differ from the previous photo by `more_than` grey levels."""
    window = window_of(change.mask)
    if window is None:
        return 0.0
    differs = np.asarray(cv2.absdiff(before[window], change.pixels[window])).max(axis=2) > more_than
    return float(differs[change.mask[window]].mean())
