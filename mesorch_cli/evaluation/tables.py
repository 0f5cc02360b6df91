"""Tables with named columns, as spreadsheets save them: separated by commas, semicolons or tabs."""

import csv
import io
from collections.abc import Collection, Iterator
from pathlib import Path

from mesorch_cli.errors import UsageError
from mesorch_cli.texts import read_text

DELIMITERS = (",", ";", "\t")
SHOWN = 80  # characters of an entry that messages quote
LONGEST = 4096  # characters of a field, which is a path or a kind; no file system allows longer ones


def read_table(path: Path, needed: Collection[str], expected: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the number and the fields by column of each line that is not empty, with quotes around names that need them.

    needed: columns that every line must reach; a field of the first of them must not be empty. expected: what a line
    should have, for messages. Raises UsageError for a table without these columns, and for lines of another form.
    """
    text = read_text(path)
    first, _, rest = text.partition("\n")
    if first.strip().lower().startswith("sep=") and rest:  # a line for spreadsheets
        text = rest
    text = text.lstrip("\r\n")
    header, delimiter = _header(path, text, needed)
    places = [header.index(name) for name in needed]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        next(reader)
        for fields in reader:
            if not any(fields):
                continue
            if not max(places) < len(fields) <= len(header) or not fields[places[0]]:
                raise UsageError(
                    f"{path}, line {reader.line_num}: {delimiter.join(fields)[:SHOWN]!r} has {len(fields)} fields, the "
                    f"header {len(header)}. Expected {expected}. Put names that contain {delimiter!r} in quotes."
                )
            named = dict(zip(header, fields, strict=False))
            require_short(path, f"line {reader.line_num}", named)
            yield reader.line_num, named
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


def require_short(path: Path, place: str, fields: dict[str, str]) -> None:
    """Raise UsageError for a field that is longer than a path can be."""
    for name, text in fields.items():
        if len(text) > LONGEST:
            raise UsageError(
                f"{path}, {place}: the field {name} has {len(text)} characters ({text[:SHOWN]!r}...). Expected at most "
                f"{LONGEST}. Is a quote missing?"
            )


def _header(path: Path, text: str, needed: Collection[str]) -> tuple[list[str], str]:
    """Return the column names of a table and their separator."""
    line = next(iter(text.splitlines()), "")
    for delimiter in DELIMITERS:
        names = [name.strip().strip('"').strip().lower() for name in line.split(delimiter)]
        if set(needed) <= set(names):
            twice = [name for name in names if names.count(name) > 1 and name]
            if twice:
                raise UsageError(f"{path} has the column {twice[0]!r} twice. Expected each name once.")
            return names, delimiter
    *most, last = needed
    raise UsageError(
        f"{path} has the header {line[:SHOWN]!r}. Expected {', '.join(most)} and {last}, separated by commas."
    )
