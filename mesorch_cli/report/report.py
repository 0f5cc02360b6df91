"""The report of a case: pages and, if wanted, a document for printing, in one call."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mesorch_cli.report.details import NO_DETAILS, CaseDetails
from mesorch_cli.report.entry import Entry
from mesorch_cli.report.html import write_html
from mesorch_cli.report.triage import Triage

PDF = "report.pdf"
_PAGES = re.compile(
    r"index\.html|(index|not-analysed)-\d+\.html|report\.pdf|photos(-by-hash)?/.*/index\.html", re.DOTALL
)

OnPage = Callable[[int, int], None]  # pages written, pages in all


@dataclass(frozen=True)
class PdfRule:
    """Settings of the document for printing. font: TrueType file for texts, None for reportlab's own.

    pictures: how many findings get a page with pictures, highest scores first.
    """

    font: Path | None = None
    pictures: int = 200


def write_report(
    case: Path,
    facts: dict[str, Any],
    entries: Iterable[Entry],
    on_page: OnPage | None = None,
    *,
    pdf: PdfRule | None = None,
    details: CaseDetails = NO_DETAILS,
) -> None:
    """Write the report of a case into its folder. facts: case.json as parsed. entries: walked once, in any order.
    details: what page and document say of the lab's own case.

    The same case gives the same bytes. Raises OutputError if something cannot be written, UsageError for a case that
    names files outside itself and for an unusable font.
    """
    with Triage(case, entries) as triage:
        write_html(case, facts, triage, on_page, details)
        if pdf is not None:
            from mesorch_cli.report.pdf import write_pdf

            write_pdf(case, facts, triage, font=pdf.font, pictures=pdf.pictures, details=details)


def is_page(name: str) -> bool:
    """Return whether a report writes this file, named below the case."""
    return _PAGES.fullmatch(name) is not None
