"""A patch: pixels with an opacity, on the way from their source to their destination."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mesorch_cli.forge.shapes import Mask

Pixels = NDArray[np.uint8]
Opacity = NDArray[np.float32]
Step = dict[str, Any]
"""One step with its parameters, which contain only what JSON can hold."""

SMALLEST_SIDE = 8  # pixels of a patch
FAINTEST = 0.04  # lower opacities change nothing that an eye or a network could see, and count as none
INTERPOLATIONS: Mapping[str, int] = {
    "linear": cv2.INTER_LINEAR,
    "cubic": cv2.INTER_CUBIC,
    "area": cv2.INTER_AREA,
    "lanczos": cv2.INTER_LANCZOS4,
}
WARPS = ("linear", "cubic", "lanczos")


@dataclass(frozen=True)
class Patch:
    """Pixels (h, w, 3) uint8 RGB and opacity (h, w) float32 in 0..1.

    `cut` names the sides ("top", "bottom", "left", "right") on which the border of its photo cut the object off: a
    person cut off at the knees belongs at the border of the new photo, too.
    """

    pixels: Pixels
    opacity: Opacity
    cut: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if self.pixels.shape[:2] != self.opacity.shape:
            raise ValueError(f"pixels {self.pixels.shape} and opacity {self.opacity.shape} differ in size")

    @classmethod
    def of(cls, pixels: Pixels, mask: Mask) -> "Patch":
        """Return a patch that is opaque inside a mask."""
        return cls(pixels, mask.astype(np.float32))

    @property
    def mask(self) -> Mask:
        """The visible part of the patch."""
        return self.opacity >= FAINTEST


def drawn(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw a number in low..high with four decimals, so that the recorded value is the one used."""
    return round(float(rng.uniform(low, high)), 4)


def chance(rng: np.random.Generator, share: float) -> bool:
    """Return True with the probability `share`."""
    return bool(rng.random() < share)


def scaled(rng: np.random.Generator, patch: Patch, factor: float) -> tuple[Patch, Step]:
    """Return the patch scaled by `factor`, with a common interpolation, and the step."""
    rows, columns = patch.opacity.shape
    height, width = max(SMALLEST_SIDE, round(rows * factor)), max(SMALLEST_SIDE, round(columns * factor))
    names = list(INTERPOLATIONS)
    how = "area" if factor < 0.6 else names[int(rng.integers(len(names)))]
    pixels = cv2.resize(np.ascontiguousarray(patch.pixels), (width, height), interpolation=INTERPOLATIONS[how])
    smooth = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    opacity = cv2.resize(patch.opacity, (width, height), interpolation=smooth)
    step = {"step": "scale", "factor": round(factor, 4), "interpolation": how}
    return Patch(pixels.astype(np.uint8), opacity.astype(np.float32), patch.cut), step


def flipped(patch: Patch) -> tuple[Patch, Step]:
    """Return the patch mirrored left to right, and the step."""
    mirror = {"left": "right", "right": "left"}
    cut = frozenset(mirror.get(side, side) for side in patch.cut)
    pixels, opacity = np.ascontiguousarray(patch.pixels[:, ::-1]), np.ascontiguousarray(patch.opacity[:, ::-1])
    return Patch(pixels, opacity, cut), {"step": "flip"}


def rotated(rng: np.random.Generator, patch: Patch, degrees: float) -> tuple[Patch, Step]:
    """Return the patch rotated by `degrees` (counter-clockwise) in an enclosing box, and the step."""
    height, width = patch.opacity.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    cosine, sine = abs(matrix[0, 0]), abs(matrix[0, 1])
    size = (int(height * sine + width * cosine) + 1, int(height * cosine + width * sine) + 1)
    matrix[:, 2] += (size[0] / 2 - width / 2, size[1] / 2 - height / 2)
    how = WARPS[int(rng.integers(len(WARPS)))]
    warped = _warped(patch, np.vstack([matrix, (0.0, 0.0, 1.0)]), size, how)
    return warped, {"step": "rotate", "degrees": round(degrees, 4), "interpolation": how}


def tilted(rng: np.random.Generator, patch: Patch, strength: float) -> tuple[Patch, Step]:
    """Return the patch in perspective, each corner moved inwards by up to `strength` of the sides, and the step."""
    height, width = patch.opacity.shape
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    inwards = np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)], np.float32)
    moves = np.round(rng.uniform(0, strength, (4, 2)), 4).astype(np.float32)
    goal = corners + inwards * moves * np.array([width, height], np.float32)
    how = WARPS[int(rng.integers(len(WARPS)))]
    warped = _warped(patch, cv2.getPerspectiveTransform(corners, goal), (width, height), how)
    step = {"step": "perspective", "corners": [[round(float(v), 4) for v in move] for move in moves]}
    return warped, step | {"interpolation": how}


def _warped(patch: Patch, matrix: NDArray[Any], size: tuple[int, int], how: str) -> Patch:
    """Apply a 3 x 3 transform. Beyond the patch are its mirrored pixels with zero opacity."""
    pixels = cv2.warpPerspective(
        np.ascontiguousarray(patch.pixels), matrix, size, flags=INTERPOLATIONS[how], borderMode=cv2.BORDER_REFLECT
    )
    opacity = cv2.warpPerspective(patch.opacity, matrix, size, flags=cv2.INTER_LINEAR, borderValue=0)
    return Patch(pixels.astype(np.uint8), np.clip(opacity, 0, 1).astype(np.float32), patch.cut)
