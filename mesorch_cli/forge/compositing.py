"""Putting a patch into a photo: hard, feathered or gradient-domain edges, light matched to the surroundings."""

import cv2
import numpy as np
from numpy.typing import NDArray

from mesorch_cli.forge.shapes import Mask

Pixels = NDArray[np.uint8]

FEWEST_PIXELS = 30  # of a region inside the photo; fewer are no forgery
GRADIENT_DOMAIN_SHARE = 0.08
HARD_SHARE = 0.46  # the rest is feathered
LARGEST_GRADIENT_DOMAIN = 40_000  # pixels of the patch: the solver's time grows with it
INTERPOLATIONS = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_AREA, cv2.INTER_LANCZOS4)


def resampled(rng: np.random.Generator, patch: Pixels, mask: Mask, factor: float) -> tuple[Pixels, Mask]:
    """Return patch and mask scaled by `factor` with an interpolation as any program might use."""
    height, width = max(8, round(mask.shape[0] * factor)), max(8, round(mask.shape[1] * factor))
    how = cv2.INTER_AREA if factor < 0.6 else int(rng.choice(INTERPOLATIONS))
    scaled = cv2.resize(np.ascontiguousarray(patch), (width, height), interpolation=how)
    flags = cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    return scaled.astype(np.uint8), flags > 0


def turned(rng: np.random.Generator, patch: Pixels, mask: Mask) -> tuple[Pixels, Mask]:
    """Return patch and mask mirrored (half of the time) and rotated by some degrees (half of the time)."""
    if rng.random() < 0.5:
        patch, mask = patch[:, ::-1], mask[:, ::-1]
    if rng.random() < 0.5:
        height, width = mask.shape
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), float(rng.normal(0, 15)), 1.0)
        cosine, sine = abs(matrix[0, 0]), abs(matrix[0, 1])
        new_width, new_height = int(height * sine + width * cosine) + 1, int(height * cosine + width * sine) + 1
        matrix[:, 2] += (new_width / 2 - width / 2, new_height / 2 - height / 2)
        how = int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4]))
        patch = cv2.warpAffine(
            np.ascontiguousarray(patch), matrix, (new_width, new_height), flags=how, borderMode=cv2.BORDER_REFLECT
        ).astype(np.uint8)
        mask = cv2.warpAffine(mask.astype(np.uint8), matrix, (new_width, new_height)) > 0
    return np.ascontiguousarray(patch), np.ascontiguousarray(mask)


def light_matched(rng: np.random.Generator, patch: Pixels, mask: Mask, surroundings: Pixels) -> Pixels:
    """Move a patch's colours part of the way to those of the host (Reinhard et al. 2001, mean and deviation in Lab)."""
    lab = cv2.cvtColor(patch, cv2.COLOR_RGB2LAB).astype(np.float32)
    own = lab[mask]
    if len(own) < FEWEST_PIXELS or surroundings.size == 0:
        return patch
    host = cv2.cvtColor(np.ascontiguousarray(surroundings), cv2.COLOR_RGB2LAB).astype(np.float32).reshape(-1, 3)
    strength = float(rng.uniform(0.2, 0.9))
    mean, deviation = own.mean(axis=0), own.std(axis=0) + 1
    gain = 1 - strength + strength * np.clip((host.std(axis=0) + 1) / deviation, 0.6, 1.6)
    moved = (lab - mean) * gain + mean * (1 - strength) + host.mean(axis=0) * strength
    matched = cv2.cvtColor(np.clip(moved, 0, 255).astype(np.uint8), cv2.COLOR_LAB2RGB)
    return np.asarray(matched, np.uint8)


def paste(
    rng: np.random.Generator, host: Pixels, patch: Pixels, mask: Mask, y: int, x: int
) -> tuple[Pixels, Mask] | None:
    """Return the host with the patch at (y, x), and the mask of pixels that are the patch's by more than half.

    None if too little of the patch lies inside the host.
    """
    height, width = host.shape[:2]
    top, left = max(0, y), max(0, x)
    bottom, right = min(height, y + mask.shape[0]), min(width, x + mask.shape[1])
    if bottom - top < 4 or right - left < 4:
        return None
    patch = patch[top - y : bottom - y, left - x : right - x]
    mask = mask[top - y : bottom - y, left - x : right - x]
    if mask.sum() < FEWEST_PIXELS:
        return None
    whole = np.zeros((height, width), bool)
    edge = rng.random()
    inside = top > 0 and left > 0 and bottom < height and right < width
    if edge < GRADIENT_DOMAIN_SHARE and inside and mask.size < LARGEST_GRADIENT_DOMAIN:
        blended = gradient_domain(host, patch, mask, top, left)
        if blended is not None:
            whole[top:bottom, left:right] = mask
            whole[top, :] = whole[bottom - 1, :] = whole[:, left] = whole[:, right - 1] = False
            return blended, whole
    alpha = mask.astype(np.float32)
    if edge > HARD_SHARE:
        alpha = cv2.GaussianBlur(alpha, (0, 0), float(rng.uniform(0.6, 2.5))).astype(np.float32)
    result = host.copy()
    part = result[top:bottom, left:right]
    mixed = part * (1 - alpha[..., None]) + patch * alpha[..., None]
    result[top:bottom, left:right] = np.clip(mixed + 0.5, 0, 255).astype(np.uint8)
    whole[top:bottom, left:right] = alpha > 0.5
    return result, whole


def gradient_domain(host: Pixels, patch: Pixels, mask: Mask, top: int, left: int) -> Pixels | None:
    """Return the host with the patch's gradients inside the mask (Perez et al. 2003), None where that is impossible."""
    core = mask.copy()
    core[[0, -1]] = False
    core[:, [0, -1]] = False
    rows, columns = np.nonzero(core)
    if rows.size < FEWEST_PIXELS:
        return None
    centre = (int(left + (columns.min() + columns.max() + 1) // 2), int(top + (rows.min() + rows.max() + 1) // 2))
    flags = core.astype(np.uint8) * 255
    try:
        blended = cv2.seamlessClone(np.ascontiguousarray(patch), host, flags, centre, cv2.NORMAL_CLONE)
    except cv2.error:  # it refuses some boxes that touch the border; the caller has other edges
        return None
    # Its solver also moves pixels of the box outside the mask by some grey levels: those stay the host's.
    result = host.copy()
    window = np.s_[top : top + core.shape[0], left : left + core.shape[1]]
    result[window] = np.where(core[..., None], blended[window], host[window])
    return result
