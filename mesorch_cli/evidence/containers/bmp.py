"""Windows and OS/2 bitmaps: the header, the pixel layout that it describes, and layouts that Pillow does not read."""

import io
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import BmpImagePlugin

from mesorch_cli import __version__
from mesorch_cli.evidence.codecs import from_pillow, padded
from mesorch_cli.evidence.colour import Samples
from mesorch_cli.evidence.format import Format, decoding_whole, inspecting_whole
from mesorch_cli.evidence.inspection import BrokenHeaderError, Findings, Inspection, UnsupportedError, describe_trailer
from mesorch_cli.evidence.second_decoder import SecondDecoder, by_opencv, none_because

NAME = "BMP"
HEADER_SIZES = (12, 16, 40, 52, 56, 64, 108, 124)
RGB, RLE8, RLE4, BIT_FIELDS, ALPHA_BIT_FIELDS = 0, 1, 2, 3, 6
PLAIN = (RGB, BIT_FIELDS, ALPHA_BIT_FIELDS)
CORE_HEADER, SHORT_OS2_HEADER, INFO_HEADER, OS2_HEADER = 12, 16, 40, 64
_DEPTHS = (1, 2, 4, 8, 16, 24, 32)
_COMPRESSIONS = {4: "a JPEG inside", 5: "a PNG inside", 11: "CMYK", 12: "CMYK in 8-bit runs", 13: "CMYK in 4-bit runs"}
_OS2_COMPRESSIONS = {3: "Huffman codes (OS/2)", 4: "24-bit runs (OS/2)"}
_CHANNELS = ("red", "green", "blue", "alpha")
# Bit fields that Pillow reads: (red, green, blue, alpha).
_OF_PILLOW: dict[int, set[tuple[int, ...]]] = {
    16: {(0xF800, 0x7E0, 0x1F), (0x7C00, 0x3E0, 0x1F)},
    24: {(0xFF0000, 0xFF00, 0xFF)},
    32: {
        (0xFF0000, 0xFF00, 0xFF, 0),
        (0xFF000000, 0xFF0000, 0xFF00, 0),
        (0xFF000000, 0xFF00, 0xFF, 0),
        (0xFF000000, 0xFF0000, 0xFF00, 0xFF),
        (0xFF, 0xFF00, 0xFF0000, 0xFF000000),
        (0xFF0000, 0xFF00, 0xFF, 0xFF000000),
        (0xFF000000, 0xFF00, 0xFF, 0xFF0000),
        (0, 0, 0, 0),
    },
}


@dataclass(frozen=True)
class BmpHeader:
    """The contents of the headers.

    `offset` is where the pixels start, `size` the length of the second header, `needed` the end of uncompressed pixels
    (the file's length for others), `masks` the bits of red, green, blue and alpha, None if there are none.
    """

    size: int
    offset: int
    width: int
    height: int
    top_down: bool
    bits: int
    compression: int
    colours: int
    masks: tuple[int, int, int, int] | None
    needed: int

    @property
    def palette_at(self) -> int:
        """Return where the palette starts. After a short header, the bit fields precede it."""
        return 14 + self.size + (12 if self.size == INFO_HEADER and self.compression == BIT_FIELDS else 0)

    @property
    def entry(self) -> int:
        """Return the bytes of one palette entry."""
        return 3 if self.size in (CORE_HEADER, SHORT_OS2_HEADER) else 4


def inspect_bmp(data: bytes) -> Inspection:
    """Read the headers of a bitmap and compare the pixel data's length with the file's.

    Raises BrokenHeaderError for impossible headers, and UnsupportedError, naming the layout, for a layout that is not
    read.
    """
    findings = Findings()
    header = read_header(data)
    if header.compression in PLAIN:
        if header.needed > len(data):
            findings.add_damage(f"the pixel data is cut short: the file has {len(data)} of {header.needed} bytes")
        elif header.needed + 4 < len(data) and not 0 < int.from_bytes(data[2:6], "little") == len(data):
            findings.add_note(describe_trailer(data[header.needed :]))
    bits = header.bits if header.bits <= 8 else 5 if header.bits == 16 else 8
    if header.masks and any(header.masks):
        bits = max(mask.bit_count() for mask in header.masks[:3]) if not is_read_by_pillow(header) else bits
    return Inspection(NAME, header.width, header.height, bits, findings=findings, structure=header)


def read_header(data: bytes) -> BmpHeader:
    """Return the headers of a bitmap."""
    if len(data) < 26:
        raise BrokenHeaderError("its header is cut short")
    offset, size = struct.unpack("<II", data[10:18])
    compression = colours = 0
    if size == CORE_HEADER:
        width, height, _, bits = struct.unpack("<HHHH", data[18:26])
    elif len(data) < 14 + size:
        raise BrokenHeaderError("its header is cut short")
    elif size == SHORT_OS2_HEADER:
        width, height, _, bits = struct.unpack("<iiHH", data[18:30])
    else:
        width, height, _, bits, compression = struct.unpack("<iiHHI", data[18:34])
        colours = int.from_bytes(data[46:50], "little")
    if width <= 0 or height == 0:
        raise BrokenHeaderError(f"its header says {width} x {height} pixels of {bits} bits")
    _check_compression(size, bits, compression)
    if bits not in _DEPTHS:
        raise BrokenHeaderError(f"its header says {width} x {height} pixels of {bits} bits")
    masks = _masks(data, size, compression, bits)
    needed = offset + _stride(width, bits) * abs(height) if compression in PLAIN else len(data)
    return BmpHeader(size, offset, width, abs(height), height < 0, bits, compression, colours, masks, needed)


def is_read_by_pillow(header: BmpHeader) -> bool:
    """Return whether Pillow reads the layout. The others are read here."""
    if header.bits == 2 or header.size == SHORT_OS2_HEADER or header.compression == ALPHA_BIT_FIELDS:
        return False
    if header.bits <= 8:
        return header.colours <= 1 << header.bits
    if header.masks is None:
        return True
    count = 4 if header.bits == 32 else 3
    return header.masks[:count] in _OF_PILLOW[header.bits]


def decode_plain(data: bytes, header: BmpHeader) -> Samples:
    """Decode uncompressed pixels: palette indices, or bit fields that are each scaled to their full range."""
    stride = _stride(header.width, header.bits)
    rows = np.frombuffer(data, np.uint8, stride * header.height, header.offset).reshape(header.height, stride)
    if not header.top_down:
        rows = rows[::-1]
    samples = Samples(np.empty((0, 0), np.uint8), "rgb", "mesorch", __version__)
    if header.bits <= 8:
        samples.array = _palette(data, header)[_indices(rows, header)]
        samples.conversions.append("palette expanded")
        return samples
    masks = header.masks or ((0x7C00, 0x3E0, 0x1F, 0) if header.bits == 16 else (0xFF0000, 0xFF00, 0xFF, 0))
    samples.array = _fields(_words(rows, header), masks)
    widths = [mask.bit_count() for mask in masks if mask]
    if set(widths) - {8, 16}:
        target = 16 if max(widths) > 8 else 8
        samples.conversions.append(f"bit fields of {', '.join(map(str, widths))} bits scaled to {target} bits")
    return samples


def _stride(width: int, bits: int) -> int:
    return -(-width * bits // 32) * 4


def _check_compression(size: int, bits: int, compression: int) -> None:
    names = _COMPRESSIONS | (_OS2_COMPRESSIONS if size == OS2_HEADER else {})
    if compression in names:
        raise UnsupportedError(f"a BMP with {names[compression]}")
    if bits == 64:
        raise UnsupportedError("a BMP of 64 bits a pixel")
    if compression not in (*PLAIN, RLE8, RLE4):
        raise UnsupportedError(f"a BMP compressed by method {compression}, which has no name")
    if compression in (RLE8, RLE4) and bits != (8 if compression == RLE8 else 4):
        raise BrokenHeaderError(f"its header says runs of {8 if compression == RLE8 else 4}-bit pixels of {bits} bits")


def _masks(data: bytes, size: int, compression: int, bits: int) -> tuple[int, int, int, int] | None:
    """Return the bit fields: from the header if it has room for them, otherwise from after it."""
    if compression not in (BIT_FIELDS, ALPHA_BIT_FIELDS):
        return None
    if bits < 16:
        raise BrokenHeaderError(f"its header says bit fields of pixels of {bits} bits")
    count = 4 if compression == ALPHA_BIT_FIELDS or size >= 56 else 3
    if len(data) < 54 + 4 * count:
        raise BrokenHeaderError("its bit fields are cut short")
    found = [*struct.unpack_from(f"<{count}I", data, 54), 0][:4]
    masks = (found[0], found[1], found[2], found[3])
    if not any(masks):
        return masks
    for name, mask in zip(_CHANNELS, masks, strict=True):
        if name != "alpha" and not mask:
            raise UnsupportedError(f"a BMP with bit fields that leave out {name}")
        lowest = mask & -mask
        if mask and (mask // lowest) & (mask // lowest + 1):
            raise UnsupportedError(f"a BMP whose bits of {name} are not next to each other (0x{mask:08X})")
        if mask >> bits:
            raise BrokenHeaderError(f"its bits of {name} (0x{mask:08X}) lie outside pixels of {bits} bits")
    if masks[0] & masks[1] or masks[1] & masks[2] or masks[0] & masks[2]:
        raise UnsupportedError("a BMP whose bit fields overlap")
    return masks


def _indices(rows: npt.NDArray[np.uint8], header: BmpHeader) -> npt.NDArray[np.uint8]:
    if header.bits == 8:
        return rows[:, : header.width]
    per_byte = 8 // header.bits
    shifts = np.arange(per_byte - 1, -1, -1, dtype=np.uint8) * np.uint8(header.bits)
    indices = (rows[:, :, None] >> shifts) & np.uint8((1 << header.bits) - 1)
    return indices.reshape(header.height, -1)[:, : header.width]


def _palette(data: bytes, header: BmpHeader) -> npt.NDArray[np.uint8]:
    """Return (256, 3) colours. Missing ones are black. The entries lie between the header and the pixels."""
    full = 1 << header.bits
    room = max(header.offset - header.palette_at, 0) // header.entry
    if header.colours > max(full, room):
        raise BrokenHeaderError(f"its header says {header.colours} colours, and there is room for {room}")
    count = min(header.colours or full, full, room)
    colours = np.zeros((256, 3), np.uint8)
    entries = np.frombuffer(data, np.uint8, count * header.entry, header.palette_at).reshape(count, header.entry)
    colours[:count] = entries[:, 2::-1]
    return colours


def _words(rows: npt.NDArray[np.uint8], header: BmpHeader) -> npt.NDArray[Any]:
    if header.bits == 16:
        return rows.view("<u2")[:, : header.width].astype(np.uint32)
    if header.bits == 32:
        return rows.view("<u4")[:, : header.width]
    parts = rows[:, : 3 * header.width].reshape(header.height, header.width, 3).astype(np.uint32)
    return parts[..., 0] | parts[..., 1] << 8 | parts[..., 2] << 16


def _fields(words: npt.NDArray[Any], masks: tuple[int, int, int, int]) -> npt.NDArray[Any]:
    """Return the channels, each scaled to the full range of 8 bits, or of 16 bits if a channel has more than 8."""
    used = [mask for mask in masks if mask]
    target = np.uint16 if max(mask.bit_count() for mask in used) > 8 else np.uint8
    top = int(np.iinfo(target).max)
    channels = []
    for mask in used:
        lowest, most = (mask & -mask).bit_length() - 1, (1 << mask.bit_count()) - 1
        values = (words & np.uint32(mask)).astype(np.uint64) >> np.uint64(lowest)
        channels.append(((values * np.uint64(2 * top) + np.uint64(most)) // np.uint64(2 * most)).astype(target))
    return np.stack(channels, -1)


def decode_bmp(data: bytes, inspection: Inspection) -> Samples:
    header: BmpHeader = inspection.structure
    data = padded(data, header.needed)
    if not is_read_by_pillow(header):
        return decode_plain(data, header)
    return from_pillow(BmpImagePlugin.BmpImageFile(io.BytesIO(data)))


def _second(inspection: Inspection, _samples: Samples) -> SecondDecoder:
    reason = _why_not_opencv(inspection.structure)
    return none_because(reason) if reason else by_opencv(exact=True)


def _why_not_opencv(header: BmpHeader) -> str:
    """Return why OpenCV cannot check this layout, which it is known to read differently. Empty if it can."""
    if header.size < INFO_HEADER:
        return "the second decoder reads the headers of OS/2 wrongly"
    if header.compression in (RLE8, RLE4):
        return "the second decoder leaves pixels out of run-length codes"
    if header.bits == 16:
        return "the second decoder does not scale fields of 5 and 6 bits to the whole range"
    if header.bits == 2 or header.colours > 1 << min(header.bits, 16):
        return "the second decoder does not read this palette"
    if header.bits <= 8 and header.palette_at + header.entry * (header.colours or 1 << header.bits) > header.offset:
        return "the palette overlaps the pixels, and decoders differ in what they make of that"
    usual = (0xFF0000, 0xFF00, 0xFF)
    if header.masks is not None and (header.masks[:3] != usual or header.size < 56):
        return "the second decoder does not mind the bit fields"
    return ""


BMP = Format(
    name=NAME,
    suffixes=(".bmp",),
    recognises=lambda head: head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in HEADER_SIZES,
    inspect=inspecting_whole(inspect_bmp),
    decode=decoding_whole(decode_bmp),
    second=_second,
)
