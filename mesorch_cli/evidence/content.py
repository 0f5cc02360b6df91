"""A file's content as a stream for libraries, without a copy and with a deadline."""

import io
import time
from typing import Any

from mesorch_cli.evidence.photo import Content

_BUFFER = 1 << 16


class Deadline:
    """A deadline, `seconds` from now, after which a stream gives nothing more."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    @property
    def passed(self) -> bool:
        return time.monotonic() > self._at


class _Stream(io.RawIOBase):
    """Bytes or a mapped file as a stream. Raises TimeoutError if it is used after its deadline."""

    def __init__(self, data: Content, deadline: Deadline | None = None) -> None:
        super().__init__()
        self._data = data
        self._deadline = deadline
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._mind_the_time()
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._data)}[whence]
        self._at = max(base + offset, 0)
        return self._at

    def readinto(self, buffer: Any) -> int:
        self._mind_the_time()
        piece = self._data[self._at : self._at + len(buffer)]
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def _mind_the_time(self) -> None:
        if self._deadline is not None and self._deadline.passed:
            raise TimeoutError("the time for reading this file is over")


def as_stream(data: Content) -> io.BytesIO | io.BufferedReader:
    """Return a read-only stream over `data`, at its start."""
    return io.BytesIO(data) if isinstance(data, bytes) else io.BufferedReader(_Stream(data), _BUFFER)


def timed_stream(data: Content, deadline: Deadline) -> io.BufferedReader:
    """Return such a stream. After its deadline it gives at most one more buffer and then raises TimeoutError."""
    return io.BufferedReader(_Stream(data, deadline), _BUFFER)
