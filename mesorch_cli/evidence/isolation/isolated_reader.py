"""Reading in a process of its own, within time and memory: a codec that crashes or hangs costs one file, not the run."""

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
from mesorch_cli.evidence.decoding.reader import read_photo
from mesorch_cli.evidence.isolation.answer import photo_of, said_of
from mesorch_cli.evidence.isolation.channel import Channel
from mesorch_cli.evidence.isolation.sandbox import Bounds
from mesorch_cli.evidence.metadata.exiftool import find_exiftool
from mesorch_cli.evidence.metadata.statements import longest_s, unanswered, with_statements
from mesorch_cli.evidence.photo import MAX_PIXELS, Photo, ReadOptions

# After so many there is a new process, which bounds what a codec leaks, and how long one that was taken over can lie.
PHOTOS_PER_WORKER = 50
START_S = 120  # for a worker to come up, on however busy a machine
SUPPORTED = hasattr(socket, "send_fds") and sys.platform != "win32"
_SCRIPT = (
    "import sys; sys.path[:] = {path!r}; from mesorch_cli.evidence.isolation.sandbox import Bounds; "
    "from mesorch_cli.evidence.isolation.worker import serve; serve({arguments})"
)
# One thread: Landlock binds the thread that calls it and those that it starts, and numpy's library starts some when imported.
_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Limits:
    """What reading one photo may take: seconds by the clock, and bytes of memory beside the pixels handed back.

    pixels: the most that any photo may have, whatever the options of its reading say.
    """

    seconds: float = 300.0
    memory_bytes: int = 4 << 30
    pixels: int = MAX_PIXELS

    def bounds(self) -> Bounds:
        """Return the hard limits of a process that reads PHOTOS_PER_WORKER photos."""
        return Bounds(int(self.seconds * PHOTOS_PER_WORKER) + START_S, self.memory_bytes, self.pixels)


@dataclass(frozen=True)
class _Begun:
    """A photo that is being read before anybody waits for it."""

    asked: tuple[str, ReadOptions]
    worker: "_Worker"
    answer: Future["Photo | InputError"]


class IsolatedReader:
    """Reads photos as `read_photo` does, but in worker processes; any number of threads may call it.

    `start` brings a first worker up while the caller loads other things, `begin` has it read what will be asked for; each
    thread that reads at the same time gets one of its own. Where the system cannot pass open files between processes
    (Windows) photos are read in the caller's own process, and `isolated` says so.
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
        """Start a worker, to be ready when the first photo comes that is read with these options; else that waits for it."""
        with self._lock:
            if self.isolated and not self._idle and not self._closed:
                self._idle.append(_Worker(self.limits, programs=_needs_programs(options or ReadOptions())))

    def begin(self, source: str | Path, options: ReadOptions | None = None) -> None:
        """Begin to read a photo; the next `read` of it with the same options waits for that.

        One photo at a time: before that `read`, and where there are no workers, another call does nothing.
        """
        if not self.isolated or self._begun is not None:
            return
        options = options or ReadOptions()
        begun = self._begun = _Begun((os.fsdecode(source), options), self._take(options), Future())

        def work() -> None:
            try:
                begun.answer.set_result(begun.worker.read(begun.asked[0], None, begun.asked[1]))
            except Exception as error:  # noqa: BLE001 - it is raised where somebody waits
                begun.answer.set_exception(error)

        threading.Thread(target=work, daemon=True).start()  # a daemon: nobody waits for it who does not want the photo

    def close(self) -> None:
        """End the workers; one that reads at this moment ends when it is done, one that was only begun at once."""
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
        """Read a photo, with `root` the one at `path` below that folder, no link followed.

        Raises what `read_photo` raises, and InputError with the reasons "decoding took too long", "decoder crashed",
        or "fault: ..." for an error of this program; pixels are read-only.
        """
        name = os.fsdecode(source)
        options = options or ReadOptions()
        if not self.isolated:
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
        """Take over the photo that was begun, if it is the one that is asked for."""
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
    """Return the one reader of this process, for photos of the user's own sets: its workers are reused over all of them.

    Each process that reads (one that makes samples, one that forges) has its own, which ends with it.
    """
    return _reader_of(os.getpid())


@functools.cache
def _reader_of(_process: int) -> IsolatedReader:
    return IsolatedReader()  # by process: what a fork copies must not share sockets with its parent


def _end_all(workers: list["_Worker"]) -> None:
    while workers:
        workers.pop().end()


class _Worker:
    """One process and the socket to it; its standard error goes to a file without a name, for the case of its death."""

    def __init__(self, limits: Limits, *, programs: bool) -> None:
        """programs: whether the process may start others, as ExifTool asks for; all else it gives up in any case."""
        self.limits = limits
        self.programs = programs
        self.count = 0
        self.isolation: tuple[str, ...] = ()
        self.lost = False  # after a photo that came, while what foreign programs say of it did not
        self._ready = False
        self._told = 0  # bytes of its words that were about other photos
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
                    start_new_session=True,  # no terminal to type into, and what it starts ends with it
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
        """Return a photo, or the error of a file that cannot be read. Raises InputError where this worker is lost."""
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
                f"{name!r} was not decoded within {self.limits.seconds:g} s; expected a photo that decodes faster. Allow "
                "more with --decode-timeout if the file is to be trusted.",
                reason="decoding took too long",
            ) from error
        except (EOFError, OSError, ValueError) as error:
            raise InputError(self._death(name), reason="decoder crashed") from error
        if isinstance(photo, InputError):
            return photo
        photo = replace(photo, decode=replace(photo.decode, isolation=self.isolation))
        return self._more(photo, options) if answer.get("more") is True else photo

    def _more(self, photo: Photo, options: ReadOptions) -> Photo | InputError:
        """Add what foreign programs say of the photo, or that they gave no answer: a reason to give up this worker."""
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
        """Let the process finish: it ends when its socket is closed."""
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
            os.killpg(self._process.pid, signal.SIGKILL)  # with what it started, also where it is dead itself
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
                f"{name!r} was not read: the process that decodes photos did not start ({self._last_words() or error}). "
                "This is a fault of mesorch or of this machine, not of the file.",
                reason="fault: no decoding process",
            ) from error
        self.isolation = tuple(ready["isolation"])  # said before it saw any file
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
            f"{name!r} was not decoded: the process that decoded it {how}{f' ({words})' if words else ''}; expected pixels. "
            f"The file may be made to break decoders, or need more than {self.limits.memory_bytes >> 20} MiB: see "
            "--decode-memory."
        )

    def _last_words(self) -> str:
        self._words.seek(max(self._told, os.fstat(self._words.fileno()).st_size - 4000))
        text = self._words.read().decode("utf-8", "replace").strip()
        return " ".join(text.splitlines()[-1].split())[:200] if text else ""


def _needs_programs(options: ReadOptions) -> bool:
    return options.exiftool and find_exiftool() is not None
