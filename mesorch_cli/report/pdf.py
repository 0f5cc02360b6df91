"""`report.pdf`: the case for print. Counts and method, all files in a table, a page with pictures for every finding."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from mesorch_cli.errors import InputError
from mesorch_cli.evidence.isolation.isolated_reader import process_reader
from mesorch_cli.evidence.photo import ReadOptions
from mesorch_cli.files.reading import read_below
from mesorch_cli.files.writing import write_below
from mesorch_cli.report import overview, wording
from mesorch_cli.report.entry import Entry
from mesorch_cli.report.findings import short_of
from mesorch_cli.report.overlay import colours
from mesorch_cli.report.pages import Place, page_of, row_of
from mesorch_cli.report.preview import LONGEST_PREVIEW, jpeg, shrunk
from mesorch_cli.report.sheet import BOLD, MARGIN, MUTED, Column, Sheet
from mesorch_cli.report.statements import Group
from mesorch_cli.report.triage import Triage

FILE_NAME = "report.pdf"
LARGEST_PICTURE = 256 << 20  # bytes of a picture of the case that is read at all
LONGEST_PICTURE = 900  # pixels; two of them stand side by side on 250 points each
PICTURE = ReadOptions(max_pixels=LONGEST_PREVIEW**2)  # as previews are written; a case may come from others
EVIDENCE = "evidence of manipulation"
COLOURS = {
    "evidence": (0x8F1D1D, 0xFFFFFF),
    "open": (0xFBE8B0, 0x4D3800),
    "none": (0xE3E7EC, 0x262C33),
    "left": (0xECE2F4, 0x47286A),
    "failed": (0x47286A, 0xFFFFFF),
}
FINDINGS = (
    Column("No.", 28, right=True),
    Column("File", 192),
    Column("Verdict", 98),
    Column("Score", 34, right=True),
    Column("Regions", 70),
    Column("SHA-256, first 16", 76, fixed=True),
)
OTHERS = (
    Column("No.", 28, right=True),
    Column("File", 236),
    Column("Outcome", 62),
    Column("Reason", 96),
    Column("SHA-256, first 16", 76, fixed=True),
)
REGIONS = (
    Column("No.", 28, right=True),
    Column("Stored: x, y, width, height", 150),
    Column("Upright: x, y, width, height", 150),
    Column("Share", 50, right=True),
    Column("Mean", 50, right=True),
    Column("Peak", 50, right=True),
)
LISTED = 12  # regions of a finding; the record has all

Facts = dict[str, Any]  # case.json, as parsed


def write_pdf(case: Path, facts: Facts, triage: Triage, *, font: Path | None, pictures: int) -> None:
    """Write report.pdf into a case: the same bytes for the same case and font.

    pictures: findings that get a page of their own. Raises UsageError where reportlab is not installed or the font is none,
    OutputError where the file cannot be written.
    """
    sheet = Sheet(f"Triage report: {facts['evidence']}", f"mesorch, triage report: {facts['evidence']}", font)
    shown = min(pictures, triage.by_verdict[EVIDENCE])
    _cover(sheet, facts, triage, shown)
    _tables(sheet, triage)
    for number, entry in _findings(triage, shown):
        _finding(sheet, case, entry, number)
    write_below(case, FILE_NAME, sheet.finish(), same_stays=True)


def _findings(triage: Triage, most: int) -> Iterator[tuple[int, Entry]]:
    """Yield (number in the table, entry) of the findings that get a page."""
    left = most
    for number, entry in enumerate(triage.analysed(), start=1):
        if not left:
            return
        if entry.record["result"]["verdict"] == EVIDENCE:
            left -= 1
            yield number, entry


def _cover(sheet: Sheet, facts: Facts, triage: Triage, shown: int) -> None:
    counts = overview.counts_of(facts, triage)
    sheet.text("mesorch, image manipulation triage", 8, colour=MUTED)
    sheet.text("Triage report", 20, font=BOLD)
    sheet.text(f"Evidence folder: {facts['evidence']}", 9)
    sheet.heading("Counts")
    sheet.pairs(
        [
            ("found", f"{counts.found:,} = {counts.analysed:,} analysed + {counts.not_analysed:,} not analysed + "
             f"{counts.failed:,} failed" + (f" + {counts.waiting:,} waiting" if counts.waiting else "")),
            ("evidence of manipulation", f"{counts.evidence:,}"),
            ("inconclusive", f"{counts.open:,}"),
            ("no evidence found", f"{counts.none:,}"),
            ("duplicates (same bytes as another file)", f"{counts.duplicates:,}"),
        ]
    )  # fmt: skip
    mismatch = overview.mismatch_of(facts, counts)
    if mismatch is not None:
        sheet.text(mismatch, 8, font=BOLD)
    for folder in facts["unlisted"]:
        sheet.text(f"The folder {folder} could not be looked into; what lies in it is not in the case.", 8, font=BOLD)
    sheet.heading("Method")
    sheet.pairs(overview.method_of(facts, triage))
    sheet.heading("How to read this report")
    for sentence in wording.LIMITS:
        sheet.text(sentence, 8)
    sheet.heading("About this document")
    findings = triage.by_verdict[EVIDENCE]
    sheet.text(
        f"The tables list all {len(triage):,} files. {shown:,} of {findings:,} findings ({EVIDENCE}) have a page with "
        "pictures, highest score first"
        + (
            ": that is the limit of this document; the pages of the case show all of them." if shown < findings else "."
        ),
        8,
    )
    sheet.text(
        f"Characters that the font {sheet.font_name} lacks, and such as cannot be seen, are written as \\uXXXX, bytes that "
        "are no UTF-8 as \\xXX. The pages of the case show names in any script; --pdf-font takes a font that has more.",
        8,
    )
    sheet.heading("Settings and versions")
    sheet.pairs(overview.settings_of(facts), 7)


def _tables(sheet: Sheet, triage: Triage) -> None:
    sheet.new_page()
    sheet.heading("Analysed files, highest score first")
    sheet.head(FINDINGS)
    for number, entry in enumerate(triage.analysed(), start=1):
        row = row_of(entry)
        said = {"found": short_of(entry.record["result"]), "declared": row.declared}
        verdict = "; ".join([row.verdict, *(f"{name}: {words}" for name, words in said.items() if words)])
        cells = [str(number), entry.path, verdict, row.score_text, row.regions, _short(entry)]
        sheet.row(FINDINGS, cells)
    sheet.gap(10)
    sheet.heading("Files without a verdict")
    if not triage.by_reason:
        sheet.text("There are none: every photo that was found was analysed.", 8)
        return
    sheet.head(OTHERS)
    for number, entry in enumerate(triage.others(), start=1):
        declared = row_of(entry).declared
        reason = entry.record["result"]["reason"] + (f"; declared: {declared}" if declared else "")
        sheet.row(OTHERS, [str(number), entry.path, entry.status, reason, _short(entry)])


def _short(entry: Entry) -> str:
    sha256 = entry.record["input"]["sha256"]
    return "not read" if sha256 is None else str(sha256[:16])


def _finding(sheet: Sheet, case: Path, entry: Entry, number: int) -> None:
    page = page_of(entry)
    sheet.new_page()
    sheet.text(f"Finding {number}", 8, colour=MUTED)
    sheet.text(entry.path, 12, font=BOLD)
    sheet.pill(page.row.verdict, *COLOURS[page.row.kind])
    _pictures(sheet, case, entry, page.places)
    sheet.text("Left: the photo, as stored. Right: the map over the photo in grey. Boxes: regions.", 7, colour=MUTED)
    _scale(sheet, page.threshold)
    sheet.heading("Result", 9)
    sheet.text(page.meaning, 8)
    sheet.pairs([(name.lower(), f"{value}. {meaning}") for name, value, meaning in page.measures])
    for rate in page.rates:
        sheet.text(rate, 8)
    if page.rates:
        sheet.text(page.rates_meaning, 7, colour=MUTED)
    for line in page.declared:
        sheet.text(f"Declared: {line.sentence}", 8)
    if page.declared:
        sheet.text(page.declared_meaning, 7, colour=MUTED)
    for flag, meaning in page.flags:
        sheet.text(f"Flag: {flag}. {meaning}", 8)
    for table in page.findings:
        sheet.heading(table.title, 9)
        for found in table.lines:
            sheet.text(f"{found.name.capitalize()}: {found.sentence}", 8)
        sheet.text(table.explanation, 7, colour=MUTED)
    if page.places:
        sheet.heading("Regions", 9)
        sheet.head(REGIONS)
        for place in page.places[:LISTED]:
            shares = [f"{place.share:.2%}", f"{place.mean:.3f}", f"{place.peak:.3f}"]
            boxes = [", ".join(map(str, box)) for box in (place.stored, place.upright)]
            sheet.row(REGIONS, [str(place.number or "weak"), *boxes, *shares])
        if len(page.places) > LISTED:
            sheet.text(f"{len(page.places) - LISTED} more stand in the record.", 7, colour=MUTED)
    sheet.heading("File and record", 9)
    findings = entry.record["decode"]["integrity"]["findings"]
    said = [row for group in page.metadata[:2] for row in _short_rows(group)]
    sheet.pairs(
        [
            *page.file.rows,
            ("integrity", "; ".join(findings) or "no damage was found when the file was read"),
            *[(f"the file says: {name}", text) for name, text in said],
            *page.analysis.rows,
            ("command line", page.command),
            ("repeat it, in the case folder", page.rerun),
        ],
        7,
    )


def _short_rows(group: Group) -> list[tuple[str, str]]:
    """Return what a file says of its software, camera and dates; the page of the photo has the rest."""
    wanted = ("software", "Make", "Model", "DateTime", "DateTimeOriginal", "DateTimeDigitized", "dates")
    return [(name, text) for name, text in group.rows if name in wanted]


def _pictures(sheet: Sheet, case: Path, entry: Entry, places: tuple[Place, ...]) -> None:
    """Draw photo and map side by side, with the regions' boxes."""
    from reportlab.lib.utils import ImageReader

    width = (sheet.inner - 12) / 2
    decode = entry.record["decode"]
    height = min(width * decode["height"] / decode["width"], 300.0)
    width = height * decode["width"] / decode["height"]
    sheet.room_for(height + 10)
    sheet.gap(height + 4)
    for x, role in ((MARGIN, "preview"), (MARGIN + width + 12, "preview_overlay")):
        path = entry.picture(role)
        data = None if path is None else _small(case, path)
        if data is None:
            sheet.canvas.rect(x, sheet.y, width, height, stroke=1, fill=0)
            sheet.canvas.drawString(x + 6, sheet.y + 6, "The picture is missing or damaged.")
            continue
        sheet.canvas.drawImage(ImageReader(BytesIO(data)), x, sheet.y, width, height)
        factor = width / decode["width"]
        for place in places[:LISTED]:
            box = place.stored
            at = (x + box.x * factor, sheet.y + height - (box.y + box.height) * factor)
            for colour, line in ((0.0, 2.0), (1.0, 0.8)):
                sheet.canvas.setStrokeColorRGB(colour, colour, colour)
                sheet.canvas.setLineWidth(line)
                sheet.canvas.rect(*at, box.width * factor, box.height * factor, stroke=1, fill=0)
            sheet.label(at[0] + 2, at[1] + box.height * factor - 8, str(place.number or ""))


def _scale(sheet: Sheet, threshold: float) -> None:
    """Draw the colours of the map from 0 to 1 with the threshold of regions."""
    sheet.gap(13)
    left, width = MARGIN + 8, 160.0
    for index, (blue, green, red) in enumerate(colours(np.linspace(0, 1, 81, dtype=np.float32)[None])[0].tolist()):
        sheet.canvas.setFillColorRGB(red / 255, green / 255, blue / 255)
        sheet.canvas.rect(left + index * width / 81, sheet.y, width / 81 + 0.3, 7, stroke=0, fill=1)
    sheet.canvas.setStrokeColorRGB(0, 0, 0)
    sheet.canvas.setLineWidth(1)
    sheet.canvas.line(left + threshold * width, sheet.y - 2, left + threshold * width, sheet.y + 9)
    words = f"0 to 1, the map at a pixel, always on this scale; mark: the threshold of regions, {threshold:.4g}"
    sheet.note(left + width + 8, words)


def _small(case: Path, name: str) -> bytes | None:
    """Return a picture as JPEG of at most LONGEST_PICTURE pixels a side, None where there is none that can be read."""
    try:
        photo = process_reader().read(name, data=read_below(case, name, LARGEST_PICTURE), options=PICTURE)
    except (OSError, InputError):
        return None
    return jpeg(shrunk(photo.pixels, LONGEST_PICTURE)) if photo.decode.integrity.ok else None
