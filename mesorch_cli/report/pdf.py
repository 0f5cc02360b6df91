"""`report.pdf`: the case for print. Counts and method, all files in a table, and every finding as its page has it."""

from collections.abc import Iterator
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from mesorch_cli.evidence.orientation import Box
from mesorch_cli.files.writing import write_below
from mesorch_cli.report import overview, wording
from mesorch_cli.report.details import NO_DETAILS, CaseDetails
from mesorch_cli.report.entry import Entry
from mesorch_cli.report.explained import explanation_of
from mesorch_cli.report.findings import short_of
from mesorch_cli.report.fonts import BOLD
from mesorch_cli.report.joins import Join, joins_in, legend_of
from mesorch_cli.report.outlines import LINK_OPACITY
from mesorch_cli.report.overlay import colours
from mesorch_cli.report.pages import Place, page_of, places_of, row_of
from mesorch_cli.report.printed_figures import MISSING, Printed, printed
from mesorch_cli.report.printing import draw_section
from mesorch_cli.report.sheet import MARGIN, MUTED, Column, Sheet
from mesorch_cli.report.triage import Triage

FILE_NAME = "report.pdf"
LONGEST_PICTURE = 900  # pixels; two of them stand side by side on 250 points each
TALLEST_PICTURE = 300.0  # points
EVIDENCE = "evidence of manipulation"
ROOM = 330.0  # points that are left of a page on which a finding may begin: pictures with their heading fit
JOINED = 0x3FD0FF
COLOURS = {
    "evidence": (0x8F1D1D, 0xFFFFFF),
    "open": (0xFBE8B0, 0x4D3800),
    "none": (0xE3E7EC, 0x262C33),
    "left": (0xECE2F4, 0x47286A),
    "failed": (0x47286A, 0xFFFFFF),
}
FINDINGS = (
    Column("No.", 28, right=True),
    Column("File", 162),
    Column("Verdict", 98),
    Column("Score", 42, right=True),
    Column("Regions", 70),
    Column("Notes", 99),
)
OTHERS = (
    Column("No.", 28, right=True),
    Column("File", 236),
    Column("Outcome", 62),
    Column("Reason", 96),
    Column("SHA-256, first 16", 76, fixed=True),
)

Facts = dict[str, Any]  # case.json, as parsed


def write_pdf(
    case: Path, facts: Facts, triage: Triage, *, font: Path | None, pictures: int, details: CaseDetails = NO_DETAILS
) -> None:
    """Write report.pdf into a case: the same bytes for the same case, details and font.

    pictures: findings that are shown as on their page, highest score first. Raises UsageError where reportlab is not
    installed or the font is none, OutputError where the file cannot be written.
    """
    title = f"Triage report: {details.case_number or facts['evidence']}"
    date = None if triage.last is None else datetime.fromisoformat(triage.last)
    sheet = Sheet(title, f"mesorch, {title[0].lower()}{title[1:]}", font, date)
    shown = min(pictures, triage.by_verdict[EVIDENCE])
    _cover(sheet, facts, triage, shown, details)
    _tables(sheet, triage)
    for number, entry in _findings(triage, shown):
        _finding(sheet, case, entry, number, triage.like(entry))
    write_below(case, FILE_NAME, sheet.finish(), same_stays=True)


def _findings(triage: Triage, most: int) -> Iterator[tuple[int, Entry]]:
    """Yield (number in the table, entry) of the findings that are shown."""
    left = most
    for number, entry in enumerate(triage.analysed(), start=1):
        if not left:
            return
        if entry.record["result"]["verdict"] == EVIDENCE:
            left -= 1
            yield number, entry


def _cover(sheet: Sheet, facts: Facts, triage: Triage, shown: int, details: CaseDetails) -> None:
    said = overview.overview(facts, triage)
    counts = said["counts"]
    sheet.text("mesorch, image manipulation triage", 8, colour=MUTED)
    sheet.text("Triage report", 20, font=BOLD)
    sheet.pairs([*details.rows, ("Evidence folder", facts["evidence"])], 9)
    sheet.heading("Counts")
    sheet.pairs(
        [
            ("found", f"{counts.found:,} = {counts.analysed:,} analysed + {counts.not_analysed:,} not analysed + "
             f"{counts.failed:,} failed" + (f" + {counts.waiting:,} waiting" if counts.waiting else "")),
            ("evidence of manipulation", f"{counts.evidence:,}"),
            ("inconclusive", f"{counts.open:,}"),
            ("no evidence found", f"{counts.none:,}"),
            ("duplicates (same bytes as another file)", f"{counts.duplicates:,}"),
            ("no longer in the folder", f"{counts.gone:,}"),
        ]
    )  # fmt: skip
    if said["mismatch"] is not None:
        sheet.text(said["mismatch"], 8, font=BOLD)
    for folder in said["unlisted"]:
        sheet.text(f"The folder {folder} could not be listed, so the case lacks its files.", 8, font=BOLD)
    sheet.text(said["histogram"]["words"], 8)
    sheet.heading("Case and method")
    sheet.pairs(said["method"])
    sheet.heading("How to read this report")
    for sentence in wording.LIMITS:
        sheet.text(sentence, 8)
    sheet.heading("About this document")
    findings = triage.by_verdict[EVIDENCE]
    sheet.text(
        f"The tables list all {len(triage):,} files. {shown:,} of {findings:,} findings ({EVIDENCE}) follow with pictures "
        "and all that their pages say, highest score first"
        + (
            ", which is the limit of this document. The pages of the case show all of them."
            if shown < findings
            else "."
        ),
        8,
    )
    sheet.text(
        f"Characters that the font {sheet.fonts.name} lacks, and invisible ones, are written as \\uXXXX, and bytes that "
        "are not UTF-8 as \\xXX. The pages of the case show names in any script. --pdf-font takes a font with more.",
        8,
    )
    sheet.heading("Settings and versions")
    sheet.pairs(said["everything"], 7)
    if said["elsewhere"]:
        sheet.heading("What else lies in the evidence folder")
        sheet.pairs(said["elsewhere"])


def _tables(sheet: Sheet, triage: Triage) -> None:
    sheet.gap(10)
    sheet.heading("Analysed files, highest score first")
    sheet.head(FINDINGS)
    for number, entry in enumerate(triage.analysed(), start=1):
        row = row_of(entry)
        said = {"found": short_of(entry.record["result"]), "declared": row.declared}
        verdict = "; ".join([row.verdict, *(f"{name}: {words}" for name, words in said.items() if words)])
        notes = "; ".join([*row.notes, *([row.alike] if row.alike else []), *row.flags])
        sheet.row(FINDINGS, [str(number), entry.path, verdict, row.score_text, row.regions, notes])
    sheet.gap(10)
    sheet.heading("Files without a verdict")
    if not triage.by_reason:
        sheet.text("There are none: every photo was analysed.", 8)
        return
    for (status, reason), count in sorted(triage.by_reason.items()):
        sheet.text(f"{count:,} {status}: {reason}. {wording.reason_meaning(reason)}", 8)
    sheet.head(OTHERS)
    for number, entry in enumerate(triage.others(), start=1):
        declared = row_of(entry).declared
        reason = entry.record["result"]["reason"] + (f"; declared: {declared}" if declared else "")
        sheet.row(OTHERS, [str(number), entry.path, entry.status, reason, _short(entry)])


def _short(entry: Entry) -> str:
    sha256 = entry.record["input"]["sha256"]
    return "not read" if sha256 is None else str(sha256[:16])


def _finding(sheet: Sheet, case: Path, entry: Entry, number: int, alike: tuple[tuple[str, str], ...]) -> None:
    page = page_of(entry, alike, explanation_of(case, entry))
    sheet.gap(18)
    sheet.room_for(ROOM)
    sheet.text(f"Finding {number}", 8, colour=MUTED)
    sheet.text(entry.path, 12, font=BOLD)
    sheet.pill(page.row.verdict, *COLOURS[page.row.kind])
    sheet.text(page.row.photo, 8, colour=MUTED)
    _pictures(sheet, case, entry)
    caption = "Left: the photo, as stored. Right: the map over the photo in grey. Boxes: regions"
    legend = legend_of(joins_in(entry.record["result"]))
    sheet.text(caption + (f". Blue: {legend}." if legend else "."), 7, colour=MUTED)
    _scale(sheet, page.threshold)

    def load(name: str, longest: int) -> Printed | None:
        return printed(case, f"{entry.place}/{name}", longest)

    for section in page.sections:
        draw_section(sheet, section, load)


def _pictures(sheet: Sheet, case: Path, entry: Entry) -> None:
    """Draw photo and map side by side, with the boxes of regions and the places that findings join."""
    from reportlab.lib.utils import ImageReader

    width = (sheet.inner - 12) / 2
    decode = entry.record["decode"]
    height = min(width * decode["height"] / decode["width"], TALLEST_PICTURE)
    width = height * decode["width"] / decode["height"]
    sheet.room_for(height + 10)
    sheet.gap(height + 4)
    places, joins = places_of(entry), joins_in(entry.record["result"])
    for x, role in ((MARGIN, "preview"), (MARGIN + width + 12, "preview_overlay")):
        path = entry.picture(role)
        picture = None if path is None else printed(case, path, LONGEST_PICTURE)
        if picture is None:
            sheet.frame(x, sheet.y, width, height, [(0, 1.0)])
            sheet.note(x + 6, MISSING)
            continue
        sheet.canvas.drawImage(ImageReader(BytesIO(picture.data)), x, sheet.y, width, height)
        _marks(sheet, places, joins, (x, sheet.y + height), width / decode["width"])


def _marks(
    sheet: Sheet,
    places: tuple[Place, ...],
    joins: tuple[Join, ...],
    corner: tuple[float, float],
    factor: float,
) -> None:
    """Draw boxes and joins over a picture. corner: its upper left one. factor: points of a pixel."""

    def at(x: float, y: float) -> tuple[float, float]:
        return corner[0] + x * factor, corner[1] - y * factor

    def frame(box: Box, lines: list[tuple[int, float]]) -> None:
        sheet.frame(*at(box.x, box.y + box.height), box.width * factor, box.height * factor, lines)

    for place in places:
        frame(place.stored, [(0xA0A0A0, 0.5)] if place.number is None else [(0, 2.0), (0xFFFFFF, 0.8)])
    for one in joins:
        sheet.segments([(at(*start), at(*end)) for start, end in one.links], JOINED, 0.5, LINK_OPACITY)
        for corners in one.outlines:
            sheet.path([at(*corner) for corner in (*corners, corners[0])], [(0, 1.8), (JOINED, 0.9)])
        for box in one.boxes:
            frame(box, [(0, 2.4), (JOINED, 1.2)])
        sheet.path([at(*middle) for middle in one.middles], [(0, 2.4), (JOINED, 1.2)])
    for place in places:
        if place.number is not None:
            x, y = at(place.stored.x, place.stored.y)
            sheet.label(x + 3, y - 9, str(place.number))


def _scale(sheet: Sheet, threshold: float) -> None:
    """Draw the colours of the map from 0 to 1 with the threshold of regions."""
    sheet.gap(13)
    left, width = MARGIN + 8, 160.0
    for index, (blue, green, red) in enumerate(colours(np.linspace(0, 1, 81, dtype=np.float32)[None])[0].tolist()):
        sheet.canvas.setFillColorRGB(red / 255, green / 255, blue / 255)
        sheet.canvas.rect(left + index * width / 81, sheet.y, width / 81 + 0.3, 7, stroke=0, fill=1)
    mark = left + threshold * width
    sheet.path([(mark, sheet.y - 2), (mark, sheet.y + 9)], [(0, 1.0)])
    words = f"0 to 1, the map at a pixel, always on this scale; mark: the threshold of regions, {threshold:.4g}"
    sheet.note(left + width + 8, words)
