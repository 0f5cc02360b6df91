"""`mesorch report`: rebuild the pages of a case."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mesorch_cli.cli import console, options
from mesorch_cli.cli.guard import guard

if TYPE_CHECKING:
    from mesorch_cli.case.journal import Journal

PDF_PICTURES = 200


def renew_sums(case: Path, journal: "Journal", settings: str) -> str | None:
    """Bring SHA256SUMS up to date for the pages of the report only, so that any other change still shows.

    Returns the new SHA-256 of that file, or None if it did not change. A case without the file, whose run never
    finished, stays without it.
    """
    from mesorch_cli.case.tables import SUMS, expected_sums, read_sums, sum_line
    from mesorch_cli.files.hashing import sha256_below
    from mesorch_cli.files.writing import writing_below
    from mesorch_cli.report.report import is_page

    if not (case / SUMS).is_file():
        return None
    old = sha256_below(case, SUMS)
    before = {name: sha256 for name, sha256 in read_sums(case).items() if not is_page(name)}
    with writing_below(case, SUMS) as file:
        for name, sha256 in expected_sums(case, journal, settings):
            if is_page(name) or name in before:
                file.write(sum_line(name, before.pop(name, sha256)).encode("utf-8", "surrogateescape"))
        for name, sha256 in before.items():  # files that no longer exist
            file.write(sum_line(name, sha256).encode("utf-8", "surrogateescape"))
    new = sha256_below(case, SUMS)
    return None if new == old else new


def report(
    case: Annotated[Path, typer.Argument(metavar="CASE", help="Folder that `mesorch batch` made.")],
    pdf: Annotated[
        bool, typer.Option("--pdf", help="Also write report.pdf, for printing.", rich_help_panel=options.OUTPUT)
    ] = False,
    pdf_pictures: Annotated[
        int,
        typer.Option(
            min=0,
            help="How many photos with evidence of manipulation get pictures in the PDF, highest scores first.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = PDF_PICTURES,
    pdf_font: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="TrueType font for the PDF, for names in scripts that the built-in font lacks.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    case_number: options.CaseNumber = None,
    agency: options.Agency = None,
    examiner: options.ExaminerName = None,
    quiet: options.Quiet = False,
) -> None:
    """Rebuild the pages of a case from its journal: `index.html`, a page for each photo, and `report.pdf`.

    `mesorch batch` writes the pages when it ends. Use this command if pages were lost, after an update of the tool, or
    for the PDF. Nothing is analysed. The same case, case number, agency and examiner give the same bytes. The case does
    not keep these three texts: give them each time. SHA256SUMS is updated for the pages only.

    On stdout: the pages. If SHA256SUMS changed, also that file and its new SHA-256, separated by a tab: a hash that you
    noted earlier no longer holds.

    Exit codes: 0 done, 2 no case, an unfinished case, or a page cannot be written, 6 the case was changed after it was
    made.

    Example: mesorch report case --pdf --case-number 2026/17 --examiner "A. Example"
    """
    with guard():
        from mesorch_cli.case.opening import opened_to_read
        from mesorch_cli.report.details import CaseDetails
        from mesorch_cli.report.entry import Entry
        from mesorch_cli.report.report import PdfRule, write_report

        details = CaseDetails(case_number, agency, examiner)
        rule = PdfRule(font=pdf_font, pictures=pdf_pictures) if pdf else None
        with (
            opened_to_read(case) as (case_file, journal),
            console.count_progress("pages", wanted=not quiet) as on_page,
        ):
            settings = case_file.settings_sha256
            facts = case_file.model_dump(mode="json", by_alias=True)
            write_report(case, facts, map(Entry.of_row, journal.rows(settings)), on_page, pdf=rule, details=details)
            new_sums = renew_sums(case, journal, settings)
        console.write_data(case / "index.html")
        if pdf:
            console.write_data(case / "report.pdf")
        if new_sums is not None:
            console.write_data(case / "SHA256SUMS", new_sums)
