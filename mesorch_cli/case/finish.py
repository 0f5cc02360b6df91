"""The end of a run over a case: tables, `case.json`, pages and SHA256SUMS are made from the journal."""

from pathlib import Path

from mesorch_cli.case.case_file import FILE_NAME, AboutPart, CaseFile, CountsPart, read_case
from mesorch_cli.case.journal import Journal
from mesorch_cli.case.scan import Scan
from mesorch_cli.case.tables import write_sums, write_tables
from mesorch_cli.files.names import json_path
from mesorch_cli.report.details import NO_DETAILS, CaseDetails
from mesorch_cli.report.entry import Entry
from mesorch_cli.report.html import OnPage
from mesorch_cli.report.report import PDF, write_report


def finish(
    case: Path,
    journal: Journal,
    about: AboutPart,
    scan: Scan,
    on_page: OnPage | None = None,
    details: CaseDetails = NO_DETAILS,
) -> tuple[CaseFile, str]:
    """Write everything that is made from the journal. Return `case.json` and the SHA-256 of SHA256SUMS.

    The sums come last, as they cover every file written before. Raises OutputError if something cannot be written; the
    journal stays intact.
    """
    case_file = summed_up(journal, about, scan)
    if (case / FILE_NAME).exists() and read_case(case).journal_sha256 != case_file.journal_sha256:
        (case / PDF).unlink(missing_ok=True)  # it describes the case as it was before
    write_tables(case, journal, about.settings_sha256)
    case_file.write(case)
    facts = case_file.model_dump(mode="json", by_alias=True)
    write_report(case, facts, map(Entry.of_row, journal.rows(about.settings_sha256)), on_page, details=details)
    return case_file, write_sums(case, journal, about.settings_sha256)


def summed_up(journal: Journal, about: AboutPart, scan: Scan) -> CaseFile:
    """Return `case.json` for the content of the journal and of the evidence folder."""
    there = set(scan.paths)
    rows = gone = 0
    for path in journal.paths(about.settings_sha256):
        rows += 1
        gone += path not in there
    waiting = len(there) - (rows - gone)
    counts = CountsPart(found=rows + waiting, waiting=waiting, gone=gone, **journal.counts(about.settings_sha256))
    return CaseFile(
        **dict(about),
        counts=counts,
        others=scan.others,
        unlisted=[json_path(folder) for folder in scan.unlisted],
        journal_sha256=journal.digest(),
        journal_digest=2,
    )
