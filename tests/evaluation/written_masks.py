"""One mask written in the ways that data sets have: (H, W) bool in, a file out."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

Mask = np.ndarray
Write = Callable[[Path, Mask], Path]

PALETTE = [0, 0, 0, 128, 0, 0] + [0] * 762


def png(path: Path, pixels: np.ndarray, **options: object) -> Path:
    Image.fromarray(pixels).save(path.with_suffix(".png"), **options)
    return path.with_suffix(".png")


def in_two_colours(path: Path, mask: Mask, tampered: tuple[int, ...], untouched: tuple[int, ...]) -> Path:
    return png(path, np.where(mask[..., None], tampered, untouched).astype(np.uint8))


def by_palette(path: Path, mask: Mask) -> Path:
    image = Image.fromarray(mask.astype(np.uint8)).convert("P")
    image.putdata(mask.astype(np.uint8).ravel().tolist())
    image.putpalette(PALETTE)
    image.save(path.with_suffix(".png"))
    return path.with_suffix(".png")


def in_alpha(path: Path, mask: Mask) -> Path:
    pixels = np.zeros((*mask.shape, 4), np.uint8)
    pixels[..., 3] = mask * np.uint8(255)
    return png(path, pixels)


def as_jpeg(path: Path, mask: Mask) -> Path:
    Image.fromarray(mask.astype(np.uint8) * 255).save(path.with_suffix(".jpg"), quality=95)
    return path.with_suffix(".jpg")


def as_tiff(path: Path, mask: Mask) -> Path:
    tifffile.imwrite(path.with_suffix(".tif"), mask.astype(np.uint8) * 255, compression="zlib")
    return path.with_suffix(".tif")


def as_bitmap(path: Path, mask: Mask) -> Path:
    Image.fromarray(mask).save(path.with_suffix(".bmp"))
    return path.with_suffix(".bmp")


def as_label_gif(path: Path, mask: Mask) -> Path:
    image = Image.fromarray(mask.astype(np.uint8) * 255).convert("P")
    image.save(path.with_suffix(".gif"))
    return path.with_suffix(".gif")


WAYS: dict[str, Write] = {
    "0 and 255": lambda path, mask: png(path, mask.astype(np.uint8) * 255),
    "0 and 1": lambda path, mask: png(path, mask.astype(np.uint8)),
    "7 and 9": lambda path, mask: png(path, mask.astype(np.uint8) * 2 + 7),
    "16 bits, 0 and 65535": lambda path, mask: png(path, mask.astype(np.uint16) * 65535),
    "16 bits, 0 and 255": lambda path, mask: png(path, mask.astype(np.uint16) * 255),
    "palette": by_palette,
    "alpha": in_alpha,
    "RGB": lambda path, mask: in_two_colours(path, mask, (255, 255, 255), (0, 0, 0)),
    "RGBA, opaque": lambda path, mask: in_two_colours(path, mask, (255, 255, 255, 255), (0, 0, 0, 255)),
    "green on black": lambda path, mask: in_two_colours(path, mask, (0, 255, 0), (0, 0, 0)),
    "JPEG": as_jpeg,
    "1 bit": lambda path, mask: png(path, mask),
    "TIFF": as_tiff,
    "BMP of 1 bit": as_bitmap,
    "GIF": as_label_gif,
}
