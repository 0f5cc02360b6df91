"""What the file says that is easier read as a table: quantisation tables, and the place where it says it was taken."""

import math
from fractions import Fraction
from typing import Any


def tables_of(metadata: dict[str, Any]) -> list[tuple[str, list[list[int]]]]:
    """Return the quantisation tables of a JPEG by number, each as 8 rows; none of other files."""
    found = (metadata.get("jpeg") or {}).get("quantisation") or {}
    return [(str(number), [steps[row : row + 8] for row in range(0, 64, 8)]) for number, steps in found.items()]


def degrees_of(metadata: dict[str, Any]) -> tuple[float, float] | None:
    """Return latitude and longitude in decimal degrees, north and east positive; None where they are absent or no place."""
    gps = (metadata.get("exif") or {}).get("gps") or {}
    latitude = _degrees(gps.get("GPSLatitude"), gps.get("GPSLatitudeRef"), {"N": 1, "S": -1}, 90)
    longitude = _degrees(gps.get("GPSLongitude"), gps.get("GPSLongitudeRef"), {"E": 1, "W": -1}, 180)
    return None if latitude is None or longitude is None else (latitude, longitude)


def _degrees(parts: Any, side: Any, signs: dict[str, int], most: int) -> float | None:
    if not isinstance(parts, list) or len(parts) != 3 or not isinstance(side, str) or side not in signs:
        return None
    try:
        value = float(sum(Fraction(str(part)) / 60**power for power, part in enumerate(parts)))
    except (ValueError, ZeroDivisionError, OverflowError):
        return None
    return signs[side] * value if math.isfinite(value) and 0 <= value <= most else None
