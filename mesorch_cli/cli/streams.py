"""The three standard streams as the tool finds them: open, closed, full, or with a reader that is gone.

None of this may change what a command finds. Output that cannot be written is noted and dropped, the work continues,
and the program says at its end what was lost.
"""

import errno
import io
import os
import select
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

from mesorch_cli.errors import UsageError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

READER_GONE = 141  # as a shell reports a program that SIGPIPE ended
NOT_WRITTEN = 2
DESCRIPTORS = (0, 1, 2)


class Outlet(io.RawIOBase):
    """Bytes on their way to standard output or error. After a failed write, `lost` says why, and the rest is dropped.

    raw: the stream below, None if it was closed before the program started. lasting: whether the result is also in
    files or in the exit code, so that a reader who goes away loses nothing.
    """

    def __init__(self, raw: io.RawIOBase | None) -> None:
        self._raw = raw
        self.lost: OSError | None = None
        self.lasting = False

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        if self._raw is None:
            raise io.UnsupportedOperation("the stream is closed")
        return self._raw.fileno()

    def isatty(self) -> bool:
        return self._raw is not None and self._raw.isatty()

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write the bytes, or drop them if they cannot be written. Return how many were handled."""
        if self.lost is None:
            try:
                if self._raw is None:
                    raise OSError(errno.EBADF, "the stream is closed")
                while (written := self._raw.write(data)) is None:  # a full pipe that does not block
                    select.select([], [self._raw], [])
                return written
            except OSError as error:
                self.lost = error
        return memoryview(data).nbytes


@dataclass(frozen=True)
class Streams:
    """Standard output and standard error of this program."""

    output: Outlet
    error: Outlet

    def exit_code(self, code: int) -> int:
        """Return the final exit code: the given one, or where that is 0, a code for output that was lost."""
        lost = self.output.lost
        if code or lost is None:
            return code
        if isinstance(lost, BrokenPipeError):
            return 0 if self.output.lasting else READER_GONE
        return NOT_WRITTEN

    @property
    def problem(self) -> str | None:
        """A sentence for people about lost output; None if only the reader went away, who knows it."""
        lost = self.output.lost
        if lost is None or isinstance(lost, BrokenPipeError):
            return None
        elsewhere = " Files that were written are complete." if self.output.lasting else ""
        return (
            f"Cannot write to standard output: {lost.strerror}. Expected a place for the answer: free one, or remove "
            f"the redirection.{elsewhere}"
        )


@contextmanager
def standard_streams() -> Iterator[Streams]:
    """Put outlets under standard output and error while inside, and occupy closed descriptors."""
    closed = taken()
    streams = Streams(_outlet(sys.stdout, 1 in closed), _outlet(sys.stderr, 2 in closed))
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _text(streams.output, sys.stdout), _text(streams.error, sys.stderr, line_buffering=True)
    try:
        yield streams
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = before


def taken() -> frozenset[int]:
    """Open the null device on each closed standard descriptor, which the next file would get otherwise. Return them."""
    closed = set()
    for descriptor in DESCRIPTORS:
        try:
            os.fstat(descriptor)
        except OSError:
            closed.add(descriptor)
            null = os.open(os.devnull, os.O_RDWR)
            if null != descriptor:
                os.dup2(null, descriptor)
                os.close(null)
            os.set_inheritable(descriptor, True)
    return frozenset(closed)


def _outlet(stream: TextIO | None, closed: bool) -> Outlet:
    if stream is None or closed:
        return Outlet(None)
    buffer: Any = stream.buffer
    return Outlet(getattr(buffer, "raw", buffer))  # unbuffered Python has no layer between


def _text(outlet: Outlet, before: TextIO | None, line_buffering: bool = False) -> io.TextIOWrapper:
    """Return a text stream over an outlet, in the previous encoding. Characters that it lacks become escapes."""
    return io.TextIOWrapper(
        io.BufferedWriter(outlet),
        encoding=(before.encoding if before is not None else None) or "utf-8",
        errors="backslashreplace",
        line_buffering=line_buffering or outlet.isatty(),
    )


def output() -> Outlet | None:
    """Return the outlet under standard output; None if the command runs inside another program."""
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return raw if isinstance(raw, Outlet) else None


def output_lost() -> bool:
    """Say whether standard output was lost."""
    outlet = output()
    return outlet is not None and outlet.lost is not None


def read_input() -> bytes:
    """Return all of standard input. Raises UsageError if it is closed or cannot be read."""
    if sys.stdin is None:
        raise UsageError("Standard input is closed. Expected data on it for `-`: pipe it in, or name a file instead.")
    try:
        return sys.stdin.buffer.read()
    except OSError as error:
        raise UsageError(
            f"Cannot read standard input: {error.strerror}. Expected data on it for `-`: pipe it in, or name a file "
            "instead."
        ) from error


class _OneThread(io.TextIOBase):
    """Standard output for one thread. What other threads print goes to stderr."""

    def __init__(self) -> None:
        self._data, self._thread = sys.stdout, threading.current_thread()

    def _stream(self) -> TextIO:
        return self._data if threading.current_thread() is self._thread else sys.stderr

    def write(self, text: str) -> int:
        return self._stream().write(text)

    def flush(self) -> None:
        self._stream().flush()


@contextmanager
def data_of_this_thread_alone() -> Iterator[None]:
    """Keep stdout for data while inside, although a library's threads print to it."""
    with redirect_stdout(_OneThread()):
        yield
