"""WebP. Its RIFF chunks are parsed without decoding. libwebp decodes, Pillow compares."""

import struct

import imagecodecs

from mesorch_cli.evidence.codecs import COMPOSED, from_imagecodecs, padded
from mesorch_cli.evidence.colour import Samples
from mesorch_cli.evidence.format import Format, decoding_whole, inspecting_whole
from mesorch_cli.evidence.inspection import BrokenHeaderError, Findings, Inspection, describe_trailer
from mesorch_cli.evidence.second_decoder import SecondDecoder, by_pillow_to_8_bits, none_because

NAME = "WebP"


def inspect_webp(data: bytes) -> Inspection:
    """Parse the RIFF chunks of a WebP file and compare the declared length with the real one."""
    findings = Findings()
    declared = 8 + int.from_bytes(data[4:8], "little")
    inspection = Inspection(NAME, 0, 0, 8, findings=findings, structure=declared)
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


def decode_webp(data: bytes, inspection: Inspection) -> Samples:
    array = imagecodecs.webp_decode(padded(data, inspection.structure), index=inspection.page - 1)
    samples = from_imagecodecs("webp", array, "rgb", imagecodecs.webp_version())
    if inspection.page > 1:
        samples.conversions.append(COMPOSED)
    return samples


def _second(inspection: Inspection, samples: Samples) -> SecondDecoder | None:
    if inspection.pages > 1:
        return none_because("the second decoder puts the frames of an animation together before it hands them out")
    return by_pillow_to_8_bits(inspection, samples)


WEBP = Format(
    name=NAME,
    suffixes=(".webp",),
    recognises=lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP",
    inspect=inspecting_whole(inspect_webp),
    decode=decoding_whole(decode_webp),
    second=_second,
    lossy=True,
    media_type="image/webp",
)
