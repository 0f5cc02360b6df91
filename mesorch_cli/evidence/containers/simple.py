"""The simpler containers (WebP, GIF, HEIC, AVIF): their lengths, sizes and metadata, read without decoding."""

import io
import re
import struct

from mesorch_cli.evidence.containers.boxes import MainItem, read_main_item
from mesorch_cli.evidence.formats import AVIF, GIF, HEIC, WEBP
from mesorch_cli.evidence.inspection import (
    BrokenHeaderError,
    Findings,
    Inspection,
    NoSuchPageError,
    UnsupportedError,
    describe_trailer,
)
from mesorch_cli.evidence.photo import Content

MAX_META = 1 << 20  # the first bytes of a HEIC file, in which the properties of its other pictures are looked for
AVIF_LIMITS = "as many as 16384 x 16384, and 32768 along a side"
NOT_IMPLEMENTED = ("not implemented", "not supported", "unsupported")
MAX_PADDING = 1 << 26  # never make up more than 64 MiB of missing bytes


def inspect_webp(data: bytes) -> Inspection:
    """Walk the RIFF chunks of a WebP file and compare the declared length with the real one."""
    findings = Findings()
    declared = 8 + int.from_bytes(data[4:8], "little")
    inspection = Inspection(WEBP, 0, 0, 8, findings=findings, structure=declared)
    if declared > len(data):
        findings.add_damage(f"the file is cut short: {len(data)} of {declared} bytes")
    elif declared + (declared & 1) < len(data):
        findings.add_note(describe_trailer(data[declared + (declared & 1) :]))
    at, frames, names = 12, 0, []
    while at + 8 <= min(declared, len(data)):
        kind, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        content = data[at + 8 : at + 8 + size]
        names.append(kind.decode("latin-1").strip())
        if at + 8 + size > declared:
            findings.add_damage(f"the {names[-1]} chunk at byte {at} runs past the end of the file")
        _take_webp_chunk(kind, content, inspection)
        frames += kind == b"ANMF"
        at += 8 + size + (size & 1)
    if not inspection.width or not inspection.height:
        raise BrokenHeaderError("it has no frame header")
    inspection.pages = max(frames, 1)
    inspection.facts["chunks"] = names[:64]
    return inspection


def inspect_gif(data: bytes) -> Inspection:
    """Walk the blocks of a GIF to its trailer, counting frames."""
    findings = Findings()
    if len(data) < 13:
        raise BrokenHeaderError("its header is cut short")
    width, height, flags = struct.unpack("<HHB", data[6:11])
    at = 13 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0)
    frames = 0
    while True:
        kind = data[at : at + 1]
        if kind == b";":
            if at + 1 < len(data):
                findings.add_note(describe_trailer(data[at + 1 :]))
            break
        if kind == b",":
            frames += 1
            packed = data[at + 9] if at + 9 < len(data) else 0
            at = _skip_sub_blocks(data, at + 11 + (3 << ((packed & 7) + 1) if packed & 0x80 else 0))
        elif kind == b"!":
            at = _skip_sub_blocks(data, at + 2)
        else:
            findings.add_damage(
                f"no block where one was expected, at byte {at}" if kind else "the file ends without its trailer"
            )
            break
    if not frames or not width or not height:
        raise BrokenHeaderError("it has no image in it")
    return Inspection(GIF, width, height, 8, pages=frames, findings=findings)


def inspect_avif(data: bytes) -> Inspection:
    """Let the AVIF parser read the boxes of a file; nothing is decoded yet."""
    from PIL import AvifImagePlugin

    findings = check_boxes(data)
    try:
        image = AvifImagePlugin.AvifImageFile(io.BytesIO(data))  # not Image.open: its pixel limit is a global
    except (OSError, SyntaxError, ValueError) as error:
        raise _avif_refusal(data, str(error) or "the AVIF parser refused it") from error
    inspection = Inspection(AVIF, image.width, image.height, 8, findings=findings)
    inspection.pages = int(getattr(image, "n_frames", 1))
    inspection.icc, inspection.xmp = image.info.get("icc_profile"), image.info.get("xmp")
    item = _take_main_item(data, inspection)
    if item is not None:
        inspection.orientation = (
            item.orientation
        )  # not EXIF's: by the standard the boxes decide, and viewers follow them
    return inspection


def _avif_refusal(data: bytes, words: str) -> BrokenHeaderError | UnsupportedError:
    """Return why a file was refused, in the words of a reader that gives reasons: a limit and a new feature are no damage."""
    import imagecodecs

    try:
        imagecodecs.avif_decode(data, index=0, numthreads=1)
    except imagecodecs.AvifError as error:
        words = " ".join(str(error).split())[:200]
    found = re.search(r"dimensions are too large \[(\d+)x(\d+)\]", words)
    if found is not None:
        return UnsupportedError(
            f"an AVIF image too large for its decoder ({found.group(1)} x {found.group(2)} pixels; it takes {AVIF_LIMITS})"
        )
    if any(sign in words.lower() for sign in NOT_IMPLEMENTED):
        return UnsupportedError(f"an AVIF image of a kind that its decoder does not read ({words})")
    return BrokenHeaderError(words)


def inspect_heic(content: Content, page: int | None = None) -> Inspection:
    """Let the HEIF parser read the boxes of a file; the main picture, or picture `page`, is not decoded yet."""
    try:
        import pi_heif
    except ImportError as error:
        raise UnsupportedError("a HEIC image, for which the package pi-heif is not installed") from error
    data = bytes(content)
    findings = check_boxes(data)
    try:
        file = pi_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=False)
        number = file.primary_index if page is None else page - 1
        if not 0 <= number < len(file):
            raise NoSuchPageError(f"has {len(file)} pages or frames and no page {page}")
        main = file[number]
    except (OSError, SyntaxError, ValueError, RuntimeError, EOFError, IndexError) as error:
        raise BrokenHeaderError(str(error) or "the HEIF parser refused it") from error
    inspection = Inspection(HEIC, main.size[0], main.size[1], int(main.info.get("bit_depth", 8)), findings=findings)
    inspection.pages, inspection.page = len(file), number + 1
    inspection.structure = main
    inspection.icc, inspection.xmp = main.info.get("icc_profile"), main.info.get("xmp")
    if number == file.primary_index:
        _take_main_item(data, inspection)
    else:
        _take_librarys_exif(main.info.get("exif"), inspection)
        inspection.facts["turned_or_mirrored"] = any(
            box in data[:MAX_META] for box in (b"\0\0\0\x09irot", b"\0\0\0\x09imir")
        )
    inspection.orientation = 1  # the decoder turns the picture as the boxes say, and by the standard EXIF has no say
    return inspection


def _take_main_item(data: bytes, inspection: Inspection) -> MainItem | None:
    """Take the main picture's EXIF block, and state how the boxes have it turned and mirrored, from the file itself."""
    item = read_main_item(data)
    if item is None:
        inspection.findings.add_note(
            "the boxes that describe the main picture cannot be followed; no EXIF was looked for"
        )
        return None
    inspection.exif = item.exif
    inspection.facts |= {"turned_left_by_degrees": 90 * item.quarters, "mirrored": item.mirror or "no"}
    return item


def is_turned(inspection: Inspection) -> bool:
    """Return whether the boxes have the picture turned or mirrored; for other pictures than the main one, any of them."""
    facts = inspection.facts
    turned = facts.get("turned_left_by_degrees", 0) or facts.get("mirrored", "no") != "no"
    return bool(turned or facts.get("turned_or_mirrored"))


def _take_librarys_exif(exif: object, inspection: Inspection) -> None:
    if isinstance(exif, bytes):
        inspection.exif = exif.removeprefix(b"Exif\0\0")


def padded(data: bytes, needed: int) -> bytes:
    """Return `data` with zeros for the missing end, where not more than MAX_PADDING bytes are missing."""
    return data.ljust(needed, b"\0") if len(data) < needed <= len(data) + MAX_PADDING else data


def _take_webp_chunk(kind: bytes, content: bytes, inspection: Inspection) -> None:
    if kind == b"VP8X" and len(content) >= 10:
        inspection.width = int.from_bytes(content[4:7], "little") + 1
        inspection.height = int.from_bytes(content[7:10], "little") + 1
    elif kind == b"VP8 " and not inspection.width and content[3:6] == b"\x9d\x01\x2a" and len(content) >= 10:
        inspection.width, inspection.height = (v & 0x3FFF for v in struct.unpack("<HH", content[6:10]))
    elif kind == b"VP8L" and not inspection.width and len(content) >= 5:
        packed = int.from_bytes(content[1:5], "little")
        inspection.width, inspection.height = (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
    elif kind == b"EXIF":
        inspection.exif = content.removeprefix(b"Exif\0\0")
    elif kind == b"ICCP":
        inspection.icc = content
    elif kind == b"XMP ":
        inspection.xmp = content


def _skip_sub_blocks(data: bytes, at: int) -> int:
    """Return the offset after a chain of GIF sub-blocks, or past the end of the file where it is cut."""
    while at < len(data):
        size = data[at]
        at += 1 + size
        if size == 0:
            return at
    return len(data) + 1


def check_boxes(data: bytes) -> Findings:
    """Compare the lengths of the outermost ISO boxes with the length of the file."""
    findings = Findings()
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if size == 1:
            size = int.from_bytes(data[at + 8 : at + 16], "big")
        elif size == 0:
            return findings  # the last box goes to the end of the file
        if size < 8 or not data[at + 4 : at + 8].isascii():
            findings.add_note(describe_trailer(data[at:]))
            return findings
        at += size
    if at > len(data):
        findings.add_damage(f"the file is cut short: {len(data)} of {at} bytes")
    return findings
