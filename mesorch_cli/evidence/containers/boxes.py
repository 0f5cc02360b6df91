"""The boxes of HEIC and AVIF (ISO/IEC 14496-12, 23008-12): brands, lengths, the EXIF block as it stands, and turns.

The libraries that decode these files rewrite the EXIF block to match their output. A record must show the original.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from mesorch_cli.evidence.inspection import Findings, Inspection, describe_trailer

AVIF_BRANDS = frozenset({b"avif", b"avis"})
RAW_BRAND = b"crx "  # the first brand in Canon's raw files
MAX_BOXES = 10_000  # of one container, and items, places and properties of a file
MAX_EXIF_BYTES = 1 << 24
# EXIF's word for (quarter turns to the left, mirroring): irot comes before imir.
_ORIENTATIONS = {
    (0, None): 1, (1, None): 8, (2, None): 3, (3, None): 6,
    (0, "left to right"): 2, (1, "left to right"): 7, (2, "left to right"): 4, (3, "left to right"): 5,
    (0, "top to bottom"): 4, (1, "top to bottom"): 5, (2, "top to bottom"): 2, (3, "top to bottom"): 7,
}  # fmt: skip


@dataclass(frozen=True)
class MainItem:
    """What the boxes say about the main picture.

    `exif`: its block from the TIFF header on, None without one. `quarters`: turns by 90 degrees to the left that a
    viewer must make (0..3). `mirror`: what the viewer does next, "left to right", "top to bottom" or None.
    """

    exif: bytes | None = None
    quarters: int = 0
    mirror: str | None = None

    @property
    def orientation(self) -> int:
        """Return the EXIF orientation (1 to 8) that means the same."""
        return _ORIENTATIONS[self.quarters, self.mirror]


class _Box(NamedTuple):
    kind: bytes
    start: int  # of the content
    end: int


@dataclass
class _Meta:
    """The tables of a meta box: for each item its type, the extents of its data, and the numbers of its properties."""

    main: int | None = None
    types: dict[int, bytes] = field(default_factory=dict)
    places: dict[int, list[tuple[int, int, int]]] = field(default_factory=dict)  # (method, offset, length)
    describes: dict[int, list[int]] = field(default_factory=dict)  # from an item to those that it describes
    properties: list[_Box] = field(default_factory=list)
    of_item: dict[int, list[int]] = field(default_factory=dict)
    data: _Box | None = None


class _CutShortError(Exception):
    """A table claims to be longer than its box."""


def read_main_item(data: bytes) -> MainItem | None:
    """Return what the boxes say about the main picture, None without a readable meta box."""
    outer = next((box for box in _boxes(data, 0, len(data)) if box.kind == b"meta"), None)
    if outer is None:
        return None
    meta = _Meta()
    try:
        for box in _boxes(data, outer.start + 4, outer.end):
            _take(data, box, meta)
    except _CutShortError:
        return None
    if meta.main is None:
        return None
    quarters, mirror = 0, None
    for number in meta.of_item.get(meta.main, ()):
        if not 1 <= number <= len(meta.properties):
            continue
        kind, start, end = meta.properties[number - 1]
        if kind == b"irot" and start < end:
            quarters = data[start] & 3
        elif kind == b"imir" and start < end:
            mirror = "left to right" if data[start] & 1 else "top to bottom"
    return MainItem(_exif(data, meta), quarters, mirror)


def _boxes(data: bytes, at: int, end: int) -> Iterator[_Box]:
    """Yield the boxes that follow one another in a part of the file, as far as their lengths are valid."""
    for _ in range(MAX_BOXES):
        if at + 8 > end:
            return
        size, head = int.from_bytes(data[at : at + 4], "big"), 8
        if size == 1:
            size, head = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        elif size == 0:
            size = end - at
        if size < head or at + size > end:
            return
        yield _Box(data[at + 4 : at + 8], at + head, at + size)
        at += size


class _Numbers:
    """Reads one number after another from a box. Raises _CutShortError at its end."""

    def __init__(self, data: bytes, box: _Box) -> None:
        self._data, self.at, self._end = data, box.start, box.end

    def take(self, size: int) -> int:
        if self.at + size > self._end:
            raise _CutShortError
        self.at += size
        return int.from_bytes(self._data[self.at - size : self.at], "big")

    def count(self, size: int) -> int:
        value = self.take(size)
        if value > MAX_BOXES:
            raise _CutShortError
        return value


def _take(data: bytes, box: _Box, meta: _Meta) -> None:
    numbers = _Numbers(data, box)
    if box.kind == b"pitm":
        meta.main = numbers.take(2 if numbers.take(4) >> 24 == 0 else 4)
    elif box.kind == b"idat":
        meta.data = box
    elif box.kind == b"iinf":
        numbers.take(2 if numbers.take(4) >> 24 == 0 else 4)
        for entry in _boxes(data, numbers.at, box.end):
            _take_item(data, entry, meta)
    elif box.kind == b"iloc":
        _take_places(numbers, meta)
    elif box.kind == b"iref":
        wide = 2 if numbers.take(4) >> 24 == 0 else 4
        for reference in _boxes(data, numbers.at, box.end):
            inner = _Numbers(data, reference)
            source = inner.take(wide)
            targets = [inner.take(wide) for _ in range(inner.count(2))]
            if reference.kind == b"cdsc":
                meta.describes.setdefault(source, []).extend(targets)
    elif box.kind == b"iprp":
        for part in _boxes(data, box.start, box.end):
            if part.kind == b"ipco":
                meta.properties = list(_boxes(data, part.start, part.end))
            elif part.kind == b"ipma":
                _take_associations(_Numbers(data, part), meta)


def _take_item(data: bytes, entry: _Box, meta: _Meta) -> None:
    """Take an item's number and type; versions 0 and 1 of the box have no type."""
    numbers = _Numbers(data, entry)
    version = numbers.take(4) >> 24
    if entry.kind == b"infe" and version in (2, 3):
        item = numbers.take(2 if version == 2 else 4)
        numbers.take(2)  # of its protection
        meta.types[item] = numbers.take(4).to_bytes(4, "big")


def _take_places(numbers: _Numbers, meta: _Meta) -> None:
    version = numbers.take(4) >> 24
    sizes = numbers.take(2)
    offset_size, length_size, base_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    index_size = sizes & 15 if version in (1, 2) else 0
    extents = 0
    for _ in range(numbers.count(2 if version < 2 else 4)):
        item = numbers.take(2 if version < 2 else 4)
        method = numbers.take(2) & 15 if version in (1, 2) else 0
        numbers.take(2)  # another file, if not 0
        base = numbers.take(base_size)
        places = meta.places.setdefault(item, [])
        for _ in range(numbers.count(2)):
            extents += 1
            if extents > MAX_BOXES:
                raise _CutShortError
            numbers.take(index_size)
            offset = numbers.take(offset_size)
            places.append((method, base + offset, numbers.take(length_size)))


def _take_associations(numbers: _Numbers, meta: _Meta) -> None:
    head = numbers.take(4)
    version, wide = head >> 24, head & 1
    for _ in range(numbers.count(4)):
        item = numbers.take(2 if version < 1 else 4)
        for _ in range(numbers.take(1)):
            number = numbers.take(2) & 0x7FFF if wide else numbers.take(1) & 0x7F
            meta.of_item.setdefault(item, []).append(number)


def _exif(data: bytes, meta: _Meta) -> bytes | None:
    """Return the EXIF block that describes the main picture, or else one that describes no particular picture."""
    items = [item for item, kind in meta.types.items() if kind == b"Exif"]
    described = [item for item in items if meta.main in meta.describes.get(item, ())]
    chosen = next(iter(described or [item for item in items if item not in meta.describes]), None)
    if chosen is None:
        return None
    content = b""
    for method, offset, length in meta.places.get(chosen, ()):
        start, end = (0, len(data)) if meta.data is None or method != 1 else (meta.data.start, meta.data.end)
        piece = data[start + offset : min(start + offset + length, end)] if length else data[start + offset : end]
        content += piece[: MAX_EXIF_BYTES - len(content)]
    skipped = 4 + int.from_bytes(content[:4], "big")  # the offset of the TIFF header after this number
    return content[skipped:].removeprefix(b"Exif\0\0") or None


def brands(head: bytes) -> set[bytes]:
    """Return the brands in the first box of a file of boxes; none for any other file.

    The first byte of such a box's length is 0. Otherwise it would be longer than 16 MiB, or it is the start of another
    format's signature.
    """
    if head[4:8] != b"ftyp" or head[0] != 0:
        return set()
    size = min(max(int.from_bytes(head[:4], "big"), 16), 512)
    return {head[8:12]} | {head[at : at + 4] for at in range(16, size, 4)}


def check_boxes(data: bytes) -> Findings:
    """Compare the lengths of the outermost ISO boxes with the length of the file."""
    findings = Findings()
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if size == 1:
            size = int.from_bytes(data[at + 8 : at + 16], "big")
        elif size == 0:
            return findings  # the last box extends to the end of the file
        if size < 8 or not data[at + 4 : at + 8].isascii():
            findings.add_note(describe_trailer(data[at:]))
            return findings
        at += size
    if at > len(data):
        findings.add_damage(f"the file is cut short: {len(data)} of {at} bytes")
    return findings


def take_main_item(data: bytes, inspection: Inspection) -> MainItem | None:
    """Take the main picture's EXIF block from the file, and state how the boxes turn and mirror the picture."""
    item = read_main_item(data)
    if item is None:
        inspection.findings.add_note(
            "the boxes that describe the main picture cannot be followed; no EXIF was looked for"
        )
        return None
    inspection.exif = item.exif
    inspection.facts |= {"turned_left_by_degrees": 90 * item.quarters, "mirrored": item.mirror or "no"}
    return item
