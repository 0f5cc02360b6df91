"""Retouching: a region that was blurred, sharpened, toned, coloured or resampled and put back."""

import cv2
import numpy as np

from mesorch_cli.forge.compositing import Pixels, paste
from mesorch_cli.forge.history import noisy, sharpened
from mesorch_cli.forge.shapes import Mask, outline, region_box

KINDS = ("blur", "sharpen", "noise", "tone", "colour", "resample", "median")


def retouched(rng: np.random.Generator, part: Pixels, kind: str) -> Pixels:
    """Return pixels after one kind of retouching, strong enough to leave a trace."""
    height, width = part.shape[:2]
    if kind == "blur":
        return cv2.GaussianBlur(part, (0, 0), float(rng.uniform(1.2, 4))).astype(np.uint8)
    if kind == "sharpen":
        return sharpened(rng, sharpened(rng, part))
    if kind == "noise":
        return noisy(rng, part, float(rng.uniform(5, 15)))
    if kind == "tone":
        gamma = float(np.exp(rng.choice([-1, 1]) * rng.uniform(0.25, 0.7)))
        return (255 * (part / 255.0) ** gamma).astype(np.uint8)
    if kind == "colour":
        return np.clip(part + rng.uniform(-40, 40, 3), 0, 255).astype(np.uint8)
    if kind == "resample":
        factor = float(rng.uniform(0.3, 0.7))
        small = cv2.resize(part, (max(2, int(width * factor)), max(2, int(height * factor))))
        return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.uint8)
    return cv2.medianBlur(part, int(rng.choice([3, 5, 7]))).astype(np.uint8)


def retouch(rng: np.random.Generator, host: Pixels, area_range: tuple[float, float]) -> tuple[Pixels, Mask] | None:
    """Return the photo with one region retouched and the mask of that region."""
    height, width = host.shape[:2]
    tall, wide = region_box(rng, height, width, area_range)
    y, x = int(rng.integers(0, height - tall + 1)), int(rng.integers(0, width - wide + 1))
    part = np.ascontiguousarray(host[y : y + tall, x : x + wide])
    kind = KINDS[int(rng.integers(len(KINDS)))]
    return paste(rng, host, retouched(rng, part, kind), outline(rng, tall, wide), y, x)
