"""A worker that a hostile file has taken over: it runs what a test tells it, in the place of the decoder."""

import json
from typing import Any

import pytest

from mesorch_cli.errors import InputError
from mesorch_cli.evidence.isolation import isolated_reader
from mesorch_cli.evidence.isolation.isolated_reader import IsolatedReader
from mesorch_cli.evidence.photo import Photo
from tests.evidence.samples import encoded, picture

PNG = encoded(picture(), "PNG")
# A photo whose name begins with "job:" is the code that runs in the place of the decoder; `result` goes back.
TAKEN_OVER = """
import ctypes, errno, fcntl, json, mmap, os, resource, signal, socket, subprocess, sys, tempfile, time
from mesorch_cli.errors import InputError
from mesorch_cli.evidence import storage
from mesorch_cli.evidence.isolation import worker
reads, shares = worker.read_photo, storage.shared
libc = ctypes.CDLL(None, use_errno=True)
def call(*words):
    if libc.syscall(*(ctypes.c_long(word) if isinstance(word, int) else word for word in words)) < 0:
        raise OSError(ctypes.get_errno(), "")
def read_photo(source, **how):
    if not source.startswith("job:"):
        return reads(source, **how)
    names = dict(globals())
    try:
        exec(source[4:], names)
        result = names.get("result", "done")
    except OSError as error:
        result = errno.errorcode[error.errno]
    except MemoryError:
        result = "ENOMEM"
    except ValueError as error:  # what `resource` makes of a refusal
        result = str(error)
    raise InputError(json.dumps(result), reason="job")
worker.read_photo = read_photo
"""


class TakenOver:
    """A reader whose worker runs what it is told. programs: whether it may start ExifTool."""

    def __init__(self, reader: IsolatedReader, *, programs: bool = False) -> None:
        self.reader = reader
        self.programs = programs
        self.in_force = self._read("-").decode.isolation

    def _read(self, source: str) -> Photo:
        with pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.setattr(isolated_reader, "_needs_programs", lambda _: self.programs)
            return self.reader.read(source, data=PNG)

    def run(self, code: str) -> Any:
        with pytest.raises(InputError) as caught:
            self._read("job:" + code)
        assert caught.value.reason == "job", str(caught.value)
        return json.loads(str(caught.value))

    def needs(self, part: str) -> None:
        """Skip where the kernel lacks a part: that the record says so is another test's business."""
        if part not in self.in_force:
            pytest.skip(f"this kernel has no {part}")
