"""A case through kill -9 at random moments: nothing is lost or done twice, and the end is that of an unbroken run.

Forged photos with the same names in several folders, copies, damaged files and odd names are analysed once without a break,
and once with the process killed again and again. With `--crops` they are crops of a few photos instead, of 64 to 128 pixels,
which are made at once. usage: batch_faults.py [--files 2000] [--kills 10] [--crops] [--result FILE.md]
"""

import argparse
import json
import os
import platform
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from skimage import data

MESORCH = [sys.executable, "-m", "mesorch_cli"]
PHOTOS = ("astronaut", "coffee", "chelsea", "rocket")
TIMES = ("timing", "argv")
ODD = (
    "a b",
    "-rf",
    "ü",
    "u\u0308",
    "UPPER",
    "upper",
    "new\nline",
    "quote'\"",
    "$(x)",
    "\u202egpj",
    "\x1b[31m",
    "%s",
    "..dots",
    "x" * 200,
)


def make_crops(folder: Path, count: int, chance: random.Random) -> list[Path]:
    """Make crops of 64 to 128 pixels, each of other bytes."""
    folder.mkdir()
    photos = [getattr(data, name)() for name in PHOTOS]
    made = []
    for number in range(count):
        photo = chance.choice(photos)
        height, width = (chance.randint(64, 128) for _ in range(2))
        top, left = chance.randrange(photo.shape[0] - height), chance.randrange(photo.shape[1] - width)
        crop = np.ascontiguousarray(photo[top : top + height, left : left + width, ::-1])
        crop[0, 0] = number % 256, number // 256, 0
        made.append(folder / f"{number:05}{'.png' if number % 4 == 0 else '.jpg'}")
        cv2.imwrite(str(made[-1]), crop)
    return made


def make_forged(root: Path, distinct: int, side: int) -> list[Path]:
    """Forge photos, and take the authentic ones with them."""
    pristine, forged = root.with_name("pristine"), root.with_name("forged")
    pristine.mkdir()
    for name in PHOTOS:
        cv2.imwrite(str(pristine / f"{name}.png"), getattr(data, name)()[:, :, ::-1])
    command = [
        *MESORCH,
        "forge",
        str(pristine),
        str(forged),
        "-n",
        str(distinct),
        "--side",
        str(side),
        "--quiet",
        "--workers",
        "1",
    ]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return sorted(path for folder in ("Tp", "Au") for path in (forged / folder).iterdir())[:distinct]


def make_evidence(root: Path, files: int, damaged: int, side: int | None, chance: random.Random) -> None:
    """Fill a folder: photos over `rolls` of the same names, a tenth copies, some damaged, some with odd names.

    side: of the forged photos; None for crops.
    """
    distinct = files - files // 10
    photos = (
        make_crops(root.with_name("crops"), distinct, chance) if side is None else make_forged(root, distinct, side)
    )
    placed: list[Path] = []
    for number, photo in enumerate(photos):
        name = f"{number // 5:05}" if number >= 2 * len(ODD) else ODD[number // 2]
        place = root / f"roll{number % 5 if number >= 2 * len(ODD) else number % 2}" / f"{name}{photo.suffix}"
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(photo, place)
        placed.append(place)
    for number, photo in enumerate(chance.choices(placed, k=files - len(photos))):
        place = root / "copies" / f"{number:05}.jpg"
        place.parent.mkdir(exist_ok=True)
        shutil.copyfile(photo, place)
        placed.append(place)
    for number, photo in enumerate(chance.sample(placed, damaged)):
        whole = photo.read_bytes()
        photo.write_bytes((whole[: len(whole) // 2], b"", whole[:200], b"not a photo")[number % 4])
    for name in ("forged", "pristine", "crops"):
        shutil.rmtree(root.with_name(name), ignore_errors=True)


def start(evidence: Path, case: Path, weights: str | None) -> subprocess.Popen[str]:
    """Start a batch whose records come out as they are finished."""
    command = [*MESORCH, "batch", str(evidence), "-o", str(case), "--device", "cpu", "--json", "--quiet"]
    command += ["-w", weights] if weights else []
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def until_the_end(evidence: Path, case: Path, weights: str | None) -> tuple[int, float]:
    """Run a batch whole; return its exit code and seconds."""
    started = time.perf_counter()
    with start(evidence, case, weights) as process:
        assert process.stdout is not None
        for _ in process.stdout:
            pass
    return process.returncode, time.perf_counter() - started


def killed(
    evidence: Path, case: Path, weights: str | None, after: int, delay: float, seen: dict[str, dict[str, Any]]
) -> int:
    """Kill a batch `delay` seconds after its `after`-th record; return how many records differ from what it told before."""
    different = 0
    with start(evidence, case, weights) as process:
        assert process.stdout is not None
        for number, line in enumerate(process.stdout, start=1):
            if line.endswith("\n"):
                record = json.loads(line)
                different += seen.setdefault(record["input"]["path"], record) != record
            if number == after:
                time.sleep(delay)
                process.send_signal(signal.SIGKILL)
    return different


def content(case: Path) -> dict[str, Any]:
    """Return everything that a case says, but for times and command lines."""
    found: dict[str, Any] = {}
    for path in sorted(case.rglob("*")):
        name = path.relative_to(case).as_posix()
        if not path.is_file() or name.startswith("journal.sqlite") or name == "SHA256SUMS":
            continue
        if name.endswith((".json", ".jsonl")):
            values = [json.loads(line) for line in ([path.read_text()] if name.endswith(".json") else path.open())]
            found[name] = [{key: one[key] for key in one if key not in (*TIMES, "journal_sha256")} for one in values]
        elif path.suffix == ".html":
            found[name] = "a page"  # says when its photo was analysed
        else:
            found[name] = path.read_bytes()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--damaged", type=int, default=50)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--side", type=int, default=512, help="longest side of the forged photos")
    parser.add_argument("--crops", action="store_true", help="crops of a few photos, instead of forged ones")
    parser.add_argument("--weights")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="where to work; a temporary folder otherwise")
    parser.add_argument("--result", type=Path)
    args = parser.parse_args()
    chance = random.Random(args.seed)
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        evidence, case, unbroken = (Path(name) / part for part in ("evidence", "case", "unbroken"))
        make_evidence(evidence, args.files, args.damaged, None if args.crops else args.side, chance)
        seen: dict[str, dict[str, Any]] = {}
        moments, different = [], 0
        for kill in range(args.kills):
            after = len(seen) + chance.randint(1, max(1, (args.files - len(seen)) // (args.kills - kill) * 2 - 1))
            delay = chance.uniform(0, 0.4)
            different += killed(evidence, case, args.weights, after, delay, seen)
            moments.append(len(seen))
        code, rest = until_the_end(evidence, case, args.weights)
        plain_code, whole = until_the_end(evidence, unbroken, args.weights)
        counts = json.loads((case / "case.json").read_text())["counts"]
        done = counts["analysed"] + counts["not_analysed"] + counts["failed"]
        same = content(case) == content(unbroken)
        verified = subprocess.run([*MESORCH, "verify", str(case), "--quiet"], stdout=subprocess.DEVNULL, check=False)
        unfinished = [path for path in case.rglob("*") if path.name.endswith((".part", "-wal", "-shm"))]
        lines = [
            f"# A case killed {args.kills} times",
            "",
            f"`python benchmarks/batch_faults.py {' '.join(sys.argv[1:])}`",
            "",
            f"{date.today():%d %B %Y}. {platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; Python "
            f"{platform.python_version()}, torch {torch.__version__}.",
            "",
            "| what | |",
            "|---|---|",
            f"| files, damaged among them | {args.files}, {args.damaged} |",
            f"| finished files told of at each kill -9 | {', '.join(map(str, moments))} |",
            f"| finished files that a later run told otherwise (analysed again) | {different} |",
            f"| found = analysed + not analysed + failed + waiting | {counts['found']} = {counts['analysed']} + "
            f"{counts['not_analysed']} + {counts['failed']} + {counts['waiting']}: {counts['found'] == args.files == done} |",
            f"| copies | {counts['copies']} |",
            f"| results equal to the unbroken run's, byte for byte but for times | {same} |",
            f"| temporary files left | {len(unfinished)} |",
            f"| exit codes of the last and of the unbroken run | {code}, {plain_code} |",
            f"| `mesorch verify` afterwards | exit {verified.returncode} |",
            f"| unbroken run; the last run alone | {whole:.0f} s; {rest:.0f} s |",
        ]
    text = "\n".join(lines) + "\n"
    print(text)
    if args.result:
        args.result.write_text(text, encoding="utf-8")
    if not (
        same
        and not unfinished
        and different == 0
        and counts["found"] == args.files == done
        and verified.returncode == 0
    ):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
