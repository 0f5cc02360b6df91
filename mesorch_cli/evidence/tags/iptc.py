"""IPTC datasets, the captions and credits that newsrooms fill in, by name and bounded."""

from typing import Any

MAX_DATASETS = 200
MAX_TEXT = 512
# Record 2 of IPTC-IIM 4.2, the datasets that people fill in.
_IPTC = {
    5: "ObjectName", 10: "Urgency", 15: "Category", 25: "Keywords", 40: "SpecialInstructions", 55: "DateCreated",
    60: "TimeCreated", 62: "DigitalCreationDate", 63: "DigitalCreationTime", 65: "OriginatingProgram",
    70: "ProgramVersion", 80: "By-line", 85: "By-lineTitle", 90: "City", 95: "Province-State", 101: "Country",
    103: "OriginalTransmissionReference", 105: "Headline", 110: "Credit", 115: "Source", 116: "CopyrightNotice",
    120: "Caption-Abstract", 122: "Writer-Editor",
}  # fmt: skip


def read_iptc(block: bytes | None, notes: list[str]) -> dict[str, Any]:
    """Return the IPTC-IIM datasets of record 2 by name, unknown ones by number. A malformed block becomes a note."""
    found: dict[str, list[str]] = {}
    data = block or b""
    at = count = 0
    while at + 5 <= len(data) and data[at] == 0x1C:
        if count == MAX_DATASETS:
            notes.append(f"IPTC: more than {MAX_DATASETS} datasets; the others were not read")
            break
        record, dataset = data[at + 1], data[at + 2]
        size = int.from_bytes(data[at + 3 : at + 5], "big")
        if size & 0x8000 or at + 5 + size > len(data):
            notes.append("IPTC: a dataset is cut short or longer than any text")
            break
        count += 1
        if record == 2 and dataset:
            value = data[at + 5 : at + 5 + size]
            text = value.decode("utf-8") if _is_utf8(value) else value.decode("latin-1")
            found.setdefault(_IPTC.get(dataset, f"2:{dataset}"), []).append(text[:MAX_TEXT])
        at += 5 + size
    return {name: texts[0] if len(texts) == 1 else texts for name, texts in found.items()}


def iptc_of_photoshop(payload: bytes) -> bytes | None:
    """Return the IPTC block among the image resources of a Photoshop segment (JPEG APP13), None without one."""
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


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
