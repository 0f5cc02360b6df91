"""A case through kill -9, a full disk and Ctrl-C: nothing lost, nothing repeated, and the end is that of an unbroken run."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.case.folders import counts, fill, photo, steady

Run = Callable[..., dict[str, Any]]
COUNT = 12


@pytest.fixture(scope="module")
def forked(tmp_path_factory: pytest.TempPathFactory, tiny_weights: Path) -> Iterator[Run]:
    """Runs of the tool with one thread each: a process with several cannot be forked."""
    first = fill(tmp_path_factory.mktemp("first"), {"x.png": photo(0)}) / "x.png"
    command = [
        sys.executable,
        "-m",
        "tests.case.forked",
        "detect",
        str(first),
        "-w",
        str(tiny_weights),
        "--no-artefacts",
    ]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()

        def run(
            *argv: object, lines: int = 0, number: int | None = None, file_size: int | None = None
        ) -> dict[str, Any]:
            wanted = {"argv": [str(word) for word in argv], "lines": lines, "signal": number, "file_size": file_size}
            process.stdin.write(json.dumps(wanted) + "\n")
            process.stdin.flush()
            found: dict[str, Any] = json.loads(process.stdout.readline())
            return found

        yield run
        process.stdin.close()


@pytest.fixture
def batch(forked: Run, tmp_path: Path, tiny_weights: Path) -> Run:
    files: dict[str | bytes, bytes] = {f"{number % 3}/{number:02}.png": photo(number) for number in range(COUNT - 3)}
    files |= {"2/copy.png": photo(0), "0/bad.jpg": b"no photo", "1/half.png": photo(1)[:-30]}
    fill(tmp_path / "evidence", files)

    def run(case: str, **how: Any) -> dict[str, Any]:
        words = ("batch", tmp_path / "evidence", "-o", tmp_path / case, "-w", tiny_weights, "--json", "--quiet")
        return forked(*words, **how)

    return run


def test_kill_9_at_any_moment(batch: Run, tmp_path: Path) -> None:
    assert batch("unbroken")["code"] == 3
    chance, seen, kills = random.Random(7), {}, 0
    for _ in range(COUNT):
        found = batch("case", lines=len(seen) + chance.randint(1, 3), number=signal.SIGKILL)
        for record in found["lines"]:
            path = record["input"]["path"]
            assert seen.setdefault(path, record) == record, "what was told to be finished was analysed again"
        if found["code"] == 3:
            break
        assert found["code"] == -signal.SIGKILL
        kills += 1
    else:
        pytest.fail("the case never came to its end")
    assert kills >= 3
    assert len(seen) == COUNT
    assert counts(tmp_path / "case") == counts(tmp_path / "unbroken")
    assert steady(tmp_path / "case") == steady(tmp_path / "unbroken")


def test_a_full_disk(batch: Run, tmp_path: Path) -> None:
    for limit in (2_000, 60_000, 200_000):  # of every file: the pictures are too long, then the journal's log
        found = batch("case", file_size=limit)
        assert found["code"] == 2, found
        assert "Make room" in found["errors"] or "Free the space" in found["errors"]
        assert found["errors"].count("error: ") == 1 + sum(
            record["result"]["reason"] is not None for record in found["lines"]
        )
        assert not list((tmp_path / "case").rglob("*.part"))
    assert batch("case")["code"] == 3
    assert batch("unbroken")["code"] == 3
    assert steady(tmp_path / "case") == steady(tmp_path / "unbroken")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_finishes_the_photo_in_hand(batch: Run, tmp_path: Path, number: int) -> None:
    found = batch("case", lines=2, number=number)
    assert found["code"] == 130, found
    assert "stopping after the photo in progress" in found["errors"]
    told = counts(tmp_path / "case")
    assert told["waiting"] > 0
    assert told["found"] == COUNT
    assert COUNT - told["waiting"] == len(found["lines"]) >= 2
    done = subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=tmp_path / "case", check=False)
    assert done.returncode == 0
    again = batch("case")
    assert again["code"] == 3
    assert again["lines"][: len(found["lines"])] == sorted(found["lines"], key=lambda record: record["input"]["path"])
    assert counts(tmp_path / "case")["waiting"] == 0


def test_a_watched_folder(forked: Run, tmp_path: Path, tiny_weights: Path) -> None:
    evidence = fill(tmp_path / "evidence", {"a.png": photo(1), "b.png": photo(2)})
    words = ("batch", evidence, "-o", tmp_path / "case", "-w", tiny_weights, "--json", "--watch", "--settle", "0.2")
    found = forked(*words, lines=2, number=signal.SIGTERM)
    assert found["code"] == 0, found  # stopping is how a watch ends
    assert counts(tmp_path / "case")["analysed"] == 2
    assert "found: 2 photos" in found["errors"]


def test_the_tables_of_a_watched_folder_are_written_as_files_come_in(tmp_path: Path, tiny_weights: Path) -> None:
    evidence = fill(tmp_path / "evidence", {"a.png": photo(1)})
    sums = tmp_path / "case" / "SHA256SUMS"  # the last file that is written
    words = ("batch", evidence, "-o", sums.parent, "-w", tiny_weights, "--quiet", "--watch", "--settle", "0.2")
    with subprocess.Popen([sys.executable, "-m", "mesorch_cli", *map(str, words)]) as process:
        try:
            for count, name in enumerate(("a.png", "b.png"), 1):
                fill(evidence, {name: photo(count)})
                while not (sums.exists() and f"photos/{name}/" in sums.read_text()):
                    assert process.poll() is None
                    time.sleep(0.1)
                assert counts(sums.parent)["analysed"] == count
                assert name in (sums.parent / "results.csv").read_text()
                assert (sums.parent / "photos" / name / "index.html").exists()
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
