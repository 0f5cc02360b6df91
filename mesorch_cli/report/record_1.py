"""Converts records of `mesorch.record/1` to `mesorch.record/2`, so that every command reads both.

The first version had a key for each witness, `result.copies` and `result.quantisation`; the second has
`result.findings`. Nothing else differs, and settings and their hash are the same.
"""

from typing import Any

from mesorch_cli.evidence.orientation import Box, upright_box

PLACES = ("part", "counterpart")


def current(record: Any) -> Any:
    """Return a parsed record in the form of this version. Anything but a record of the first version is unchanged.

    Raises ValueError for a record of the first version with invalid findings.
    """
    if not isinstance(record, dict) or record.get("schema") != "mesorch.record/1":
        return record
    try:
        result, decode = dict(record["result"]), record["decode"]
        once = result.pop("quantisation", None)
        copies = [_finding("copies", values, decode) for values in result.pop("copies", [])]
        findings = copies if once is None else [_finding("quantisation", once, decode), *copies]
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"its findings cannot be read: {error!r}") from error
    return record | {"schema": "mesorch.record/2", "result": result | {"findings": findings}}


def _finding(witness: str, values: dict[str, Any], decode: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "witness": witness,
        "certainty": values["certainty"],
        "places": [_place(role, Box(**values[role]), decode) for role in PLACES if role in values],
        "measures": {name: value for name, value in values.items() if name not in ("certainty", *PLACES)},
        "geometry": None,
    }


def _place(role: str, box: Box, decode: dict[str, Any] | None) -> dict[str, Any]:
    frame = None if decode is None else (decode["width"], decode["height"], decode["orientation"])
    upright = None if frame is None else upright_box(box, *frame)._asdict()
    return {"role": role, **box._asdict(), "upright": upright}
