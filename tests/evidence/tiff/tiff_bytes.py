"""TIFF files put together byte by byte: the kinds and slips that no library writes."""

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

SHORT, LONG = 3, 4
WIDTH, LENGTH, BITS, COMPRESSION, PHOTOMETRIC, OFFSETS, ORIENTATION, SAMPLES, ROWS, COUNTS = (
    256, 257, 258, 259, 262, 273, 274, 277, 278, 279
)  # fmt: skip
PLANAR, PREDICTOR, COLOUR_MAP, INK_SET, EXTRA, FORMAT, SUBSAMPLING = 284, 317, 320, 332, 338, 339, 530


def built(
    width: int,
    height: int,
    strips: Sequence[bytes],
    tags: dict[int, Any] | None = None,
    *,
    without: Sequence[int] = (),
    entries: Sequence[bytes] = (),
    following: int = 0,
) -> bytes:
    """Return a little-endian TIFF of one page.

    tags: values of SHORT tags (a number or a list), over those of an 8-bit grey picture; without: tags left out; entries:
    whole directory entries of 12 bytes, as they are; following: where the next directory is said to be.
    """
    values: dict[int, tuple[int, list[int]]] = {
        WIDTH: (LONG, [width]),
        LENGTH: (LONG, [height]),
        BITS: (SHORT, [8]),
        COMPRESSION: (SHORT, [1]),
        PHOTOMETRIC: (SHORT, [1]),
        SAMPLES: (SHORT, [1]),
        ROWS: (LONG, [-(-height // len(strips))]),
        COUNTS: (LONG, [len(strip) for strip in strips]),
        OFFSETS: (LONG, [0] * len(strips)),
    }
    for tag, value in (tags or {}).items():
        values[tag] = (LONG if tag in (ROWS, 513, 514) else SHORT, value if isinstance(value, list) else [value])
    for tag in without:
        del values[tag]
    at, places, body = 8, [], b""
    for strip in strips:
        places.append(at + len(body))
        body += strip + bytes(len(strip) & 1)
    values[OFFSETS] = (LONG, places)
    directory, outer = b"", b""
    start = at + len(body)
    outer_at = start + 2 + 12 * (len(values) + len(entries)) + 4
    for tag, (kind, numbers) in sorted(values.items()):
        content = struct.pack(f"<{len(numbers)}{'H' if kind == SHORT else 'I'}", *numbers)
        if len(content) > 4:
            directory += struct.pack("<HHII", tag, kind, len(numbers), outer_at + len(outer))
            outer += content + bytes(len(content) & 1)
        else:
            directory += struct.pack("<HHI", tag, kind, len(numbers)) + content.ljust(4, b"\0")
    directory += b"".join(entries)
    count = struct.pack("<H", len(values) + len(entries))
    return b"II*\0" + struct.pack("<I", start) + body + count + directory + struct.pack("<I", following) + outer


def packed(samples: np.ndarray, bits: int) -> bytes:
    """Return rows of samples (H, N) of so many bits, highest bit first, each row at a whole byte."""
    shifts = np.arange(bits - 1, -1, -1, dtype=np.uint64)
    rows = (samples.astype(np.uint64)[:, :, None] >> shifts & np.uint64(1)).astype(np.uint8)
    return np.packbits(rows.reshape(len(samples), -1), axis=1).tobytes()


def lzw(data: bytes, *, end: bool) -> bytes:
    """Encode as TIFF's LZW, with or without the code that ends it."""
    codes, table, prefix = [(256, 9)], {bytes([i]): i for i in range(256)}, b""
    following, width = 258, 9
    for value in data:
        longer = prefix + bytes([value])
        if longer in table:
            prefix = longer
            continue
        codes.append((table[prefix], width))
        table[longer] = following
        following += 1
        width = 9 if following < 512 else 10 if following < 1024 else 11 if following < 2048 else 12
        if following == 4095:
            codes.append((256, width))
            table, following, width = {bytes([i]): i for i in range(256)}, 258, 9
        prefix = bytes([value])
    if prefix:
        codes.append((table[prefix], width))
        following += 1
        width = 9 if following < 512 else 10 if following < 1024 else 11 if following < 2048 else 12
    if end:
        codes.append((257, width))
    stream = "".join(f"{code:0{width}b}" for code, width in codes)
    stream += "0" * (-len(stream) % 8)
    return int(stream, 2).to_bytes(len(stream) // 8, "big")


def ycbcr_blocks(y: np.ndarray, cb: np.ndarray, cr: np.ndarray, across: int, down: int) -> bytes:
    """Return YCbCr samples in TIFF's blocks: the brightness of across x down pixels, then one value of each chroma."""
    height, width = y.shape
    padded = np.pad(y, ((0, -height % down), (0, -width % across)), mode="edge")
    out = bytearray()
    for row in range(0, padded.shape[0], down):
        for column in range(0, padded.shape[1], across):
            out += padded[row : row + down, column : column + across].tobytes()
            out += bytes([cb[row // down, column // across], cr[row // down, column // across]])
    return bytes(out)
