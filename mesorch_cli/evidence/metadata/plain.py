"""Values from other libraries, prepared for a record: plain JSON, finite, valid text, bounded in size and depth."""

import math
from typing import Any

MAX_TEXT = 512  # characters of one text
MAX_ITEMS = 64  # of one list or object
MAX_DEPTH = 3
MAX_DIGITS = 18  # of a whole number; longer ones become texts, which every JSON reader keeps exactly


def plain(value: Any, depth: int = MAX_DEPTH) -> Any:
    """Return `value` with long texts cut, lists and objects shortened, and anything deeper than `depth` as a text.

    Numbers that JSON cannot express (infinite, or not a number) become texts, as do whole numbers of many digits.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 10**MAX_DIGITS else f"{value:#x}"[:MAX_TEXT]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else repr(float(value))
    if isinstance(value, dict) and depth:
        return {text(key): plain(item, depth - 1) for key, item in list(value.items())[:MAX_ITEMS]}
    if isinstance(value, list) and depth:
        return [plain(item, depth - 1) for item in value[:MAX_ITEMS]]
    if isinstance(value, (dict, list)):
        return f"{len(value)} values, nested too deeply to be kept"
    return text(value)


def text(value: Any) -> str:
    """Return a value as a text of at most MAX_TEXT characters. Half a UTF-16 character becomes a question mark."""
    return str(value)[:MAX_TEXT].encode("utf-8", "replace").decode("utf-8")
