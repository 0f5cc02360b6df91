"""Which kinds of TIFF are read, by which library, and the names of the others. The directory alone decides."""

from dataclasses import dataclass
from typing import Any

import tifffile

from mesorch_cli.evidence.inspection import UnsupportedError
from mesorch_cli.evidence.tiff.libtiff import subsampling

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, SEPARATED, YCBCR = 0, 1, 2, 3, 5, 6
NONE, LZW, OLD_JPEG, JPEG, DEFLATE, PACKBITS, LZMA, ZSTD = 1, 5, 6, 7, 8, 32773, 34925, 50000
DEFLATES = (DEFLATE, 32946, 50013)
ZSTDS = (ZSTD, 34926)
UNPACKED_HERE = (NONE, LZW, *DEFLATES, PACKBITS, LZMA, *ZSTDS)
"""Compressions of plain bytes, which are undone and checked piece by piece. The others are picture codecs."""
FAX = (2, 3, 4)
LIBTIFF_ONLY = (32766, 32771, 32809)  # NeXT, CCITT RLE by words, ThunderScan
JPEG_COMPRESSIONS = (JPEG, 34892)
LOSSY = (OLD_JPEG, *JPEG_COMPRESSIONS, 33003, 33004, 33005, 34712, 34887, 34927, 50001, 50002, 52546, 22610)
"""Compressions in which two correct decoders may differ. Some have a lossless form that the directory does not show."""

TAG_PHOTOMETRIC, TAG_COLOUR_MAP, TAG_INK_SET = 262, 320, 332
_COLOURS = {
    8: "CIE L*a*b*",
    9: "ICC L*a*b*",
    10: "ITU L*a*b*",
    4: "a transparency mask",
    32844: "LogL",
    32845: "LogLuv",
}
_COMPRESSIONS = {
    34661: "JBIG",
    34676: "SGI LogLuv",
    34677: "SGI LogLuv of 24 bits",
    32909: "PixarLog",
    32908: "Pixar film",
}
_FORMATS = {1: "unsigned integers", 2: "signed integers", 3: "floating-point numbers", 4: "numbers of no stated kind"}
REAL = tuple(_FORMATS)
UNSIGNED = (1, 4)


@dataclass(frozen=True)
class Layout:
    """How to read a page.

    `photometric` is the meaning of the samples, taken from their number if the directory does not say (`guessed` is
    then a sentence about it). `by_libtiff`: libtiff reads the kind, tifffile does not.
    """

    photometric: int
    by_libtiff: bool
    guessed: str | None = None


def layout_of(page: Any) -> Layout:
    """Return how to read a tifffile page. Raises UnsupportedError, naming the kind, if nothing here reads it."""
    compression = int(page.compression)
    photometric, guessed = _photometric(page)
    _check_samples(page)
    if page.imagedepth != 1:
        raise UnsupportedError("a TIFF that holds a volume")
    if photometric == YCBCR and compression in UNPACKED_HERE:
        _check_ycbcr(page)
        return Layout(photometric, by_libtiff=True, guessed=guessed)
    if compression in FAX and (page.bitspersample != 1 or page.samplesperpixel != 1):
        raise UnsupportedError(f"a TIFF with fax data of {page.samplesperpixel} samples of {page.bitspersample} bits")
    if compression in (OLD_JPEG, *FAX, *LIBTIFF_ONLY):
        return Layout(photometric, by_libtiff=True, guessed=guessed)
    if compression != NONE:
        try:
            tifffile.TIFF.DECOMPRESSORS[compression]
        except KeyError as error:
            raise UnsupportedError(f"a TIFF compressed by {_compression_name(page)}") from error
    known = photometric in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, SEPARATED)
    if not known and not (
        photometric == YCBCR and compression in (*JPEG_COMPRESSIONS, 34712, 33003, 33005, 34927, 50001)
    ):
        name = _COLOURS.get(photometric) or getattr(page.photometric, "name", f"number {photometric}")
        raise UnsupportedError(f"a TIFF whose colours are stored as {name}")
    if photometric == PALETTE and page.tags.get(TAG_COLOUR_MAP) is None:
        raise UnsupportedError("a TIFF of palette indices without its palette")
    return Layout(photometric, by_libtiff=False, guessed=guessed)


def _photometric(page: Any) -> tuple[int, str | None]:
    """Return the meaning of the samples, from the directory or else from their number, as libtiff does."""
    if TAG_PHOTOMETRIC in page.tags or int(page.compression) == OLD_JPEG:
        try:
            return int(page.photometric), None
        except (TypeError, ValueError) as error:
            raise UnsupportedError(f"a TIFF whose colours are {str(page.photometric)[:40]}") from error
    extra = page.extrasamples or ()
    colours = page.samplesperpixel - len(extra)
    if colours == 1 and TAG_COLOUR_MAP in page.tags:
        meaning, words = PALETTE, "indices of its palette"
    elif colours == 1 and int(page.compression) in FAX:
        meaning, words = WHITE_IS_ZERO, "grey with white as zero, as fax data has it"
    elif colours == 1:
        meaning, words = BLACK_IS_ZERO, "grey with black as zero"
    elif colours == 3 and int(page.compression) == JPEG:
        meaning, words = YCBCR, "YCbCr, as JPEG data has it"
    elif colours == 3:
        meaning, words = RGB, "RGB"
    elif colours == 4 and TAG_INK_SET in page.tags:
        meaning, words = SEPARATED, "CMYK, for it names an ink set"
    else:
        raise UnsupportedError(f"a TIFF that does not say what its {colours} samples a pixel mean (no photometric tag)")
    return meaning, f"the file does not say what its samples mean (no photometric tag); taken as {words}"


def _check_samples(page: Any) -> None:
    bits, kind = page.bitspersample, page.sampleformat
    if not isinstance(bits, int):
        raise UnsupportedError(f"a TIFF with samples of {str(bits)[:60]} bits in one pixel")
    if kind not in REAL:
        raise UnsupportedError(f"a TIFF with samples of format {str(kind)[:40]}, which are not real numbers")
    formats = page.tags.get(339)
    if formats is not None and isinstance(formats.value, tuple) and len(set(formats.value[: page.samplesperpixel])) > 1:
        raise UnsupportedError(f"a TIFF with samples of several formats in one pixel ({str(formats.value)[:60]})")
    if bits == 24 and int(kind) in UNSIGNED and int(page.predictor) != 1:
        raise UnsupportedError("a TIFF with samples of 24 bits of which only the differences are stored")
    if page.dtype is None:
        raise UnsupportedError(f"a TIFF with samples of {bits} bits that are {_FORMATS[int(kind)]}")


def _check_ycbcr(page: Any) -> None:
    """Refuse what libtiff cannot turn into RGB: other depths, and chroma in a plane of another size."""
    across, down = subsampling(page)
    if page.bitspersample != 8 or int(page.sampleformat) not in (1, 4) or page.samplesperpixel < 3:
        raise UnsupportedError(
            f"a TIFF whose colours are YCbCr of {page.samplesperpixel} samples of {page.bitspersample} bits, without "
            "JPEG"
        )
    if (across, down) in (
        (1, 4),
        (2, 4),
        (4, 4),
    ):  # libtiff has no reader for the first two, and loses the last of the third
        raise UnsupportedError(f"a TIFF whose colours are YCbCr with one chroma value for {across} x {down} pixels")
    if page.planarconfig == 2 and (across, down) != (1, 1):
        raise UnsupportedError(
            f"a TIFF whose colours are YCbCr in planes, with one chroma value for {across} x {down} pixels"
        )


def _compression_name(page: Any) -> str:
    number = int(page.compression)
    name = _COMPRESSIONS.get(number) or getattr(page.compression, "name", None)
    return f"{name} (method {number})" if name else f"method {number}, which has no name"
