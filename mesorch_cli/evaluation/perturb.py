"""Perturbations that photos meet on their way, applied on purpose to see how figures fall.

Blur, noise and JPEG with the levels and order of the published robustness test; in addition double JPEG, WebP, resizing
and cropping. Random draws depend only on the photo's bytes and the level, so every run and process makes the same ones.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mesorch_cli.errors import InputError, UsageError
from mesorch_cli.evidence.photo import Pixels, eight_bits

Mask = NDArray[np.bool_]
Eight = NDArray[np.uint8]

FIRST_QUALITY = 75  # of the first save in `double-jpeg`, whose grid is then shifted
GRID_SHIFT = 3  # pixels cut off between the two saves, which moves the second grid
CROP_TRIES = 20

LEVELS: dict[str, tuple[float, ...]] = {
    "blur": (0, 3, 7, 11, 15, 19, 23),  # side of the Gaussian kernel in pixels; 0 leaves the photo unchanged
    "noise": (3, 7, 11, 15, 19, 23),  # variance in squared grey levels
    "jpeg": (50, 60, 70, 80, 90, 100),  # quality; each photo draws this one or the next lower number
    "jpeg-exact": (70, 90),  # quality, the same for every photo
    "double-jpeg": (50, 60, 70, 80, 90, 100),  # quality of the second save
    "webp": (50, 60, 70, 80, 90, 100),  # quality
    "resize": (0.25, 0.5, 0.75, 0.9, 1.5),  # factor on both sides
    "crop": (0.5, 0.6, 0.7, 0.8, 0.9),  # share of both sides that is kept
}


@dataclass(frozen=True)
class Perturbation:
    """One perturbation at one level. Raises UsageError for an unknown name or invalid level."""

    name: str
    level: float

    def __post_init__(self) -> None:
        if self.name not in LEVELS:
            raise UsageError(f"There is no perturbation {self.name!r}. Expected one of {', '.join(LEVELS)}.")
        low, high, whole = BOUNDS[self.name]
        if not low <= self.level <= high or (whole and self.level != int(self.level)):
            kind = "a whole number" if whole else "a number"
            raise UsageError(f"{self.name} has no level {self.level:g}. Expected {kind} from {low:g} to {high:g}.")
        if self.name == "blur" and self.level and self.level % 2 == 0:
            raise UsageError(f"blur has no level {self.level:g}. Expected 0 or an odd side of the kernel.")

    def __str__(self) -> str:
        return f"{self.name} {self.level:g}"

    def apply(self, pixels: Pixels, mask: Mask, photo_sha256: str) -> tuple[Pixels, Mask]:
        """Return changed pixels (H, W, 3) uint8, and the mask that belongs to them.

        Only cropping changes the mask. After resizing, the map is compared at the mask's own pixels. Sixteen bits are
        first reduced to eight, as none of these perturbations exists for more.
        """
        seed = hashlib.sha256(f"{photo_sha256} {self}".encode()).digest()
        rng = np.random.default_rng(int.from_bytes(seed[:8], "little"))
        return _CHANGES[self.name](rng, eight_bits(pixels), mask, self.level)


BOUNDS: dict[str, tuple[float, float, bool]] = {  # lowest, highest, whole numbers only
    "blur": (0, 99, True),
    "noise": (0, 10_000, False),
    "jpeg": (2, 100, True),
    "jpeg-exact": (1, 100, True),
    "double-jpeg": (1, 100, True),
    "webp": (1, 100, True),
    "resize": (0.05, 4, False),
    "crop": (0.05, 1, False),
}


def parse(text: str) -> tuple[Perturbation, ...]:
    """Parse `jpeg,blur` (all levels) or `jpeg=70:80,resize=0.5`. Raises UsageError for anything else."""
    result = []
    for word in text.split(","):
        name, _, levels = word.strip().partition("=")
        if name not in LEVELS:
            raise UsageError(f"There is no perturbation {name!r}. Expected one of {', '.join(LEVELS)}.")
        try:
            wanted = [float(level) for level in levels.split(":")] if levels else list(LEVELS[name])
        except ValueError as error:
            raise UsageError(f"{name} has the levels {levels!r}. Expected numbers joined by colons.") from error
        result += [Perturbation(name, level) for level in wanted]
    if len(set(result)) != len(result):
        raise UsageError(f"A perturbation is named twice in {text!r}. Name each only once.")
    return tuple(result)


def saved(pixels: Eight, suffix: str, quality: int) -> Eight:
    """Return pixels after a lossy save: `.jpg` with 4:2:0 chroma, or `.webp`."""
    flag = cv2.IMWRITE_JPEG_QUALITY if suffix == ".jpg" else cv2.IMWRITE_WEBP_QUALITY
    ok, data = cv2.imencode(suffix, pixels[..., ::-1], [flag, quality])
    if not ok:
        raise InputError(
            f"A photo of {pixels.shape[1]} x {pixels.shape[0]} pixels cannot be saved as {suffix}. Leave it out of the "
            "perturbation.",
            reason="too large for this format",
        )
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert decoded is not None  # it was just encoded
    return np.ascontiguousarray(decoded[..., ::-1], np.uint8)


def _blur(_: np.random.Generator, pixels: Eight, mask: Mask, level: float) -> tuple[Eight, Mask]:
    side = int(level)  # with sigma 0 OpenCV takes 0.3 * ((side - 1) / 2 - 1) + 0.8, as the published test does
    return (cv2.GaussianBlur(pixels, (side, side), 0).astype(np.uint8) if side else pixels), mask


def _noise(rng: np.random.Generator, pixels: Eight, mask: Mask, level: float) -> tuple[Eight, Mask]:
    noise = rng.standard_normal(pixels.shape, np.float32) * np.float32(np.sqrt(level))
    return np.clip(pixels + noise, 0, 255).astype(np.uint8), mask


def _jpeg(rng: np.random.Generator, pixels: Eight, mask: Mask, level: float) -> tuple[Eight, Mask]:
    return saved(pixels, ".jpg", int(level) - int(rng.integers(2))), mask


def _jpeg_exact(_: np.random.Generator, pixels: Eight, mask: Mask, level: float) -> tuple[Eight, Mask]:
    return saved(pixels, ".jpg", int(level)), mask


def _double_jpeg(_: np.random.Generator, pixels: Eight, mask: Mask, level: float) -> tuple[Eight, Mask]:
    first = saved(pixels, ".jpg", FIRST_QUALITY)
    if min(first.shape[:2]) > 8 * GRID_SHIFT:
        first, mask = first[GRID_SHIFT:, GRID_SHIFT:], mask_window(mask, pixels, GRID_SHIFT, GRID_SHIFT, None, None)
    return saved(np.ascontiguousarray(first), ".jpg", int(level)), mask


def _webp(_: np.random.Generator, pixels: Eight, mask: Mask, level: float) -> tuple[Eight, Mask]:
    return saved(pixels, ".webp", int(level)), mask


def _resize(_: np.random.Generator, pixels: Eight, mask: Mask, level: float) -> tuple[Eight, Mask]:
    height, width = pixels.shape[:2]
    size = (max(1, round(width * level)), max(1, round(height * level)))
    how = cv2.INTER_AREA if level < 1 else cv2.INTER_CUBIC
    return cv2.resize(pixels, size, interpolation=how).astype(np.uint8), mask


def _crop(rng: np.random.Generator, pixels: Eight, mask: Mask, level: float) -> tuple[Eight, Mask]:
    """Keep a window, redrawn while it contains nothing tampered; the last one if none ever does."""
    height, width = pixels.shape[:2]
    kept_height, kept_width = max(1, round(height * level)), max(1, round(width * level))
    for _ in range(CROP_TRIES):
        y, x = int(rng.integers(0, height - kept_height + 1)), int(rng.integers(0, width - kept_width + 1))
        window = mask_window(mask, pixels, y, x, y + kept_height, x + kept_width)
        if window.any() or not mask.any():
            break
    return np.ascontiguousarray(pixels[y : y + kept_height, x : x + kept_width]), window


def mask_window(mask: Mask, pixels: Eight, top: int, left: int, bottom: int | None, right: int | None) -> Mask:
    """Return the part of a mask that belongs to a window of its photo, whatever the mask's own size."""
    height, width = pixels.shape[:2]
    y, x = mask.shape[0] / height, mask.shape[1] / width
    rows = slice(round(top * y), mask.shape[0] if bottom is None else round(bottom * y))
    columns = slice(round(left * x), mask.shape[1] if right is None else round(right * x))
    return np.ascontiguousarray(mask[rows, columns])


_CHANGES: dict[str, Callable[[np.random.Generator, Eight, Mask, float], tuple[Eight, Mask]]] = {
    "blur": _blur,
    "noise": _noise,
    "jpeg": _jpeg,
    "jpeg-exact": _jpeg_exact,
    "double-jpeg": _double_jpeg,
    "webp": _webp,
    "resize": _resize,
    "crop": _crop,
}
