"""What a case costs beside its photos: rows a second, memory, the time to go on, to finish and to verify, by a stub engine.

The files are a few bytes each and the engine answers at once with the record of a real photo, without pictures, so that all
the time is that of scanning, hashing, writing and the journal. usage: journal_rows.py [--rows 100000] [--result FILE.md]
"""

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

from memory import peak_mib

from mesorch_cli.case.batch import Batch
from mesorch_cli.case.case_file import read_case
from mesorch_cli.case.finish import finish
from mesorch_cli.case.journal import Journal
from mesorch_cli.case.opening import about_case, opened
from mesorch_cli.case.scan import Selection, scan
from mesorch_cli.case.verify import changes
from mesorch_cli.examination.examiner import Composed
from mesorch_cli.examination.spec import ExaminerSpec
from mesorch_cli.files.hashing import sha256_bytes
from mesorch_cli.inference.loading import open_weights
from mesorch_cli.inference.settings import Settings

HEAD = b"\xff\xd8\xff\xe0"  # a photo by its first bytes; nobody decodes it here
ROOT = Path(__file__).parents[1]


class Stub:
    """An engine that knows the answer."""

    def __init__(self, template: Composed) -> None:
        self.template = template

    def results(self, paths: Iterator[str], stop: Callable[[], bool]) -> Iterator[tuple[str, Composed]]:
        """Yield the template under every path and hash."""
        record = self.template.record
        for path in paths:
            if stop():
                return
            sha256 = sha256_bytes(HEAD + path.encode())
            changed = record.input.model_copy(update={"path": path, "sha256": sha256, "sha256_after": sha256})
            yield path, replace(self.template, record=record.model_copy(update={"input": changed}), pictures={})


def resident_mib() -> int:
    """Return the resident memory of this process now, in MiB, of Linux."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 2**20


def make_files(root: Path, rows: int) -> None:
    """Make so many files, a thousand in a folder."""
    for number in range(rows):
        if number % 1000 == 0:
            folder = root / f"{number // 1000:04}"
            folder.mkdir(parents=True)
        name = f"{folder.name}/{number % 1000:03}.jpg"
        (root / name).write_bytes(HEAD + name.encode())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="where to work; a temporary folder otherwise")
    parser.add_argument("--result", type=Path)
    args = parser.parse_args()
    opened_weights = open_weights()
    spec = ExaminerSpec(opened_weights, Settings.from_passport(opened_weights.weights.passport), ("benchmark",))
    examiner = spec.examiner("cpu")
    photo = str(ROOT / "examples" / "splice.jpg")
    template = examiner.compose(examiner.analyse(examiner.read(photo)))
    told: list[tuple[str, str]] = []
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        evidence, case = Path(name) / "evidence", Path(name) / "case"
        make_files(evidence, args.rows)
        about = about_case(evidence, Selection(), spec, examiner.tool)

        started = time.perf_counter()
        found = scan(evidence, Selection())
        told.append(("scan", f"{args.rows / (time.perf_counter() - started):,.0f} files/s"))
        memory: dict[int, int] = {}
        done = 0

        def on_file(*_: object) -> None:
            nonlocal done
            done += 1
            if done % (args.rows // 4) == 0:
                memory[done] = resident_mib()

        with opened(case, about) as (journal, mirror):
            batch = Batch(mirror, evidence, journal, about.settings_sha256, on_file)
            memory[0] = resident_mib()
            started, processor = time.perf_counter(), time.process_time()
            batch.run(Stub(template), found.paths)
            clock, processor = time.perf_counter() - started, time.process_time() - processor
            told.append(("rows", f"{args.rows / clock:,.0f}/s of clock, {args.rows / processor:,.0f}/s of processor"))
            told.append(("resident memory", ", ".join(f"{memory[at]} MiB at {at:,}" for at in sorted(memory))))
            started = time.perf_counter()
            finish(case, journal, about, found)
            told.append(("tables, case.json, SHA256SUMS", f"{time.perf_counter() - started:.1f} s"))
        with opened(case, about) as (journal, mirror):
            again: list[str] = []
            batch = Batch(
                mirror,
                evidence,
                journal,
                about.settings_sha256,
                lambda row, new, _: again.append(row.path) if new else None,
            )
            started = time.perf_counter()
            batch.run(Stub(template), found.paths)
            told.append(
                ("going on when all is finished", f"{time.perf_counter() - started:.1f} s, {len(again)} done again")
            )
        with Journal(case, read_only=True) as journal:
            started = time.perf_counter()
            wrong = list(changes(case, read_case(case), journal, evidence, lambda: None))
            told.append(("verify", f"{time.perf_counter() - started:.1f} s, {len(wrong)} changes"))
        size = sum(path.stat().st_size for path in case.iterdir() if path.is_file())
        told.append(("journal and tables", f"{size / args.rows / 1000:.1f} kB a row"))
        told.append(("peak memory of the process", f"{peak_mib()} MiB, most of it PyTorch"))
    lines = [
        f"# A case of {args.rows:,} rows",
        "",
        f"`python benchmarks/journal_rows.py {' '.join(sys.argv[1:])}`",
        "",
        f"{date.today():%d %B %Y}. {platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end; "
        f"Python {platform.python_version()}.",
        "",
        "| what | |",
        "|---|---|",
        *(f"| {what} | {value} |" for what, value in told),
    ]
    text = "\n".join(lines) + "\n"
    print(text)
    if args.result:
        args.result.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
