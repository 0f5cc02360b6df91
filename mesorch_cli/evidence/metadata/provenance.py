"""What a C2PA manifest in the file claims, and which of its checks hold. It is no verdict on the pixels."""

import json
import math
from typing import Any

from mesorch_cli.evidence.content import Deadline, timed_stream
from mesorch_cli.evidence.metadata.plain import plain, text
from mesorch_cli.evidence.photo import Content
from mesorch_cli.files.hashing import sha256_bytes

NOTE = (
    "This is about the manifest, not about the pixels. Invalid does not mean tampered, valid does not mean true, and absent "
    "does not mean suspicious."
)
SECONDS = 10.0  # for a small file
MAX_CODES = 500  # validation codes, as a manifest with thousands of ingredients must not fill the record
MAX_ITEMS = 64  # actions, ingredients, assertions
_SOURCE_TYPE = "digitalsourcetype"


def read_provenance(
    data: Content, format_name: str, trust_list: str | None = None, seconds: float = SECONDS
) -> dict[str, Any]:
    """Return the content of the file's C2PA manifest, bounded and ready for JSON. Never raises because of the file.

    "status" is "absent", "found", "remote" (the manifest is elsewhere and was not fetched), "unreadable" or "not
    examined", the last three with a "reason". Nothing is fetched: no remote manifest, no revocation list. trust_list:
    PEM certificates that signers are checked against, identified by their hash; without a list no signer is trusted.
    seconds: after these the library gets no more of the file, which ends its work unless it reads nothing more.
    """
    try:
        import c2pa
    except ImportError:
        return unexamined("the package c2pa-python is not installed")
    # They bring every decoder, which only the process that reads files needs.
    from mesorch_cli.evidence.containers.jpegxl import CODESTREAM
    from mesorch_cli.evidence.formats.registry import named

    mime = named(format_name).media_type
    if mime is None or mime not in c2pa.Reader.get_supported_mime_types():
        return unexamined(f"the C2PA library does not read {format_name} files")
    if data[:2] == CODESTREAM:  # the library accepts JPEG XL only in boxes, and only boxes can hold a manifest
        return {"status": "absent", "note": NOTE, "library": f"c2pa-rs {c2pa.sdk_version()}", "trust_list_sha256": None}
    settings: dict[str, Any] = {
        "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_trust": trust_list is not None}
    }
    facts: dict[str, Any] = {"status": "absent", "note": NOTE, "library": f"c2pa-rs {c2pa.sdk_version()}"}
    facts["trust_list_sha256"] = None if trust_list is None else sha256_bytes(trust_list.encode())
    if trust_list is not None:
        settings["trust"] = {"trust_anchors": trust_list}
    deadline = Deadline(seconds)
    try:
        with (
            timed_stream(data, deadline) as stream,
            c2pa.Context(settings=c2pa.Settings.from_dict(settings)) as context,
        ):
            reader = c2pa.Reader.try_create(mime, stream, context=context)
            if reader is None:
                late = {"status": "not examined", "reason": too_slow(seconds)}
                return facts | late if deadline.passed else facts
            with reader:
                report = json.loads(reader.json())
                results = reader.get_validation_results() or {}
                facts |= {"status": "found", "state": reader.get_validation_state(), "embedded": reader.is_embedded()}
                facts["remote_url"] = _short(reader.get_remote_url())
            claims, codes = _claims(_object(report)), _codes(_object(results))
    except (c2pa.C2paError, ValueError, RuntimeError, MemoryError) as error:  # RecursionError is a RuntimeError
        if deadline.passed:
            return facts | {"status": "not examined", "reason": too_slow(seconds)}
        remote = "remote" in type(error).__name__.lower() or "remote" in str(error).lower()
        return facts | {"status": "remote" if remote else "unreadable", "reason": _short(str(error))}
    if deadline.passed:  # the library mistakes unread content for absent content
        return facts | {"status": "not examined", "reason": too_slow(seconds)}
    return facts | claims | {"codes": codes}


def too_slow(seconds: float) -> str:
    """Return the reason for a library that took too long."""
    return f"the C2PA library did not finish within {math.ceil(seconds)} s"


def unexamined(reason: str) -> dict[str, Any]:
    """Return the entry in a record if the library was not asked or gave no answer."""
    return {"status": "not examined", "reason": reason, "note": NOTE}


def _claims(report: dict[str, Any]) -> dict[str, Any]:
    """Return what the active manifest says about its signer, generator, actions and ingredients.

    The library passes on the file's content, so any value may have any type.
    """
    manifests = _object(report.get("manifests"))
    label = report.get("active_manifest")
    active = _object(manifests.get(label)) if isinstance(label, str) else {}
    signature = _object(active.get("signature_info"))
    assertions = _objects(active.get("assertions"))
    actions = [
        action
        for assertion in assertions
        if str(assertion.get("label", "")).startswith("c2pa.actions")
        for action in _objects(_object(assertion.get("data")).get("actions"))
    ]
    kept = ("action", "digitalSourceType", "softwareAgent", "when", "description", "reason")
    return {
        "active_manifest": _short(label),
        "manifests": len(manifests),
        "title": _short(active.get("title")),
        "generator": plain(active.get("claim_generator_info") or active.get("claim_generator")),
        "signer": {
            key: _short(signature.get(key)) for key in ("issuer", "common_name", "cert_serial_number", "alg", "time")
        },
        "assertions": [_short(assertion.get("label")) for assertion in assertions[:MAX_ITEMS]],
        "actions": [
            {key: plain(action[key]) for key in kept if action.get(key) is not None} for action in actions[:MAX_ITEMS]
        ],
        "source_types": _source_types(manifests, label),
        "ingredients": [
            {
                key: _short(ingredient.get(key))
                for key in ("title", "format", "relationship", "active_manifest")
                if ingredient.get(key) is not None
            }
            for ingredient in _objects(active.get("ingredients"))[:MAX_ITEMS]
        ],
    }


def _source_types(manifests: dict[str, Any], label: Any) -> list[dict[str, Any]]:
    """Return every digital source type in actions and other assertions, those of the active manifest first.

    Each has its "place" and says whether it is from the "active" manifest. Others describe earlier versions of the
    photo.
    """
    found: list[dict[str, Any]] = []
    for name, manifest in sorted(list(manifests.items())[:MAX_ITEMS], key=lambda item: item[0] != label):
        for assertion in _objects(_object(manifest).get("assertions"))[:MAX_ITEMS]:
            data = _object(assertion.get("data"))
            places = [(f"action {action.get('action')}", action) for action in _objects(data.get("actions"))]
            places.append((f"assertion {assertion.get('label')}", data))
            for place, block in places[: MAX_ITEMS + 1]:
                value = next((block[key] for key in block if str(key).rpartition(":")[2].lower() == _SOURCE_TYPE), None)
                if not isinstance(value, str) or len(found) == MAX_ITEMS:
                    continue
                agent = block.get("softwareAgent")
                agent = _object(agent).get("name") if isinstance(agent, dict) else agent
                stated = {"place": _short(place), "active": name == label, "digitalSourceType": _short(value)}
                found.append(stated | ({"softwareAgent": _short(agent)} if isinstance(agent, str) else {}))
    return found


def _codes(results: dict[str, Any]) -> list[dict[str, Any]]:
    """Return every validation code with its kind (success, informational, failure), place and explanation."""
    found: list[dict[str, Any]] = []
    blocks = [("active manifest", _object(results.get("activeManifest")))]
    blocks += [
        (str(delta.get("ingredientAssertionURI", "ingredient")), _object(delta.get("validationDeltas")))
        for delta in _objects(results.get("ingredientDeltas"))
    ]
    for of, block in blocks:
        for kind in ("failure", "informational", "success"):
            found += [
                {
                    "kind": kind,
                    "code": _short(entry.get("code")),
                    "of": _short(of),
                    "url": _short(entry.get("url")),
                    "explanation": _short(entry.get("explanation")),
                }
                for entry in _objects(block.get(kind))
            ]
    return found[:MAX_CODES]


def _short(value: Any) -> str | None:
    return None if value is None else text(value)


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
