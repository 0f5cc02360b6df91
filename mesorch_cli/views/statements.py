"""Statements of the file for display: quantisation tables, and the place where it says it was taken."""

import re
from fractions import Fraction
from typing import Any


def tables_of(metadata: dict[str, Any]) -> list[tuple[str, list[list[int]]]]:
    """Return the quantisation tables of a JPEG by number, each as 8 rows; empty for other files."""
    found = (metadata.get("jpeg") or {}).get("quantisation") or {}
    return [(str(number), [steps[row : row + 8] for row in range(0, 64, 8)]) for number, steps in found.items()]


def degrees_of(metadata: dict[str, Any]) -> tuple[float, float] | None:
    """Return latitude and longitude in decimal degrees, north and east positive; None if absent or impossible."""
    gps = (metadata.get("exif") or {}).get("gps") or {}
    latitude = _degrees(gps.get("GPSLatitude"), gps.get("GPSLatitudeRef"), {"N": 1, "S": -1}, 90)
    longitude = _degrees(gps.get("GPSLongitude"), gps.get("GPSLongitudeRef"), {"E": 1, "W": -1}, 180)
    return None if latitude is None or longitude is None else (latitude, longitude)


# A fraction that EXIF can hold. `Fraction` would also accept 1e999999999 and calculate it.
RATIO = re.compile(r"\d{1,10}(\.\d{1,20}|/\d{1,10})?")


def _degrees(parts: Any, side: Any, signs: dict[str, int], most: int) -> float | None:
    if not isinstance(parts, list) or len(parts) != 3 or not isinstance(side, str) or side not in signs:
        return None
    numbers = [_number(part) for part in parts]
    if None in numbers:
        return None
    value = float(sum(number / 60**power for power, number in enumerate(numbers) if number is not None))
    return signs[side] * value if value <= most else None


def _number(part: Any) -> Fraction | None:
    if isinstance(part, float) and 0 <= part <= 1e10:
        return Fraction(part)
    if isinstance(part, bool) or RATIO.fullmatch(str(part)) is None:
        return None
    try:
        return Fraction(str(part))
    except ZeroDivisionError:
        return None
