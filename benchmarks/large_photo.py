"""Time, tiles and peak memory of large photos with the shipped weights, and whether they grow with the photo.

usage: large_photo.py [--sides 1000 1732 3162 5477 10000] [--threads 2] [--scales LIST]

The photos are made here: noise of several scales, so that no tile is featureless. Each runs in a process of its own.
Memory is the peak of that process (ru_maxrss) beyond the decoded photo itself; time is that of the engine, without start
and pictures.
"""

import argparse
import multiprocessing
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from mesorch_cli.inference.backends import TorchBackend
from mesorch_cli.inference.detector import Detector
from mesorch_cli.inference.settings import Settings
from mesorch_cli.network.store import find_weights
from mesorch_cli.network.weights import load_weights
from mesorch_cli.report import overlay


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@dataclass(frozen=True)
class Cost:
    """What one photo cost: times in seconds, memory in MiB, engine and pictures as peaks of the process."""

    tiles: int
    wall: float
    cpu: float
    photo: float
    engine: float
    pictures: float


def made(side: int) -> NDArray[np.uint8]:
    """Return a square photo, made in bands so that making it does not set the peak."""
    rng = np.random.default_rng(0)
    pixels = np.empty((side, side, 3), np.uint8)
    coarse = rng.integers(60, 190, (side // 40 + 1, side // 40 + 1, 3), dtype=np.uint8)
    for first in range(0, side, 500):
        rows = slice(first, min(first + 500, side))
        part = coarse[first // 40 : first // 40 + 13]
        smooth = cv2.resize(part, (side, rows.stop - rows.start), interpolation=cv2.INTER_CUBIC)
        pixels[rows] = cv2.add(smooth, rng.integers(0, 12, smooth.shape, dtype=np.uint8))
    return pixels


def measure(side: int, threads: int, scales: str | None) -> Cost:
    """Analyse one photo in this process."""
    torch.set_num_threads(threads)
    weights = load_weights(find_weights())
    settings = Settings.from_passport(weights.passport, scales=scales)
    detector = Detector(TorchBackend(weights.network, "cpu", settings.precision), settings)
    pixels = made(side)
    wall, cpu = time.perf_counter(), time.process_time()
    detection = detector.detect(pixels)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    engine = peak_mib()
    if detection.probability is None:
        raise SystemExit(f"not analysed: {detection.reason}")
    overlay.heatmap(detection.probability)
    overlay.overlay(pixels, detection.probability, settings.pixel_threshold)
    return Cost(detection.tiles, wall, cpu, pixels.nbytes / 2**20, engine, peak_mib())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sides", type=int, nargs="+", default=[1000, 1732, 3162, 5477, 10_000])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--scales")
    args = parser.parse_args()
    print(
        "| megapixels | tiles | wall s | CPU s | CPU s a megapixel | CPU ms a tile | MiB beyond the photo | with pictures |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for side in args.sides:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            cost = pool.submit(measure, side, args.threads, args.scales).result()
        size = side * side / 1e6
        print(
            f"| {size:.1f} | {cost.tiles} | {cost.wall:.1f} | {cost.cpu:.1f} | {cost.cpu / size:.2f} | "
            f"{cost.cpu / cost.tiles * 1e3:.0f} | {cost.engine - cost.photo:.0f} | {cost.pictures - cost.photo:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
