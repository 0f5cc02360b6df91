"""Whether a photo is like those on which the rates of its verdict were measured, in words."""

from collections.abc import Iterator, Mapping
from typing import Any

OUTSIDE = "unlike the measured photos"  # in lists and tables
WITHIN = "like"
UNLIKE = "The photo is unlike those on which the rates were measured, so the rates may not hold for it"
IS = {  # by measure: what is said of the photo; {} is the value
    "shorter side": "its shorter side is {} pixels",
    "longer side": "its longer side is {} pixels",
    "format": "its format is {}",
    "bits": "it has {} bits per sample",
    "colour": "it is stored in {}",
    "history": "its file looks {}",
    "quality": "its JPEG quality is about {}",
    "sampling": "its chroma sampling is {}",
    "bits per pixel": "its file takes {} bits per pixel",
}


def outside_all(result: Mapping[str, Any]) -> bool:
    """Return whether the photo of a record's `result` is outside of every set whose rates stand there.

    A set that the weights do not describe could be like it, so with such a set the answer is no.
    """
    domain = result.get("domain", ())
    described = {part["set"] for part in domain if part["outside"]}
    return bool(domain) and {rate["set"] for rate in result.get("rates", ())} <= described


def sentence_of(result: Mapping[str, Any], most: int | None = None) -> str:
    """Return one sentence on a photo that is outside of every measured set, empty for any other.

    most: how many reasons it gives; None: all.
    """
    reasons = reasons_of(result)
    if not reasons:
        return ""
    kept = reasons[:most]
    more = f"; and {len(reasons) - len(kept)} more" if len(kept) < len(reasons) else ""
    return f"{UNLIKE}: {'; '.join(kept)}{more}."


def reasons_of(result: Mapping[str, Any]) -> tuple[str, ...]:
    """Return why a photo is outside of every measured set, one reason a measure; empty for any other photo."""
    if not outside_all(result):
        return ()
    return tuple(f"{said} ({'; '.join(theirs)})" for said, theirs in _by_measure(result["domain"]))


def remark_of(result: Mapping[str, Any], name: str) -> str:
    """Return a sentence on a photo that is outside of one measured set, but not of all; empty for any other."""
    part = next((part for part in result.get("domain", ()) if part["set"] == name), None)
    if part is None or not part["outside"] or outside_all(result):
        return ""
    reasons = (f"{_said(one)} (theirs: {_theirs(one)})" for one in part["outside"])
    return f"The photo is unlike those of this set: {'; '.join(reasons)}."


def short_of(result: Mapping[str, Any]) -> str:
    """Return whether a photo is like the measured ones in a few words, for a table; empty where nothing is known."""
    if outside_all(result):
        return OUTSIDE
    within = [part["set"] for part in result.get("domain", ()) if not part["outside"]]
    return f"{WITHIN} {', '.join(within)}" if within else ""


def _by_measure(domain: list[Mapping[str, Any]]) -> Iterator[tuple[str, list[str]]]:
    """Yield what is said of the photo, and what of the sets from which it differs there, one item for equal sets."""
    for measure in IS:
        found = [(part["set"], one) for part in domain for one in part["outside"] if one["measure"] == measure]
        sets: dict[str, list[str]] = {}
        for name, one in found:
            sets.setdefault(_theirs(one), []).append(name)
        if found:
            yield _said(found[0][1]), [f"{' and '.join(names)}: {what}" for what, names in sets.items()]


def _said(deviation: Mapping[str, Any]) -> str:
    return IS[deviation["measure"]].format(_text(deviation["value"]))


def _theirs(deviation: Mapping[str, Any]) -> str:
    if deviation["lowest"] is not None and deviation["highest"] is not None:
        return f"{_text(deviation['lowest'])} to {_text(deviation['highest'])}"
    return " or ".join(deviation["known"])


def _text(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:,.4g}" if isinstance(value, float) else f"{value:,}"
