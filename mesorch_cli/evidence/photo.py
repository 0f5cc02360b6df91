"""What the evidence room hands on: a photo as it was stored, with everything that was done to read it."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Pixels: TypeAlias = npt.NDArray[np.unsignedinteger[Any]]
"""(H, W, 3) uint8 or uint16, RGB, the stored raster."""


@dataclass(frozen=True)
class Integrity:
    """Whether the bytes are whole, found out before anything is said about manipulation.

    `ok` is False for damage: bytes missing, a checksum that does not hold, compressed data that does not decode.
    `findings` are short English sentences, damage first; harmless ones (bytes after the end of the image, as phones
    and cameras write them) leave `ok` True.
    """

    ok: bool
    findings: tuple[str, ...]


@dataclass(frozen=True)
class Decode:
    """How bytes became pixels.

    `reader` and `version` name the decoder; `format` is what the content is, whatever the file's name says; `width`
    and `height` are those of the pixels; `bits` is the depth of one stored sample (or palette index); `pages` counts
    pages or frames, of which the first full one was read; `orientation` is the file's own wish, 1 to 8 as in EXIF,
    and is never applied; `conversions` lists every step from what the format decodes to (for JPEG: RGB) to the pixels.
    """

    reader: str
    version: str
    format: str
    width: int
    height: int
    bits: int
    pages: int
    orientation: int
    conversions: tuple[str, ...]
    integrity: Integrity


@dataclass(frozen=True)
class Photo:
    """One input, read once: `sha256` and `pixels` come from the same bytes.

    `source` is the name as it was given ("-" for standard input; bytes that are no valid text are kept as surrogates,
    as `os.fsdecode` does). `pixels` is (H, W, 3) RGB, C-contiguous, uint8 (0..255) or uint16 (0..65535).
    `metadata` holds only what JSON can hold.
    """

    source: str
    size_bytes: int
    sha256: str
    pixels: Pixels
    decode: Decode
    metadata: dict[str, Any]
