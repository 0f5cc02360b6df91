"""Lists of photos and masks: JSON pairs, or a table with named columns as spreadsheets save it."""

import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mesorch_cli.bounds import OutOfBoundsError, json_within
from mesorch_cli.errors import UsageError
from mesorch_cli.texts import MOST_BYTES, read_text

NEGATIVE = "Negative"  # in place of a mask: the photo is authentic
AUTHENTIC = "authentic"
DELIMITERS = (",", ";", "\t")
PHOTO, MASK, KIND = "photo", "mask", "kind"
SHOWN = 80  # characters of an entry that messages quote
LONGEST = 4096  # characters of a path or a kind; no file system allows longer ones


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
        _require_short(path, "an entry", {PHOTO: row[0], MASK: row[1]})
    return [Row(row[0], row[1], AUTHENTIC if row[1] == NEGATIVE else None) for row in content]


def _require_short(path: Path, place: str, fields: dict[str, str]) -> None:
    for name, text in fields.items():
        if len(text) > LONGEST:
            raise UsageError(
                f"{path}, {place}: the field {name} has {len(text)} characters ({text[:SHOWN]!r}...). Expected at most "
                f"{LONGEST}. Is a quote missing?"
            )


def _csv_rows(path: Path) -> list[Row]:
    """Read a table separated by commas, semicolons or tabs, with quotes around names that contain these or quotes."""
    text = read_text(path)
    first, _, rest = text.partition("\n")
    if first.strip().lower().startswith("sep=") and rest:  # a line for spreadsheets
        text = rest
    text = text.lstrip("\r\n")
    header, delimiter = _header(path, text)
    photo, mask = header.index(PHOTO), header.index(MASK)
    kind = header.index(KIND) if KIND in header else None
    rows = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        next(reader)
        for fields in reader:
            if not any(fields):
                continue
            if not max(photo, mask) < len(fields) <= len(header) or not fields[photo]:
                raise UsageError(
                    f"{path}, line {reader.line_num}: {delimiter.join(fields)[:SHOWN]!r} has {len(fields)} fields, the "
                    f"header {len(header)}. Expected a photo and its mask, or an empty mask. Put names that contain "
                    f"{delimiter!r} in quotes."
                )
            _require_short(path, f"line {reader.line_num}", dict(zip(header, fields, strict=False)))
            named = fields[kind] if kind is not None and kind < len(fields) else ""
            rows.append(Row(fields[photo], fields[mask], named or None))
    except csv.Error as error:
        if "field larger" in str(error):
            raise UsageError(
                f"{path}, line {reader.line_num}: {error}. Expected at most {LONGEST} characters in a field. Is a "
                "quote missing?"
            ) from error
        raise UsageError(
            f"{path}, line {reader.line_num}: {error}. Expected quotes in pairs, with a quote inside a name "
            "written twice."
        ) from error
    return rows


def _header(path: Path, text: str) -> tuple[list[str], str]:
    """Return the column names of a table and their separator."""
    line = next(iter(text.splitlines()), "")
    for delimiter in DELIMITERS:
        names = [name.strip().strip('"').strip().lower() for name in line.split(delimiter)]
        if {PHOTO, MASK} <= set(names):
            return names, delimiter
    raise UsageError(f"{path} has the header {line[:SHOWN]!r}. Expected photo and mask, separated by commas.")
