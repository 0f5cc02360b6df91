"""Evidence folders for tests: small photos, same names, same bytes, odd names, and every kind of bad file."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from typer.testing import CliRunner

from mesorch_cli.cli.app import app


def photo(seed: int, side: int = 64) -> bytes:
    """Return a small PNG; every seed another."""
    grey = np.random.default_rng(seed).integers(0, 255, (side // 8, side // 8, 3), dtype=np.uint8)
    return bytes(cv2.imencode(".png", cv2.resize(grey, (side, side), interpolation=cv2.INTER_CUBIC))[1])


def fill(root: Path, files: dict[str | bytes, bytes]) -> Path:
    """Write files below a folder; a name may be bytes."""
    for name, data in files.items():
        path = Path(os.fsdecode(os.fsencode(root) + b"/" + os.fsencode(name)))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def made_case(root: Path, weights: Path, *, code: int) -> Path:
    """Analyse `root`/evidence into `root`/case, and return the root. code: the exit code that is expected."""
    words = ("batch", root / "evidence", "-o", root / "case", "-w", weights, "--device", "cpu", "-q")
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == code, result.output
    return root


def own_case(made: Path, folder: Path) -> Path:
    """Return a copy of a case, beside a copy of its evidence, to be changed."""
    shutil.copytree(made, folder / "own")
    return folder / "own" / "case"


def mixed(root: Path) -> Path:
    """Make a folder of 11 photos (7 analysed, 2 of them copies; 2 not; 2 failed) and two other files."""
    jpeg = bytes(cv2.imencode(".jpg", np.random.default_rng(0).integers(0, 255, (90, 90, 3), dtype=np.uint8))[1])
    return fill(
        root,
        {
            "a/x.png": photo(1),
            "b/x.png": photo(2),
            "c/same.bin": photo(1),
            "d/deep/er/still.png": photo(1),
            "a/x.png.png": photo(3),
            b"odd/\xff\xfe.png": photo(4),
            "odd/line\nbreak =cmd.png": photo(5),
            "half.jpg": jpeg[: len(jpeg) // 2],
            "tiny.png": photo(6, side=16),
            "text.jpg": b"no photo",
            "empty.tif": b"",
            "notes.txt": b"notes",
            "b/list.csv": b"a,b\n",
        },
    )


def steady(case: Path) -> dict[str, Any]:
    """Return what a case says, without what differs from run to run: times, the command line, and hashes over them."""
    found: dict[str, Any] = {}
    for path in sorted(case.rglob("*")):
        name = path.relative_to(case).as_posix()
        if not path.is_file() or name.startswith("journal.sqlite") or name == "SHA256SUMS":
            continue
        if path.name == "record.json":
            found[name] = without_times(json.loads(path.read_text()))
        elif name == "results.jsonl":
            found[name] = [without_times(json.loads(line)) for line in path.read_text().splitlines()]
        elif name == "case.json":
            found[name] = json.loads(path.read_text()) | {"journal_sha256": ""}
        elif path.suffix == ".html":
            found[name] = "a page"  # says when and how its photo was analysed; tests/report looks at pages
        else:
            found[name] = path.read_bytes()
    return found


def without_times(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record without its times and command line."""
    return {name: value for name, value in record.items() if name not in ("timing", "argv")}


def counts(case: Path) -> dict[str, int]:
    """Return the counts of a case, checked: found = analysed + not analysed + failed + waiting, and so many lines."""
    found: dict[str, int] = json.loads((case / "case.json").read_text())["counts"]
    done = found["analysed"] + found["not_analysed"] + found["failed"]
    assert found["found"] == done + found["waiting"]
    assert len((case / "results.jsonl").read_text().splitlines()) == done
    return found
