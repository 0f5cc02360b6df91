"""What a file declares about AI, separate from every verdict: its own statements, each with its place and text.

A statement is not proof, as anyone can write or remove these fields. Only a C2PA signature shows who wrote it.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple, get_args

from mesorch_cli.evidence.metadata import generators, samsung
from mesorch_cli.evidence.metadata.generators import Told
from mesorch_cli.evidence.metadata.plain import text as plain_text

Kind = Literal["generated", "edited", "involved", "generator"]
Signed = Literal["no", "not checked", "invalid", "valid", "trusted"]

MAX_STATEMENTS = 32
KEY = "declared"  # key in the metadata of a photo, for what was found while its file was read
SOURCE_TYPE = "Iptc4xmpExt:DigitalSourceType"
# From the IPTC's list cv.iptc.org/newscodes/digitalsourcetype, and C2PA's trainedAlgorithmicData. `algorithmicMedia` is
# left out: it means made by a formula, without training.
_SOURCE_TYPES: dict[str, Kind] = {
    "trainedalgorithmicmedia": "generated",
    "trainedalgorithmicdata": "generated",
    "compositewithtrainedalgorithmicmedia": "edited",
    "compositesynthetic": "involved",
}
_CREDITS: dict[str, Kind] = {"made with google ai": "generated", "edited with google ai": "edited"}
_AI_FIELDS = ("AISystemUsed", "AISystemVersionUsed", "AIPromptInformation")  # IPTC Photo Metadata 2025.1
_STATES: dict[str, Signed] = {"Valid": "valid", "Trusted": "trusted", "Invalid": "invalid"}


class Statement(NamedTuple):
    """One statement. kind: AI "generated", "edited" or was "involved"; or "generator", for the fields of a generator.

    where: the block and the field. text: its content, bounded. signed: "no"; "not checked" (of an earlier
    manifest); "invalid", "valid", or "trusted": valid, by a signer on the trust list that was given.
    """

    kind: Kind
    where: str
    text: str
    signed: Signed = "no"


class Declared(NamedTuple):
    """looked_at: the sources that were examined. A source that the file lacks counts as examined and absent."""

    looked_at: tuple[str, ...]
    statements: tuple[Statement, ...]


def said_by_file(
    metadata: Mapping[str, Any], png_texts: Mapping[str, str], exif_texts: Mapping[str, str]
) -> dict[str, Any]:
    """Return looked_at and statements, ready for JSON, from everything but C2PA. Never raises because of the file.

    metadata: as the record has it. png_texts, exif_texts: the long texts of the file, by key or tag.
    """
    unread = any(note.startswith("XMP: the packet") and "values" not in note for note in metadata.get("notes", ()))
    found = list(dict.fromkeys(_statements(metadata, png_texts, exif_texts)))[:MAX_STATEMENTS]
    looked_at = ["EXIF", *([] if unread else ["XMP"]), "IPTC", "texts", "trailer"]
    return {"looked_at": looked_at, "statements": [statement._asdict() for statement in found]}


def declared_in(metadata: Mapping[str, Any], provenance: Mapping[str, Any]) -> Declared:
    """Return the statements in the metadata and the C2PA manifest of a photo. Malformed values are left out."""
    said = metadata.get(KEY)
    said = said if isinstance(said, dict) else {}
    looked_at = ["C2PA"] if provenance.get("status") in ("found", "absent") else []
    looked_at += [plain_text(name) for name in _list(said.get("looked_at"))[:MAX_STATEMENTS]]
    statements = [*_by_manifest(provenance), *map(_taken, _list(said.get("statements")))]
    return Declared(tuple(looked_at), tuple(one for one in statements if one is not None)[:MAX_STATEMENTS])


def source_kind(value: str) -> Kind | None:
    """Return what a digital source type (address, prefixed or short name) says about AI; None for nothing."""
    return _SOURCE_TYPES.get(re.split(r"[/:#]", value.strip())[-1].lower())


def _statements(
    metadata: Mapping[str, Any], png_texts: Mapping[str, str], exif_texts: Mapping[str, str]
) -> Iterator[Statement]:
    yield from _by_xmp(metadata.get("xmp", {}).get("properties", {}))
    for value in _texts(metadata.get("iptc", {}).get("Credit")):
        if value.strip().lower() in _CREDITS:
            yield Statement(_CREDITS[value.strip().lower()], "IPTC, Credit", plain_text(value))
    for key, told in generators.told_by_png(png_texts):
        yield _statement(f"PNG text, {key}", told)
    for tag in ("UserComment", "ImageDescription"):
        yield from _maybe(f"EXIF, {tag}", generators.told_by_comment(exif_texts.get(tag, "")))
    for tag in ("Make", "Model"):
        yield from _maybe(f"EXIF, {tag}", generators.told_by_comfyui(exif_texts.get(tag, "")))
    if exif_texts.get("Software", "").strip() == "NovelAI":
        yield Statement("generator", "EXIF, Software", "NovelAI")
    pair = generators.told_by_pair(exif_texts.get("ImageDescription", ""), exif_texts.get("Artist", ""))
    yield from _maybe("EXIF, ImageDescription and Artist", pair)
    yield from _maybe("JPEG, comment", generators.told_by_comment(metadata.get("jpeg", {}).get("comment", "")))
    generative = metadata.get("samsung_trailer", {}).get("genAIType", 0)
    if generative:
        yield Statement("edited", f"Samsung trailer, {samsung.EDITOR}", f'"genAIType": {generative}')


def _by_xmp(properties: Mapping[str, Any]) -> Iterator[Statement]:
    for name, value in properties.items():
        values = _texts(value)
        group, _, field = name.partition(":")
        for text in values:
            kind: Kind | None = None
            if name == SOURCE_TYPE:
                kind = source_kind(text)
            elif name == "photoshop:Credit":
                kind = _CREDITS.get(text.strip().lower())
            elif group == "Iptc4xmpExt" and field in _AI_FIELDS:
                kind = "involved"
            elif name == "TC260:AIGC":
                yield from _maybe(f"XMP, {name}", generators.label_in(text))
            elif name in ("dc:description", "exif:UserComment"):
                yield from _maybe(f"XMP, {name}", generators.told_by_comment(text))
            if kind is not None:
                others = [other for other in dict.fromkeys(values) if other != text]
                also = f" (the same field also says: {'; '.join(others)})" if others else ""
                yield Statement(kind, f"XMP, {name}", plain_text(text + also))


def _by_manifest(provenance: Mapping[str, Any]) -> Iterator[Statement]:
    """Yield the statements of the C2PA manifests; see `provenance.source_types`."""
    signed = _STATES.get(str(provenance.get("state")), "invalid")
    for stated in _list(provenance.get("source_types")):
        value = stated.get("digitalSourceType") if isinstance(stated, dict) else None
        kind = source_kind(value) if isinstance(value, str) else None
        if kind is None or not isinstance(value, str):
            continue
        active = stated.get("active") is True
        place = plain_text(stated.get("place", ""))
        where = f"C2PA, {place}" if active else f"C2PA, {place} in the manifest of an earlier version"
        agent = stated.get("softwareAgent")
        named = f" ({agent})" if isinstance(agent, str) and agent else ""
        yield Statement(kind, where, plain_text(value + named), signed if active else "not checked")


def _taken(value: Any) -> Statement | None:
    """Return a statement from another process's JSON, None if it is invalid."""
    if not isinstance(value, dict) or value.get("kind") not in get_args(Kind):
        return None
    return Statement(value["kind"], plain_text(value.get("where", "")), plain_text(value.get("text", "")))


def _statement(where: str, told: Told) -> Statement:
    return Statement(told.kind, plain_text(where), told.text)


def _maybe(where: str, told: Told | None) -> Iterator[Statement]:
    if told is not None:
        yield _statement(where, told)


def _texts(value: Any) -> list[str]:
    return [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str)]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
