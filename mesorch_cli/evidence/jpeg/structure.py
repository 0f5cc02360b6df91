"""The outer structure of a JPEG file: segments, frame, scans and restart markers, parsed byte by byte."""

import re
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from mesorch_cli.evidence.inspection import BrokenHeaderError, Findings, Inspection, UnsupportedError, describe_trailer
from mesorch_cli.evidence.tags.iptc import iptc_of_photoshop

NAME = "JPEG"
SOI, EOI, SOS, DQT, DHT, DRI, DNL, COM = 0xD8, 0xD9, 0xDA, 0xDB, 0xC4, 0xDD, 0xDC, 0xFE
APP0, APP1, APP2, APP12, APP13, APP14 = 0xE0, 0xE1, 0xE2, 0xEC, 0xED, 0xEE
FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {DHT, 0xC8, 0xCC}  # SOF0..SOF15
LS_FRAME = 0xF7
STANDALONE = frozenset({0x01, *range(0xD0, 0xD8)})  # TEM and RST0..RST7 have no length
AFTER_SCAN = frozenset({EOI, SOS, DQT, DHT, 0xCC, DRI, DNL, COM, *range(0xE0, 0xF0)})  # what may end a scan

CUT_SHORT = "the file ends without an end-of-image marker: it is cut short"
RESTARTS = re.compile(rb"\xff[\xd0-\xd7]")

_NAMES = {SOI: "SOI", EOI: "EOI", SOS: "SOS", DQT: "DQT", DHT: "DHT", DRI: "DRI", DNL: "DNL", COM: "COM", 0xCC: "DAC"}


class Component(NamedTuple):
    """One colour component: its id, sampling factors (1..4) and quantisation table number."""

    id: int
    h: int
    v: int
    table: int


class Segment(NamedTuple):
    """A marker segment: `start` at its 0xFF, payload in `data[payload:end]`."""

    marker: int
    start: int
    payload: int
    end: int


@dataclass
class Scan:
    """Entropy-coded data in `data[start:end]`, fill bytes excluded, and how its header described it.

    `interval` is the current number of units between restart markers, 0 for none.
    """

    header: Segment
    components: tuple[int, ...]
    start: int
    end: int = 0
    restarts: int = 0
    interval: int = 0


@dataclass
class JpegStructure:
    """Everything that the markers say.

    `foreign` holds the offsets of markers that do not belong inside compressed data. `end` is the offset just after
    EOI, or the length of a file without EOI.
    """

    segments: list[Segment] = field(default_factory=list)
    scans: list[Scan] = field(default_factory=list)
    frame_marker: int = 0
    precision: int = 0
    height: int = 0
    width: int = 0
    components: tuple[Component, ...] = ()
    restart_interval: int = 0
    foreign: list[int] = field(default_factory=list)
    complete: bool = False
    end: int = 0

    @property
    def progressive(self) -> bool:
        """Whether the frame is progressive (SOF2, SOF6, SOF10, SOF14)."""
        return self.frame_marker & 3 == 2


def marker_name(marker: int) -> str:
    """Return the name that the standard gives a marker byte."""
    if marker in _NAMES:
        return _NAMES[marker]
    if marker in FRAME_MARKERS:
        return f"SOF{marker - 0xC0}"
    if 0xE0 <= marker <= 0xEF:
        return f"APP{marker - 0xE0}"
    return f"RST{marker - 0xD0}" if 0xD0 <= marker <= 0xD7 else f"FF{marker:02X}"


def inspect_jpeg(data: bytes) -> Inspection:
    """Parse the markers of `data` and return what they say, with findings on every irregularity.

    Raises BrokenHeaderError without a frame and a scan, UnsupportedError for frames that cannot become RGB.
    """
    findings = Findings()
    structure = walk(data, findings)
    trailer = makers_trailer(data)
    if trailer is not None and not structure.complete:
        findings = Findings()
        structure = walk(data[:trailer], findings)
        findings.add_note(describe_trailer(data[trailer:]))
    if not structure.components or not structure.scans:
        raise BrokenHeaderError(findings.damage[0] if findings.damage else "it has no image data")
    if structure.width == 0 or structure.height == 0:
        raise BrokenHeaderError(f"its frame header says {structure.width} x {structure.height} pixels")
    if len(structure.components) not in (1, 3, 4):
        raise UnsupportedError(f"a JPEG with {len(structure.components)} colour components")
    inspection = Inspection(
        NAME, structure.width, structure.height, structure.precision, findings=findings, structure=structure
    )
    _collect_metadata(data, structure, inspection)
    return inspection


def makers_trailer(data: bytes) -> int | None:
    """Return the offset of data that a phone adds after a picture: a Samsung trailer or a video. None without one.

    In panoramas it follows the compressed data directly, without an end marker. Samsung's directory stands last:
    `SEFH`, version, count, for each block (type, distance back from the directory, size), the directory's length,
    `SEFT`.
    """
    video = data.find(b"ftyp", 4)
    if video > 0 and int.from_bytes(data[video - 4 : video], "big") in range(12, 65):
        return video - 4
    if not data.endswith(b"SEFT") or len(data) < 24:
        return None
    at = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    if at < 0 or data[at : at + 4] != b"SEFH":
        return None
    count = min(int.from_bytes(data[at + 8 : at + 12], "little"), (len(data) - at - 20) // 12)
    distances = [int.from_bytes(data[at + 16 + 12 * i : at + 20 + 12 * i], "little") for i in range(count)]
    start = at - max(distances, default=0)
    return start if start > 0 else None


def walk(data: bytes, findings: Findings) -> JpegStructure:
    """Follow the markers from SOI to EOI, or as far as they are readable."""
    structure = JpegStructure()
    stops = _marker_positions(data)
    at = 2
    while True:
        start = data.find(b"\xff", at)
        if start < 0 or start + 1 >= len(data):
            # Whether anything is lost shows when the scans are checked.
            structure.end = len(data)
            if not structure.scans:
                findings.add_damage(CUT_SHORT)
            return structure
        if start > at:
            # Before the first scan, some cameras and editors wrote a wrong segment length. Later, data was lost.
            add = findings.add_damage if structure.scans else findings.add_note
            add(f"{start - at} unexpected bytes before a marker at byte {start}")
        marker = data[start + 1]
        if marker == 0xFF:  # a fill byte
            at = start + 1
        elif marker == EOI:
            structure.complete, structure.end = True, start + 2
            if structure.end < len(data):
                findings.add_note(describe_trailer(data[structure.end :]))
            return structure
        elif marker in STANDALONE:
            findings.add_note(f"a stray {marker_name(marker)} marker at byte {start}")
            at = start + 2
        elif marker in (0x00, SOI):
            # Between the segments of a header, it is junk from a camera or editor. Later, it is lost data.
            add = findings.add_damage if structure.scans else findings.add_note
            add(f"an unexpected marker FF{marker:02X} at byte {start}")
            at = start + 2
        else:
            length = int.from_bytes(data[start + 2 : start + 4], "big")
            segment = Segment(marker, start, start + 4, start + 2 + length)
            if length < 2 or segment.end > len(data):
                findings.add_damage(f"the {marker_name(marker)} segment at byte {start} is cut short or has no length")
                structure.end = len(data)
                return structure
            structure.segments.append(segment)
            at = _enter_segment(data, segment, structure, stops, findings)


def expected_mcus(structure: JpegStructure, components: tuple[int, ...]) -> int:
    """Return the number of minimum coded units in a scan over `components` (ids)."""
    h_max = max(c.h for c in structure.components)
    v_max = max(c.v for c in structure.components)
    if len(components) == 1:
        single = next((c for c in structure.components if c.id == components[0]), structure.components[0])
        columns = -(-structure.width * single.h // h_max)
        rows = -(-structure.height * single.v // v_max)
        return -(-columns // 8) * -(-rows // 8)
    return -(-structure.width // (8 * h_max)) * -(-structure.height // (8 * v_max))


def _marker_positions(data: bytes) -> list[int]:
    """Return the offset of every 0xFF before neither a stuffed zero nor another 0xFF."""
    values = np.frombuffer(data, np.uint8)
    at = np.flatnonzero(values[:-1] == 0xFF)
    following = values[at + 1]
    found: list[int] = at[(following != 0) & (following != 0xFF)].tolist()
    return found


def _enter_segment(
    data: bytes, segment: Segment, structure: JpegStructure, stops: list[int], findings: Findings
) -> int:
    """Process one segment. Return the offset at which the next marker is expected."""
    payload = data[segment.payload : segment.end]
    if segment.marker in FRAME_MARKERS:
        if structure.components:
            findings.add_damage(f"a second frame header at byte {segment.start}")
            return segment.end
        if len(payload) < 6 or len(payload) < 6 + 3 * payload[5] or payload[5] == 0:
            raise BrokenHeaderError("its frame header is too short")
        structure.frame_marker, structure.precision = segment.marker, payload[0]
        structure.height = int.from_bytes(payload[1:3], "big")
        structure.width = int.from_bytes(payload[3:5], "big")
        parts = [payload[6 + 3 * i : 9 + 3 * i] for i in range(payload[5])]
        structure.components = tuple(Component(p[0], p[1] >> 4, p[1] & 15, p[2]) for p in parts)
        if not all(1 <= c.h <= 4 and 1 <= c.v <= 4 for c in structure.components):
            raise BrokenHeaderError("its frame header has sampling factors outside 1 to 4")
    elif segment.marker == LS_FRAME and not structure.components:
        raise UnsupportedError("a JPEG-LS image")
    elif segment.marker == DRI and len(payload) >= 2:
        structure.restart_interval = int.from_bytes(payload[:2], "big")
    elif segment.marker == SOS and structure.components and payload and len(payload) >= 1 + 2 * payload[0]:
        scan = Scan(segment, tuple(payload[1 : 1 + 2 * payload[0] : 2]), segment.end)
        scan.interval = structure.restart_interval
        structure.scans.append(scan)
        return _follow_scan(data, scan, structure, stops, findings)
    elif segment.marker == SOS:
        findings.add_damage(f"a scan header at byte {segment.start} that describes no scan")
    return segment.end


def _follow_scan(data: bytes, scan: Scan, structure: JpegStructure, stops: list[int], findings: Findings) -> int:
    """Go to the marker that ends the scan, checking the restart markers. Return its offset."""
    expected = 0xD0
    stop = len(data)
    after_restart = -1  # the offset after the previous restart marker: one at this place has no data of its own
    for at in stops[bisect_left(stops, scan.start) :]:
        marker = data[at + 1]
        if 0xD0 <= marker <= 0xD7:
            scan.restarts += 1
            needed = scan.restarts <= _needed_restarts(scan, structure)
            if needed and marker != expected and at != after_restart:
                findings.add_damage(f"restart marker {marker - 0xD0} at byte {at}, expected {expected - 0xD0}")
            after_restart, expected = at + 2, 0xD0 + (marker - 0xD0 + 1) % 8
        elif marker in AFTER_SCAN:
            stop = at
            break
        else:
            structure.foreign.append(at)
            findings.add_damage(f"an unexpected marker FF{marker:02X} inside the compressed data at byte {at}")
    scan.end = len(data[scan.start : stop].rstrip(b"\xff")) + scan.start
    if stop < len(data):
        _check_restarts(data, scan, structure, findings)
    return stop


def _needed_restarts(scan: Scan, structure: JpegStructure) -> int:
    """Return the number of restart markers that the picture's size requires, 0 if the file announced none."""
    if structure.restart_interval == 0:
        return 0
    return -(-expected_mcus(structure, scan.components) // structure.restart_interval) - 1


def _check_restarts(data: bytes, scan: Scan, structure: JpegStructure, findings: Findings) -> None:
    """Compare the number of restart markers with the one that the picture's size requires."""
    if structure.restart_interval == 0:
        if scan.restarts:
            findings.add_damage(f"{scan.restarts} restart markers in a scan that announced none")
        return
    expected = _needed_restarts(scan, structure)
    pieces = [piece for piece in RESTARTS.split(data[scan.start : scan.end]) if piece]
    if scan.restarts > expected and len(pieces) == expected + 1:
        surplus = scan.restarts - expected
        findings.add_note(f"{surplus} restart marker{'s' * (surplus > 1)} more than the picture needs")
    elif scan.restarts != expected:
        findings.add_damage(f"{scan.restarts} restart markers in a scan that needs {expected}")


def _collect_metadata(data: bytes, structure: JpegStructure, inspection: Inspection) -> None:
    """Extract EXIF, XMP and the ICC profile from the application segments."""
    icc: dict[int, bytes] = {}
    for segment in structure.segments:
        payload = data[segment.payload : segment.end]
        if segment.marker == APP1 and payload.startswith(b"Exif\0") and inspection.exif is None:
            inspection.exif = payload[6:]
        elif segment.marker == APP1 and payload.startswith(b"http://ns.adobe.com/xap/1.0/\0"):
            inspection.xmp = inspection.xmp or payload[29:]
        elif segment.marker == APP13 and payload.startswith(b"Photoshop 3.0\0"):
            inspection.iptc = inspection.iptc or iptc_of_photoshop(payload)
        elif segment.marker == APP2 and payload.startswith(b"ICC_PROFILE\0") and len(payload) > 14:
            icc.setdefault(payload[12], payload[14:])
    if icc:
        inspection.icc = b"".join(icc[number] for number in sorted(icc))
