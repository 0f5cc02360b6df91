"""What stands on the pages: an entry as a row of the list, and an entry as a page of its own, in words and addresses."""

from dataclasses import dataclass
from typing import Any

from mesorch_cli.evidence.orientation import WORDS, Box, matrix, upright_box, upright_size
from mesorch_cli.inference.regions import WEAK_MEAN
from mesorch_cli.network.config import ALL_SCALES
from mesorch_cli.report import declared, rates, wording
from mesorch_cli.report.entry import ANALYSED, FAILED, Entry
from mesorch_cli.report.findings import FindingTable, tables_of
from mesorch_cli.report.for_your_report import sentences_of
from mesorch_cli.report.names import href, shell_word, visible
from mesorch_cli.report.numbers import share_text
from mesorch_cli.report.statements import Group, flat, metadata_groups, text_of

PAGE = "index.html"
SHORTEST_SHOWN, LONGEST_SHOWN = 640, 1600  # pixels of a picture's long side on a page
KINDS = {
    "evidence of manipulation": "evidence",
    "inconclusive": "open",
    "no evidence found": "none",
    "not analysed": "left",
}
ROLES = {
    "overlay": "Map over the photo, with a bar",
    "heatmap": "Map, 16 bits, at the photo's size",
    "mask": "Pixels above the threshold",
    "panel": "Photo, map and outlines side by side, for a written report",
    "preview": "Photo, small",
    "preview_overlay": "Map over the photo, small",
    "thumbnail": "Thumbnail",
    "explanation": "Explanation, in numbers",
    "high": "High-frequency view",
    "low": "Low-frequency view",
    **{f"scale_{name}": f"Scale {name}: map, what it added, gate" for name in ALL_SCALES},
    **{f"check_{name}": f"Map of the check: {name}" for name in ("shifted", "resized", "resaved", "mirrored")},
}


@dataclass(frozen=True)
class Row:
    """An entry in a list. page, thumbnail: addresses from the case folder. kind: of the verdict, for style and filter."""

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
    declared: str = ""

    @property
    def score_text(self) -> str:
        return "" if self.score is None else share_text(self.score)


def row_of(entry: Entry) -> Row:
    """Return an entry's row."""
    result, thumbnail = entry.record["result"], entry.picture("thumbnail")
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
        flags=tuple(visible(flag) for flag in result["flags"]),
        declared=declared.short_of(entry.record),
    )


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
    """A region of the record: its number from 1 on (None for a weak one), and its box in both frames."""

    number: int | None
    stored: Box
    upright: Box
    share: float
    mean: float
    peak: float


@dataclass(frozen=True)
class Stage:
    """The pictures of a photo's page: addresses, the stored raster's size, the size on the page, and the upright frame."""

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

    @property
    def label_size(self) -> float:
        """Return the height of a region's number, in pixels of the stored raster."""
        return round(max(self.width, self.height) / 36, 2)


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
    """An entry as a page. root: address of the case folder from there. groups: tables of statements under their headings."""

    entry: Entry
    row: Row
    root: str
    stage: Stage | None
    places: tuple[Place, ...]
    meaning: str
    reason_meaning: str
    declared: tuple[declared.Line, ...]
    declared_meaning: str
    looked_at: str
    threshold: float
    measures: tuple[tuple[str, str, str], ...]
    rates: tuple[str, ...]
    rates_meaning: str
    for_your_report: tuple[str, ...]
    findings: tuple[FindingTable, ...]
    flags: tuple[tuple[str, str], ...]
    file: Group
    metadata: list[Group]
    notes: list[str]
    provenance: list[tuple[str, str]]
    analysis: Group
    versions: Group
    command: str
    rerun: str
    artefacts: tuple[tuple[str, str, str, str], ...]
    first: str | None


def page_of(entry: Entry) -> Page:
    """Return an entry's page."""
    record, result = entry.record, entry.record["result"]
    root = "../" * (entry.place.count("/") + 1)
    return Page(
        entry=entry,
        row=row_of(entry),
        root=root,
        stage=stage_of(entry, root),
        places=places_of(entry) if record["decode"] else (),
        meaning=wording.verdict_meaning(result),
        reason_meaning=wording.reason_meaning(result["reason"] or ""),
        declared=declared.lines_of(record),
        declared_meaning=declared.MEANING,
        looked_at=", ".join((record.get("declared") or {}).get("looked_at", ())),
        threshold=result["threshold"],
        measures=_measures(result),
        rates=rates.lines_of(result),
        rates_meaning=rates.MEANING,
        for_your_report=sentences_of(record),
        findings=tables_of(result),
        flags=tuple((flag, wording.flag_meaning(flag)) for flag in result["flags"]),
        file=_file(entry),
        metadata=metadata_groups(record["metadata"]),
        notes=list(record["metadata"].get("notes") or ()),
        provenance=list(flat(record["provenance"])),
        analysis=_analysis(record),
        versions=Group("Versions", list(flat(record["tool"]))),
        command=" ".join(["mesorch", *(shell_word(word) for word in record["argv"])]),
        rerun=f"mesorch rerun {shell_word(entry.place + '/record.json')}",
        artefacts=tuple(
            (ROLES.get(role, role), name, href(f"{entry.place}/{name}", root), sha256)
            for role, (name, sha256) in entry.artefacts.items()
        ),
        first=None if entry.copy_place is None else href(f"{entry.copy_place}/{PAGE}", root),
    )


def _measures(result: dict[str, Any]) -> tuple[tuple[str, str, str], ...]:
    """Return (name, value, meaning) of the figures of a result."""
    measures = []
    if result["score"] is not None:
        measures.append(("Score", share_text(result["score"]), wording.score_meaning(result)))
    if result["probability"] is not None:
        measures.append(("Probability", share_text(result["probability"]), wording.probability_meaning(result)))
    ratio = result.get("likelihood_ratio")
    if ratio is not None:
        measures.append(("Likelihood ratio", wording.number(ratio["value"]), wording.ratio_meaning(ratio)))
    return tuple(measures)


def _file(entry: Entry) -> Group:
    source, decode = entry.record["input"], entry.record["decode"]
    if source["sha256"] is None:
        after = "not hashed"
    else:
        after = "the same" if source["sha256_after"] == source["sha256"] else source["sha256_after"] or "file gone"
    group = Group("File")
    group.rows = [
        ("path below the evidence folder", entry.path),
        ("size", "unknown" if source["size"] is None else f"{source['size']:,} bytes"),
        ("SHA-256 before", source["sha256"] or "could not be read"),
        ("SHA-256 after", after),
    ]
    if decode is not None:
        orientation = decode["orientation"]
        group.rows += [
            (
                "format",
                f"{decode['format']}, {decode['bits']} bits, {decode['pages']} page{'s' * (decode['pages'] > 1)}",
            ),
            ("stored raster", f"{decode['width']} x {decode['height']} pixels"),
            ("orientation", f"{orientation}: {WORDS[orientation]}; recorded, not applied"),
            ("decoder", f"{decode['reader']} {decode['version']}"),
            ("conversions", text_of(decode["conversions"]) or "none"),
        ]
    return group


def _analysis(record: dict[str, Any]) -> Group:
    group, analysis, weights = Group("Analysis"), record["analysis"], record["weights"]
    if analysis is not None:
        group.rows = [
            (
                "scales and weights",
                ", ".join(f"{name} (weight {weight:g})" for name, weight in analysis["fusion"].items()),
            ),
            ("tiles", f"{analysis['tiles']}, overlap {analysis['overlap']:g}"),
            ("coverage", f"{analysis['coverage']:.2%} of the pixels"),
            ("precision", analysis["precision"]),
            ("device", f"{analysis['device']}, {analysis['backend']}"),
        ]
    group.rows += [
        ("threshold of the map", f"{record['result']['threshold']:.4g}"),
        (
            "weights",
            f"{' '.join(filter(None, (weights['name'], weights.get('version'))))}, licence {weights['licence']}",
        ),
        ("SHA-256 of the weights", weights["sha256"]),
        ("SHA-256 of the settings", record["settings_sha256"]),
        ("analysed at", record["timing"]["started_at"]),
    ]
    return group
