"""Quantisation tables of real cameras and programs, from the headers of their photos."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from mesorch_cli.evidence.metadata.summary import estimate_quality

Table = tuple[int, ...]
Kind = Literal["camera", "program"]

ENTRIES = 64


@dataclass(frozen=True)
class Tables:
    """Quantisation tables of brightness and colour, 64 entries each, row by row, 1 to 255.

    `of` is the camera or program that writes them; `quality` (1..100) is that of the nearest standard tables. Raises
    ValueError for tables that no baseline JPEG can hold.
    """

    kind: Kind
    of: str
    luma: Table
    chroma: Table
    quality: int

    def __post_init__(self) -> None:
        for table in (self.luma, self.chroma):
            if len(table) != ENTRIES or min(table) < 1 or max(table) > 255:
                raise ValueError(f"tables of {self.of}: expected {ENTRIES} entries of 1 to 255")


@cache
def known_tables(kind: Kind) -> tuple[Tables, ...]:
    """Return the tables of one kind that come with the package."""
    rows = json.loads(files("mesorch_cli.evidence.jpeg").joinpath("tables.json").read_text(encoding="utf-8"))
    return tuple(
        Tables(
            kind, row["of"], tuple(row["luma"]), tuple(row["chroma"]), estimate_quality(row["luma"], row["chroma"])[0]
        )
        for row in rows
        if row["kind"] == kind
    )
