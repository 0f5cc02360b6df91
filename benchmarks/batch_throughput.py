"""`mesorch batch` against a shell loop over `mesorch detect`, and against a plain loop over the network alone.

The three take turns, round after round, so that other programs slow all of them; figures are medians of the rounds' ratios.
The plain loop only reads each photo and runs the engine: no second hash, no pictures, no records, no journal. It runs in
this process, whose start is not counted; the start of `batch` is.

usage: batch_throughput.py [--photos 40] [--rounds 3] [--result FILE.md]
"""

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import torch
from skimage import data

MESORCH = [sys.executable, "-m", "mesorch_cli"]


def make_photos(folder: Path, count: int) -> list[Path]:
    """Make photos of 512 x 512, no two alike."""
    import cv2

    folder.mkdir()
    names = ("astronaut", "coffee", "chelsea", "rocket")
    for number in range(count):
        pixels = getattr(data, names[number % len(names)])()[:, :, ::-1]
        turned = cv2.resize(pixels, (512, 512))[:, :: (1 if number % 2 else -1)].copy()
        turned[number % 512, :8] = number % 251
        cv2.imwrite(str(folder / f"{number:04}.jpg"), turned, [cv2.IMWRITE_JPEG_QUALITY, 80 + number % 20])
    return sorted(folder.iterdir())


def plain_loop(photos: list[Path]) -> float:
    """Return the seconds that reading and the engine alone take."""
    from mesorch_cli.evidence import read_photo
    from mesorch_cli.inference.backends import TorchBackend
    from mesorch_cli.inference.detector import Detector
    from mesorch_cli.inference.settings import Settings
    from mesorch_cli.network.store import find_weights
    from mesorch_cli.network.weights import load_weights

    loaded = load_weights(find_weights())
    detector = Detector(TorchBackend(loaded.network, "cpu"), Settings.from_passport(loaded.passport))
    detector.detect(read_photo(photos[0]).pixels)
    started = time.perf_counter()
    for photo in photos:
        detector.detect(read_photo(photo).pixels)
    return time.perf_counter() - started


def timed(*commands: list[str]) -> float:
    """Return the seconds that commands take one after another."""
    started = time.perf_counter()
    for command in commands:
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=40)
    parser.add_argument("--shell-photos", type=int, default=8, help="of these, for the loop that starts again for each")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--result", type=Path)
    args = parser.parse_args()
    per_photo: dict[str, list[float]] = {"plain": [], "batch": [], "shell": []}
    with tempfile.TemporaryDirectory() as name:
        photos = make_photos(Path(name) / "photos", args.photos)
        for number in range(args.rounds):
            per_photo["plain"].append(plain_loop(photos) / len(photos))
            case = Path(name) / f"case{number}"
            per_photo["batch"].append(
                timed([*MESORCH, "batch", str(photos[0].parent), "-o", str(case), "--device", "cpu", "-q"])
                / len(photos)
            )
            few = photos[: args.shell_photos]
            detect = [*MESORCH, "detect", "-o", f"{name}/alone", "--device", "cpu", "-q"]
            per_photo["shell"].append(timed(*([*detect, str(photo)] for photo in few)) / len(few))
            shutil.rmtree(case)
    ratios = {
        f"{above} / {below}": [one / other for one, other in zip(per_photo[above], per_photo[below], strict=True)]
        for above, below in (("shell", "batch"), ("batch", "plain"))
    }
    lines = [
        "# Throughput of batch",
        "",
        f"`python benchmarks/batch_throughput.py {' '.join(sys.argv[1:])}`",
        "",
        f"{date.today():%d %B %Y}. {platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, load "
        f"{os.getloadavg()[0]:.1f} at the end; Python {platform.python_version()}, torch {torch.__version__}.",
        "",
        f"{args.photos} photos of 512 x 512, {args.rounds} rounds. plain: the engine alone; batch: all; shell: a loop that "
        f"starts `mesorch detect` for each of {args.shell_photos} photos.",
        "",
        "| seconds a photo | median | rounds |",
        "|---|---|---|",
    ]
    for what, values in per_photo.items():
        lines.append(f"| {what} | {statistics.median(values):.2f} | {', '.join(f'{value:.2f}' for value in values)} |")
    lines += ["", "| ratio | median | rounds |", "|---|---|---|"]
    for what, values in ratios.items():
        lines.append(f"| {what} | {statistics.median(values):.2f} | {', '.join(f'{value:.2f}' for value in values)} |")
    text = "\n".join(lines) + "\n"
    print(text)
    if args.result:
        args.result.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
