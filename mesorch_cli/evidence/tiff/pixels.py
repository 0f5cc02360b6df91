"""The samples of a TIFF page, assembled from pieces or read by libtiff, as full-range grey, RGB or CMYK."""

import copy
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from mesorch_cli.evidence.colour import Samples, spread, spread_words, to_fixed_range
from mesorch_cli.evidence.inspection import Findings, Inspection, UnsupportedError
from mesorch_cli.evidence.photo import Content
from mesorch_cli.evidence.storage import zeros
from mesorch_cli.evidence.tiff import kinds, libtiff
from mesorch_cli.evidence.tiff.data import jpeg_tables, read_pieces
from mesorch_cli.evidence.tiff.directories import opened
from mesorch_cli.evidence.tiff.kinds import (
    FAX,
    JPEG,
    LOSSY,
    OLD_JPEG,
    PALETTE,
    SEPARATED,
    UNPACKED_HERE,
    UNSIGNED,
    YCBCR,
    Layout,
)
from mesorch_cli.evidence.tiff.words import words_of


def decode_tiff(data: Content, inspection: Inspection) -> Samples:
    """Decode the chosen page. Parts that do not decode become zero and a finding.

    Raises UnsupportedError for kinds that nothing here reads, and the codec's error if no part decodes.
    """
    with opened(data, inspection.structure) as (page, layout):
        samples = (
            _read_by_libtiff(data, page, inspection) if layout.by_libtiff else _read_by_tifffile(data, page, inspection)
        )
        _interpret(page, samples, layout)
    if inspection.structure and not inspection.asked:
        samples.conversions.append(f"page {inspection.structure + 1} read: the pages before it are thumbnails or masks")
    return samples


def decode_tiff_again(data: Content, inspection: Inspection) -> tuple[Samples, bool]:
    """Decode the chosen page with libtiff alone, and say whether the standard leaves no choice of values.

    Raises UnsupportedError if libtiff was the first reader, or does not return the stored samples.
    """
    with opened(data, inspection.structure) as (page, layout):
        exact = int(page.compression) not in (
            *LOSSY,
            *FAX,
        )  # tifffile's fax codec was seen to lose the rest of sound data
        if int(page.compression) in FAX:
            samples = Samples(_assembled(page, Findings()), "rgb", "tifffile", tifffile.__version__)
        elif layout.by_libtiff:
            raise UnsupportedError("a TIFF that libtiff alone reads")
        elif int(page.predictor) != 1 and page.bitspersample not in (8, 16, 32, 64):
            raise UnsupportedError("a TIFF whose differences of such samples libtiff does not undo")
        elif layout.photometric == SEPARATED:
            raise UnsupportedError("a TIFF whose CMYK samples libtiff makes RGB of, by its own formula")
        else:
            array = _channels_last(libtiff.decode_page(data, page, inspection.structure), page)
            samples = Samples(array, "rgb", "libtiff", libtiff.version())
        _interpret(page, samples, layout)
        return samples, exact


def _read_by_tifffile(data: Content, page: Any, inspection: Inspection) -> Samples:
    """Read a page with tifffile, or with libtiff if tifffile's codec refuses its JPEG data."""
    trial = Findings()
    try:
        samples = Samples(_assembled(page, trial), "rgb", "tifffile", tifffile.__version__)
    except (RuntimeError, ValueError) as error:
        if int(page.compression) != JPEG:
            raise
        try:
            return _by_libtiff(data, page, inspection)
        except (UnsupportedError, RuntimeError, ValueError):
            raise error from None
    inspection.findings.take(trial)
    return samples


def _read_by_libtiff(data: Content, page: Any, inspection: Inspection) -> Samples:
    """Read pages that libtiff alone reads or reads better: tifffile's codec may silently lose parts of fax data."""
    compression = int(page.compression)
    if compression == OLD_JPEG:
        try:
            samples = _by_libtiff(data, page, inspection)
        except (UnsupportedError, RuntimeError) as error:
            try:  # one JPEG after another, whatever the old tags say of it
                return Samples(_assembled(page, inspection.findings), "rgb", "tifffile", tifffile.__version__)
            except (RuntimeError, ValueError):
                raise error from None
    else:
        samples = _by_libtiff(data, page, inspection)
    for _ in read_pieces(page, inspection.findings):
        pass  # for what it finds
    if compression in FAX:
        _check_fax(samples.array, page, inspection.findings)
    return samples


def _by_libtiff(data: Content, page: Any, inspection: Inspection) -> Samples:
    array = _channels_last(libtiff.decode_page(data, page, inspection.structure), page)
    return Samples(array, "rgb", "imagecodecs.tiff", libtiff.version())


def _assembled(page: Any, findings: Findings) -> npt.NDArray[Any]:
    """Assemble the pieces of a page as (H, W, samples)."""
    plain = int(page.compression) in UNPACKED_HERE
    decode = _plain(page).decode if plain else page.decode
    tables = None if plain else jpeg_tables(page) or None
    whole: npt.NDArray[Any] = zeros(page.shaped, page.dtype)
    decoded, last = 0, ValueError("no strip or tile has any data")
    for number, data in read_pieces(page, findings):
        if data is None:
            continue  # told by the check of the directory
        try:
            piece, (plane, depth, row, column, _), shape = decode(data, number, jpegtables=tables)
            piece = piece[: page.imagedepth - depth, : page.imagelength - row, : page.imagewidth - column]
            whole[plane, depth : depth + shape[0], row : row + shape[1], column : column + shape[2]] = piece
        except (RuntimeError, ValueError, OSError, IndexError) as error:  # from codecs, and from pieces that do not fit
            last = ValueError(words_of(error))
            findings.add_damage(f"strip or tile {number + 1} does not decode ({last})")
        else:
            decoded += 1
    if not decoded:
        raise last
    return whole[:, 0].transpose(1, 2, 0, 3).reshape(whole.shape[2], whole.shape[3], -1)


def _plain(page: Any) -> Any:
    """Return an uncompressed twin of a page, with which tifffile places unpacked pieces in the picture."""
    twin = copy.copy(page)
    for name in ("hash", "decode"):
        vars(twin).pop(name, None)  # values that tifffile computed and kept
    twin.compression, twin.fillorder = tifffile.COMPRESSION.NONE, tifffile.FILLORDER.MSB2LSB
    return twin


def _check_fax(array: npt.NDArray[Any], page: Any, findings: Findings) -> None:
    """Ask a second decoder, as fax codes have no checksum and each reader repairs errors in its own way."""
    trial = Findings()
    try:
        other = _assembled(page, trial)
    except (RuntimeError, ValueError) as error:
        trial.add_damage(f"the fax data does not decode ({words_of(error)})")
        other = array
    findings.take(trial)
    if not trial.damage and not np.array_equal(other != 0, array != 0):
        findings.add_note("two decoders make different pictures of the fax data; that of libtiff was taken")


def _interpret(page: Any, samples: Samples, layout: Layout) -> None:
    """Turn the page's samples into full-range grey, RGB or CMYK, by its photometric interpretation."""
    photometric, bits = layout.photometric, int(page.bitspersample)
    if photometric == YCBCR:
        if layout.by_libtiff:
            across, down = libtiff.subsampling(page)
            words = f", each chroma value for {across} x {down} pixels" if (across, down) != (1, 1) else ""
            samples.conversions.append(f"YCbCr to RGB by libtiff{words}")
        else:
            samples.conversions.append("YCbCr to RGB by the JPEG codec")
        if samples.array.dtype in (np.uint8, np.uint16):
            samples.bits = bits if bits not in (8, 16) else None
            return
    if photometric == PALETTE:
        indices, colours = samples.array[..., 0], np.asarray(page.colormap, np.uint16)  # (3, 2**bits), 16-bit
        samples.conversions.append(f"palette of {colours.shape[1]} colours expanded")
        if samples.array.shape[2] > 1:
            samples.conversions.append("samples beside the palette index dropped")
        if np.array_equal(colours % 256 * 257, colours) or not (colours % 256).any():
            colours = (colours >> 8).astype(np.uint8)  # 8-bit colours, written the way TIFF asks
        samples.array = colours[:, np.minimum(indices, colours.shape[1] - 1)].transpose(1, 2, 0)
        return
    if samples.array.dtype == np.bool_:
        samples.array = samples.array.astype(np.uint8)
    if bits == 24 and int(page.sampleformat) in UNSIGNED and page.parent.tiff.byteorder == "<":
        samples.array = _bytes_turned(samples.array)
    if int(page.sampleformat) not in UNSIGNED or bits > 16:
        samples.array = to_fixed_range(samples.array, samples.conversions, bits)
    elif bits not in (8, 16):
        samples.array = spread(samples.array, bits)
        samples.conversions.append(spread_words(bits))
    if photometric in (kinds.WHITE_IS_ZERO, kinds.BLACK_IS_ZERO):
        samples.kind = "grey"
        if photometric == kinds.WHITE_IS_ZERO:
            samples.array = np.iinfo(samples.array.dtype).max - samples.array
            samples.conversions.append("grey inverted (white was stored as zero)")
    elif photometric == SEPARATED:
        samples.kind = "cmyk"


def _bytes_turned(array: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """Return samples of three bytes in little-endian order: unpacked as bits, their last byte came first.

    Whole bytes are in the file's order, as in libtiff. Samples of other depths are bits, highest first.
    """
    low, middle, shift = np.uint32(0xFF), np.uint32(0xFF00), np.uint32(16)
    turned: npt.NDArray[np.uint32] = ((array & low) << shift | (array & middle) | array >> shift).astype(np.uint32)
    return turned


def _channels_last(array: npt.NDArray[Any], page: Any) -> npt.NDArray[Any]:
    """Return libtiff's output as (H, W, samples)."""
    if array.ndim == 2:
        return array[:, :, None]
    if page.planarconfig == 2 and array.shape[0] == page.samplesperpixel and array.shape[1:] == page.shaped[2:4]:
        return array.transpose(1, 2, 0)
    return array
