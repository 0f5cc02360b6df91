"""What is drawn of findings: places that belong together, and what joins them. Every drawing takes it from here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mesorch_cli.evidence.orientation import Box
from mesorch_cli.inference.witnesses.finding import Finding
from mesorch_cli.inference.witnesses.geometry import Corner, Geometry, Point
from mesorch_cli.report.findings import words_of


@dataclass(frozen=True)
class Join:
    """One finding, in pixels of the stored raster.

    outlines: of its places, each a closed line from corner to corner. boxes: of the places that have no outline. links:
    points that belong together. middles: of the places; a line joins them where there are no links. drawn, linked: what
    the places and the links are, in words.
    """

    outlines: tuple[tuple[Corner, ...], ...]
    boxes: tuple[Box, ...]
    links: tuple[tuple[Point, Point], ...]
    middles: tuple[Point, ...]
    drawn: str
    linked: str


def joins_of(findings: Iterable[Finding]) -> tuple[Join, ...]:
    """Return what is drawn of findings. One with a single place and no outline is not."""
    return tuple(_join(finding) for finding in findings if len(finding.places) > 1 or finding.geometry is not None)


def joins_in(result: Mapping[str, Any]) -> tuple[Join, ...]:
    """Return what is drawn of the findings in the `result` of a record."""
    return joins_of(_finding(values) for values in result["findings"])


def legend_of(joins: Iterable[Join]) -> str:
    """Return what the joins show, as the end of a sentence that begins with their colour; empty where there are none."""
    joins = tuple(joins)
    places = " and ".join(dict.fromkeys(join.drawn for join in joins))
    links = " and ".join(dict.fromkeys(join.linked for join in joins if join.links))
    return places + (f"; thin lines: {links}" if links else "")


def _join(finding: Finding) -> Join:
    outlines = () if finding.geometry is None else finding.geometry.outlines
    links = () if finding.geometry is None else finding.geometry.links
    outlined = {role for role, _ in outlines}
    words = words_of(finding.witness)
    return Join(
        outlines=tuple(corners for _, corners in outlines),
        boxes=tuple(box for role, box in finding.places if role not in outlined),
        links=links,
        middles=() if links else tuple((box.x + box.width / 2, box.y + box.height / 2) for _, box in finding.places),
        drawn=words.drawn,
        linked=words.linked,
    )


def _finding(values: Mapping[str, Any]) -> Finding:
    places = tuple((place["role"], Box(*(place[side] for side in Box._fields))) for place in values["places"])
    shape = values.get("geometry")
    geometry = None if shape is None else _geometry(shape)
    return Finding(values["witness"], values["certainty"], places, values["measures"], geometry)


def _geometry(values: Mapping[str, Any]) -> Geometry:
    outlines = (
        (one["role"], tuple(zip(one["corners"][::2], one["corners"][1::2], strict=True))) for one in values["outlines"]
    )
    links = (((link[0], link[1]), (link[2], link[3])) for link in values["links"])
    return Geometry(tuple(outlines), tuple(links), values["tolerance"])
