"""Workers that a file has taken over: they die of it, or do what its maker wants."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mesorch_cli.evidence.isolation import isolated_reader, reading_process

ORIGINAL = reading_process._SCRIPT
NAME = "kills-its-decoder"
_DYING = """
import os, signal
from mesorch_cli.evidence.isolation import worker
reads = worker.read_photo
def read_photo(source, **how):
    if {name!r} in os.path.basename(source):
        os.kill(os.getpid(), signal.SIGSEGV)
    return reads(source, **how)
worker.read_photo = read_photo
"""


@pytest.fixture
def deadly(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Let every worker started from here on die of files with this name in theirs; returns the name."""
    put_into_workers(monkeypatch, _DYING.format(name=NAME))
    isolated_reader.process_reader().close()
    isolated_reader._reader_of.cache_clear()
    yield NAME
    isolated_reader.process_reader().close()
    isolated_reader._reader_of.cache_clear()


def put_into_workers(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Let every worker run this code before it serves."""
    start, _, serve = ORIGINAL.rpartition("; ")
    doubled = code.replace("{", "{{").replace("}", "}}")
    monkeypatch.setattr(reading_process, "_SCRIPT", "\n".join((*start.split("; "), doubled, serve)))


def bytes_of(path: Path, name: str) -> Path:
    """Copy a file to another name in its folder."""
    target = path.with_name(name + path.suffix)
    target.write_bytes(path.read_bytes())
    return target
