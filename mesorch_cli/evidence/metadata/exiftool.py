"""What ExifTool says about a file, if the user wants it: far more tags than this tool reads, and never required."""

import ctypes
import json
import math
import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from mesorch_cli.evidence import storage
from mesorch_cli.evidence.metadata.plain import plain, text
from mesorch_cli.evidence.photo import Content

SECONDS = 10.0  # for a small file
MAX_TAGS = 1000
MAX_BYTES = 1 << 28  # larger files are not passed to ExifTool
MAX_OUTPUT = 1 << 24  # bytes of the answer
_PIECE = 1 << 16
_VERSION = "ExifTool:ExifToolVersion"
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class _Number(float):
    """A number that keeps its spelling: version 13.30 is not 13.3."""

    written: str

    def __new__(cls, written: str) -> "_Number":
        number = super().__new__(cls, written)
        number.written = written
        return number


def find_exiftool() -> str | None:
    """Return the program's path, None if it is not installed.

    A program found through a relative entry of PATH does not count, as it may lie in the evidence folder.
    """
    found = shutil.which("exiftool")
    return found if found is not None and Path(found).is_absolute() else None


def read_exiftool(data: Content, notes: list[str], seconds: float = SECONDS) -> dict[str, Any] | None:
    """Return {"version", "tags"} with tags by "group:name", or None with a note if there is no answer. Never raises.

    Each file gets its own process, so nothing from another file can enter the answer. The bytes come through standard
    input, and no configuration is read, so that it opens no file of the user's. It is killed, with its child processes,
    after `seconds`, after an answer of more than MAX_OUTPUT bytes, and when this process dies.
    """
    program = find_exiftool()
    if program is None:
        notes.append("ExifTool was asked for and is not installed")
        return None
    if len(data) > MAX_BYTES:
        notes.append(f"ExifTool was not asked: the file has {len(data)} bytes; at most {MAX_BYTES} are handed on")
        return None
    # -config "" first: no start-up file. -G1: groups. -a -u: double and unknown tags too. -fast: not past the end.
    command = [program, "-config", "", "-j", "-G1", "-a", "-u", "-fast", "-api", "LargeFileSupport=1", "-"]
    try:
        (tags,) = json.loads(_answer(command, data, seconds).decode("utf-8", "replace"), parse_float=_Number)
        found = list(tags.items())
    except TimeoutError:
        notes.append(f"ExifTool did not finish within {math.ceil(seconds)} s and was stopped")
        return None
    except (OSError, ValueError, TypeError, AttributeError, RecursionError, MemoryError) as error:
        notes.append(f"ExifTool is installed and gave no result ({type(error).__name__})")
        return None
    if len(found) > MAX_TAGS:
        notes.append(f"ExifTool found {len(found)} tags; {MAX_TAGS} kept")
    kept = {
        text(name): plain(value, depth=0) if isinstance(value, (int, float)) else text(value)
        for name, value in found[:MAX_TAGS]
        if name not in ("SourceFile", _VERSION) and not str(name).startswith(("System:", "File:File"))
    }
    version = tags.get(_VERSION)
    return {"version": text(version.written if isinstance(version, _Number) else version)[:20], "tags": kept}


def _answer(command: list[str], data: Content, seconds: float) -> bytes:
    """Return a program's output about `data`. Raises TimeoutError, OSError, or ValueError for an endless answer."""
    deadline = time.monotonic() + seconds
    content = storage.shared(np.frombuffer(data, np.uint8))
    try:
        process = subprocess.Popen(
            command,
            stdin=content,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # its own process group, so that all of it can be killed
            preexec_fn=None if _LIBC is None else _die_with_parent,  # a single system call
        )
    finally:
        os.close(content)
    try:
        return _read(process, deadline)
    finally:
        _kill(process)


def _read(process: subprocess.Popen[bytes], deadline: float) -> bytes:
    assert process.stdout is not None
    answer = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            if not selector.select(max(deadline - time.monotonic(), 0)):
                raise TimeoutError
            piece = os.read(process.stdout.fileno(), _PIECE)
            if not piece:
                return bytes(answer)
            answer += piece
            if len(answer) > MAX_OUTPUT:
                raise ValueError(f"an answer of more than {MAX_OUTPUT} bytes")


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a program and its group, and collect its exit status, so that nothing remains."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (
        ProcessLookupError,
        PermissionError,
    ):  # it had ended; a process that only waits for us gives the second error on macOS
        process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _die_with_parent() -> None:
    """Make the kernel kill this process when its parent dies, however that happens."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # type: ignore[union-attr]
