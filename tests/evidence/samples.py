"""Photos made by the tests themselves: every format, depth and layout, and the tools to damage them."""

import io
import struct
import zlib
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from PIL import Image

from mesorch_cli.evidence import Photo, read_photo


def picture(height: int = 61, width: int = 83, *, seed: int = 5) -> np.ndarray:
    """Return an (H, W, 3) uint8 picture with smooth parts and texture, so that a JPEG of it has plenty of data."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    smooth = np.stack([x * 255 // width, y * 255 // height, (x + y) * 255 // (height + width)], -1)
    return np.clip(smooth + rng.normal(0, 20, smooth.shape), 0, 255).astype(np.uint8)


def ramp16(height: int = 40, width: int = 64) -> np.ndarray:
    """Return an (H, W, 3) uint16 picture in which every value occurs once per channel, over the full range."""
    grey = np.linspace(0, 65535, height * width).astype(np.uint16).reshape(height, width)
    return np.stack([grey, grey[::-1], grey[:, ::-1]], -1)


def encoded(image: np.ndarray | Image.Image, format_name: str, **options: Any) -> bytes:
    """Encode by Pillow."""
    picture = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    with io.BytesIO() as stream:
        picture.save(stream, format_name, **options)
        return stream.getvalue()


def tiff(array: np.ndarray, **options: Any) -> bytes:
    """Encode by tifffile, without its own description tag."""
    with io.BytesIO() as stream:
        tifffile.imwrite(stream, array, metadata=None, **options)
        return stream.getvalue()


def png16(array: np.ndarray) -> bytes:
    """Encode 16-bit samples as PNG, which Pillow cannot for colour."""
    return bytes(imagecodecs.png_encode(np.ascontiguousarray(array)))


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """Return one PNG chunk with its checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_header(width: int, height: int, *, depth: int = 8, colour: int = 2) -> bytes:
    """Return the start of a PNG: signature and header chunk."""
    fields = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", fields)


def with_exif_orientation(image: np.ndarray, format_name: str, orientation: int, **options: Any) -> bytes:
    """Encode by Pillow with the EXIF orientation given."""
    exif = Image.Exif()
    exif[274] = orientation
    return encoded(image, format_name, exif=exif, **options)


def scan_start(jpeg: bytes) -> int:
    """Return the offset of the first byte of a JPEG's (first) compressed data."""
    at = jpeg.index(b"\xff\xda")
    return at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")


def read(data: bytes) -> Photo:
    """Read a sound photo, checked for what holds of every one."""
    photo = read_photo("-", data=data)
    assert photo.decode.integrity.ok, photo.decode.integrity
    assert photo.pixels.shape == (photo.decode.height, photo.decode.width, 3)
    assert photo.pixels.flags.c_contiguous
    return photo
