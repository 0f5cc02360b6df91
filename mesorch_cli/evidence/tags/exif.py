"""EXIF as the file has it: tags by name, values that JSON can hold. An oddity becomes a note, never an error."""

import codecs
import math
import struct
from typing import Any, NamedTuple

from PIL import ExifTags

from mesorch_cli.evidence.photo import Content

MAX_TEXT = 512  # characters of one value
MAX_VALUES = 64  # numbers of one value
MAX_TAGS = 512  # of one directory
MAX_READ = 1 << 16  # bytes of one text that are examined, as a directory may point at a whole file again and again
ORIENTATION = 0x0112
_SUB_DIRECTORIES = {0x8769: "photo", 0x8825: "gps", 0xA005: "interoperability"}
_MAKER_NOTE, _USER_COMMENT = 0x927C, 0x9286
LONG = {  # tags that hold texts at length
    0x010E: "ImageDescription", 0x010F: "Make", 0x0110: "Model", 0x0131: "Software", 0x013B: "Artist",
    _USER_COMMENT: "UserComment",
}  # fmt: skip
_UTF16 = range(0x9C9B, 0x9CA0)  # the XP... tags of Windows
_OPAQUE = {_MAKER_NOTE, 0x02BC, 0x83BB, 0x8649, 0x8773, 0xC634, 0xC4A5, 0xEA1C, 0xEA1D}  # reported by their length only
_TYPES = {
    1: ("B", 1), 2: ("s", 1), 3: ("H", 2), 4: ("I", 4), 5: ("II", 8), 6: ("b", 1), 7: ("s", 1), 8: ("h", 2),
    9: ("i", 4), 10: ("ii", 8), 11: ("f", 4), 12: ("d", 8), 13: ("I", 4), 16: ("Q", 8), 17: ("q", 8), 18: ("Q", 8),
}  # fmt: skip


class Exif(NamedTuple):
    """`tags` maps a directory ("main", "photo", "gps", ...) to its tags by name; `orientation` is 1..8.

    `texts` holds the first MAX_READ bytes of tags in LONG, of which `tags` has MAX_TEXT characters.
    """

    tags: dict[str, dict[str, Any]]
    orientation: int
    notes: list[str]
    texts: dict[str, str]


def read_exif(data: Content | None) -> Exif:
    """Read the directories of `data`, which starts with a TIFF header ("II*" or "MM*", or BigTIFF's). Never raises.

    Rationals become strings like "1/125", so that nothing is rounded; texts are cut at MAX_TEXT characters and lists
    at MAX_VALUES numbers, with a note.
    """
    exif = Exif({}, 1, [], {})
    if not data:
        return exif
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    big = data[2:4] in (b"+\0", b"\0+")
    first = _number(data, 8 if big else 4, 8 if big else 4, order) if order else None
    if order is None or first is None:
        exif.notes.append("EXIF: no valid header")
        return exif
    reader = _Reader(data, order, big, exif.notes, exif.texts)
    main = reader.directory(first, "main")
    exif.tags["main"] = _named(main, "main")
    for code, name in _SUB_DIRECTORIES.items():
        pointer = main.get(code) if code != 0xA005 else None
        if isinstance(pointer, int):
            exif.tags[name] = _named(reader.directory(pointer, name), name)
    orientation = main.get(ORIENTATION, 1)
    if isinstance(orientation, int) and 1 <= orientation <= 8:
        return exif._replace(orientation=orientation)
    exif.notes.append(f"EXIF: orientation is {str(orientation)[:40]}, which is not in 1 to 8; taken as 1")
    return exif


class _Reader:
    """Reads the directories of one block of bytes, and stays inside it whatever the offsets say."""

    def __init__(self, data: Content, order: str, big: bool, notes: list[str], texts: dict[str, str]) -> None:
        self.data, self.order, self.notes, self.texts = data, order, notes, texts
        self.offset_size = 8 if big else 4
        self.count_size = 8 if big else 2
        self.entry_size = 20 if big else 12

    def directory(self, at: int, name: str) -> dict[int, Any]:
        """Return the values of the directory at offset `at`, by tag number."""
        count = _number(self.data, at, self.count_size, self.order)
        if count is None:
            self.notes.append(f"EXIF: the {name} directory lies outside the data")
            return {}
        if count > MAX_TAGS:
            self.notes.append(f"EXIF: the {name} directory claims {count} tags; {MAX_TAGS} read")
        values: dict[int, Any] = {}
        for number in range(min(count, MAX_TAGS)):
            entry = at + self.count_size + number * self.entry_size
            if entry + self.entry_size > len(self.data):
                self.notes.append(f"EXIF: the {name} directory is cut short after {number} of {count} tags")
                break
            code, kind = struct.unpack_from(self.order + "HH", self.data, entry)
            value = self._value(entry, code, kind, name)
            if value is not None:
                values.setdefault(code, value)
        return values

    def _value(self, entry: int, code: int, kind: int, name: str) -> Any:
        label = f"EXIF: tag {_tag_name(code, name)} of the {name} directory"
        if kind not in _TYPES:
            self.notes.append(f"{label} has the unknown type {kind}")
            return None
        if code == _USER_COMMENT and kind == 1:  # Pillow writes it so; the standard says 7
            kind = 7
        letters, size = _TYPES[kind]
        count = _number(self.data, entry + 4, self.offset_size, self.order) or 0
        at = entry + 4 + self.offset_size
        if count * size > self.offset_size:
            at = _number(self.data, at, self.offset_size, self.order) or 0
        if at + count * size > len(self.data):
            self.notes.append(f"{label} points outside the data")
            return None
        if code in _OPAQUE:
            return f"{count * size} bytes"
        if code in _UTF16 and size == 1:
            return self.data[at : at + min(count, 2 * MAX_TEXT)].decode("utf-16-le", "replace").rstrip("\0")
        if letters == "s":
            return self._text(self.data[at : at + min(count, MAX_READ)], count, kind, code, label)
        if count > MAX_VALUES:
            self.notes.append(f"{label} has {count} values; {MAX_VALUES} kept")
        kept = min(count, MAX_VALUES)
        numbers = struct.unpack_from(self.order + letters * kept, self.data, at)
        if len(letters) == 2:
            items: list[Any] = [f"{n}/{d}" for n, d in zip(numbers[::2], numbers[1::2], strict=True)]
        else:
            items = [_finite(n) for n in numbers]
        return items[0] if len(items) == 1 else items

    def _text(self, content: bytes, count: int, kind: int, code: int, label: str) -> str:
        """Return a text that begins with `content` and has `count` bytes in all."""
        if kind == 7 and code == _USER_COMMENT:
            if content[:8] == b"UNICODE\0":
                content = _utf16(content[8:], self.order).encode("utf-8", "replace")
            elif content[:5] in (b"ASCII", b"UNICO", b"JIS\0\0") or content[:8] == bytes(8):
                content = content[8:]
        if code in LONG and LONG[code] not in self.texts:
            self.texts[LONG[code]] = _decoded(content.rstrip(b"\0 "))
        if kind == 7 and not _printable(content.rstrip(b"\0 ")):
            cut = content[: MAX_TEXT // 2]
            text = cut.hex()
        else:
            cut = content.rstrip(b"\0 ")
            text = _decoded(cut)
        if len(text) > MAX_TEXT or (kind == 7 and len(content) > MAX_TEXT):
            size = len(content) if count <= MAX_READ else count
            self.notes.append(f"{label} is {size} bytes long; cut at {MAX_TEXT} characters")
        return text[:MAX_TEXT]


def _number(data: Content, at: int, size: int, order: str | None) -> int | None:
    if at < 0 or at + size > len(data):
        return None
    return int.from_bytes(data[at : at + size], "little" if order == "<" else "big")


def _finite(number: float) -> int | float | str:
    """Keep numbers that JSON can express. NaN and infinities become texts."""
    return number if isinstance(number, int) or math.isfinite(number) else str(number)


def _decoded(content: bytes) -> str:
    text = content.decode("utf-8", "replace") if _is_utf8(content) else content.decode("latin-1")
    return text.replace("\0", " ")


def _utf16(content: bytes, order: str) -> str:
    """Return the text of a "Unicode" comment, in the byte order that its zero bytes show or else that of the block."""
    high, low = content[::2].count(0), content[1::2].count(0)
    big = high > low if high != low else order == ">"
    return content[: len(content) & ~1].decode("utf-16-be" if big else "utf-16-le", "replace").removeprefix("\ufeff")


def _printable(content: bytes) -> bool:
    return content.isascii() and content.decode("ascii").isprintable()


def _is_utf8(content: bytes) -> bool:
    """Return whether `content` is UTF-8; its last character may be cut in two."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(content, final=len(content) < MAX_READ - 4)
    except UnicodeDecodeError:
        return False
    return True


def _tag_name(code: int, directory: str) -> str:
    names = ExifTags.GPSTAGS if directory == "gps" else ExifTags.TAGS
    return str(names.get(code, f"0x{code:04X}"))


def _named(values: dict[int, Any], directory: str) -> dict[str, Any]:
    return {_tag_name(code, directory): value for code, value in values.items()}
