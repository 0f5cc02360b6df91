"""The life of a photo: cameras, programs and networks that compress, resize, sharpen and roughen it.

Host and donor live their own lives before a forgery, which leaves them with different traces; the result lives on
afterwards. Authentic photos live the same lives, so that a history alone never gives the answer.
"""

import io

import cv2
import numpy as np
from PIL import Image

from mesorch_cli.forge.compositing import INTERPOLATIONS, Pixels
from mesorch_cli.forge.shapes import Mask

SUBSAMPLINGS = ((0, 0.25), (1, 0.2), (2, 0.55))  # 4:4:4, 4:2:2, 4:2:0 and how often
CUSTOM_TABLES_SHARE = 0.3
SHORTEST_SIDE = 64
LUMA = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
).ravel()  # ITU-T T.81, table K.1


def decoded(data: bytes) -> Pixels:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def jpeg(rng: np.random.Generator, pixels: Pixels, lowest: int, highest: int) -> Pixels:
    """Return the photo after a JPEG of a quality in lowest..highest; three in ten with tables as a camera maker's own."""
    quality = int(rng.integers(lowest, highest + 1))
    subsampling = int(rng.choice([kind for kind, _ in SUBSAMPLINGS], p=[share for _, share in SUBSAMPLINGS]))
    data = io.BytesIO()
    image = Image.fromarray(pixels)
    if rng.random() < CUSTOM_TABLES_SHARE:
        scale = 5000 / quality if quality < 50 else 200 - 2 * quality
        tables = []
        for chroma in (1.0, 1.3):
            shaped = LUMA * chroma * np.exp(rng.normal(0, 0.15, 64))
            tables.append([int(value) for value in np.clip((shaped * scale + 50) // 100, 1, 255)])
        image.save(data, "JPEG", qtables=tables, subsampling=subsampling)
    else:
        image.save(data, "JPEG", quality=quality, subsampling=subsampling)
    return decoded(data.getvalue())


def webp(rng: np.random.Generator, pixels: Pixels) -> Pixels:
    """Return the photo after a lossy WebP."""
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "WEBP", quality=int(rng.integers(60, 95)), method=1)
    return decoded(data.getvalue())


def resized(rng: np.random.Generator, pixels: Pixels, mask: Mask | None, factor: float) -> tuple[Pixels, Mask | None]:
    """Return photo and mask scaled by `factor`; a mask pixel stays set where more than half of it was."""
    size = (max(SHORTEST_SIDE, round(pixels.shape[1] * factor)), max(SHORTEST_SIDE, round(pixels.shape[0] * factor)))
    how = int(rng.choice(INTERPOLATIONS))
    if factor < 0.75 and rng.random() < 0.7:
        how = cv2.INTER_AREA
    scaled = cv2.resize(pixels, size, interpolation=how).astype(np.uint8)
    if mask is not None:
        smooth = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
        mask = cv2.resize(mask.astype(np.float32), size, interpolation=smooth) > 0.5
    return scaled, mask


def noisy(rng: np.random.Generator, pixels: Pixels, sigma: float) -> Pixels:
    """Return the photo with Gaussian noise of `sigma` grey levels."""
    noise = rng.standard_normal(pixels.shape, dtype=np.float32) * np.float32(sigma)
    return np.clip(pixels + noise, 0, 255).astype(np.uint8)


def sharpened(rng: np.random.Generator, pixels: Pixels) -> Pixels:
    """Return the photo after an unsharp mask."""
    blurred = cv2.GaussianBlur(pixels, (0, 0), float(rng.uniform(0.6, 1.6)))
    amount = float(rng.uniform(0.2, 0.9))
    return cv2.addWeighted(pixels, 1 + amount, blurred, -amount, 0).astype(np.uint8)


def softened(rng: np.random.Generator, pixels: Pixels) -> Pixels:
    """Return the photo slightly out of focus."""
    return cv2.GaussianBlur(pixels, (0, 0), float(rng.uniform(0.4, 1.2))).astype(np.uint8)


def live_before(rng: np.random.Generator, pixels: Pixels) -> Pixels:
    """Return a photo after the life it had before the forgery: up to two steps, and half of the time another JPEG grid."""
    for _ in range(int(rng.choice([0, 1, 2], p=[0.25, 0.5, 0.25]))):
        step = rng.random()
        if step < 0.5:
            pixels = jpeg(rng, pixels, 50, 97)
        elif step < 0.7:
            pixels, _ = resized(rng, pixels, None, float(rng.uniform(0.5, 1.25)))
        elif step < 0.8:
            pixels = noisy(rng, pixels, float(rng.uniform(0.5, 4)))
        elif step < 0.88:
            pixels = sharpened(rng, pixels)
        elif step < 0.94:
            pixels = softened(rng, pixels)
        else:
            pixels = webp(rng, pixels)
    if rng.random() < 0.5:
        y, x = (int(shift) for shift in rng.integers(0, 8, 2))
        pixels = pixels[y:, x:]
    return np.ascontiguousarray(pixels)


def live_after(rng: np.random.Generator, pixels: Pixels, mask: Mask) -> tuple[Pixels, Mask]:
    """Return photo and mask after the life that followed: saved without loss, as JPEG, resized, or through networks."""
    kept: Mask | None = mask
    path = rng.random()
    if path < 0.15:
        return pixels, mask
    if path < 0.5:
        return jpeg(rng, pixels, 65, 98), mask
    if path < 0.65:
        pixels, kept = resized(rng, pixels, kept, float(rng.uniform(0.5, 1.2)))
        pixels = jpeg(rng, pixels, 65, 96)
    elif path < 0.9:
        for _ in range(int(rng.integers(1, 4))):
            pixels, kept = resized(rng, pixels, kept, float(rng.uniform(0.55, 1.0)))
            if rng.random() < 0.5:
                pixels = sharpened(rng, pixels)
            pixels = jpeg(rng, pixels, 65, 92)
    elif path < 0.95:
        pixels = webp(rng, pixels)
    else:
        pixels = noisy(rng, pixels, float(rng.uniform(0.5, 3))) if rng.random() < 0.5 else softened(rng, pixels)
        pixels = jpeg(rng, pixels, 70, 96)
    assert kept is not None
    return pixels, kept
