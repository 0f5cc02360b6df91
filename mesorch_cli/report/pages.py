"""The content of the pages: an entry as a row of the list, and as a page of its own, in words and addresses."""

from dataclasses import dataclass
from typing import Any

from mesorch_cli.evidence.orientation import WORDS, Box, matrix, upright_box, upright_size
from mesorch_cli.inference.regions import WEAK_MEAN
from mesorch_cli.report import declared, domain
from mesorch_cli.report.alike import Likeness
from mesorch_cli.report.blocks import Section
from mesorch_cli.report.entry import ANALYSED, FAILED, Entry
from mesorch_cli.report.explained import ShownExplanation
from mesorch_cli.report.joins import Join, joins_in, legend_of
from mesorch_cli.report.names import href, visible
from mesorch_cli.report.notes import kinds_of
from mesorch_cli.report.numbers import share_text
from mesorch_cli.report.sections import PAGE, declared_section, more_sections, result_section

SHORTEST_SHOWN, LONGEST_SHOWN = 640, 1600  # pixels of a picture's long side on a page
KINDS = {
    "evidence of manipulation": "evidence",
    "inconclusive": "open",
    "no evidence found": "none",
    "not analysed": "left",
}


@dataclass(frozen=True)
class Row:
    """An entry in a list. page, thumbnail, map: addresses from the case folder. kind: of the verdict, for style and filter.

    largest: share of the largest region that is not weak. notes: kinds of them. alike: which others it looks like.
    flags: those of the record, and one for a photo unlike the measured ones.
    """

    name: str
    page: str
    thumbnail: str | None
    kind: str
    verdict: str
    score: float | None
    reason: str | None
    photo: str
    regions: str
    flags: tuple[str, ...]
    map: str | None = None
    largest: float | None = None
    declared: str = ""
    notes: tuple[str, ...] = ()
    alike: str = ""
    group: int = 0

    @property
    def score_text(self) -> str:
        return "" if self.score is None else share_text(self.score)


def row_of(entry: Entry) -> Row:
    """Return an entry's row."""
    result, thumbnail, chance = entry.record["result"], entry.picture("thumbnail"), entry.picture("thumbnail_map")
    kind = KINDS.get(result["verdict"], "left")
    return Row(
        name=visible(entry.path),
        page=href(f"{entry.place}/{PAGE}"),
        thumbnail=None if thumbnail is None else href(thumbnail),
        kind="failed" if entry.status == FAILED else kind,
        verdict=entry.status if entry.status == FAILED else result["verdict"],
        score=result["score"] if entry.status == ANALYSED else None,
        reason=result["reason"],
        photo=photo_text(entry),
        regions=regions_text(result["regions"]),
        flags=(*(visible(flag) for flag in result["flags"]), *([domain.OUTSIDE] if domain.outside_all(result) else [])),
        map=None if chance is None else href(chance),
        largest=max((region["share"] for region in result["regions"] if region["mean"] >= WEAK_MEAN), default=None),
        declared=declared.short_of(entry.record),
        notes=kinds_of(entry.record),
        alike="" if entry.alike is None else _alike(entry.alike),
        group=0 if entry.alike is None else entry.alike.number,
    )


def _alike(group: Likeness) -> str:
    others = group.size - 1
    return f"looks like {others:,} other{'s' * (others > 1)} (group {group.number:,})"


def photo_text(entry: Entry) -> str:
    """Return format and size in a few words."""
    decode = entry.record["decode"]
    return "" if decode is None else f"{decode['format']}, {decode['width']} x {decode['height']}"


def regions_text(regions: list[dict[str, Any]]) -> str:
    """Return how many regions there are, the share of the largest that is not weak, and how many are weak."""
    shares = [region["share"] for region in regions if region["mean"] >= WEAK_MEAN]
    told = [f"{len(shares)}, largest {max(shares):.1%}"] if shares else []
    if len(shares) < len(regions):
        told.append(f"{len(regions) - len(shares)} weak")
    return "; ".join(told) or "none"


@dataclass(frozen=True)
class Place:
    """A region of the record: its number from 1 (None for a weak one), and its box in both frames."""

    number: int | None
    stored: Box
    upright: Box
    share: float
    mean: float
    peak: float


@dataclass(frozen=True)
class Stage:
    """The pictures of a photo's page: addresses, size of the stored raster and on the page, and the upright frame."""

    photo: str
    overlay: str
    width: int
    height: int
    shown_width: int
    shown_height: int
    orientation: int
    orientation_words: str
    upright_width: int
    upright_height: int
    matrix: str
    places: tuple[Place, ...]
    joins: tuple[Join, ...]

    @property
    def label_size(self) -> float:
        """Return the height of a region's number, in pixels of the stored raster."""
        return round(max(self.width, self.height) / 36, 2)

    @property
    def legend(self) -> str:
        """Return what the joins show, empty where there are none."""
        return legend_of(self.joins)


def stage_of(entry: Entry, root: str) -> Stage | None:
    """Return the pictures of an entry, None for one without."""
    decode, photo, overlay = entry.record["decode"], entry.picture("preview"), entry.picture("preview_overlay")
    if decode is None or photo is None or overlay is None:
        return None
    width, height, orientation = decode["width"], decode["height"], decode["orientation"]
    longest = max(width, height)
    factor = min(max(longest, SHORTEST_SHOWN), LONGEST_SHOWN) / longest
    across, along = upright_size(width, height, orientation)
    return Stage(
        photo=href(photo, root),
        overlay=href(overlay, root),
        width=width,
        height=height,
        shown_width=max(1, round(width * factor)),
        shown_height=max(1, round(height * factor)),
        orientation=orientation,
        orientation_words=WORDS[orientation],
        upright_width=across,
        upright_height=along,
        matrix=" ".join(str(value) for value in matrix(width, height, orientation)),
        places=places_of(entry),
        joins=joins_in(entry.record["result"]),
    )


def places_of(entry: Entry) -> tuple[Place, ...]:
    """Return the regions of an entry in both frames."""
    decode = entry.record["decode"]
    places = []
    for number, region in enumerate(entry.record["result"]["regions"], start=1):
        box = Box(region["x"], region["y"], region["width"], region["height"])
        turned = upright_box(box, decode["width"], decode["height"], decode["orientation"])
        place = None if region["mean"] < WEAK_MEAN else number
        places.append(Place(place, box, turned, region["share"], region["mean"], region["peak"]))
    return tuple(places)


@dataclass(frozen=True)
class Page:
    """An entry as a page. root: address of the case folder from there. more: the sections after pictures and result.

    explained: whether one of them is an explanation.
    """

    entry: Entry
    row: Row
    root: str
    stage: Stage | None
    threshold: float
    declared: Section | None
    result: Section
    more: tuple[Section, ...]
    explained: bool

    @property
    def sections(self) -> tuple[Section, ...]:
        """All that the page says, in its order."""
        return (*([self.declared] if self.declared else []), self.result, *self.more)


def page_of(entry: Entry, alike: tuple[tuple[str, str], ...] = (), explained: ShownExplanation | None = None) -> Page:
    """Return an entry's page. alike: (path, place) of others that look like it. explained: None without an explanation."""
    record = entry.record
    root = "../" * (entry.place.count("/") + 1)
    return Page(
        entry=entry,
        row=row_of(entry),
        root=root,
        stage=stage_of(entry, root),
        threshold=record["result"]["threshold"],
        declared=declared_section(record),
        result=result_section(entry, root, alike),
        more=tuple(more_sections(entry, root, explained)),
        explained=explained is not None,
    )
