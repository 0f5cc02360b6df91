"""Reading in a separate process, limited in time and memory. A codec that crashes or hangs costs only one file."""

import functools
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import weakref
from concurrent.futures import Future
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
from mesorch_cli.evidence.metadata.exiftool import find_exiftool
from mesorch_cli.evidence.metadata.statements import longest_s, unanswered, with_statements
from mesorch_cli.evidence.photo import MAX_PIXELS, Photo, ReadOptions

# Then a new process starts. This bounds the leaks of a codec, and how long a hijacked process can lie.
PHOTOS_PER_WORKER = 50
START_S = 120  # for a worker to start, even on a very busy machine
SUPPORTED = hasattr(socket, "send_fds") and sys.platform != "win32"
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


@dataclass(frozen=True)
class _Begun:
    """A photo that is being read before anyone waits for it."""

    asked: tuple[str, ReadOptions]
    worker: "_Worker"
    answer: Future["Photo | InputError"]


class IsolatedReader:
    """Reads photos as `read_photo` does, but in worker processes. Any number of threads may call it.

    `start` launches a first worker while the caller loads other things. `begin` makes it read a photo in advance. Each
    thread that reads at the same time gets its own worker. If the system cannot pass open files between processes
    (Windows), photos are read in the caller's process, and `isolated` says so.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.isolated = SUPPORTED
        self._idle: list[_Worker] = []
        self._begun: _Begun | None = None
        self._lock = threading.Lock()
        self._closed = False
        self._end = weakref.finalize(self, _end_all, self._idle)

    def __enter__(self) -> "IsolatedReader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self, options: ReadOptions | None = None) -> None:
        """Start a worker, so that it is ready when the first photo with these options comes."""
        with self._lock:
            if self.isolated and not self._idle and not self._closed:
                self._idle.append(_Worker(self.limits, programs=_needs_programs(options or ReadOptions())))

    def begin(self, source: str | Path, options: ReadOptions | None = None) -> None:
        """Begin to read a photo. The next `read` of it with the same options waits for the result.

        Only one photo can be begun at a time: until that `read`, and without workers, further calls do nothing.
        """
        if not self.isolated or self._begun is not None:
            return
        options = options or ReadOptions()
        begun = self._begun = _Begun((os.fsdecode(source), options), self._take(options), Future())

        def work() -> None:
            try:
                begun.answer.set_result(begun.worker.read(begun.asked[0], None, begun.asked[1]))
            except Exception as error:  # noqa: BLE001 - it is raised where the result is awaited
                begun.answer.set_exception(error)

        threading.Thread(target=work, daemon=True).start()  # a daemon: the program must not wait for an unwanted photo

    def close(self) -> None:
        """End the workers. One that reads for a caller ends when it is done, one that only reads ahead ends at once."""
        with self._lock:
            self._closed = True
            begun, self._begun = self._begun, None
        if begun is not None:
            begun.worker.kill()
        self._end()

    def read(
        self,
        source: str | Path,
        *,
        data: bytes | None = None,
        options: ReadOptions | None = None,
        root: Path | None = None,
        path: str | None = None,
    ) -> Photo:
        """Read a photo. With `root`, it is the one at `path` below that folder, and no link is followed.

        Raises what `read_photo` raises, and InputError with the reasons "decoding took too long", "decoder crashed",
        or "fault: ..." for an error of this program. The pixels are read-only.
        """
        name = os.fsdecode(source)
        options = options or ReadOptions()
        if not self.isolated:
            # A process that leaves the reading to others loads no decoder.
            from mesorch_cli.evidence.decoding.reader import read_photo

            return read_photo(source, data=data, path=path, root=root, options=options)
        begun = None if root is not None else self._begun_of(name, data, options)
        worker = self._take(options) if begun is None else begun.worker
        try:
            photo = worker.read(name, data, options, root, path) if begun is None else begun.answer.result()
        except BaseException:
            worker.kill()
            raise
        self._give_back(worker)
        if isinstance(photo, InputError):
            raise photo
        return photo

    def _begun_of(self, name: str, data: bytes | None, options: ReadOptions) -> _Begun | None:
        """Take over the photo that was begun, if it is the one asked for."""
        with self._lock:
            begun = self._begun
            if begun is None or data is not None or begun.asked != (name, options):
                return None
            self._begun = None
            return begun

    def _take(self, options: ReadOptions) -> "_Worker":
        programs = _needs_programs(options)
        with self._lock:
            if self._closed:
                raise ValueError("the reader is closed")
            for worker in reversed(self._idle):
                if worker.programs is programs:
                    self._idle.remove(worker)
                    return worker
        return _Worker(self.limits, programs=programs)

    def _give_back(self, worker: "_Worker") -> None:
        with self._lock:
            if not self._closed and worker.count < PHOTOS_PER_WORKER and not worker.lost:
                self._idle.append(worker)
                return
        worker.end()


def process_reader() -> IsolatedReader:
    """Return this process's reader for the user's own sets of photos. Its workers are reused for all of them.

    Each process that reads (to make samples, to forge) has its own reader, which ends with the process.
    """
    return _reader_of(os.getpid())


@functools.cache
def _reader_of(_process: int) -> IsolatedReader:
    return IsolatedReader()  # one per process: a fork must not share sockets with its parent


def _end_all(workers: list["_Worker"]) -> None:
    while workers:
        workers.pop().end()


class _Worker:
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


def _needs_programs(options: ReadOptions) -> bool:
    return options.exiftool and find_exiftool() is not None
