"""A photo as it was stored, with a record of everything that was done to read it."""

import mmap
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Pixels: TypeAlias = npt.NDArray[np.unsignedinteger[Any]]
"""(H, W, 3) uint8 or uint16, RGB, the stored raster."""

Content: TypeAlias = bytes | mmap.mmap
"""The bytes of a file. A very large TIFF is mapped, not held."""

MAX_PIXELS = 500_000_000


@dataclass(frozen=True)
class ReadOptions:
    """How to read files.

    `max_pixels`: larger pictures are refused before decoding. `page`: the page or frame, counted from 1; None is the
    first full picture. `compare_decoders`: decode again with another library. `provenance`: look for C2PA manifests,
    and check their signers against `trust_list` (PEM certificates) if given. `exiftool`: also run ExifTool; if it is
    not installed, the record says so. `alpha`: keep a single extra channel beside the colours, so that pixels are (H,
    W, 4); for masks. `indices`: return the palette indices of a PNG as grey values; for label maps. `checks`: if False,
    the compressed data is not parsed a second time and no metadata is read; for files already found intact.
    `thumbnail`: read the picture that the EXIF block embeds instead of the photo, as if it were a file of its own.
    """

    max_pixels: int = MAX_PIXELS
    page: int | None = None
    compare_decoders: bool = False
    provenance: bool = False
    trust_list: str | None = None
    exiftool: bool = False
    alpha: bool = False
    indices: bool = False
    checks: bool = True
    thumbnail: bool = False


def eight_bits(pixels: Pixels) -> npt.NDArray[np.uint8]:
    """Return samples as uint8. Samples of 16 bits are scaled, so that white stays white, and rounded to the nearest."""
    if pixels.dtype == np.uint8:
        return pixels.astype(np.uint8, copy=False)
    return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)


def page_read(page: int, pages: int) -> str:
    """Return the entry in `conversions` for a page that was asked for. Otherwise they name the first full page."""
    return f"page {page} of {pages} read"


@dataclass(frozen=True)
class Integrity:
    """Whether the bytes are intact, checked before anything is said about manipulation.

    `ok` is False for damage: bytes missing, a checksum that does not hold, compressed data that does not decode.
    `findings` are short English sentences, damage first. Harmless ones (such as the bytes that phones and cameras write
    after the end of the image) leave `ok` True.
    """

    ok: bool
    findings: tuple[str, ...]


@dataclass(frozen=True)
class Decode:
    """How bytes became pixels.

    `reader` and `version` name the decoder; `format` is what the content is, whatever the file's name says; `width` and
    `height` are those of the pixels; `bits` is the depth of one stored sample (or palette index); `pages` counts pages
    or frames and `page` is the one that was read, counted from 1; `orientation` is what the file requests, 1 to 8 as in
    EXIF, and is never applied; `conversions` lists every step from the decoded format (for JPEG: RGB) to the pixels.
    `icc_sha256` is the hash of the embedded colour profile, which is not applied. `comparison` says how closely a
    second decoder agrees, if wanted. `isolation` names what the decoding process had given up (sandbox.py). It
    describes the machine and not the photo, so comparisons leave it out.
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
    page: int = 1
    icc_sha256: str | None = None
    comparison: dict[str, Any] | None = None
    isolation: tuple[str, ...] = field(default=(), compare=False)


BRIGHTNESS_FIRST = ("grey", "YCbCr")  # what a JPEG stores, if its first component is brightness


@dataclass(frozen=True)
class Photo:
    """One input, read once: `sha256` and `pixels` come from the same bytes.

    `source` is the name as it was given ("-" for standard input; bytes that are not valid text are kept as surrogates,
    as `os.fsdecode` does). `pixels` is (H, W, 3) RGB, C-contiguous, uint8 (0..255) or uint16 (0..65535).
    `metadata` and `provenance` hold only what JSON can hold. Pixels may be in a file and read-only.
    """

    source: str
    size_bytes: int
    sha256: str
    pixels: Pixels
    decode: Decode
    metadata: dict[str, Any]
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def steps(self) -> npt.NDArray[np.int64] | None:
        """Return the (8, 8) steps with which the JPEG's brightness was quantised, None for other photos.

        It is also None if the file does not say which steps apply (several tables with one number, a table that is
        missing), if it stores no brightness of 8 bits (RGB, CMYK, 12 bits), or if a step is 0, which the standard
        forbids and nothing can be divided by.
        """
        jpeg = self.metadata.get("jpeg")
        if self.decode.format != "JPEG" or self.decode.bits != 8 or not isinstance(jpeg, dict):
            return None
        if jpeg.get("tables_defined_again") or jpeg.get("stores") not in BRIGHTNESS_FIRST:
            return None
        table = jpeg["quantisation"].get(str(jpeg["tables"][0]))
        if table is None or min(table) < 1:
            return None
        return np.array(table, np.int64).reshape(8, 8)
