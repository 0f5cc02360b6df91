"""The work on a case, by a network of a fixed function: files that change under it, and how far it looks ahead."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mesorch_cli.case.batch import Batch
from mesorch_cli.case.journal import Journal, Row
from mesorch_cli.case.mirror import Mirror
from mesorch_cli.case.pipeline import AHEAD, Pipeline
from mesorch_cli.examination.examiner import Examiner
from mesorch_cli.examination.record import Record
from mesorch_cli.examination.stages import CHANGED, Composed
from mesorch_cli.inference.detector import Detector
from mesorch_cli.network.weights import load_weights
from tests.case.folders import fill, photo
from tests.inference.networks import Pixelwise, settings


class Work:
    """A case over a folder, with rows by path; `before` is called with every path when the engine asks for it."""

    def __init__(self, root: Path, weights: Path, before: Callable[[str], None] = lambda _path: None) -> None:
        self.evidence, self.before = root / "evidence", before
        self.drawn: list[str] = []
        self.ahead = 0
        examiner = Examiner(Detector(Pixelwise(), settings()), load_weights(weights), argv=[])
        with Journal(root / "case") as journal:
            mirror = Mirror(root / "case")
            self.batch = Batch(mirror, self.evidence, journal, examiner.settings_sha256)
            self.pipeline = Pipeline([examiner], self.evidence, mirror.place)
            paths = sorted(path.relative_to(self.evidence).as_posix() for path in self.evidence.rglob("*.png"))
            self.batch.run(self, paths)
            self.rows = {row.path: row for row in journal.rows(examiner.settings_sha256)}

    def results(self, paths: Iterator[str], stop: Callable[[], bool]) -> Iterator[tuple[str, Composed]]:
        """Be the engine: the real one, watched."""
        for done, (path, composed) in enumerate(self.pipeline.results(self._noted(paths), stop)):
            self.ahead = max(self.ahead, len(self.drawn) - done)
            yield path, composed

    def _noted(self, paths: Iterator[str]) -> Iterator[str]:
        for path in paths:
            self.drawn.append(path)
            self.before(path)
            yield path


def flags(row: Row) -> list[str]:
    return Record.model_validate_json(row.record).result.flags


@pytest.mark.parametrize("kind", ["changed", "gone"])
def test_a_first_that_turns_out_to_be_another(tmp_path: Path, tiny_weights: Path, kind: str) -> None:
    evidence = fill(tmp_path / "evidence", {"a.png": photo(1), "b.png": photo(1), "c.png": photo(1), "z.png": photo(2)})

    def write(path: str) -> None:
        if path == "a.png" and kind == "changed":
            fill(evidence, {"a.png": photo(9)})
        elif path == "a.png":
            (evidence / "a.png").unlink()

    rows = Work(tmp_path, tiny_weights, write).rows
    assert sorted(rows) == ["a.png", "b.png", "c.png", "z.png"]
    assert rows["b.png"].copy_of is None
    assert rows["b.png"].status == "analysed"
    assert rows["c.png"].copy_of == "b.png"
    if kind == "gone":
        assert (rows["a.png"].status, rows["a.png"].reason, rows["a.png"].sha256) == ("failed", "missing", None)
    else:
        assert rows["a.png"].status == "analysed"
        assert rows["a.png"].sha256 != rows["b.png"].sha256
        assert CHANGED not in flags(rows["a.png"])  # what was read is what is there


def test_a_file_that_is_written_to_while_it_is_analysed_is_flagged(tmp_path: Path, tiny_weights: Path) -> None:
    evidence = fill(tmp_path / "evidence", {"a.png": photo(1)})
    changed: list[int] = []

    class Writing(Pixelwise):
        def __call__(self, images, at_once=1):  # type: ignore[no-untyped-def]
            if not changed:
                fill(evidence, {"a.png": photo(2)})
                changed.append(1)
            return super().__call__(images, at_once)

    examiner = Examiner(Detector(Writing(), settings()), load_weights(tiny_weights), argv=[])
    with Journal(tmp_path / "case") as journal:
        mirror = Mirror(tmp_path / "case")
        pipeline = Pipeline([examiner], evidence, mirror.place)
        batch = Batch(mirror, evidence, journal, examiner.settings_sha256)
        batch.run(pipeline, ["a.png"])
        row = journal.get("a.png")
        assert row is not None
        assert flags(row) == [CHANGED]
        batch.run(pipeline, ["a.png"])  # its bytes are others now
        again = journal.get("a.png")
    assert again is not None
    assert again.sha256 != row.sha256
    assert flags(again) == []


def test_no_more_photos_are_in_memory_than_the_engines_need(tmp_path: Path, tiny_weights: Path) -> None:
    fill(tmp_path / "evidence", {f"{number:02}.png": photo(number) for number in range(12)})
    work = Work(tmp_path, tiny_weights)
    assert len(work.rows) == len(work.drawn) == 12
    assert work.ahead <= 1 + AHEAD
