"""The three standard streams as the surroundings give them: closed, full, or with a reader that has gone.

None of that may change what a command found. What cannot be written is noted and dropped, the work goes on, and the end of
the program says what was lost.
"""

import errno
import io
import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

from mesorch_cli.errors import UsageError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

READER_GONE = 141  # as a shell reports a program that SIGPIPE ended
NOT_WRITTEN = 2
DESCRIPTORS = (0, 1, 2)


class Outlet(io.RawIOBase):
    """Bytes on their way to standard output or error; after a write that fails `lost` says why, and the rest is dropped.

    raw: what takes the bytes, None for a stream that was closed before the program started. lasting: whether what the command
    found stands in files or in its exit code as well, so that a reader who goes away loses nothing.
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
        """Write, or drop what nobody can take; returns how many bytes are done with."""
        if self.lost is None:
            try:
                if self._raw is None:
                    raise OSError(errno.EBADF, "the stream is closed")
                while (written := self._raw.write(data)) is None:  # a pipe that does not block, and is full
                    select.select([], [self._raw], [])
                return written
            except OSError as error:
                self.lost = error
        return memoryview(data).nbytes


@dataclass(frozen=True)
class Streams:
    """Standard output and error of this program."""

    output: Outlet
    error: Outlet

    def exit_code(self, code: int) -> int:
        """Return the code to end with: that of what happened; where it would be 0, whether its answer was lost."""
        lost = self.output.lost
        if code or lost is None:
            return code
        if isinstance(lost, BrokenPipeError):
            return 0 if self.output.lasting else READER_GONE
        return NOT_WRITTEN

    @property
    def problem(self) -> str | None:
        """What to tell people: nothing of a reader who went away, for he knows; a sentence of any other loss."""
        lost = self.output.lost
        if lost is None or isinstance(lost, BrokenPipeError):
            return None
        elsewhere = " Files that were written are whole." if self.output.lasting else ""
        return (
            f"Cannot write to standard output: {lost.strerror}. Expected a place for the answer; give one, or leave the "
            f"redirection out.{elsewhere}"
        )


@contextmanager
def standard_streams() -> Iterator[Streams]:
    """Put outlets under standard output and error while inside, and take the descriptors that are closed."""
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
    """Open the null device for every standard descriptor that is closed; returns which. Else the next file would get it."""
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
    """Return a text stream over an outlet, in the encoding of the one before; what that lacks is written as an escape."""
    return io.TextIOWrapper(
        io.BufferedWriter(outlet),
        encoding=(before.encoding if before is not None else None) or "utf-8",
        errors="backslashreplace",
        line_buffering=line_buffering or outlet.isatty(),
    )


def output() -> Outlet | None:
    """Return the outlet under standard output; None where the command runs inside another program."""
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return raw if isinstance(raw, Outlet) else None


def output_lost() -> bool:
    """Say whether nobody reads what is written to standard output."""
    outlet = output()
    return outlet is not None and outlet.lost is not None


def read_input() -> bytes:
    """Return all of standard input. Raises UsageError where it is closed or cannot be read."""
    if sys.stdin is None:
        raise UsageError("Standard input is closed. Expected data on it for `-`: pipe it in, or name a file instead.")
    try:
        return sys.stdin.buffer.read()
    except OSError as error:
        raise UsageError(
            f"Cannot read standard input: {error.strerror}. Expected data on it for `-`: pipe it in, or name a file instead."
        ) from error
