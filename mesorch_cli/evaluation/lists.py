"""Lists of photos and masks: JSON pairs, or a table with named columns as spreadsheets save it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mesorch_cli.bounds import OutOfBoundsError, json_within
from mesorch_cli.errors import UsageError
from mesorch_cli.evaluation.tables import SHOWN, read_table, require_short
from mesorch_cli.texts import MOST_BYTES, read_text

NEGATIVE = "Negative"  # in place of a mask: the photo is authentic
AUTHENTIC = "authentic"
PHOTO, MASK, KIND = "photo", "mask", "kind"


@dataclass(frozen=True)
class Row:
    """A line of a list. Paths are as written. The mask of an authentic photo is empty or "Negative"."""

    photo: str
    mask: str
    kind: str | None = None

    @property
    def authentic(self) -> bool:
        return self.mask in ("", NEGATIVE)


def read_rows(path: Path) -> list[Row] | None:
    """Read a .json or .csv list; None for any other suffix. Raises UsageError for invalid content."""
    reader = {".json": _json_rows, ".csv": _csv_rows}.get(path.suffix.lower())
    return None if reader is None else reader(path)


def read_json(path: Path) -> Any:
    """Return the content of a JSON file. Raises UsageError if it cannot be read or is not JSON."""
    try:
        return json_within(read_text(path), most_bytes=MOST_BYTES)
    except OutOfBoundsError as error:
        raise UsageError(f"{path}: {error}. Expected a list of [photo, mask] pairs.") from error
    except ValueError as error:
        raise UsageError(f"{path} is not JSON: {error}.") from error


def _json_rows(path: Path) -> list[Row]:
    content = read_json(path)
    if not isinstance(content, list):
        raise UsageError(f"{path} contains a {type(content).__name__}. Expected a list of [photo, mask] pairs.")
    for row in content:
        if not (isinstance(row, list) and len(row) == 2 and all(isinstance(part, str) for part in row) and row[0]):
            shown = json.dumps(row)[:SHOWN]
            raise UsageError(f'{path} has the entry {shown}. Expected [photo, mask or "{NEGATIVE}"].')
        require_short(path, "an entry", {PHOTO: row[0], MASK: row[1]})
    return [Row(row[0], row[1], AUTHENTIC if row[1] == NEGATIVE else None) for row in content]


def _csv_rows(path: Path) -> list[Row]:
    table = read_table(path, (PHOTO, MASK), "a photo and its mask, or an empty mask")
    return [Row(fields[PHOTO], fields[MASK], fields.get(KIND) or None) for _, fields in table]
