"""Nested values of a record (metadata, provenance, settings) as tables of words, in their own order."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

GRID = 8  # a quantisation table has 8 x 8 entries
TITLES = {
    "main": "EXIF",
    "photo": "EXIF, camera settings",
    "gps": "EXIF, place",
    "interoperability": "EXIF, interoperability",
}


@dataclass
class Group:
    """A table with a title: (name, text) rows, and grids of numbers, line by line, with their names."""

    title: str
    rows: list[tuple[str, str]] = field(default_factory=list)
    grids: list[tuple[str, list[str]]] = field(default_factory=list)


def text_of(value: Any) -> str:
    """Return a plain value as text."""
    if value is None:
        return "not stated"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(" ".join(map(text_of, item)) if isinstance(item, list) else text_of(item) for item in value)
    return str(value)


def flat(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield (name, text) for every plain value of a nested dictionary, names joined by dots."""
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            yield from flat(value, f"{name}.")
        elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
            for at, item in enumerate(value, start=1):
                yield from flat(item, f"{name}.{at}.") if isinstance(item, dict) else [(f"{name}.{at}", text_of(item))]
        else:
            yield name, text_of(value)


def metadata_groups(metadata: dict[str, Any]) -> list[Group]:
    """Return the metadata of a record: what names software and dates first, then EXIF, then the format's own facts."""
    first = Group("Software and dates")
    groups = [first]
    for key, value in metadata.items():
        if key == "software":
            first.rows.append(("software", text_of(value)))
        elif key == "dates":
            first.rows += list(flat(value)) or [("dates", text_of(None))]
        elif key == "exif":
            groups += [
                Group(TITLES.get(name, f"EXIF, {name}"), list(flat(tags))) for name, tags in value.items() if tags
            ]
        elif key == "notes":
            continue  # shown by themselves
        elif isinstance(value, dict):
            groups.append(_format_group(key, value))
        else:
            first.rows.append((key, text_of(value)))
    return [group for group in groups if group.rows or group.grids]


def _format_group(key: str, values: dict[str, Any]) -> Group:
    plain = {name: value for name, value in values.items() if name != "quantisation"}
    group = Group(key.upper(), list(flat(plain)))
    for name, table in (values.get("quantisation") or {}).items():
        cells = [f"{cell:>5}" for cell in table]
        lines = ["".join(cells[at : at + GRID]) for at in range(0, len(cells), GRID)]
        group.grids.append((f"Quantisation table {name}", lines))
    return group
