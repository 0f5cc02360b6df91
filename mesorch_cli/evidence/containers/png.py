"""PNG: chunks and their checksums, the length of the inflated data, and recovery of damaged files."""

import io
import struct
import zlib
from dataclasses import dataclass, field
from typing import NamedTuple

import imagecodecs
import numpy as np
import PIL
from PIL import PngImagePlugin

from mesorch_cli.evidence.codecs import COMPOSED, from_imagecodecs
from mesorch_cli.evidence.colour import Samples, spread_words
from mesorch_cli.evidence.format import Format, decoding_whole, inspecting_whole, starting
from mesorch_cli.evidence.inspection import BrokenHeaderError, Findings, Inspection, UnsupportedError, describe_trailer
from mesorch_cli.evidence.photo import Content
from mesorch_cli.evidence.second_decoder import SecondDecoder, by_opencv, by_pillow

NAME = "PNG"
SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6  # colour types
CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGBA: 4}
DEPTHS = {GREY: (1, 2, 4, 8, 16), RGB: (8, 16), PALETTE: (1, 2, 4, 8), GREY_ALPHA: (8, 16), RGBA: (8, 16)}
MAX_SALVAGED_BYTES = 1 << 30  # rebuild damaged data only up to 1 GiB
MAX_TEXT_BYTES = 1 << 16  # of one inflated text chunk
MAX_PROFILE_BYTES = 1 << 24  # of one inflated ICC profile
_STEP = 1 << 20  # inflate at most this many bytes at once
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))  # x y dx dy


class Chunk(NamedTuple):
    """One chunk: its four-letter type, and its content in `data[start:end]`."""

    type: bytes
    start: int
    end: int


@dataclass
class PngStructure:
    """The header's fields and the chunks in the order of the file."""

    width: int
    height: int
    depth: int
    colour: int
    interlaced: bool
    chunks: list[Chunk] = field(default_factory=list)

    @property
    def raw_bytes(self) -> int:
        """Bytes of the inflated image data: filter bytes and packed samples of every row, of every interlace pass."""
        passes = _ADAM7 if self.interlaced else ((0, 0, 1, 1),)
        bits = self.depth * CHANNELS[self.colour]
        total = 0
        for x, y, dx, dy in passes:
            columns, rows = -(-(self.width - x) // dx), -(-(self.height - y) // dy)
            total += rows * (1 + -(-columns * bits // 8)) if columns > 0 and rows > 0 else 0
        return total


def inspect_png(data: bytes) -> Inspection:
    """Parse the chunks of `data`. Raises BrokenHeaderError if the header cannot be trusted."""
    findings = Findings()
    if data[12:16] == b"CgBI":
        raise UnsupportedError("a PNG in Apple's private variant (CgBI)")
    if len(data) < 33 or data[12:16] != b"IHDR":
        raise BrokenHeaderError("its header chunk is missing or cut short")
    width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", data[16:29])
    if not width or not height or depth not in DEPTHS.get(colour, ()):
        raise BrokenHeaderError(f"its header says {width} x {height} pixels, depth {depth}, colour type {colour}")
    structure = PngStructure(width, height, depth, colour, bool(interlace))
    inspection = Inspection(NAME, width, height, depth, findings=findings, structure=structure)
    _walk(data, structure, findings)
    if not any(chunk.type == b"IDAT" for chunk in structure.chunks):
        raise BrokenHeaderError("it has no image data")
    for chunk in structure.chunks:
        _collect_metadata(chunk.type, data[chunk.start : chunk.end], inspection)
    return inspection


def check_png_stream(data: bytes, structure: PngStructure, findings: Findings) -> bytes | None:
    """Inflate the image data piece by piece and compare its length with the header's.

    Returns None if it is complete. Otherwise adds the damage and returns the inflated part, for `salvage_png`.
    """
    expected = structure.raw_bytes
    inflater = zlib.decompressobj()
    length = 0
    problem = ""
    try:
        for piece in _pieces(data, structure):
            while piece and not inflater.eof and length <= expected:
                length += len(inflater.decompress(piece, _STEP))
                piece = inflater.unconsumed_tail
        while length <= expected and (rest := inflater.decompress(b"", _STEP)):
            length += len(rest)
    except zlib.error as error:
        problem = f"the compressed image data is corrupt ({error})"
    if not problem and length > expected:
        findings.add_note("more image data than the picture needs")
        return None
    if not problem and inflater.eof and length == expected:
        return None
    if not problem and length == expected:
        problem = "the image data ends without its closing checksum"
    findings.add_damage(problem or f"the image data ends after {length} of {expected} bytes")
    return _inflate_what_goes(data, structure)


def salvage_png(data: bytes, structure: PngStructure, raw: bytes) -> bytes:
    """Return a valid PNG made of the header, the palette and `raw`, padded with zeros to its full length."""
    parts = [SIGNATURE]
    kept = (b"IHDR", b"PLTE", b"tRNS")
    parts += [_chunk(c.type, data[c.start : c.end]) for c in structure.chunks if c.type in kept]
    parts.append(_chunk(b"IDAT", zlib.compress(raw.ljust(structure.raw_bytes, b"\0"), 1)))
    return b"".join((*parts, _chunk(b"IEND", b"")))


def with_sound_checksums(data: bytes, structure: PngStructure) -> bytes:
    """Return the chunks of the picture with corrected checksums, for a decoder that would refuse them."""
    kept = (b"IHDR", b"PLTE", b"tRNS", b"IDAT")
    parts = [_chunk(c.type, data[c.start : c.end]) for c in structure.chunks if c.type in kept]
    return b"".join((SIGNATURE, *parts, _chunk(b"IEND", b"")))


def _walk(data: bytes, structure: PngStructure, findings: Findings) -> None:
    """Follow the chunks and check lengths and checksums."""
    at = len(SIGNATURE)
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        kind, start, end = data[at + 4 : at + 8], at + 8, at + 8 + length
        if len(kind) < 4 or not kind.isalpha():
            findings.add_damage(f"no chunk where one was expected, at byte {at}")
            return
        name = kind.decode("ascii")
        if end + 4 > len(data):
            findings.add_damage(
                f"the {name} chunk at byte {at} is cut short: the file ends {end + 4 - len(data)} bytes early"
            )
            structure.chunks.append(Chunk(kind, start, min(end, len(data))))
            return
        if zlib.crc32(data[at + 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            findings.add_damage(f"the checksum of the {name} chunk at byte {at} does not hold")
        structure.chunks.append(Chunk(kind, start, end))
        at = end + 4
        if kind == b"IEND":
            if at < len(data):
                findings.add_note(describe_trailer(data[at:]))
            return
    findings.add_damage("the file ends without an end chunk (IEND): it is cut short")


def _pieces(data: bytes, structure: PngStructure) -> list[bytes]:
    return [data[c.start : c.end] for c in structure.chunks if c.type == b"IDAT"]


def _inflate_what_goes(data: bytes, structure: PngStructure) -> bytes:
    inflater = zlib.decompressobj()
    raw = bytearray()
    try:
        for piece in _pieces(data, structure):
            for at in range(0, len(piece), 4096):  # small steps, so that little is lost before the first error
                raw += inflater.decompress(piece[at : at + 4096], structure.raw_bytes - len(raw) + 1)
                if len(raw) > structure.raw_bytes:
                    return bytes(raw[: structure.raw_bytes])
    except zlib.error:
        return bytes(raw)
    return bytes(raw)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _collect_metadata(kind: bytes, content: bytes, inspection: Inspection) -> None:
    """Take EXIF, the ICC profile, frame counts and texts out of one chunk."""
    if kind == b"acTL" and len(content) >= 4:
        inspection.pages = max(int.from_bytes(content[:4], "big"), 1)
    elif kind == b"eXIf":
        inspection.exif = content.removeprefix(b"Exif\0\0")
    elif kind == b"iCCP":
        inspection.icc = _inflate(content.partition(b"\0")[2][1:], MAX_PROFILE_BYTES)
    elif kind in (b"tEXt", b"zTXt", b"iTXt"):
        key, _, rest = content.partition(b"\0")
        text = _inflate(rest[1:], MAX_TEXT_BYTES) if kind == b"zTXt" else rest
        if kind == b"iTXt":
            _, _, text = rest[2:].partition(b"\0")[2].partition(b"\0")
            text = _inflate(text, MAX_TEXT_BYTES) if rest[:1] == b"\1" else text
        if key == b"XML:com.adobe.xmp":
            inspection.xmp = text
        elif text is not None:
            texts = inspection.facts.setdefault("text", {})
            if len(texts) < 64:
                encoding = "utf-8" if kind == b"iTXt" else "latin-1"
                texts[key[:79].decode("latin-1")] = text[:MAX_TEXT_BYTES].decode(encoding, "replace")


def with_indices(data: Content, inspection: Inspection, samples: Samples) -> Samples:
    """Return the palette indices of a PNG as grey samples; for any other file, its samples unchanged."""
    if inspection.format != NAME or inspection.structure.colour != PALETTE:
        return samples
    with PngImagePlugin.PngImageFile(io.BytesIO(bytes(data))) as image:  # not Image.open: its pixel limit is a global
        indices = np.asarray(image)
    return Samples(indices, "grey", "pillow", PIL.__version__, ["palette indices kept"])


def _inflate(content: bytes, limit: int) -> bytes | None:
    try:
        return zlib.decompressobj().decompress(content, limit)
    except zlib.error:
        return None


def decode_png(data: bytes, inspection: Inspection) -> Samples:
    structure: PngStructure = inspection.structure
    if inspection.page > 1:
        frame = imagecodecs.apng_decode(data, index=inspection.page - 1)
        kind = "rgb" if frame.ndim == 3 and frame.shape[2] > 2 else "grey"
        samples = from_imagecodecs("apng", frame, kind, imagecodecs.apng_version())
        samples.conversions.append(COMPOSED)
        return samples
    raw = check_png_stream(data, structure, inspection.findings)
    if raw is not None and structure.raw_bytes <= MAX_SALVAGED_BYTES:
        data = salvage_png(data, structure, raw)
    elif inspection.findings.damage:
        data = with_sound_checksums(data, structure)
    array = imagecodecs.png_decode(data)
    grey = structure.colour in (GREY, GREY_ALPHA)
    samples = from_imagecodecs("png", array, "grey" if grey else "rgb", imagecodecs.png_version())
    if structure.colour == PALETTE:
        samples.conversions.append("palette expanded")
    elif structure.depth < 8:
        samples.conversions.append(spread_words(structure.depth))
    return samples


def _second(inspection: Inspection, _samples: Samples) -> SecondDecoder:
    def still(data: Content) -> bytes:
        return _still(data, inspection)

    return (by_opencv if inspection.bits == 16 else by_pillow)(exact=True, prepared=still)


def _still(data: Content, inspection: Inspection) -> bytes:
    """Return a PNG without its animation chunks, so that a decoder gives the picture and not a frame on a canvas."""
    structure: PngStructure = inspection.structure
    whole = bytes(data)
    if inspection.pages < 2:
        return whole
    of_animation = (b"acTL", b"fcTL", b"fdAT")
    still = (whole[chunk.start - 8 : chunk.end + 4] for chunk in structure.chunks if chunk.type not in of_animation)
    return b"".join([whole[:8], *still])


PNG = Format(
    name=NAME,
    suffixes=(".png", ".apng"),
    recognises=starting(SIGNATURE),
    inspect=inspecting_whole(inspect_png),
    decode=decoding_whole(decode_png),
    second=_second,
    media_type="image/png",
)
