"""A folder of photos into a case: reading, analysing and writing overlap, and every finished file is a row at once."""

import queue
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from mesorch_cli.case.examine import Analysed, Examination, Examiner, Loaded
from mesorch_cli.case.journal import Journal, Row
from mesorch_cli.case.outputs import RECORD_NAME, write_whole
from mesorch_cli.case.record import Record, json_path
from mesorch_cli.errors import InputError, OutputError
from mesorch_cli.evidence.hashing import sha256_file

PHOTOS = "photos"  # the folder of a case that mirrors the evidence
AHEAD = 2  # photos that are read before the engine wants them; each holds its pixels
FAULTS = (ArithmeticError, LookupError, MemoryError, RuntimeError, TypeError, ValueError)

OnFile = Callable[[Row, bool], None]  # the row of a finished file, and whether it was finished just now


@dataclass(frozen=True)
class _Under:
    """A file on its way: the future of its examination, itself the result of the engine's future."""

    path: str
    future: "Future[Future[Examination]]"


class Batch:
    """One run over a case: `examiners` share the work, one for each device."""

    def __init__(
        self, case: Path, evidence: Path, examiners: Sequence[Examiner], journal: Journal, on_file: OnFile | None = None
    ) -> None:
        self.case = case
        self.evidence = evidence
        self.journal = journal
        self.settings_sha256 = examiners[0].settings_sha256
        self._examiners: queue.SimpleQueue[Examiner] = queue.SimpleQueue()
        for examiner in examiners:
            self._examiners.put(examiner)
        self._reader = examiners[0]
        self._workers = len(examiners)
        self._on_file = on_file or (lambda _row, _new: None)
        self._analysed: dict[str, str] = {}  # path by SHA-256, of what this case has analysed
        self._copies: list[tuple[str, str]] = []  # (path, path of the same bytes), written when the latter is finished

    def run(self, paths: Sequence[str], stop: Callable[[], bool] = lambda: False) -> None:
        """Bring every path to its row, unless it has one for the same bytes and settings.

        stop: asked before each file; once it says so, what the engine has in hand is finished and the rest is left.
        Raises OutputError where a result cannot be written; every row until then is whole.
        """
        self._forget_what_is_gone(set(paths))
        with (
            ThreadPoolExecutor(1, "read") as readers,
            ThreadPoolExecutor(self._workers, "analyse") as engines,
            ThreadPoolExecutor(2, "write") as writers,
        ):
            loading: deque[tuple[str, Future[Loaded]]] = deque()
            under: deque[_Under] = deque()
            todo = iter(paths)
            exhausted = False
            try:
                while not stop():
                    while len(loading) < AHEAD and not exhausted:
                        path = next(todo, None)
                        if path is None:
                            exhausted = True
                        elif not self._is_finished(path):
                            loading.append((path, readers.submit(self._read, path)))
                        if stop():
                            break
                    if not loading:
                        if exhausted:
                            break
                        continue
                    path, future = loading.popleft()
                    self._dispatch(path, future.result(), under, engines, writers)
                    while len(under) > self._workers + 1:
                        self._finish(under.popleft())
                while under:
                    self._finish(under.popleft())
                if exhausted or not loading:
                    self._write_copies()
            finally:
                for pool in (readers, engines, writers):
                    pool.shutdown(wait=True, cancel_futures=True)

    def _forget_what_is_gone(self, there: set[str]) -> None:
        for path in [path for path in self.journal.paths() if path not in there]:
            self.journal.forget(path)

    def _is_finished(self, path: str) -> bool:
        """Say whether a path has a row for its present bytes and these settings, with its files in place."""
        row = self.journal.get(path)
        if row is None or row.settings != self.settings_sha256 or row.sha256 is None:
            return False
        try:
            if sha256_file(self.evidence / path) != row.sha256:
                return False
        except OSError:
            return False
        if not (self.case / PHOTOS / path / RECORD_NAME).is_file():
            return False
        if row.copy_of is not None:
            first = self.journal.get(row.copy_of)
            if first is None or first.sha256 != row.sha256:
                return False
        else:
            self._analysed.setdefault(row.sha256, path)
        self._on_file(row, False)
        return True

    def _read(self, path: str) -> Loaded:
        return self._reader.read(str(self.evidence / path), shown=path)

    def _dispatch(
        self,
        path: str,
        loaded: Loaded,
        under: deque[_Under],
        engines: ThreadPoolExecutor,
        writers: ThreadPoolExecutor,
    ) -> None:
        if loaded.sha256 is not None:
            first = self._analysed.setdefault(loaded.sha256, path)
            if first != path:
                self._copies.append((path, first))
                return
        under.append(_Under(path, engines.submit(lambda: writers.submit(self._conclude, path, self._analyse(loaded)))))

    def _analyse(self, loaded: Loaded) -> tuple[Examiner, Analysed]:
        examiner = self._examiners.get()
        try:
            return examiner, examiner.analyse(loaded)
        except FAULTS as error:
            # One file must not end a run over a hundred thousand; the record says that the fault is ours.
            failure = InputError(
                f"{loaded.shown!r} could not be analysed: {type(error).__name__}: {error}. This is a fault of mesorch or of "
                "this machine, not of the file.",
                reason=f"fault: {type(error).__name__}",
            )
            failed = Loaded(
                loaded.source,
                loaded.shown,
                loaded.data,
                None,
                failure,
                loaded.size,
                loaded.sha256,
                loaded.started_at,
                loaded.read_s,
            )
            return examiner, examiner.analyse(failed)
        finally:
            self._examiners.put(examiner)

    def _conclude(self, path: str, analysed: tuple[Examiner, Analysed]) -> Examination:
        folder = self._folder(path)
        return analysed[0].conclude(analysed[1], folder=folder, base=self.case)

    def _folder(self, path: str) -> Path:
        folder = self.case / PHOTOS / path
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"Cannot make {str(folder)!r}: {error.strerror}. Make room and start again.") from error
        return folder

    def _finish(self, under: _Under) -> None:
        examination = under.future.result().result()
        self._keep(row_of(under.path, examination.record, read=examination.photo_was_read))

    def _write_copies(self) -> None:
        for path, first in self._copies:
            row = self.journal.get(first)
            if row is None:  # its analysis was stopped; the next run comes to both
                continue
            record = copied(Record.model_validate_json(row.record), path, first)
            write_whole(self._folder(path) / RECORD_NAME, record.to_text().encode("ascii"))
            self._keep(
                Row(
                    path,
                    row.sha256,
                    row.settings,
                    row.status,
                    row.reason,
                    row.verdict,
                    row.score,
                    record.to_line(),
                    first,
                )
            )
        self._copies.clear()

    def _keep(self, row: Row) -> None:
        self.journal.add(row)
        self._on_file(row, True)


def row_of(path: str, record: Record, *, read: bool) -> Row:
    """Return the row of a record. read: whether the file could be read as a photo."""
    result = record.result
    status = "not analysed" if read else "failed"
    return Row(
        path,
        record.input.sha256,
        record.settings_sha256,
        "analysed" if result.reason is None else status,
        result.reason,
        result.verdict.value,
        result.score,
        record.to_line(),
    )


def copied(record: Record, path: str, first: str) -> Record:
    """Return the record of another file with the same bytes: its own name, the first one's results and pictures."""
    flags = sorted({*record.result.flags, f"same bytes as {json_path(first)}"})
    return record.model_copy(
        update={
            "input": record.input.model_copy(update={"path": json_path(path)}),
            "result": record.result.model_copy(update={"flags": flags}),
            "timing": record.timing.model_copy(update={"read_s": 0.0, "analyse_s": 0.0}),
        }
    )
