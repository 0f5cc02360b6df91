"""The page of one explained photo, beside its record: offline, with no script."""

from pathlib import Path

from mesorch_cli import __version__
from mesorch_cli.errors import OutputError
from mesorch_cli.explanation.facts import Explanation
from mesorch_cli.files.writing import write_below
from mesorch_cli.report import wording
from mesorch_cli.report.entry import Entry
from mesorch_cli.report.explained import shown_of
from mesorch_cli.report.explanation_section import explanation_section
from mesorch_cli.report.html import EXPLANATION_STYLE, dress, environment
from mesorch_cli.report.pages import row_of, stage_of
from mesorch_cli.report.sections import PAGE


def write_page(root: Path, entry: Entry, facts: Explanation) -> Path:
    """Write the page into the entry's place below `root`; return its path. Raises OutputError where that fails."""
    place, shown = f"{entry.place}/{PAGE}", shown_of(facts)
    text = environment().get_template("explain.html").render(
        **dress(None, EXPLANATION_STYLE),
        row=row_of(entry),
        record=entry.record,
        meaning=wording.VERDICTS.get(entry.record["result"]["verdict"], ""),
        stage=stage_of(entry, "../"),
        shown=shown,
        explained=explanation_section(shown),
        version=__version__,
    )  # fmt: skip
    try:
        write_below(root, place, text.encode("utf-8"))
    except OSError as error:
        raise OutputError(f"Cannot write {root / place}: {error.strerror}. Choose another -o folder.") from error
    return root / place
