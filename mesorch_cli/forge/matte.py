"""Soft outlines that follow hair and fur, and grain that matches the surroundings, as careful forgers would make."""

import cv2
import numpy as np
from numpy.typing import NDArray

from mesorch_cli.forge.patch import Opacity, Patch, Pixels, Step, drawn

SMOOTH = 4e-4  # variance of the light (0..1) below which an outline is smoothed instead of following the picture
STEEPER = 1.5  # a guided filter alone leaves a wide haze in smooth areas
_RESIDUE = np.array([(1, -2, 1), (-2, 4, -2), (1, -2, 1)], np.float32)
MEDIAN_TO_SIGMA = 1 / (0.6745 * 6)  # of the absolute residue of white noise; 6 is the norm of the kernel
QUIETEST = 0.3  # grey levels; smaller differences in grain are not matched


def matted(pixels: Pixels, opacity: Opacity, radius: int) -> Opacity:
    """Return an opacity whose outline follows the picture within `radius` pixels (guided filter, He et al. 2010)."""
    light = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY)
    guide = np.asarray(light.astype(np.float32) / np.float32(255), np.float32)
    mean_guide, mean_opacity = _mean(guide, radius), _mean(opacity, radius)
    shared = _mean(np.multiply(guide, opacity, dtype=np.float32), radius) - mean_guide * mean_opacity
    spread = _mean(np.multiply(guide, guide, dtype=np.float32), radius) - mean_guide * mean_guide
    slope = np.asarray(shared / (spread + np.float32(SMOOTH)), np.float32)
    rest = np.asarray(mean_opacity - slope * mean_guide, np.float32)
    found = _mean(slope, radius) * guide + _mean(rest, radius)
    return np.asarray(np.clip((found - 0.5) * np.float32(STEEPER) + 0.5, 0, 1), np.float32)


def noise_of(pixels: Pixels) -> float:
    """Return the sigma, in grey levels, of white noise with these pixels' median residue (after Immerkaer 1996)."""
    light = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY).astype(np.float32)
    residue = np.abs(cv2.filter2D(light, -1, _RESIDUE))[1:-1, 1:-1]
    return 0.0 if residue.size == 0 else float(np.median(residue)) * MEDIAN_TO_SIGMA


def grain_matched(rng: np.random.Generator, patch: Patch, surroundings: Pixels) -> tuple[Patch, Step]:
    """Give a patch the grain of its surroundings: add noise if it has less, smooth it if it has more."""
    own, wanted = noise_of(patch.pixels), noise_of(surroundings)
    if abs(own - wanted) < QUIETEST:
        return patch, {}
    if own < wanted:
        sigma = round(float(np.sqrt(wanted * wanted - own * own)) * drawn(rng, 0.6, 1.0), 4)
        noise = rng.standard_normal((*patch.pixels.shape[:2], 1), dtype=np.float32) * np.float32(sigma)
        pixels = np.clip(patch.pixels + noise + 0.5, 0, 255).astype(np.uint8)
        step: Step = {"step": "grain", "sigma": sigma}
    else:
        weight = round(float(np.clip(1 - wanted / own, 0, 0.9)) * drawn(rng, 0.6, 1.0), 4)
        blurred = cv2.GaussianBlur(patch.pixels, (0, 0), 0.9)
        pixels = cv2.addWeighted(blurred, weight, patch.pixels, 1 - weight, 0).astype(np.uint8)
        step = {"step": "grain", "smoothed": weight}
    return Patch(pixels, patch.opacity, patch.cut), step


def _mean(values: NDArray[np.float32], radius: int) -> NDArray[np.float32]:
    side = 2 * radius + 1
    return np.asarray(cv2.boxFilter(values, -1, (side, side), borderType=cv2.BORDER_REPLICATE), np.float32)
