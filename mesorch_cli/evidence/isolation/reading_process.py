"""A process that decodes photos for this one, and the socket to it: what it is asked, and how it may end."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO

import numpy as np

from mesorch_cli.errors import InputError
from mesorch_cli.evidence import storage
from mesorch_cli.evidence.isolation.answer import photo_of, said_of
from mesorch_cli.evidence.isolation.channel import Channel
from mesorch_cli.evidence.isolation.sandbox import Bounds
from mesorch_cli.evidence.metadata.statements import longest_s, unanswered, with_statements
from mesorch_cli.evidence.photo import MAX_PIXELS, Photo, ReadOptions

# Then a new process starts. This bounds the leaks of a codec, and how long a hijacked process can lie.
PHOTOS_PER_WORKER = 50
START_S = 120  # for a worker to start, even on a very busy machine
# It ends without tidying up its modules, as a command waits for it and it holds nothing that has to be written.
_SCRIPT = (
    "import os, sys; sys.path[:] = {path!r}; from mesorch_cli.evidence.isolation.sandbox import Bounds; "
    "from mesorch_cli.evidence.isolation.worker import serve; serve({arguments}), os._exit(0)"
)
# One thread: Landlock binds the calling thread and those it starts later, and importing numpy would start some.
_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Limits:
    """Limits for reading one photo: seconds of wall-clock time, and bytes of memory besides the returned pixels.

    pixels: the most that any photo may have, whatever its reading options say.
    """

    seconds: float = 300.0
    memory_bytes: int = 4 << 30
    pixels: int = MAX_PIXELS

    def bounds(self) -> Bounds:
        """Return the hard limits of a process that reads PHOTOS_PER_WORKER photos."""
        return Bounds(int(self.seconds * PHOTOS_PER_WORKER) + START_S, self.memory_bytes, self.pixels)


class ReadingProcess:
    """One process and the socket to it. Its standard error goes to an unnamed file, to be read if it dies."""

    def __init__(self, limits: Limits, *, programs: bool) -> None:
        """programs: whether the process may start other programs, as ExifTool requires. It gives up everything else."""
        self.limits = limits
        self.programs = programs
        self.count = 0
        self.isolation: tuple[str, ...] = ()
        self.lost = False  # a photo arrived, but the answer of other programs about it did not
        self._ready = False
        self._told = 0  # bytes of its messages that were about other photos
        ours, theirs = socket.socketpair()
        with theirs:
            arguments = f"{theirs.fileno()}, {limits.bounds()!r}, {limits.seconds!r}, programs={programs}"
            script = _SCRIPT.format(path=[entry or str(Path.cwd()) for entry in sys.path], arguments=arguments)
            self._words: IO[bytes] = tempfile.TemporaryFile(prefix="mesorch-")  # noqa: SIM115  # closed with the worker
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-c", script],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=self._words,
                    pass_fds=(theirs.fileno(),),
                    env=os.environ | _ENVIRONMENT,
                    start_new_session=True,  # it has no terminal to type into, and its child processes end with it
                )
            except BaseException:
                self._words.close()
                ours.close()
                raise
        self._channel = Channel(ours)

    def read(
        self,
        name: str,
        data: bytes | None,
        options: ReadOptions,
        root: Path | None = None,
        below: str | None = None,
    ) -> Photo | InputError:
        """Return a photo, or the error of an unreadable file. Raises InputError if this worker is lost."""
        self.count += 1
        try:
            self._await_start(name)
            self._told = os.fstat(self._words.fileno()).st_size
            # This process may have changed its folder since the worker started.
            path = name if data is not None or "\0" in name or Path(name).is_absolute() else str(Path.cwd() / name)
            place = {"path": path, "root": None}
            if root is not None:
                place = {"path": below or name, "root": str(Path.cwd() / root)}
            content = None if data is None else storage.shared(np.frombuffer(data, np.uint8))
            try:
                self._channel.send({"source": name, "options": asdict(options)} | place, content)
            finally:
                if content is not None:
                    os.close(content)
            answer, pixels = self._channel.receive(self.limits.seconds)
            photo = photo_of(name, answer, pixels)
        except TimeoutError as error:
            raise InputError(
                f"{name!r} was not decoded within {self.limits.seconds:g} s. If you trust the file, allow more time "
                "with --decode-timeout.",
                reason="decoding took too long",
            ) from error
        except (EOFError, OSError, ValueError) as error:
            raise InputError(self._death(name), reason="decoder crashed") from error
        if isinstance(photo, InputError):
            return photo
        photo = replace(photo, decode=replace(photo.decode, isolation=self.isolation))
        return self._more(photo, options) if answer.get("more") is True else photo

    def _more(self, photo: Photo, options: ReadOptions) -> Photo | InputError:
        """Add the answers of other programs about the photo, or note that none came, a reason to drop this worker."""
        seconds = longest_s(photo.size_bytes, options)
        try:
            answer, _ = self._channel.receive(seconds)
            if "error" in answer:
                return photo_of(photo.source, answer, None)
            if "fault" not in answer:
                return said_of(photo, answer)
            reason = f"failed ({str(answer.get('kind', 'no answer'))[:80]})"
        except TimeoutError:
            reason = f"did not end within {seconds:.0f} s"
        except (EOFError, OSError, ValueError):
            reason = self._end_of_process()
        self.lost = True
        self.kill()
        return with_statements(photo, unanswered(options, reason))

    def end(self) -> None:
        """Let the process finish. It ends when its socket is closed."""
        if self.lost:
            return
        self._channel.close()
        try:
            self._process.wait(START_S)
        except subprocess.TimeoutExpired:
            self.kill()
        self._words.close()

    def kill(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)  # with its child processes, even if it is dead itself
        self._process.kill()
        self._process.wait()
        self._channel.close()
        self._words.close()

    def _await_start(self, name: str) -> None:
        if self._ready:
            return
        try:
            ready, _ = self._channel.receive(START_S)
        except (TimeoutError, EOFError, OSError, ValueError) as error:
            raise InputError(
                f"{name!r} was not read: the process that decodes photos did not start "
                f"({self._last_words() or error}). This is a fault of mesorch or of this machine, not of the file.",
                reason="fault: no decoding process",
            ) from error
        self.isolation = tuple(ready["isolation"])  # reported before it saw any file
        self._ready = True

    def _end_of_process(self) -> str:
        try:
            code = self._process.wait(10)
        except subprocess.TimeoutExpired:
            code = 0
        return f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"

    def _death(self, name: str) -> str:
        how, words = self._end_of_process(), self._last_words()
        return (
            f"{name!r} was not decoded: the decoding process {how}{f' ({words})' if words else ''}. "
            f"The file may be built to break decoders, or need more than {self.limits.memory_bytes >> 20} MiB: see "
            "--decode-memory."
        )

    def _last_words(self) -> str:
        self._words.seek(max(self._told, os.fstat(self._words.fileno()).st_size - 4000))
        text = self._words.read().decode("utf-8", "replace").strip()
        return " ".join(text.splitlines()[-1].split())[:200] if text else ""
