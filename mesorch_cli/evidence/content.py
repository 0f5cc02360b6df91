"""A file's content as a stream for libraries that want one, without a copy where it is mapped."""

import io
import mmap
from typing import Any

from mesorch_cli.evidence.photo import Content


class _Mapping(io.RawIOBase):
    """A mapped file as a stream."""

    def __init__(self, data: mmap.mmap) -> None:
        super().__init__()
        self._data = data
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._data)}[whence]
        self._at = max(base + offset, 0)
        return self._at

    def readinto(self, buffer: Any) -> int:
        piece = self._data[self._at : self._at + len(buffer)]
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)


def as_stream(data: Content) -> io.BytesIO | io.BufferedReader:
    """Return a read-only stream over `data`, at its start."""
    return io.BytesIO(data) if isinstance(data, bytes) else io.BufferedReader(_Mapping(data), 1 << 16)
