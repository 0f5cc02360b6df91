"""The published augmentations of photos with masks, in their order, as albumentations 1.3.0 defined them.

Pixels are (H, W, 3) uint8 RGB, masks (H, W) bool. All randomness comes from the generator passed in.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Rng = np.random.Generator

SCALE_LIMIT = 0.2
FORGED_SHARE = 0.1  # of samples, for each of the two synthetic forgeries
WINDOW = (0.05, 0.8)  # sides of a forged window, as shares of the photo's
INPAINT_RADIUS = 3
TONE_LIMIT = 0.1
JPEG_SHARE, JPEG_QUALITIES = 0.2, (70, 100)
BLUR_SHARE, BLUR_KERNELS = 0.2, (3, 7)


def published(rng: Rng, pixels: Pixels, mask: Mask) -> tuple[Pixels, Mask]:
    """Return a photo and its mask after the published chain. Their size may change, but they stay aligned."""
    pixels, mask = scaled(pixels, mask, 1.0 + rng.uniform(-SCALE_LIMIT, SCALE_LIMIT))
    if rng.random() < FORGED_SHARE:
        pixels, mask = copy_moved(rng, pixels, mask)
    if rng.random() < FORGED_SHARE:
        pixels, mask = inpainted(rng, pixels, mask)
    if rng.random() < 0.5:
        pixels, mask = pixels[:, ::-1], mask[:, ::-1]
    if rng.random() < 0.5:
        pixels, mask = pixels[::-1], mask[::-1]
    pixels = toned(pixels, 1.0 + rng.uniform(-TONE_LIMIT, TONE_LIMIT), rng.uniform(-TONE_LIMIT, TONE_LIMIT))
    if rng.random() < JPEG_SHARE:
        pixels = compressed(pixels, int(rng.integers(JPEG_QUALITIES[0], JPEG_QUALITIES[1] + 1)))
    if rng.random() < 0.5:
        quarters = int(rng.integers(0, 4))
        pixels, mask = np.rot90(pixels, quarters), np.rot90(mask, quarters)
    if rng.random() < BLUR_SHARE:
        pixels = blurred(pixels, drawn_kernel(rng))
    return np.ascontiguousarray(pixels), np.ascontiguousarray(mask)


def scaled(pixels: Pixels, mask: Mask, factor: float) -> tuple[Pixels, Mask]:
    """Resize both with sides rounded down: pixels bilinearly without antialiasing, the mask by nearest neighbour."""
    height, width = max(1, int(mask.shape[0] * factor)), max(1, int(mask.shape[1] * factor))
    larger = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LINEAR)
    larger_mask = cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    return np.asarray(larger, np.uint8), larger_mask > 0


def copy_moved(rng: Rng, pixels: Pixels, mask: Mask) -> tuple[Pixels, Mask]:
    """Copy a window to another place in the photo. The mask marks the new place."""
    height, width = drawn_window(rng, mask.shape)
    source, target = (drawn_place(rng, mask.shape, height, width) for _ in range(2))
    pixels, mask = pixels.copy(), mask.copy()
    pixels[target] = pixels[source].copy()  # the two may overlap
    mask[target] = True
    return pixels, mask


def inpainted(rng: Rng, pixels: Pixels, mask: Mask) -> tuple[Pixels, Mask]:
    """Fill a window from its surroundings, by one of OpenCV's two methods. The mask marks it."""
    height, width = drawn_window(rng, mask.shape)
    window = drawn_place(rng, mask.shape, height, width)
    hole = np.zeros(mask.shape, np.uint8)
    hole[window] = 1
    how = cv2.INPAINT_TELEA if rng.random() < 0.5 else cv2.INPAINT_NS
    filled = cv2.inpaint(np.ascontiguousarray(pixels), hole, INPAINT_RADIUS, how)
    return np.asarray(filled, np.uint8), mask | (hole > 0)


def drawn_window(rng: Rng, shape: tuple[int, ...]) -> tuple[int, int]:
    """Draw the height and width of a window, each uniformly between its limits, both included."""
    low, high = WINDOW
    height, width = (int(rng.integers(int(low * side), int(high * side) + 1)) for side in shape[:2])
    return max(1, height), max(1, width)


def drawn_place(rng: Rng, shape: tuple[int, ...], height: int, width: int) -> tuple[slice, slice]:
    """Draw the place of a window uniformly among those inside the photo."""
    y, x = int(rng.integers(0, shape[0] - height + 1)), int(rng.integers(0, shape[1] - width + 1))
    return slice(y, y + height), slice(x, x + width)


def toned(pixels: Pixels, contrast: float, brightness: float) -> Pixels:
    """Multiply by `contrast` and add `brightness` times white, then clip and truncate."""
    table = np.clip(np.arange(256, dtype=np.float32) * np.float32(contrast) + np.float32(brightness * 255), 0, 255)
    return np.asarray(cv2.LUT(np.ascontiguousarray(pixels), table.astype(np.uint8)), np.uint8)


def compressed(pixels: Pixels, quality: int) -> Pixels:
    """Save as JPEG and open again. Red and blue are swapped on the way in and out, as in the published pipeline."""
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(pixels), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_UNCHANGED), np.uint8)


def drawn_kernel(rng: Rng) -> int:
    """Draw a side of the blur from 3 to 7. Even ones are raised by one, so 3 is half as frequent as 5 and 7."""
    side = int(rng.integers(BLUR_KERNELS[0], BLUR_KERNELS[1] + 1))
    return side if side % 2 else side + 1


def blurred(pixels: Pixels, side: int) -> Pixels:
    """Blur with a Gaussian of this kernel side, with OpenCV's default weights."""
    return np.asarray(cv2.GaussianBlur(np.ascontiguousarray(pixels), (side, side), 0), np.uint8)


AUGMENTATIONS: dict[str, Callable[[Rng, Pixels, Mask], tuple[Pixels, Mask]]] = {
    "published": published,
    "none": lambda _, pixels, mask: (pixels, mask),
}
