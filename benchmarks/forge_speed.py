"""Forged samples per second at 512 x 512: by operation in one process, and of the default mixture in one and in several.

usage: forge_speed.py [--samples 240] [--processes 2] [--side 512] [--result FILE.md]

A sample is what a training worker makes: host and donor decoded from JPEG files, forged with the whole histories, and
squashed to the side. The photos are scikit-image's. Sample i is made from (seed, i) alone, so two workers never share
a random stream; that several processes make the very samples of one is checked by their hashes. Time of the processor
is given beside that of the clock, since other programs may run.
"""

import argparse
import hashlib
import io
import multiprocessing
import os
import platform
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from mesorch_cli.forge.recipe import OPERATIONS, Donor, ForgeRecipe, forge_photo

PHOTOS = ("astronaut", "coffee", "chelsea", "rocket", "cat")
SEED = 20261124
OBJECT_SHARE = 0.5


@dataclass(frozen=True)
class Work:
    """Samples to make: photos as JPEG files, the first one an object with a mask."""

    photos: tuple[bytes, ...]
    mask: NDArray[np.bool_]
    side: int
    recipe: ForgeRecipe


def sample_photos(side: int) -> tuple[tuple[bytes, ...], NDArray[np.bool_]]:
    """Return the photos as JPEG files of side x side pixels, and a mask for the first one's portrait."""
    files = []
    for name in PHOTOS:
        image = Image.fromarray(getattr(data, name)()).resize((side, side), Image.Resampling.LANCZOS)
        stream = io.BytesIO()
        image.save(stream, "JPEG", quality=95)
        files.append(stream.getvalue())
    y, x = np.indices((side, side)) / side
    head = np.hypot((x - 0.43) / 0.13, (y - 0.23) / 0.2) < 1
    body = (np.hypot((x - 0.45) / 0.36, (y - 0.85) / 0.45) < 1) & (y > 0.4)
    return tuple(files), head | body


def make(work: Work, number: int) -> bytes:
    """Make one sample and return a hash of it."""
    rng = np.random.default_rng([SEED, number])
    host, donor = (int(at) for at in rng.integers(0, len(work.photos), 2))
    donor = 0 if rng.random() < OBJECT_SHARE else donor
    read = {at: np.asarray(Image.open(io.BytesIO(work.photos[at])).convert("RGB")) for at in (host, donor)}
    given = Donor(read[donor], mask=work.mask if donor == 0 else None)
    forgery = forge_photo(rng, Donor(read[host]), given, work.recipe)
    size = (work.side, work.side)
    pixels = cv2.resize(forgery.pixels, size, interpolation=cv2.INTER_LINEAR)
    mask = cv2.resize(forgery.mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    return hashlib.sha256(pixels.tobytes() + mask.tobytes()).digest()


def run(work: Work, numbers: range) -> tuple[dict[int, bytes], float, float]:
    """Make samples in this process; returns their hashes, and the seconds of clock and of processor."""
    cv2.setNumThreads(1)
    make(work, numbers[0])  # warms up: tables are read, code is loaded
    clock, processor = time.perf_counter(), time.process_time()
    hashes = {number: make(work, number) for number in numbers}
    return hashes, time.perf_counter() - clock, time.process_time() - processor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=240)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--result", type=Path)
    args = parser.parse_args()
    photos, mask = sample_photos(args.side)
    lines = [f"# Speed of forging at {args.side} x {args.side}", ""]
    lines += [f"`python benchmarks/forge_speed.py {' '.join(sys.argv[1:])}`", ""]
    lines += [
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the run; Python "
        f"{platform.python_version()}, NumPy {np.__version__}, OpenCV {cv2.__version__}, Pillow {PIL.__version__}.",
        "",
        "| what | processes | samples | per second of clock | per second of processor and core |",
        "|---|---|---|---|---|",
    ]
    for operation in OPERATIONS:
        shares = tuple(float(name == operation) for name in OPERATIONS)
        work = Work(photos, mask, args.side, ForgeRecipe(shares=shares))
        _, clock, processor = run(work, range(args.samples // 4))
        count = args.samples // 4
        lines.append(f"| {operation} | 1 | {count} | {count / clock:.1f} | {count / processor:.1f} |")
    work = Work(photos, mask, args.side, ForgeRecipe())
    alone, clock, processor = run(work, range(args.samples))
    lines.append(
        f"| default mixture | 1 | {args.samples} | {args.samples / clock:.1f} | {args.samples / processor:.1f} |"
    )
    with multiprocessing.get_context("spawn").Pool(args.processes) as pool:
        pool.map(int, range(args.processes))  # the start of the processes is not what is measured
        stripes = [(work, range(first, args.samples, args.processes)) for first in range(args.processes)]
        started = time.perf_counter()
        parts = pool.starmap(run, stripes, chunksize=1)
        clock = time.perf_counter() - started
    together = {number: value for hashes, _, _ in parts for number, value in hashes.items()}
    processor = sum(seconds for _, _, seconds in parts)
    rates = f"{args.samples / clock:.1f} | {args.samples / processor:.1f}"
    lines.append(f"| default mixture | {args.processes} | {args.samples} | {rates} |")
    same = "the same, byte for byte" if together == alone else "DIFFERENT"
    distinct = len(set(alone.values()))
    lines += ["", f"Samples of one process and of {args.processes}: {same}; {distinct} of {args.samples} are distinct."]
    text = "\n".join(lines) + "\n"
    print(text)
    if args.result:
        args.result.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
