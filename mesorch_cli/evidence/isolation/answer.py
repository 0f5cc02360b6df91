"""The answer of a decoding process, reassembled. A hostile file may have taken it over, so every part is checked."""

import os
import re
from dataclasses import fields, replace
from typing import Any

import numpy as np

from mesorch_cli.bounds import require_finite
from mesorch_cli.errors import InputError
from mesorch_cli.evidence import storage
from mesorch_cli.evidence.photo import Decode, Integrity, Photo

_SHA256 = re.compile(r"[0-9a-f]{64}")
_TEXTS = ("reader", "version", "format")
_COUNTS = ("width", "height", "bits", "pages", "orientation", "page")
# Honest answers are far shorter. Without limits, a hijacked process could fill a case and its pages.
LONGEST_NAME, LONGEST_SENTENCE, MOST_SENTENCES = 256, 65536, 1000
MOST_TEXT, MOST_VALUES, MOST_DEPTH = 65536, 500_000, 32  # of metadata: characters of a text, values, nesting
_OWN = frozenset({"isolation"})  # what the parent adds itself


def photo_of(name: str, answer: dict[str, Any], pixels: int | None) -> Photo | InputError:
    """Assemble a photo from a worker's message and the file of its pixels, or return the error in the message.

    Raises ValueError for an invalid answer, OSError if there is no room for the pixels.
    """
    try:
        if "error" in answer and pixels is None:
            return InputError(_text(answer["error"], LONGEST_SENTENCE), reason=_text(answer["reason"]))
        if "fault" in answer or pixels is None:
            return _fault(name, str(answer.get("fault", "no pixels")), str(answer.get("kind", "no pixels")))
        decode = _decode(answer["decode"])
        shape, dtype = _raster(answer["shape"], answer["dtype"], decode)
        values = _described(answer["photo"])
        taken, pixels = pixels, None
        return Photo(source=name, pixels=storage.received(taken, shape, dtype), decode=decode, **values)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"an answer that is none ({type(error).__name__}: {error})") from error
    finally:
        if pixels is not None:
            os.close(pixels)


def said_of(photo: Photo, answer: dict[str, Any]) -> Photo:
    """Return a photo with the metadata and provenance from its second message. Raises ValueError for an invalid one."""
    try:
        metadata, provenance = _objects(answer)
    except KeyError as error:
        raise ValueError(f"an answer that is none (no {error})") from error
    return replace(photo, metadata=metadata, provenance=provenance)


def _fault(name: str, words: str, kind: str) -> InputError:
    last = " ".join((words.strip() or kind).splitlines()[-1].split())[:300]
    return InputError(
        f"{name!r} was not read: {last}. This is a fault of mesorch or of this machine, not of the file.",
        reason=f"fault: {kind[:80]}",
    )


def _decode(values: dict[str, Any]) -> Decode:
    integrity = values["integrity"]
    found, conversions = _sentences(integrity["findings"]), _sentences(values["conversions"])
    if values.keys() != {field.name for field in fields(Decode)} - _OWN or not isinstance(integrity["ok"], bool):
        raise ValueError("an answer with other parts than a decoding has")
    for part in _TEXTS:
        _text(values[part])
    for part in _COUNTS:
        _count(values[part])
    if not 1 <= values["orientation"] <= 8:
        raise ValueError("an answer with an impossible orientation")
    if values["comparison"] is not None:
        _compared(values["comparison"])
    if values["icc_sha256"] is not None:
        _digest(values["icc_sha256"])
    return Decode(**values | {"conversions": conversions, "integrity": Integrity(integrity["ok"], found)})


def _compared(values: dict[str, Any]) -> None:
    """Check the reported result of a second decoder."""
    for part in ("decoder", "version"):
        _text(values[part])
    if not isinstance(values["compared"], bool) or not isinstance(values["exact_expected"], bool):
        raise ValueError("a comparison that does not say whether it was one")
    if values["compared"]:
        _count(values["largest_difference"])
        share = values["share_changed"]
        if type(share) not in (int, float) or not 0 <= share <= 1:
            raise ValueError(f"{share!r} where a share belongs")
    else:
        _text(values["reason"], LONGEST_SENTENCE)
    if values.keys() - {
        "decoder",
        "version",
        "compared",
        "exact_expected",
        "largest_difference",
        "share_changed",
        "reason",
    }:
        raise ValueError("a comparison with other parts than one has")


def _described(values: dict[str, Any]) -> dict[str, Any]:
    metadata, provenance = _objects(values)
    return {
        "size_bytes": _count(values["size_bytes"]),
        "sha256": _digest(values["sha256"]),
        "metadata": metadata,
        "provenance": provenance,
    }


def _objects(values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    metadata, provenance = values["metadata"], values["provenance"]
    if not isinstance(metadata, dict) or not isinstance(provenance, dict):
        raise ValueError("metadata or provenance that is no object")
    _require_bounded(metadata)
    _require_bounded(provenance)
    return metadata, provenance


def _sentences(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list) or len(values) > MOST_SENTENCES:
        raise ValueError(f"no list of at most {MOST_SENTENCES} sentences")
    if sum(len(_text(value, LONGEST_SENTENCE)) for value in values) > LONGEST_SENTENCE:
        raise ValueError(f"sentences of more than {LONGEST_SENTENCE} characters")
    return tuple(values)


def _require_bounded(value: Any) -> None:
    """Raise ValueError for too many values, and for values that are too long, too deep or not finite."""
    count, waiting = 0, [(value, 0)]
    while waiting:
        part, depth = waiting.pop()
        inside = [*part, *part.values()] if isinstance(part, dict) else part if isinstance(part, list) else []
        count += 1 + len(inside)
        if count > MOST_VALUES or depth > MOST_DEPTH:
            raise ValueError(f"more than {MOST_VALUES} values, or nested more than {MOST_DEPTH} deep")
        if isinstance(part, str):
            _text(part, MOST_TEXT)
        waiting += [(one, depth + 1) for one in inside]
    require_finite(value)


def _raster(shape: list[int], dtype: str, decode: Decode) -> tuple[tuple[int, ...], np.dtype[Any]]:
    if list(shape[:2]) != [decode.height, decode.width] or shape[2:] not in ([3], [4]) or min(shape) < 1:
        raise ValueError(f"pixels of the shape {shape}")
    if dtype not in ("uint8", "uint16"):
        raise ValueError(f"pixels of the type {dtype}")
    return tuple(shape), np.dtype(dtype)


def _text(value: object, longest: int = LONGEST_NAME) -> str:
    if not isinstance(value, str):
        raise ValueError(f"a {type(value).__name__} where a text belongs")
    if len(value) > longest:
        raise ValueError(f"a text of {len(value)} characters; expected at most {longest}")
    return value


def _count(value: object) -> int:
    if type(value) is not int or not 0 <= value < 1 << 63:
        raise ValueError(f"{value!r} where a number belongs")
    return value


def _digest(value: object) -> str:
    if not _SHA256.fullmatch(_text(value)):
        raise ValueError("a hash that is none")
    return str(value)
