"""Make what the grain network is trained on: planes of forged and authentic photos, and how much of each block was changed.

usage: make_planes.py COLLECTED OUT --count N [--seed 7] [--validation] [--workers 1]

As configs/history/make_blocks.py, but half of the photos are never saved as a JPEG after the change, and half of the changes
are made in place. Item i depends on (seed, i) alone.
"""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from mesorch_cli.forge.encoding import decoded, drawn_settings, encode_jpeg
from mesorch_cli.forge.in_place import KINDS, apply
from mesorch_cli.inference.witnesses.block_statistics import BlockStatistics, can_be_measured
from mesorch_cli.inference.witnesses.blocks import BLOCK
from mesorch_cli.inference.witnesses.grain.planes import FEWEST_SIDE, grain_planes

sys.path.insert(0, str(Path(__file__).parents[1] / "history"))
from make_blocks import (
    Photos,
    Pixels,
    Plane,
    UnsuitableError,
    changed_host,
    host_of,
    listed,
    off_grid,
    region_of,
    resized,
    toned,
    window,
)

LONGEST = 768  # pixels of an item
AUTHENTIC_SHARE, IN_PLACE_SHARE = 0.15, 0.5
AROUND = 16  # pixels that an edit may use around its region; a multiple of a block
LATER = {"none": 0.5, "resized": 0.12, "off the grid": 0.06, "toned": 0.12, "saved": 0.2}
LAST_SAVE = {"none": 0.5, "good": 0.3, "any": 0.2}
QUALITIES = {"good": (82, 98), "any": (50, 98)}


def drawn_of(shares: dict[str, float], rng: np.random.Generator) -> str:
    """Return a key, drawn by its share."""
    return list(shares)[int(rng.choice(len(shares), p=list(shares.values())))]


def in_place(host: Pixels, whole: Plane, rng: np.random.Generator) -> tuple[Pixels, str]:
    """Return the host after an edit of its region, with whatever else the edit's window holds, and the kind."""
    rows, columns = np.flatnonzero(whole.any(axis=1)), np.flatnonzero(whole.any(axis=0))
    top, left = (max(0, int(first[0]) - AROUND) // BLOCK * BLOCK for first in (rows, columns))
    box = slice(top, int(rows[-1]) + AROUND), slice(left, int(columns[-1]) + AROUND)
    kind, other = KINDS[int(rng.integers(len(KINDS)))], host.copy()
    other[box] = apply(kind, float(rng.uniform(0, 1)), np.ascontiguousarray(host[box]), rng)
    return other, f"in place, {kind}"


def made(photos: Photos, rng: np.random.Generator) -> tuple[Pixels, Plane, str]:
    """Return a photo as it would be opened, the share of the change in each pixel, and the kind of change."""
    host = host_of(photos, rng)
    if min(host.shape[:2]) < 128:
        raise UnsuitableError
    host = window(host, rng, LONGEST)
    changed, kind = np.zeros(host.shape[:2], np.float32), "authentic"
    pixels = host
    if rng.random() >= AUTHENTIC_SHARE:
        whole = region_of(*host.shape[:2], rng)
        how = in_place(host, whole, rng) if rng.random() < IN_PLACE_SHARE else changed_host(photos, host, whole, rng)
        other, kind = how
        softness = float(rng.choice([0, 0, 0.6, 1.2, 2.5]))
        changed = cv2.GaussianBlur(whole, (0, 0), softness) if softness else whole
        mixed = host * (1 - changed[..., None]) + other * changed[..., None]
        pixels = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
    later, last = drawn_of(LATER, rng), drawn_of(LAST_SAVE, rng)
    if later == "resized":
        pixels = resized(pixels, float(rng.uniform(0.5, 0.97)), rng)
        changed = cv2.resize(changed, pixels.shape[1::-1], interpolation=cv2.INTER_AREA)
    elif later == "off the grid":
        pixels, changed = off_grid(rng, pixels, changed)
    elif later == "toned":
        pixels = toned(pixels, rng)
    elif later == "saved":
        pixels = decoded(encode_jpeg(np.ascontiguousarray(pixels), drawn_settings(rng, 70, 98)))
    if last != "none":
        pixels = decoded(encode_jpeg(np.ascontiguousarray(pixels), drawn_settings(rng, *QUALITIES[last])))
    return np.ascontiguousarray(pixels), changed, f"{kind}|{'lossless' if last == 'none' else 'jpeg'}"


def make(collected: Path, out: Path, seed: int, validation: bool, index: int) -> None:
    """Write item `index`: the planes, and by block the share that was changed, 0..255."""
    rng = np.random.default_rng([seed, index, 11])
    photos = listed(collected, validation)
    while True:
        try:
            pixels, changed, kind = made(photos, rng)
        except (UnsuitableError, ValueError, cv2.error):  # too small a photo or region for an operation
            continue
        if can_be_measured(pixels, FEWEST_SIDE):
            break
    planes = grain_planes(pixels, BlockStatistics.of(pixels))
    rows, columns = planes.shape[:2]
    cropped = changed[: rows * BLOCK, : columns * BLOCK]
    share = cropped.reshape(rows, BLOCK, columns, BLOCK).mean(axis=(1, 3))
    np.savez(
        out / f"{seed:03d}-{index:06d}.npz",
        planes=planes, changed=np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8), kind=kind,
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collected", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--validation", action="store_true")
    parser.add_argument("--workers", type=int, default=1)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(1)
    Image.MAX_IMAGE_PIXELS = None
    work = partial(make, args.collected, args.out, args.seed, args.validation)
    with ProcessPoolExecutor(args.workers) as pool:
        for _ in pool.map(work, range(args.count), chunksize=16):
            pass


if __name__ == "__main__":
    main()
