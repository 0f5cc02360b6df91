"""What people see: the only place that knows Rich. People read stderr; stdout is for data."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable

    from mesorch_cli.case.examine import Examination

STYLES = {
    "evidence of manipulation": "bold red",
    "inconclusive": "bold yellow",
    "no evidence found": "bold",
    "not analysed": "bold magenta",
}
REGIONS_SHOWN = 5


def people() -> Console:
    """Return a console on stderr; plain text where that is no terminal, no colour where NO_COLOR is set."""
    return Console(stderr=True, highlight=False)


def printable(text: str) -> str:
    """Return text that cannot move the cursor or break the line: control characters and stray bytes as escapes."""
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return re.sub(
        r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]",
        lambda found: found[0].encode("unicode_escape").decode("ascii"),
        text,
    )


def say_error(message: str) -> None:
    """Write one error line to stderr."""
    sys.stderr.write(f"error: {printable(message)}\n")


def say(message: str) -> None:
    """Write one plain line to stderr."""
    sys.stderr.write(f"{printable(message)}\n")


def write_data(line: str) -> None:
    """Write one line of data to stdout, at once: a reader may be waiting for it."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@contextmanager
def tile_progress(label: str, wanted: bool) -> "Iterator[Callable[[int, int], None] | None]":
    """Show a bar over the tiles of one photo while inside, on a terminal; yields the callback for the engine."""
    console = people()
    if not wanted or not console.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(escape(printable(label)), total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


@contextmanager
def count_progress(label: str, wanted: bool) -> "Iterator[Callable[[int, int], None]]":
    """Show a bar over photos while inside, on a terminal; without one a plain line every tenth of the way."""
    console = people()
    if not wanted:
        yield lambda _done, _total: None
        return
    if not console.is_terminal:
        yield _tenths(label)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(escape(label), total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _tenths(label: str) -> "Callable[[int, int], None]":
    def say(done: int, total: int) -> None:
        if done * 10 // total > (done - 1) * 10 // total:
            sys.stderr.write(f"{label}: {done} of {total}\n")

    return say


def show_examination(examination: "Examination") -> None:
    """Show one result as a panel."""
    record = examination.record
    result = record.result
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    table.add_row("verdict", f"[{STYLES[result.verdict.value]}]{result.verdict.value}[/]")
    if result.reason:
        table.add_row("reason", escape(result.reason))
    if result.score is not None:
        meaning = f" ({result.pooling} of the map; not a probability)" if result.probability is None else ""
        table.add_row("score", f"{result.score:.3f}{meaning}")
    if result.probability is not None:
        table.add_row("probability", f"{result.probability:.3f} (calibrated, even prior odds)")
    if result.likelihood_ratio is not None:
        ratio = result.likelihood_ratio
        table.add_row("likelihood ratio", f"{ratio.value:.3g} (bounded to {ratio.lowest:.3g} .. {ratio.highest:.3g})")
    if result.calibration is not None and result.calibration.authentic is not None:
        basis = result.calibration
        table.add_row(
            "calibrated on", f"{escape(basis.fitted_on)}: {basis.authentic} authentic, {basis.tampered} tampered photos"
        )
    for number, region in enumerate(result.regions[:REGIONS_SHOWN], start=1):
        place = f"x {region.x}, y {region.y}, {region.width} x {region.height} px"
        table.add_row(f"region {number}", f"{place}, {region.share:.1%} of the photo, mean {region.mean:.2f}")
    if len(result.regions) > REGIONS_SHOWN:
        table.add_row("", f"and {len(result.regions) - REGIONS_SHOWN} more in the record")
    for number, copy in enumerate(result.copies[:REGIONS_SHOWN], start=1):
        part, other = copy.part, copy.counterpart
        table.add_row(
            f"copy {number}",
            f"x {part.x}, y {part.y}, {part.width} x {part.height} px equals x {other.x}, y {other.y}, turned "
            f"{copy.turn_degrees:.0f} degrees, {copy.scale:.2f} x; {copy.matches} points, certainty {copy.certainty:.2f}",
        )
    if result.flags:
        table.add_row("flags", escape("; ".join(result.flags)))
    if record.decode is not None and record.decode.orientation != 1:
        table.add_row("orientation", f"EXIF {record.decode.orientation}, not applied: places are in the stored raster")
    if record.analysis is not None:
        table.add_row("analysis", f"{', '.join(record.analysis.scales)}; {record.analysis.tiles} tiles")
    if record.input.sha256:
        table.add_row("sha256", record.input.sha256)
    table.add_row("weights", f"{escape(record.weights.name)} {record.weights.sha256[:16]}...")
    if examination.folder is not None:
        table.add_row("written to", escape(printable(str(examination.folder))))
    people().print(Panel(table, title=escape(printable(record.input.path)), title_align="left", expand=False))


def show_table(title: str, columns: list[str], rows: list[list[str]]) -> None:
    """Show a table to people on stdout, where it is the answer to a question."""
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(escape(printable(cell)) for cell in row))
    Console(highlight=False).print(table)
