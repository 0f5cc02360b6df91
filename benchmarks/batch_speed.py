"""`batch` of several checkouts on the same photos, folder by folder, interleaved.

usage: batch_speed.py PHOTOS NAME=COMMAND [NAME=COMMAND ...] [--count 200] [--folder 25] [--megapixels 1 2]

COMMAND contains the words PHOTOS and OUT, for which a folder of photos and a new folder stand, such as
`now=python -m mesorch_cli batch PHOTOS -o OUT -q`. From the photos below PHOTOS within the range of megapixels, `--count`
are taken at even distances of their sorted list. Each folder of them is analysed by every command in turn, in a process of
its own, and the next folder in the opposite order. Printed are sums over all folders, the share of time in which the cores
were busy, and how many times as fast as the first command each is (wall seconds), with a 95 % interval over folders.
"""

import argparse
import os
import platform
import shlex
import shutil
import tempfile
from pathlib import Path

import numpy as np
from commands_speed import run
from PIL import Image, UnidentifiedImageError

RESAMPLES = 10_000
SUFFIXES = {".jpg", ".jpeg", ".png"}


def chosen(root: Path, count: int, least: float, most: float) -> list[Path]:
    """Return photos within a range of megapixels, at even distances of the sorted list."""
    fitting = []
    for path in sorted(root.rglob("*")):
        if path.suffix.lower() not in SUFFIXES:
            continue
        try:
            with Image.open(path) as image:
                megapixels = image.width * image.height / 1e6
        except (UnidentifiedImageError, Image.DecompressionBombError):
            continue
        if least <= megapixels <= most:
            fitting.append(path)
    if len(fitting) < count:
        raise SystemExit(f"{root} has {len(fitting)} photos of {least:g} to {most:g} megapixels. Expected {count}.")
    return [fitting[place * len(fitting) // count] for place in range(count)]


def timed(words: list[str], photos: Path, out: Path) -> tuple[float, float, float]:
    """Return wall seconds, CPU seconds and MiB of one command on one folder."""
    places = {"PHOTOS": str(photos), "OUT": str(out)}
    told = run([places.get(word, word) for word in words], accepted=(0, 3))  # 3: a photo could not be analysed
    return told["wall"], told["cpu"], told["memory"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("commands", nargs="+", metavar="NAME=COMMAND")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--folder", type=int, default=25)
    parser.add_argument("--megapixels", type=float, nargs=2, default=(1.0, 2.0))
    args = parser.parse_args()
    commands = {name: shlex.split(text) for name, text in (entry.split("=", 1) for entry in args.commands)}
    photos = chosen(args.photos, args.count, *args.megapixels)
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in commands}
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        for number, first in enumerate(range(0, len(photos), args.folder)):
            folder = root / f"photos-{number}"
            folder.mkdir()
            for index, path in enumerate(photos[first : first + args.folder]):
                shutil.copyfile(path, folder / f"{index:03d}-{path.name}")
            for name in list(commands)[:: 1 if number % 2 == 0 else -1]:
                out = root / f"out-{number}-{name}"
                found[name].append(timed(commands[name], folder, out))
                shutil.rmtree(out)
                print(f"folder {number + 1}, {name}: {found[name][-1][0]:.1f} s", flush=True)
    print(f"\nPython {platform.python_version()}, {len(photos)} photos, {len(next(iter(found.values())))} folders\n")
    print(
        "| command | wall, s | CPU, s | cores busy | memory, MiB | wall, ratio | 95 % |\n|---|---|---|---|---|---|---|"
    )
    table = {name: np.array(runs) for name, runs in found.items()}
    base = next(iter(table.values()))
    drawn = np.random.default_rng(0).integers(0, len(base), (RESAMPLES, len(base)))
    for name, runs in table.items():
        wall, cpu, _ = runs.sum(axis=0)
        ratios = base[drawn, 0].sum(axis=1) / runs[drawn, 0].sum(axis=1)
        low, high = np.quantile(ratios, [0.025, 0.975])
        busy = cpu / wall / (os.cpu_count() or 1)
        cells = [
            f"{wall:.0f}",
            f"{cpu:.0f}",
            f"{busy:.0%}",
            f"{runs[:, 2].max():.0f}",
            f"{base[:, 0].sum() / wall:.2f} x",
        ]
        print(f"| {name} | {' | '.join(cells)} | {low:.2f} .. {high:.2f} |")


if __name__ == "__main__":
    main()
