"""Cases as an attacker would hand them over: changed rows, a digest that was made to fit, links and pipes in the way."""

import hashlib
import json
import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType

from mesorch_cli.case.journal import Journal


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Fail where something is still at it after so many seconds: a pipe that blocks would block for ever."""

    def too_long(_number: int, _frame: FrameType | None) -> None:
        raise AssertionError(f"still at work after {seconds:g} s")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def execute(case: Path, command: str, *values: object) -> None:
    """Change the journal of a case by hand."""
    with closing(sqlite3.connect(case / "journal.sqlite")) as journal, journal:
        journal.execute(command, values)
    with closing(sqlite3.connect(case / "journal.sqlite")) as journal:
        journal.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def reseal(case: Path) -> None:
    """Make `case.json` agree with a journal that was changed, as someone can who knows how the digest is made."""
    with Journal(case, read_only=True) as journal:
        digest = journal.digest()
    facts = json.loads((case / "case.json").read_text())
    (case / "case.json").write_text(json.dumps(facts | {"journal_sha256": digest}, indent=2) + "\n")


def list_anew(case: Path) -> None:
    """Make SHA256SUMS agree with a `case.json` that was written by hand."""
    sums = case / "SHA256SUMS"
    now = hashlib.sha256((case / "case.json").read_bytes()).hexdigest()
    lines = sums.read_text().splitlines()
    sums.write_text("".join((f"{now}  case.json" if line.endswith("  case.json") else line) + "\n" for line in lines))


def exchange(path: Path, kind: str, victim: Path) -> None:
    """Put a link to a victim, a pipe, or a link to an endless device in the place of a file."""
    if path.is_dir() and not path.is_symlink():
        path.rename(path.with_name(path.name + " taken away"))
    else:
        path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(victim if kind == "link" else "/dev/zero")
