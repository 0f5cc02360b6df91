"""What a C2PA manifest in the file claims, and which of its checks hold: apart from the pixels, and no verdict on them."""

import json
from typing import Any

from mesorch_cli.evidence import formats
from mesorch_cli.evidence.content import as_stream
from mesorch_cli.evidence.hashing import sha256_bytes
from mesorch_cli.evidence.jpegxl import CODESTREAM
from mesorch_cli.evidence.photo import Content

NOTE = (
    "Invalid is not tampered, valid is not true, absent is not suspicious: this is about the manifest, not the pixels."
)
MAX_TEXT = 512  # characters of one value
MAX_CODES = 500  # validation codes; a manifest of thousands of ingredients must not fill the record
MAX_ITEMS = 64  # actions, ingredients, assertions
_MIME_TYPES = {
    formats.JPEG: "image/jpeg",
    formats.PNG: "image/png",
    formats.TIFF: "image/tiff",
    formats.WEBP: "image/webp",
    formats.GIF: "image/gif",
    formats.HEIC: "image/heic",
    formats.AVIF: "image/avif",
    formats.JPEGXL: "image/jxl",
    formats.RAW: "image/x-adobe-dng",
}


def read_provenance(data: Content, format_name: str, trust_list: str | None = None) -> dict[str, Any]:
    """Return what the file's C2PA manifest says, bounded and fit for JSON. Never raises for what the file holds.

    "status" is "absent", "found", "remote" (a manifest is said to lie elsewhere and was not fetched), "unreadable" or
    "not examined", the last three with a "reason". Nothing is fetched: no remote manifest, no revocation list. trust_list:
    PEM certificates that signers are checked against, told by their hash; without one no signer counts as trusted.
    """
    try:
        import c2pa
    except ImportError:
        return _unexamined("the package c2pa-python is not installed")
    mime = _MIME_TYPES.get(format_name)
    if mime is None or mime not in c2pa.Reader.get_supported_mime_types():
        return _unexamined(f"the C2PA library does not read {format_name} files")
    if data[:2] == CODESTREAM:  # the library takes JPEG XL only in its boxes, and nothing else can hold a manifest
        return {"status": "absent", "note": NOTE, "library": f"c2pa-rs {c2pa.sdk_version()}", "trust_list_sha256": None}
    settings: dict[str, Any] = {
        "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_trust": trust_list is not None}
    }
    facts: dict[str, Any] = {"status": "absent", "note": NOTE, "library": f"c2pa-rs {c2pa.sdk_version()}"}
    facts["trust_list_sha256"] = None if trust_list is None else sha256_bytes(trust_list.encode())
    if trust_list is not None:
        settings["trust"] = {"trust_anchors": trust_list}
    try:
        with as_stream(data) as stream, c2pa.Context(settings=c2pa.Settings.from_dict(settings)) as context:
            reader = c2pa.Reader.try_create(mime, stream, context=context)
            if reader is None:
                return facts
            with reader:
                report = json.loads(reader.json())
                results = reader.get_validation_results() or {}
                facts |= {"status": "found", "state": reader.get_validation_state(), "embedded": reader.is_embedded()}
                facts["remote_url"] = _short(reader.get_remote_url())
    except c2pa.C2paError as error:
        remote = "remote" in type(error).__name__.lower() or "remote" in str(error).lower()
        return facts | {"status": "remote" if remote else "unreadable", "reason": _short(str(error))}
    except (ValueError, RuntimeError) as error:
        return facts | {"status": "unreadable", "reason": _short(str(error))}
    return facts | _claims(report) | {"codes": _codes(results)}


def _unexamined(reason: str) -> dict[str, Any]:
    return {"status": "not examined", "reason": reason, "note": NOTE}


def _claims(report: dict[str, Any]) -> dict[str, Any]:
    """Return what the active manifest says of its signer, its generator, the actions and the ingredients."""
    manifests = report.get("manifests") or {}
    label = report.get("active_manifest")
    active = manifests.get(label) or {}
    signature = active.get("signature_info") or {}
    actions = [
        action
        for assertion in active.get("assertions") or ()
        if str(assertion.get("label", "")).startswith("c2pa.actions")
        for action in (assertion.get("data") or {}).get("actions") or ()
    ]
    kept = ("action", "digitalSourceType", "softwareAgent", "when", "description", "reason")
    return {
        "active_manifest": _short(label),
        "manifests": len(manifests),
        "title": _short(active.get("title")),
        "generator": _bounded(active.get("claim_generator_info") or active.get("claim_generator")),
        "signer": {
            key: _short(signature.get(key)) for key in ("issuer", "common_name", "cert_serial_number", "alg", "time")
        },
        "assertions": [_short(a.get("label")) for a in (active.get("assertions") or ())[:MAX_ITEMS]],
        "actions": [
            {key: _bounded(action[key]) for key in kept if action.get(key) is not None}
            for action in actions[:MAX_ITEMS]
        ],
        "ingredients": [
            {
                key: _short(ingredient.get(key))
                for key in ("title", "format", "relationship", "active_manifest")
                if ingredient.get(key) is not None
            }
            for ingredient in (active.get("ingredients") or ())[:MAX_ITEMS]
        ],
    }


def _codes(results: dict[str, Any]) -> list[dict[str, Any]]:
    """Return every validation code with its kind (success, informational, failure), place and explanation."""
    found: list[dict[str, Any]] = []
    blocks = [("active manifest", results.get("activeManifest") or {})]
    blocks += [
        (str(delta.get("ingredientAssertionURI", "ingredient")), delta.get("validationDeltas") or {})
        for delta in results.get("ingredientDeltas") or ()
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
                for entry in block.get(kind) or ()
            ]
    return found[:MAX_CODES]


def _short(value: Any) -> str | None:
    return None if value is None else str(value)[:MAX_TEXT]


def _bounded(value: Any, depth: int = 3) -> Any:
    """Return a JSON value with its texts cut, its lists shortened and its depth limited."""
    if isinstance(value, dict) and depth:
        return {str(key)[:MAX_TEXT]: _bounded(item, depth - 1) for key, item in list(value.items())[:MAX_ITEMS]}
    if isinstance(value, list) and depth:
        return [_bounded(item, depth - 1) for item in value[:MAX_ITEMS]]
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)[:MAX_TEXT]
