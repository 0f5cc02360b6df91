"""Whose quantisation tables these are: those of real cameras and programs, as they stand in the headers of their photos."""

import json
from functools import cache
from importlib.resources import files

Tables = tuple[tuple[int, ...], tuple[int, ...] | None]


@cache
def _known() -> dict[Tables, list[str]]:
    rows = json.loads(files("mesorch_cli.evidence").joinpath("tables.json").read_text(encoding="utf-8"))
    known: dict[Tables, list[str]] = {}
    for row in rows:
        for tables in ((tuple(row["luma"]), tuple(row["chroma"])), (tuple(row["luma"]), None)):
            known.setdefault(tables, []).append(f"{row['of']} ({row['kind']})")
    return known


def makers_of(luma: list[int], chroma: list[int] | None) -> list[str]:
    """Return the cameras and programs, of a small collection, that are known to write exactly these tables, in rows."""
    return _known().get((tuple(luma), None if chroma is None else tuple(chroma)), [])
