"""XMP packets and IPTC datasets: simple values by group and name, bounded; structure is flattened, nothing is resolved."""

from typing import Any
from xml.etree import ElementTree

MAX_BYTES = 1 << 20  # of one packet
MAX_VALUES = 200
MAX_TEXT = 512
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
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
    "http://ns.google.com/photos/1.0/container/": "Container",
    "http://ns.google.com/photos/1.0/camera/": "GCamera",
}
# Record 2 of IPTC-IIM 4.2, the datasets that people fill in.
_IPTC = {
    5: "ObjectName", 10: "Urgency", 15: "Category", 25: "Keywords", 40: "SpecialInstructions", 55: "DateCreated",
    60: "TimeCreated", 62: "DigitalCreationDate", 63: "DigitalCreationTime", 65: "OriginatingProgram",
    70: "ProgramVersion", 80: "By-line", 85: "By-lineTitle", 90: "City", 95: "Province-State", 101: "Country",
    103: "OriginalTransmissionReference", 105: "Headline", 110: "Credit", 115: "Source", 116: "CopyrightNotice",
    120: "Caption-Abstract", 122: "Writer-Editor",
}  # fmt: skip


def read_xmp(packet: bytes | None, notes: list[str]) -> dict[str, Any]:
    """Return the properties of a packet as "group:name" to a text or a list of texts. Malformed packets are a note."""
    if not packet:
        return {}
    if len(packet) > MAX_BYTES:
        notes.append(f"XMP: the packet has {len(packet)} bytes and was not read")
        return {}
    if b"<!DOCTYPE" in packet or b"<!ENTITY" in packet:
        notes.append("XMP: the packet declares entities, which honest ones do not, and was not read")
        return {}
    try:
        root = ElementTree.fromstring(packet.strip(b"\0 \r\n\t"))
    except (ElementTree.ParseError, ValueError, LookupError, RecursionError) as error:
        notes.append(f"XMP: the packet is malformed ({str(error)[:100]})")
        return {}
    found: dict[str, list[str]] = {}
    count = 0
    for element in root.iter():
        values = [
            (name, value) for name, value in element.attrib.items() if not name.startswith((_RDF, "{http://www.w3"))
        ]
        if element.text and element.text.strip() and not element.tag.startswith(_RDF):
            values.append((element.tag, element.text))
        if not element.tag.startswith(_RDF):
            values += [
                (element.tag, item.text) for item in element.iter(f"{_RDF}li") if item.text and item.text.strip()
            ]
        for name, value in values:
            count += 1
            if count <= MAX_VALUES:
                found.setdefault(_name(name), []).append(" ".join(value.split())[:MAX_TEXT])
    if count > MAX_VALUES:
        notes.append(f"XMP: the packet has {count} values; {MAX_VALUES} kept")
    return {name: texts[0] if len(texts) == 1 else texts for name, texts in found.items()}


def read_iptc(block: bytes | None, notes: list[str]) -> dict[str, Any]:
    """Return the IPTC-IIM datasets of record 2 by name; unknown ones by number. Malformed blocks are a note."""
    found: dict[str, list[str]] = {}
    data = block or b""
    at = count = 0
    while at + 5 <= len(data) and data[at] == 0x1C:
        record, dataset = data[at + 1], data[at + 2]
        size = int.from_bytes(data[at + 3 : at + 5], "big")
        if size & 0x8000 or at + 5 + size > len(data):
            notes.append("IPTC: a dataset is cut short or longer than any text")
            break
        count += 1
        if record == 2 and dataset and count <= MAX_VALUES:
            value = data[at + 5 : at + 5 + size]
            text = value.decode("utf-8") if _is_utf8(value) else value.decode("latin-1")
            found.setdefault(_IPTC.get(dataset, f"2:{dataset}"), []).append(text[:MAX_TEXT])
        at += 5 + size
    return {name: texts[0] if len(texts) == 1 else texts for name, texts in found.items()}


def iptc_of_photoshop(payload: bytes) -> bytes | None:
    """Return the IPTC block among the image resources of a Photoshop segment (JPEG APP13), None where there is none."""
    at = len(b"Photoshop 3.0\0")
    while payload[at : at + 4] == b"8BIM" and at + 12 <= len(payload):
        kind = int.from_bytes(payload[at + 4 : at + 6], "big")
        name = payload[at + 6]
        start = at + 6 + 1 + name + (1 - name % 2)  # the name with its length byte takes an even number of bytes
        size = int.from_bytes(payload[start : start + 4], "big")
        if kind == 0x0404:
            return payload[start + 4 : start + 4 + size]
        at = start + 4 + size + size % 2
    return None


def _name(tag: str) -> str:
    space, _, local = tag[1:].partition("}") if tag.startswith("{") else ("", "", tag)
    prefix = _PREFIXES.get(space) or space.rstrip("/#").rpartition("/")[2][:32]
    return f"{prefix}:{local}"[:MAX_TEXT] if prefix else local[:MAX_TEXT]


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
