"""Balanced lists: several sets in one file, all of equal weight whatever their sizes."""

import json
from pathlib import Path

from mesorch_cli.errors import UsageError
from mesorch_cli.evaluation.datasets import Dataset, read_dataset, read_folders
from mesorch_cli.evaluation.lists import read_json

FOLDER, LIST = (
    "ManiDataset",
    "JsonDataset",
)  # published names of a folder with Tp and Gt, and of a list of pairs


def read_sets(path: Path) -> tuple[Dataset, ...]:
    """Read a set as `read_dataset` does, or a balanced list: JSON of ["ManiDataset" or "JsonDataset", path] entries.

    Paths in a balanced list are relative to it. A folder in it contributes only its tampered photos, as published.
    Raises as `read_dataset` does.
    """
    entries = _entries(path)
    if entries is None:
        return (read_dataset(path),)
    sets = []
    for kind, name in entries:
        place = path.parent / name
        if kind == LIST:
            if place.suffix.lower() != ".json":
                raise UsageError(f"{path} names {name!r} as a {LIST}. Expected a .json list of pairs.")
            sets.append(read_dataset(place))
        else:
            sets.append(read_folders(place / "Tp", place / "Gt", None, place.name))
    return tuple(sets)


def _entries(path: Path) -> list[tuple[str, str]] | None:
    """Return the entries of a balanced list, or None for anything else."""
    if path.suffix.lower() != ".json" or not path.is_file():
        return None
    try:
        content = read_json(path)
    except UsageError:
        return None  # `read_dataset` says what is wrong with it
    if not isinstance(content, list) or not content:
        return None
    kinds = [entry[0] for entry in content if isinstance(entry, list) and len(entry) == 2]
    if not any(kind in (FOLDER, LIST) for kind in kinds):
        return None
    for entry in content:
        if not (
            isinstance(entry, list) and len(entry) == 2 and entry[0] in (FOLDER, LIST) and isinstance(entry[1], str)
        ):
            raise UsageError(
                f'{path} has the entry {json.dumps(entry)[:80]}. Expected ["{FOLDER}" or "{LIST}", path] throughout.'
            )
    return [(entry[0], entry[1]) for entry in content]
