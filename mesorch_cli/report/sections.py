"""What a report says of one photo, section by section; the page and the document for print draw nothing else of it."""

from collections.abc import Iterator
from typing import Any

from mesorch_cli.evidence.orientation import WORDS, Box, upright_box, upright_size
from mesorch_cli.inference.regions import WEAK_MEAN
from mesorch_cli.network.config import ALL_SCALES
from mesorch_cli.report import declared, domain, rates, wording
from mesorch_cli.report.blocks import (
    Block,
    Cell,
    Column,
    Heading,
    Lines,
    Link,
    Measures,
    Pairs,
    Point,
    Points,
    Quote,
    Section,
    Table,
    Text,
)
from mesorch_cli.report.entry import Entry
from mesorch_cli.report.explained import ShownExplanation
from mesorch_cli.report.explanation_section import explanation_section
from mesorch_cli.report.findings import FindingTable, tables_of
from mesorch_cli.report.for_your_report import sentences_of
from mesorch_cli.report.names import href, shell_word, visible
from mesorch_cli.report.numbers import share_text
from mesorch_cli.report.statements import Group, flat, metadata_groups, text_of

PAGE = "index.html"
NUMBER = Column("No.", number=True)
ROLES = {
    "overlay": "Map over the photo, with a bar",
    "heatmap": "Map, 16 bits, at the photo's size",
    "mask": "Pixels above the threshold",
    "panel": "Photo, map and outlines side by side, for a written report",
    "preview": "Photo, small",
    "preview_overlay": "Map over the photo, small",
    "thumbnail": "Thumbnail",
    "thumbnail_map": "Thumbnail of the map",
    "explanation": "Explanation, in numbers",
    "high": "High-frequency view",
    "low": "Low-frequency view",
    **{f"scale_{name}": f"Scale {name} of the network: map, what it added, gate" for name in ALL_SCALES},
    **{f"check_{name}": f"Map of the check: {name}" for name in ("shifted", "resized", "resaved", "mirrored")},
}


def declared_section(record: dict[str, Any]) -> Section | None:
    """Return what the file declares of AI, None where it declares nothing."""
    lines = declared.lines_of(record)
    if not lines:
        return None
    points = Points(tuple(Point(line.says, f"{line.where}: “{line.text}”. {line.signed}") for line in lines))
    return Section("declared", "Declared by the file, not detected", (points, Text(declared.MEANING, quiet=True)))


def result_section(entry: Entry, root: str, alike: tuple[tuple[str, str], ...]) -> Section:
    """Return the result. root: address of the case from the page. alike: (path, place) of files that look like this one."""
    result = entry.record["result"]
    blocks: list[Block] = [Text(wording.verdict_meaning(result))]
    if result["reason"]:
        blocks.append(Text(f"Reason: {result['reason']}. {wording.reason_meaning(result['reason'])}", loud=True))
    if reasons := domain.reasons_of(result):
        blocks += [Text(f"{domain.UNLIKE}:", loud=True), Points(tuple(Point(words=reason) for reason in reasons))]
    blocks += [Measures(rows)] if (rows := tuple(_measures(result, entry.record["settings"]))) else []
    if lines := rates.lines_of(result):
        blocks.append(Heading("How often such a verdict was given to photos of known truth"))
        blocks += [Points(tuple(Point(words=line) for line in lines)), Text(rates.MEANING, quiet=True)]
    if entry.copy_of is not None:
        place = entry.copy_place
        first = None if place is None else Link(visible(entry.copy_of), href(f"{place}/{PAGE}", root))
        words = "This file is a duplicate. It has the same bytes as another file, which was analysed"
        blocks.append(Points((Point(words=f"{words}: {'' if first else entry.copy_of}", link=first),)))
    if result["flags"]:
        points = tuple(Point(flag, small=wording.flag_meaning(flag)) for flag in result["flags"])
        blocks += [Heading("Flags"), Points(points)]
    if entry.alike is not None:
        links = (Link(visible(path), href(f"{place}/{PAGE}", root)) for path, place in alike)
        blocks += [Heading("Files that look like this one", "alike"), Points(tuple(Point(link=link) for link in links))]
        left = entry.alike.size - 1 - len(alike)
        more = f"{left:,} more are in group {entry.alike.number:,} of results.csv. " if left else ""
        blocks.append(Text(more + wording.ALIKE, quiet=True))
    return Section("result", "Result", (*blocks, *_integrity(entry.record["decode"])))


def more_sections(entry: Entry, root: str, explained: ShownExplanation | None) -> Iterator[Section]:
    """Yield all that follows the pictures and the result."""
    record, result = entry.record, entry.record["result"]
    if record["analysis"] is not None and record["decode"] is not None:
        yield Section("regions", "Regions above the threshold", tuple(_regions(result, record["decode"])))
    for number, table in enumerate(tables_of(result), start=1):
        yield Section(f"finding-{number}", table.title, tuple(_finding(table)))
    if explained is not None:
        yield explanation_section(explained)
    yield Section(
        "your-report", "For your report", (Quote(sentences_of(record)), Text(wording.YOUR_REPORT, quiet=True))
    )
    yield Section("statements", "What the file says about itself", tuple(_statements(record)))
    yield Section("repeat", "Record, to repeat the analysis", tuple(_record(entry, root)))


def _measures(result: dict[str, Any], settings: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    if result["score"] is not None:
        yield "Score", share_text(result["score"]), wording.score_meaning(result, settings)
    if result["probability"] is not None:
        yield "Probability", share_text(result["probability"]), wording.probability_meaning(result)
    ratio = result.get("likelihood_ratio")
    if ratio is not None:
        yield "Likelihood ratio", wording.number(ratio["value"]), wording.ratio_meaning(ratio)


def _integrity(decode: dict[str, Any] | None) -> Iterator[Block]:
    yield Heading("Integrity of the file")
    if decode is None:
        yield Text("The file could not be decoded.")
    elif decode["integrity"]["ok"]:
        yield Text("No damage was found when the file was read.")
    else:
        yield Text("Damage was found when the file was read.", loud=True)
    if decode is not None and decode["integrity"]["findings"]:
        yield Points(tuple(Point(words=finding) for finding in decode["integrity"]["findings"]))


def _regions(result: dict[str, Any], decode: dict[str, Any]) -> Iterator[Block]:
    if not result["regions"]:
        yield Text("No connected region of the map is above the threshold.")
        return
    width, height, orientation = decode["width"], decode["height"], decode["orientation"]
    across, along = upright_size(width, height, orientation)
    turned = orientation != 1
    frames = [Column(f"Stored raster, {width} x {height} px", box=True)]
    frames += [Column(f"Upright, {across} x {along} px", box=True)] if turned else []
    rows = []
    for number, region in enumerate(result["regions"], start=1):
        box = Box(region["x"], region["y"], region["width"], region["height"])
        boxes = (box, upright_box(box, width, height, orientation)) if turned else (box,)
        name = "weak" if region["mean"] < WEAK_MEAN else str(number)
        rows.append((name, *boxes, f"{region['share']:.2%}", f"{region['mean']:.3f}", f"{region['peak']:.3f}"))
    shares = (Column(title, number=True) for title in ("Share of photo", "Mean", "Peak"))
    yield Table((NUMBER, *frames, *shares), tuple(rows))
    yield Text(
        "x and y: upper left corner, counted from the upper left corner of the photo. Mean and peak: of the map inside the "
        f"region, 0 to 1. Weak: the mean is below {WEAK_MEAN:g}; drawn dimmer and without a number."
        + ("" if turned else " The file states no other orientation: the upright photo has the same coordinates."),
        quiet=True,
    )


def _finding(table: FindingTable) -> Iterator[Block]:
    yield Points(tuple(Point(words=line.sentence) for line in table.lines))
    roles = tuple(Column(role, box=True) for role in table.roles)
    values = tuple(Column(head, number=True) for head in table.heads)
    rows: list[tuple[Cell, ...]] = []
    for number, line in enumerate(table.lines, start=1):
        sides = [int(side) for side in line.numbers[: 4 * len(roles)]]
        boxes = [Box(*sides[at : at + 4]) for at in range(0, len(sides), 4)]
        rows.append((str(number), *boxes, *line.numbers[len(sides) :]))
    yield Table((NUMBER, *roles, *values), tuple(rows))
    yield Text(("Places are in the stored raster. " if roles else "") + table.explanation, quiet=True)


def _statements(record: dict[str, Any]) -> Iterator[Block]:
    yield Text("Anyone who saves a file can write such statements. The analysis does not use them.", quiet=True)
    notes = record["metadata"].get("notes") or ()
    if notes:
        yield Heading("Oddities")
        yield Points(tuple(Point(words=text_of(note)) for note in notes))
    groups = metadata_groups(record["metadata"])
    if not groups:
        yield Text("Nothing was read.")
    for group in groups:
        yield Pairs(tuple(group.rows), group.title)
        for name, lines in group.grids:
            yield Lines(tuple(lines), name, folded=True)
    yield Pairs(tuple(flat(record["provenance"])), "Provenance (C2PA)")
    looked_at = ", ".join((record.get("declared") or {}).get("looked_at", ()))
    if looked_at:
        yield Text(f"Statements about AI were looked for in: {looked_at}.", quiet=True)


def _record(entry: Entry, root: str) -> Iterator[Block]:
    record = entry.record
    for group in (_file(entry), _analysis(record), Group("Versions", list(flat(record["tool"])))):
        yield Pairs(tuple(group.rows), group.title)
    yield Lines((" ".join(["mesorch", *(shell_word(word) for word in record["argv"])]),), "Command line")
    yield Lines((f"mesorch rerun {shell_word(entry.place + '/record.json')}",), "Repeat it, in the case folder")
    yield Heading("Files")
    rows: list[tuple[str, Link, str]] = [
        ("Record", Link("record.json", href(f"{entry.place}/record.json", root)), "in SHA256SUMS of the case")
    ]
    rows += [
        (ROLES.get(role, role), Link(name, href(f"{entry.place}/{name}", root)), sha256)
        for role, (name, sha256) in entry.artefacts.items()
    ]
    yield Table((Column("What"), Column("File"), Column("SHA-256")), tuple(rows))


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


def _tiles(analysis: dict[str, Any]) -> str:
    """Return in words how many tiles were analysed, and how many were left out after the first look."""
    told = f"{analysis['tiles']}, overlap {analysis['overlap']:g}"
    left_out = analysis.get("tiles_left_out")
    return f"{told}; {left_out} without detail left out after a first look" if left_out else told


def _analysis(record: dict[str, Any]) -> Group:
    group, analysis, weights = Group("Analysis"), record["analysis"], record["weights"]
    if analysis is not None:
        group.rows = [
            (
                "scales and weights",
                ", ".join(f"{name} (weight {weight:g})" for name, weight in analysis["fusion"].items()),
            ),
            ("tiles", _tiles(analysis)),
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
