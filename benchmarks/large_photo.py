"""Time, tiles and peak memory of one large photo with the shipped weights.

usage: large_photo.py [--side 10000] [--threads 2] [--scales LIST]

The photo is made here: noise of several scales, so that no tile is featureless. Memory is the peak of the process
(ru_maxrss) beyond the decoded photo itself.
"""

import argparse
import resource
import time

import cv2
import numpy as np
import torch

from mesorch_cli.inference.backends import TorchBackend
from mesorch_cli.inference.detector import Detector
from mesorch_cli.inference.settings import Settings
from mesorch_cli.network.store import find_weights
from mesorch_cli.network.weights import load_weights
from mesorch_cli.report import overlay


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=10_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--scales")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    weights = load_weights(find_weights())
    settings = Settings.from_passport(weights.passport, scales=args.scales)
    detector = Detector(TorchBackend(weights.network, "cpu", settings.precision), settings)

    rng = np.random.default_rng(0)
    pixels = np.empty((args.side, args.side, 3), np.uint8)
    coarse = rng.integers(60, 190, (args.side // 40 + 1, args.side // 40 + 1, 3), dtype=np.uint8)
    for first in range(0, args.side, 500):  # in bands, so that making the photo does not set the peak
        rows = slice(first, min(first + 500, args.side))
        part = coarse[first // 40 : first // 40 + 13]
        smooth = cv2.resize(part, (args.side, rows.stop - rows.start), interpolation=cv2.INTER_CUBIC)
        pixels[rows] = cv2.add(smooth, rng.integers(0, 12, smooth.shape, dtype=np.uint8))
    before = peak_mib()
    started = time.perf_counter()
    detection = detector.detect(pixels)
    seconds = time.perf_counter() - started
    engine = peak_mib()
    if detection.probability is None:
        raise SystemExit(f"not analysed: {detection.reason}")
    overlay.heatmap(detection.probability)
    overlay.overlay(pixels, detection.probability, settings.pixel_threshold)
    photo = pixels.nbytes / 2**20
    print(f"{args.side} x {args.side} pixels, {detection.tiles} tiles, levels {', '.join(detection.scales)}")
    print(f"{seconds:.0f} s with {args.threads} threads; photo {photo:.0f} MiB")
    print(f"peak before {before:.0f} MiB, engine {engine:.0f} MiB, with pictures {peak_mib():.0f} MiB")
    print(f"beyond the photo: engine {engine - photo:.0f} MiB, with pictures {peak_mib() - photo:.0f} MiB")


if __name__ == "__main__":
    main()
