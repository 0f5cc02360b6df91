"""Output to people, and the only place that knows Rich. People read stderr; stdout is for data."""

import json
import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console, ConsoleOptions, RenderableType
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
from rich.segment import Segment
from rich.table import Table

from mesorch_cli.cli.file_progress import FileProgress

if TYPE_CHECKING:
    from collections.abc import Callable

    from mesorch_cli.examination.stages import Examination
    from mesorch_cli.report.explained import ShownExplanation

STYLES = {
    "evidence of manipulation": "bold red",
    "inconclusive": "bold yellow",
    "no evidence found": "bold",
    "not analysed": "bold magenta",
}
REGIONS_SHOWN = 5
# Control characters, and characters that change the direction of writing.
UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
UNSAFE_IN_JSON = re.compile(UNSAFE.pattern[:-1] + r"\ud800-\udfff]")
LONE_SURROGATES = re.compile(r"[\ud800-\udc7f\udd00-\udfff]")
PLAIN_SECONDS = 20.0  # between progress lines where there is no terminal


class SafeConsole(Console):
    """A console that makes control characters visible: the last safeguard if a caller forgot to."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the segments to show, free of control characters except line ends. Colours come later."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text == "\n":
                yield segment
            else:
                lines = segment.text.split("\n")
                yield Segment("\n".join(printable(line) for line in lines), segment.style)


def people() -> Console:
    """Return a console on stderr: plain text if that is no terminal, without colour if NO_COLOR is set."""
    return SafeConsole(stderr=True, highlight=False)


def printable(text: str) -> str:
    """Return text that cannot move the cursor or break the line. Control characters and stray bytes become escapes."""
    text = LONE_SURROGATES.sub(_escaped, text)  # the other surrogates stand for bytes of a file name
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return UNSAFE.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")


def shown(text: str) -> str:
    """Return text for Rich without markup or control characters. All text from outside passes through here."""
    return escape(printable(text))


def styled(verdict: str) -> str:
    """Return a verdict in its colour, as markup for Rich. Any other word is returned unstyled."""
    return f"[{STYLES[verdict]}]{verdict}[/]" if verdict in STYLES else shown(verdict)


def say_error(message: str) -> None:
    """Write one error line to stderr."""
    sys.stderr.write(f"error: {printable(message)}\n")


def say(message: str) -> None:
    """Write one plain line to stderr."""
    sys.stderr.write(f"{printable(message)}\n")


def write_data(*cells: object) -> None:
    """Write one line of data to stdout and flush it, as a reader may be waiting. Tabs separate the cells.

    A missing reader or a full disk raises nothing: see `streams`.
    """
    _write_line("\t".join(printable(str(cell)) for cell in cells))


def write_json(values: Mapping[str, Any]) -> None:
    """Write one JSON object as a line of data."""
    write_json_line(json.dumps(values, allow_nan=False))


def write_json_line(line: str) -> None:
    """Write a line of JSON. Control characters and lone surrogates are escaped the way JSON does it."""
    _write_line(UNSAFE_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", line))


def _write_line(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@contextmanager
def tile_progress(label: str, wanted: bool) -> "Iterator[Callable[[int, int], None] | None]":
    """On a terminal, show a progress bar over the tiles of one photo while inside. Yield the engine's callback."""
    console = people()
    if not wanted or not console.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(shown(label), total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


@contextmanager
def count_progress(label: str, wanted: bool) -> "Iterator[Callable[[int, int], None]]":
    """Show a progress bar over photos while inside. Without a terminal, write a line at every tenth."""
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
        task = progress.add_task(shown(label), total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


class StepProgress:
    """Progress in steps, each with a text of its own: a bar on a terminal, otherwise a line now and then."""

    def __init__(self, wanted: bool, bar: Progress | None) -> None:
        self._wanted = wanted
        self._bar = bar
        self._task = None if bar is None else bar.add_task("training", total=None, text="")
        self._said = time.monotonic()

    def step(self, done: int, total: int, text: str, seconds_left: float) -> None:
        """Show that a step was done. seconds_left: an estimate for the plain lines; the bar makes its own."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, total=total, text=shown(text))
        elif self._wanted and (done == total or time.monotonic() - self._said >= PLAIN_SECONDS):
            self._said = time.monotonic()
            minutes, seconds = divmod(round(seconds_left), 60)
            say(f"step {done} of {total}, {text}, {minutes} min {seconds:02d} s left")

    def line(self, text: str) -> None:
        """Write one line, above the bar if there is one."""
        if self._bar is not None:
            self._bar.console.print(shown(text))
        elif self._wanted:
            say(text)


@contextmanager
def step_progress(wanted: bool) -> Iterator[StepProgress]:
    """Show a progress bar over steps while inside. Without a terminal, write a line every twenty seconds."""
    console = people()
    if not wanted or not console.is_terminal:
        yield StepProgress(wanted, None)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[text]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        yield StepProgress(wanted, progress)


def _tenths(label: str) -> "Callable[[int, int], None]":
    def say(done: int, total: int) -> None:
        if done * 10 // total > (done - 1) * 10 // total:
            sys.stderr.write(f"{printable(label)}: {done} of {total}\n")

    return say


@contextmanager
def file_progress(wanted: bool) -> "Iterator[FileProgress]":
    """Show the progress of a run over files while inside: a bar on a terminal, otherwise a log line now and then."""
    console = people()
    if not wanted:
        yield FileProgress(lambda _progress: None)
        return
    if not console.is_terminal:
        yield FileProgress(lambda now: say(now.line()), FileProgress.EVERY_S)
        return
    with Progress(BarColumn(), TextColumn("{task.description}"), console=console, transient=True) as progress:
        task = progress.add_task("", total=None)
        yield FileProgress(
            lambda now: progress.update(task, completed=now.done, total=now.total, description=now.line())
        )


def show_case(title: str, rows: list[tuple[str, str]], highest: list[tuple[str, str, str]]) -> None:
    """Show the results of a case to people on stderr: a panel on a terminal, otherwise one line per row."""
    console = people()
    if not console.is_terminal:
        for name, value in rows:
            say(f"{name}: {value}")
        return
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, shown(value))
    console.print(Panel(table, title=shown(title), title_align="left", expand=False))
    if highest:
        table = Table(title="Highest scores", title_justify="left")
        for column in ("score", "verdict", "photo"):
            table.add_column(column, overflow="fold")
        for score, verdict, path in highest:
            table.add_row(score, styled(verdict), shown(path))
        console.print(table)


def show_examination(examination: "Examination") -> None:
    """Show one result to people as a panel."""
    from mesorch_cli.cli.examination_rows import rows_of, why_of

    record = examination.record
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    table.add_row("verdict", styled(record.result.verdict.value) + why_of(examination))
    for name, value in rows_of(examination, REGIONS_SHOWN):
        table.add_row(shown(name), shown(value))
    people().print(Panel(table, title=shown(record.input.path), title_align="left", expand=False))


def show_explanation(photo: str, explained: "ShownExplanation") -> None:
    """Show what stays of each region of a photo, and which branch raised it, to people on stderr."""
    facts = explained.facts
    if facts is None:
        return
    table = Table(
        title=shown(f"{photo}: {facts.verdict.value}, score {explained.score(facts.score)}"), title_justify="left"
    )
    for column in ("region", "survived", "lost when", *explained.branches, "strongest scale"):
        table.add_column(shown(column), overflow="fold")
    for line in explained.lines[:REGIONS_SHOWN]:
        table.add_row(*map(shown, (line.name, line.survived, line.lost, *line.branches, line.strongest)))
    if explained.lines:
        people().print(table)
        if len(explained.lines) > REGIONS_SHOWN:
            say(f"and {len(explained.lines) - REGIONS_SHOWN} more regions on the page")
    else:
        say(f"{photo}: {facts.verdict.value}, score {explained.score(facts.score)}; no region above the threshold")
    if not facts.gate:
        say(facts.gate_words)


def show_table(title: str, columns: list[str], rows: list[list[str]], *, aside: bool = False) -> None:
    """Show a table on stdout, as the answer of a command, or aside, on stderr. Without titles there is no header."""
    table = Table(title=shown(title), title_justify="left", show_header=any(columns))
    for column in columns:
        table.add_column(shown(column), overflow="fold")
    for row in rows:
        table.add_row(*(shown(cell) for cell in row))
    (people() if aside else SafeConsole(highlight=False)).print(table)
