"""Photos through the engines of this machine: while one is analysed, others are read and encoded."""

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from mesorch_cli.errors import WeightsError
from mesorch_cli.examination.examiner import Examiner
from mesorch_cli.examination.stages import Composed, Loaded

AHEAD = 2  # photos in progress besides those being analysed: one is read, one is encoded

Lend = Callable[[], AbstractContextManager[Examiner]]


class Engine(Protocol):
    """Turns paths of the evidence into records, in any order."""

    def results(self, paths: Iterator[str], stop: Callable[[], bool]) -> Iterator[tuple[str, Composed]]:
        """Yield every path with its record; write nothing. Paths are drawn as needed, and no more once stop() is True.

        Photos in progress are then finished or dropped, and dropped ones are not yielded.
        """
        ...


class Pipeline:
    """The engine for one machine. `examiners` share the work, one per device."""

    def __init__(self, examiners: Sequence[Examiner], evidence: Path, place: Callable[[str], str]) -> None:
        self._reader = examiners[0]
        self._free: queue.SimpleQueue[Examiner] = queue.SimpleQueue()
        for examiner in examiners:
            self._free.put(examiner)
        self._at_once = len(examiners) + AHEAD
        self._evidence = evidence
        self._place = place

    def results(self, paths: Iterator[str], stop: Callable[[], bool]) -> Iterator[tuple[str, Composed]]:
        """Yield records as they are done. At most one photo per examiner and AHEAD more are in memory."""
        left = threading.Event()
        in_hand: dict[Future[Composed | None], str] = {}
        exhausted = False
        with ThreadPoolExecutor(self._at_once, "photo") as pool:
            try:
                while True:
                    while not exhausted and len(in_hand) < self._at_once and not stop():
                        path = next(paths, None)
                        if path is None:
                            exhausted = True
                        else:
                            in_hand[pool.submit(self._one, path, lambda: stop() or left.is_set())] = path
                    if not in_hand:
                        return
                    for future in wait(in_hand, return_when=FIRST_COMPLETED).done:
                        path, composed = in_hand.pop(future), future.result()
                        if composed is not None:
                            yield path, composed
            finally:
                left.set()  # when results are no longer wanted, photos not yet analysed are dropped

    def _one(self, path: str, given_up: Callable[[], bool]) -> Composed | None:
        return one_photo(self._reader, self._lend, self._evidence, path, self._place(path), given_up=given_up)

    @contextmanager
    def _lend(self) -> Iterator[Examiner]:
        examiner = self._free.get()
        try:
            yield examiner
        finally:
            self._free.put(examiner)


def one_photo(
    reader: Examiner,
    lend: Lend,
    evidence: Path,
    path: str,
    place: str,
    *,
    data: bytes | None = None,
    given_up: Callable[[], bool] = lambda: False,
) -> Composed | None:
    """Return the record and pictures of one photo below the evidence folder, whatever happens.

    None if it was given up before its analysis. reader: reads and encodes. lend: yields an examiner whose network is
    free. data: the bytes, if they were read before.
    """
    loaded: Loaded | None = None
    source = str(evidence / path)
    try:
        loaded = reader.read(source, shown=path, data=data, root=evidence)
        with lend() as examiner:
            if given_up():
                return None
            analysed = examiner.analyse(loaded)
        return examiner.compose(analysed, place)
    except WeightsError:
        raise  # no photo can be analysed with these weights
    except Exception as error:  # noqa: BLE001 - any error goes into this file's record, and the others continue
        return reader.compose(reader.fault(source, path, loaded, error, evidence), place)
