"""XMP packets: simple values by group and name, bounded. Structure is flattened, and nothing is resolved."""

from typing import Any
from xml.parsers import expat

MAX_BYTES = 1 << 20  # of one packet
MAX_VALUES = 200
MAX_TEXT = 512
MAX_DEPTH = 64  # elements within each other
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_ITEM = f"{_RDF}li"
_RESOURCE = f"{_RDF}resource"
_PREFIXES = {
    "http://ns.adobe.com/xap/1.0/": "xmp",
    "http://ns.adobe.com/xap/1.0/mm/": "xmpMM",
    "http://ns.adobe.com/xap/1.0/rights/": "xmpRights",
    "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#": "stEvt",
    "http://ns.adobe.com/xap/1.0/sType/ResourceRef#": "stRef",
    "http://ns.adobe.com/photoshop/1.0/": "photoshop",
    "http://ns.adobe.com/camera-raw-settings/1.0/": "crs",
    "http://ns.adobe.com/exif/1.0/": "exif",
    "http://ns.adobe.com/tiff/1.0/": "tiff",
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://purl.org/dc/terms/": "dcterms",
    "http://iptc.org/std/Iptc4xmpExt/2008-02-29/": "Iptc4xmpExt",
    "http://www.tc260.org.cn/ns/AIGC/1.0/": "TC260",
    "http://www.tc260.org.cn/ns/AIGC/1.0": "TC260",
    "http://ns.google.com/photos/1.0/container/": "Container",
    "http://ns.google.com/photos/1.0/camera/": "GCamera",
}


def read_xmp(packet: bytes | None, notes: list[str]) -> dict[str, Any]:
    """Return the properties of a packet: texts or lists of texts by "group:name". A malformed packet becomes a note.

    The packet is read once from front to back, without a tree. Time and memory grow in proportion to its length.
    """
    if not packet:
        return {}
    if len(packet) > MAX_BYTES:
        notes.append(f"XMP: the packet has {len(packet)} bytes and was not read")
        return {}
    walk = _Walk()
    try:
        walk.follow(packet.strip(b"\0 \r\n\t"))
    except _RefusedError as refusal:
        notes.append(f"XMP: the packet {refusal}, which honest ones do not, and was not read")
        return {}
    except (expat.ExpatError, ValueError, LookupError) as error:  # the last two: encodings that are not known
        notes.append(f"XMP: the packet is malformed ({str(error)[:100]})")
        return {}
    if walk.count > MAX_VALUES:
        notes.append(f"XMP: the packet has {walk.count} values; {MAX_VALUES} kept")
    return {name: texts[0] if len(texts) == 1 else texts for name, texts in walk.found.items()}


class _RefusedError(Exception):
    """The packet does something that metadata has no reason to do."""


class _Walk:
    """One pass over a packet. `count` is the number of values met, of which `found` has at most MAX_VALUES."""

    def __init__(self) -> None:
        self.found: dict[str, list[str]] = {}
        self.count = 0
        self._open: list[str] = []  # the elements that are not closed yet
        self._text: list[str] | None = None  # the text before an element's first child

    def follow(self, packet: bytes) -> None:
        parser = expat.ParserCreate(namespace_separator="}")
        parser.StartDoctypeDeclHandler = self._refuse
        parser.EntityDeclHandler = self._refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.Parse(packet, True)

    def _refuse(self, *_: object) -> None:
        raise _RefusedError("declares entities")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._take_text()
        if len(self._open) == MAX_DEPTH:
            raise _RefusedError(f"nests elements more than {MAX_DEPTH} deep")
        self._open.append(tag)
        self._text = []
        for name, value in attributes.items():
            if not name.startswith("http://www.w3"):  # RDF's own, and xml:lang
                self._add(name, value)
            elif name == _RESOURCE and not tag.startswith(_RDF):  # an address as the value of a property
                self._add(tag, value)

    def _end(self, _: str) -> None:
        self._take_text()
        self._open.pop()

    def _characters(self, piece: str) -> None:
        if self._text is not None:
            self._text.append(piece)

    def _take_text(self) -> None:
        """Assign text to the innermost open element; the text of a list item, to all elements around the list."""
        value = "".join(self._text or ())
        self._text = None
        if not value.strip():
            return
        if not self._open[-1].startswith(_RDF):
            self._add(self._open[-1], value)
        elif self._open[-1] == _ITEM:
            for tag in self._open:
                if not tag.startswith(_RDF):
                    self._add(tag, value)

    def _add(self, tag: str, value: str) -> None:
        self.count += 1
        if self.count <= MAX_VALUES:
            self.found.setdefault(_name(tag), []).append(" ".join(value.split())[:MAX_TEXT])


def _name(tag: str) -> str:
    space, _, local = tag.rpartition("}")
    prefix = _PREFIXES.get(space) or space.rstrip("/#").rpartition("/")[2][:32]
    return f"{prefix}:{local}"[:MAX_TEXT] if prefix else local[:MAX_TEXT]
