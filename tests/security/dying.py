"""A worker that dies of a file, as of a segmentation fault in a decoder, but whatever version the decoder is of."""

from pathlib import Path

import pytest

from mesorch_cli.evidence import isolation

NAME = "kills-its-decoder"
_DYING = """
import os, signal
from mesorch_cli.evidence import worker
reads = worker.read_photo
def read_photo(source, **how):
    if {name!r} in os.path.basename(source):
        os.kill(os.getpid(), signal.SIGSEGV)
    return reads(source, **how)
worker.read_photo = read_photo
"""


@pytest.fixture
def deadly(monkeypatch: pytest.MonkeyPatch) -> str:
    """Let every worker started from here on die of files with this name in theirs; returns the name."""
    start, _, serve = isolation._SCRIPT.rpartition("; ")
    code = _DYING.format(name=NAME).replace("{", "{{").replace("}", "}}")
    monkeypatch.setattr(isolation, "_SCRIPT", f"{start.replace('; ', chr(10))}\n{code}\n{serve}")
    isolation.process_reader().close()
    isolation._reader_of.cache_clear()
    return NAME


def bytes_of(path: Path, name: str) -> Path:
    """Copy a file to another name in its folder."""
    target = path.with_name(name + path.suffix)
    target.write_bytes(path.read_bytes())
    return target
