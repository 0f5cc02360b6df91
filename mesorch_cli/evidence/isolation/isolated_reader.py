"""Reading in a separate process, limited in time and memory. A codec that crashes or hangs costs only one file."""

import functools
import os
import socket
import sys
import threading
import weakref
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from mesorch_cli.errors import InputError
from mesorch_cli.evidence.isolation.reading_process import PHOTOS_PER_WORKER, Limits, ReadingProcess
from mesorch_cli.evidence.metadata.exiftool import find_exiftool
from mesorch_cli.evidence.photo import Photo, ReadOptions

SUPPORTED = hasattr(socket, "send_fds") and sys.platform != "win32"


@dataclass(frozen=True)
class _Begun:
    """A photo that is being read before anyone waits for it."""

    asked: tuple[str, ReadOptions]
    worker: ReadingProcess
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
        self._idle: list[ReadingProcess] = []
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
                self._idle.append(ReadingProcess(self.limits, programs=_needs_programs(options or ReadOptions())))

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

    def _take(self, options: ReadOptions) -> ReadingProcess:
        programs = _needs_programs(options)
        with self._lock:
            if self._closed:
                raise ValueError("the reader is closed")
            for worker in reversed(self._idle):
                if worker.programs is programs:
                    self._idle.remove(worker)
                    return worker
        return ReadingProcess(self.limits, programs=programs)

    def _give_back(self, worker: ReadingProcess) -> None:
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


def _end_all(workers: list[ReadingProcess]) -> None:
    while workers:
        workers.pop().end()


def _needs_programs(options: ReadOptions) -> bool:
    return options.exiftool and find_exiftool() is not None
