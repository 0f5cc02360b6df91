"""Records of `mesorch.record/1` in the form of `mesorch.record/2`: every command that reads a record reads both.

The first version had a key for each witness, `result.copies` and `result.quantisation`; the second has `result.findings`.
Nothing else differs, and settings and their hash are the same.
"""

from typing import Any

from mesorch_cli.evidence.orientation import Box, upright_box

SCHEMA = "mesorch.record/1"


def current(record: Any) -> Any:
    """Return a record, as parsed from JSON, in the form of this version; what is none of the first version stays as it is.

    Raises ValueError for a record of the first version whose findings are none.
    """
    if not isinstance(record, dict) or record.get("schema") != SCHEMA:
        return record
    try:
        return _from_1(record)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"its findings cannot be read: {error!r}") from error


def _from_1(record: dict[str, Any]) -> dict[str, Any]:
    result, decode = dict(record["result"]), record["decode"]
    copies, quantisation = result.pop("copies", []), result.pop("quantisation", None)
    found = [] if quantisation is None else [("quantisation", quantisation)]
    result["findings"] = [
        _finding(name, values, decode) for name, values in found + [("copies", one) for one in copies]
    ]
    return record | {"schema": "mesorch.record/2", "result": result}


def _finding(witness: str, values: dict[str, Any], decode: dict[str, Any] | None) -> dict[str, Any]:
    places = [(role, Box(**values[role])) for role in ("part", "counterpart") if role in values]
    return {
        "witness": witness,
        "certainty": values["certainty"],
        "places": [
            {
                "role": role,
                **box._asdict(),
                "upright": None
                if decode is None
                else upright_box(box, decode["width"], decode["height"], decode["orientation"])._asdict(),
            }
            for role, box in places
        ],
        "measures": {name: value for name, value in values.items() if name not in ("certainty", "part", "counterpart")},
    }
