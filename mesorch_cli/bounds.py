"""Bounds for numbers and nesting in files from others. JSON and TOML beyond them are refused, naming the field."""

import json
import math
import re
import tomllib
from typing import Any

MOST_DEPTH = 64  # of nested lists and tables; files of this program need fewer than ten
MOST_BYTES = 64 * 1024 * 1024  # of a text that is read whole
MOST_CHARACTERS = 1024 * 1024  # of settings in TOML
LARGEST_WHOLE = 2**63 - 1
SHOWN = 40  # characters of a value that messages quote

_JSON_PARTS = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[{]|[\]}]', re.DOTALL)
_TOML_PARTS = re.compile(
    r'"""(?:[^\\]|\\.)*?"""' r"|'''.*?'''" r'|"(?:[^"\\\n]|\\.)*+"' r"|'[^'\n]*+'" r"|#[^\n]*+" r"|[\[{]|[\]}]",
    re.DOTALL,
)
_LONG_KEY = re.compile(rf"(?:[\w-]++[ \t]*+\.[ \t]*+){{{MOST_DEPTH},}}")


class OutOfBoundsError(ValueError):
    """A file exceeds the bounds. The message names the field, the value and what was expected."""


def _require_depth(parts: "re.Pattern[str]", text: str) -> None:
    depth = 0
    for found in parts.finditer(text):
        if found[0] in ("[", "{"):
            depth += 1
            if depth > MOST_DEPTH:
                raise OutOfBoundsError(f"lists and tables are nested more than {MOST_DEPTH} deep")
        elif found[0] in ("]", "}"):
            depth -= 1


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object with unique names, as readers differ on which of two duplicates counts."""
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise OutOfBoundsError(f"the name {twice[:SHOWN]!r} occurs twice in one object")
    return found


def shown(value: object) -> str:
    """Return a value for a message, shortened."""
    try:
        text = repr(value)
    except ValueError:  # more digits than Python converts
        text = "a number with thousands of digits"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def require_finite(value: object) -> None:
    """Raise OutOfBoundsError if any number in plain values is not finite, or a whole one beyond 64 bits."""
    waiting: list[tuple[str, object]] = [("", value)]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [(f"{place}.{name}" if place else str(name), part) for name, part in value.items()]
        elif isinstance(value, list):
            waiting += [(f"{place}.{index}" if place else str(index), part) for index, part in enumerate(value)]
        elif isinstance(value, float) and not math.isfinite(value):
            raise OutOfBoundsError(f"{place or 'the value'} is {value}; expected a finite number")
        elif isinstance(value, int) and abs(value) > LARGEST_WHOLE:
            raise OutOfBoundsError(f"{place or 'the value'} is {shown(value)}; expected at most 64 bits")


def json_within(data: str | bytes, *, most_bytes: int = MOST_BYTES) -> Any:
    """Read JSON within bounds: size, nesting, finite numbers, unique names in objects.

    Raises ValueError (OutOfBoundsError, or the JSON parser's error) for anything else.
    """
    if len(data) > most_bytes:
        raise OutOfBoundsError(f"it has {len(data)} bytes; expected at most {most_bytes}")
    text = data.decode("utf-8") if isinstance(data, bytes) else data
    _require_depth(_JSON_PARTS, text)
    try:
        value = json.loads(text, object_pairs_hook=_once)
    except RecursionError as error:
        raise OutOfBoundsError(f"lists and tables are nested more than {MOST_DEPTH} deep") from error
    require_finite(value)
    return value


def toml_within(text: str) -> dict[str, Any]:
    """Read TOML within the same bounds. Raises ValueError as `json_within` does."""
    if len(text) > MOST_CHARACTERS:
        raise OutOfBoundsError(f"it has {len(text)} characters; expected at most {MOST_CHARACTERS}")
    _require_depth(_TOML_PARTS, text)
    bare = _TOML_PARTS.sub(lambda found: found[0] if found[0] in "[]{}" else "s", text)
    if _LONG_KEY.search(bare):
        raise OutOfBoundsError(f"a dotted name has more than {MOST_DEPTH} parts")
    try:
        value = tomllib.loads(text)
    except RecursionError as error:
        raise OutOfBoundsError(f"lists and tables are nested more than {MOST_DEPTH} deep") from error
    require_finite(value)
    return value
