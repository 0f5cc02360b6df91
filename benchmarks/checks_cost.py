"""What checks and sandbox cost: opening a case of many rows, reading photos with and without the sandbox, writing with fsync.

Seconds are of the processor and of the clock for the case, of the clock in interleaved rounds for the rest, with the median
of the rounds' ratios. usage: checks_cost.py [--rows 100000] [--rounds 30] [--weights FILE]
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

from mesorch_cli.case.case_file import CaseFile
from mesorch_cli.case.journal import Journal
from mesorch_cli.case.row import row_of
from mesorch_cli.case.seal import require_sound
from mesorch_cli.evidence import ReadOptions, read_photo
from mesorch_cli.evidence.isolation import isolated_reader, reading_process
from mesorch_cli.examination.spec import ExaminerSpec
from mesorch_cli.files.writing import write_below
from mesorch_cli.inference.analysis import Analysis

ROOT = Path(__file__).parents[1]
PHOTOS = [str(ROOT / "examples" / name) for name in ("authentic.jpg", "splice.jpg")]
WITHOUT = (
    "from mesorch_cli.evidence.isolation import sandbox; sandbox.enter = lambda *_, **__: ['process']; "
    "from mesorch_cli.evidence.isolation.worker"
)
PATH, SHA256 = "a-path-to-replace.jpg", "0123456789abcdef" * 4


def timed(what: str, work: Callable[[], object]) -> None:
    clock, processor = time.perf_counter(), time.process_time()
    work()
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    print(f"{what}: {processor:.1f} s of processor, {clock:.1f} s of clock", flush=True)


def fill(journal: Journal, rows: int, weights: str | None) -> None:
    """Write rows of a real record, each under a path and a hash of its own, in one transaction."""
    spec = ExaminerSpec(Analysis.load(weights), ("benchmark",))
    examiner = spec.examiner("cpu")
    record = examiner.compose(examiner.analyse(examiner.read(PHOTOS[1]))).record
    about = record.input.model_copy(update={"path": PATH, "sha256": SHA256, "sha256_after": SHA256})
    template = row_of(PATH, f"photos/{PATH}", record.model_copy(update={"input": about, "artefacts": []}))
    journal.set_fact("settings", template.settings)
    journal._db.execute("BEGIN")
    for number in range(rows):
        path, sha256 = f"{number // 1000:04}/{number % 1000:03}.jpg", f"{number:064x}"
        line = template.record.replace(PATH, path).replace(SHA256, sha256)
        journal.add(replace(template, path=path, place=f"photos/{path}", sha256=sha256, record=line))
    journal._db.execute("COMMIT")


def opening(folder: Path, rows: int, weights: str | None) -> None:
    """Time the digest of a case, and all that is checked before it is worked with."""
    with Journal(folder) as journal:
        timed(f"(making {rows:,} rows)", lambda: fill(journal, rows, weights))
    print(f"journal of {(folder / 'journal.sqlite').stat().st_size / rows:.0f} bytes a row")
    with Journal(folder, read_only=True) as journal:
        digests: list[str] = []
        timed(f"digest of {rows:,} rows", lambda: digests.append(journal.digest()))
        sealed = CaseFile.model_construct(journal_sha256=digests[0], journal_digest=2)  # type: ignore[call-arg]
        timed(f"opening check of {rows:,} rows, the digest among it", lambda: require_sound(folder, journal, sealed))


def compared(ways: dict[str, Callable[[], object]], rounds: int) -> None:
    """Time ways against each other, one after the other in every round; ratios are to the first."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for work in ways.values():
        work()
    for number in range(rounds):
        for name in sorted(ways, reverse=bool(number % 2)):
            started = time.perf_counter()
            ways[name]()
            seconds[name].append(time.perf_counter() - started)
    first = next(iter(seconds.values()))
    for name, values in seconds.items():
        ratio = statistics.median(mine / theirs for mine, theirs in zip(values, first, strict=True))
        milliseconds = 1000 * statistics.median(values) / len(PHOTOS)
        print(
            f"{name}: {milliseconds:.2f} ms a photo, fastest {1000 * min(values) / len(PHOTOS):.2f}, ratio {ratio:.3f}"
        )


def reading(rounds: int) -> None:
    """Time reading as `detect` does it: in this process, in one of its own, and in one with the sandbox."""
    options = ReadOptions(provenance=True)
    with isolated_reader.IsolatedReader() as sandboxed, isolated_reader.IsolatedReader() as plain:
        script = reading_process._SCRIPT.replace("from mesorch_cli.evidence.isolation.worker", WITHOUT)
        with patch.object(reading_process, "_SCRIPT", script):
            plain.start()
        assert plain.read(PHOTOS[0], options=options).decode.isolation == ("process",)
        print(f"in force: {', '.join(sandboxed.read(PHOTOS[0], options=options).decode.isolation)}")
        ways: dict[str, Callable[[], object]] = {
            "process without sandbox": lambda: [plain.read(path, options=options) for path in PHOTOS],
            "process with sandbox": lambda: [sandboxed.read(path, options=options) for path in PHOTOS],
            "no process": lambda: [read_photo(path, options=options) for path in PHOTOS],
        }
        compared(ways, rounds)


def writing(folder: Path, rounds: int) -> None:
    """Time writing a photo's record and four pictures, with fsync and without."""
    files = {"record.json": 6_000, "overlay.png": 60_000, "panel.png": 90_000, "heatmap.png": 30_000, "mask.png": 2_000}

    def write() -> None:
        for name, size in files.items():
            for photo in range(len(PHOTOS)):
                write_below(folder, f"{photo}/{name}", os.urandom(size))

    def unsynced() -> None:
        with patch.object(os, "fsync", lambda _: None):
            write()

    compared({"without fsync": unsynced, "with fsync": write}, rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--weights")
    parser.add_argument("--folder", type=Path, help="where to write; the folder for temporary files otherwise")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
        reading(args.rounds)
        writing(Path(name) / "results", args.rounds)
        opening(Path(name) / "case", args.rows, args.weights)


if __name__ == "__main__":
    main()
