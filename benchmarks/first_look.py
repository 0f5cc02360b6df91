"""What the first look saves, and what it costs on small forged parts of large photos.

usage: first_look.py WEIGHTS PHOTOS [--rules 1.8,0.1 ...] [--smallest 0.0003] [--largest 0.009] [--seed 7]

PHOTOS holds authentic photos of 3 megapixels or more; smaller ones are passed over. Each gets an ellipse from another photo,
resized or not, with a soft border, and is saved as JPEG (OpenCV alone; the forge of mesorch has no part in it). The part
takes `smallest` to `largest` of the photo, evenly by logarithm. Printed are, for each rule `detail,share`, F1 at the photo's
threshold with the 95 % interval of the paired difference to all tiles, and the tiles left out on forged and original photos.
"""

import argparse
import hashlib
import math
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mesorch_cli.evaluation.metrics import confusion
from mesorch_cli.evidence import read_photo
from mesorch_cli.inference.analysis import Analysis
from mesorch_cli.inference.backends.protocol import Backend, Tiles
from mesorch_cli.inference.detection import Detection
from mesorch_cli.inference.detector import Detector
from mesorch_cli.inference.settings import Overrides
from mesorch_cli.inference.witnesses.registry import WITNESSES
from mesorch_cli.network.rules import FirstLookRule

LEAST_PIXELS = 2_900_000
FACTORS = (1.0, 1.0, 0.5, 0.7, 1.4)  # by which the donor is resized
QUALITIES = (85, 90, 95)
BORDER_SIGMA = 1.5  # pixels

Bgr = NDArray[np.uint8]
Mask = NDArray[np.bool_]


def forged(host: Bgr, donor: Bgr, area: float, draw: random.Random) -> tuple[bytes, Mask]:
    """Return the JPEG of a host with an ellipse of `area` pixels from a donor, and the mask."""
    side, aspect = math.sqrt(area * 4 / math.pi), draw.uniform(0.6, 1.6)
    wide, high = int(side * math.sqrt(aspect)), int(side / math.sqrt(aspect))
    factor = max(draw.choice(FACTORS), (wide + 2) / donor.shape[1], (high + 2) / donor.shape[0])
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    donor = np.asarray(cv2.resize(donor, None, fx=factor, fy=factor, interpolation=how), np.uint8)
    x, y = draw.randrange(donor.shape[1] - wide), draw.randrange(donor.shape[0] - high)
    left, top = draw.randrange(host.shape[1] - wide), draw.randrange(host.shape[0] - high)
    shape = np.zeros((high, wide), np.float32)
    cv2.ellipse(shape, (wide // 2, high // 2), (wide // 2 - 4, high // 2 - 4), 0, 0, 360, 1.0, -1)
    soft = cv2.GaussianBlur(shape, (0, 0), BORDER_SIGMA)[..., None]
    place = (slice(top, top + high), slice(left, left + wide))
    result = host.copy()
    mixed = host[place] * (1 - soft) + donor[y : y + high, x : x + wide] * soft
    result[place] = np.rint(mixed).astype(np.uint8)
    mask = np.zeros(host.shape[:2], bool)
    mask[place] = shape > 0
    ok, data = cv2.imencode(".jpg", result, [cv2.IMWRITE_JPEG_QUALITY, draw.choice(QUALITIES)])
    assert ok
    return data.tobytes(), mask


class Remembering:
    """A backend that answers a second time without computing, until `forget`."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._known: dict[bytes, NDArray[np.float32]] = {}
        self.forget = self._known.clear

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def __call__(self, tiles: Tiles, at_once: int = 1) -> NDArray[np.float32]:
        key = hashlib.sha256(tiles.tobytes()).digest()
        if key not in self._known:
            self._known[key] = self._backend(tiles, at_once)
        return self._known[key]


def f1_of(detection: Detection, mask: Mask) -> float:
    assert detection.map is not None
    assert detection.threshold is not None
    return confusion(detection.map, mask, detection.threshold).f1


def left_out(detection: Detection) -> float:
    return detection.tiles_left_out / (detection.tiles + detection.tiles_left_out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--rules", nargs="+", default=["1.8,0.1"])
    parser.add_argument("--smallest", type=float, default=0.0003)
    parser.add_argument("--largest", type=float, default=0.009)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    rules = [
        FirstLookRule(detail=float(detail), share=float(share))
        for detail, share in (rule.split(",") for rule in args.rules)
    ]
    alone: dict[str, Any] = dict.fromkeys((witness.name for witness in WITNESSES), False)
    asked = Overrides(edges=False, **alone)
    detector = Detector.of(Analysis.load(args.weights, asked), "cpu")
    backend = Remembering(detector.backend)
    detectors = [
        Detector(backend, replace(detector.settings, first_look=rule), detector.weights) for rule in (None, *rules)
    ]
    draw = random.Random(args.seed)
    photos = {path: cv2.imread(str(path)) for path in sorted(args.photos.iterdir())}
    large = {p: pixels for p, pixels in photos.items() if pixels is not None and pixels[..., 0].size >= LEAST_PIXELS}
    f1: list[list[float]] = []
    saved: list[list[float]] = []
    for path, host in large.items():
        donor = draw.choice([pixels for other, pixels in large.items() if other != path])
        area = math.exp(draw.uniform(math.log(args.smallest), math.log(args.largest))) * host[..., 0].size
        data, mask = forged(np.asarray(host, np.uint8), np.asarray(donor, np.uint8), area, draw)
        pixels, original = read_photo("forged", data=data).pixels, read_photo(path).pixels
        seen = [one.detect(pixels) for one in detectors]
        f1.append([f1_of(detection, mask) for detection in seen])
        saved.append(
            [left_out(detection) for detection in seen] + [left_out(one.detect(original)) for one in detectors[1:]]
        )
        backend.forget()
        print(path.name, f"{mask.mean():.2%}", " ".join(f"{value:.3f}" for value in f1[-1]), flush=True)
    values, shares = np.array(f1), np.array(saved).mean(axis=0)
    chosen = np.random.default_rng(0).integers(0, len(values), (10_000, len(values)))
    print(f"\n{len(values)} photos\n")
    print("| tiles | F1 | difference | left out, forged | left out, originals |\n|---|---|---|---|---|")
    for index, name in enumerate(["all", *args.rules]):
        difference = values[:, index] - values[:, 0]
        low, high = np.percentile(difference[chosen].mean(axis=1), (2.5, 97.5))
        told = f"{difference.mean():+.4f} [{low:+.4f}, {high:+.4f}]" if index else ""
        print(
            f"| {name} | {values[:, index].mean():.3f} | {told} | {shares[index]:.1%} | "
            f"{shares[len(rules) + index] if index else 0:.1%} |"
        )


if __name__ == "__main__":
    main()
