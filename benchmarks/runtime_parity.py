"""Verdicts, scores and maps of the same weights under PyTorch and under ONNX Runtime, on real photos.

usage: runtime_parity.py PLACE [PLACE ...] [--photos 200] [--long-side 1024] [--weights NAME] [--rows rows.jsonl]

A place is a photo or a folder of photos. From each folder, every so many photos are taken, the same number from each as far
as they go. Photos whose long side exceeds --long-side are shrunk. A photo with another verdict is printed, and at the end a
row for all. --rows keeps the measurements of each photo; photos that are in it are not analysed again, so that an
interrupted run goes on.
"""

import argparse
import json
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
import cv2
import numpy as np

from mesorch_cli.errors import InputError
from mesorch_cli.evidence.isolation.isolated_reader import process_reader
from mesorch_cli.inference.detection import Detection
from mesorch_cli.inference.detector import Detector
from mesorch_cli.inference.passes import Pixels
from mesorch_cli.inference.runtime import Runtime

RUNTIMES: tuple[Runtime, Runtime] = ("torch", "onnx")


@dataclass(frozen=True)
class Row:
    """One photo in both runtimes. cpu: seconds. map: largest difference; flipped: share of pixels of the mask."""

    photo: str
    size: str
    verdicts: tuple[str, str]
    scores: tuple[float | None, float | None]
    regions: tuple[int, int]
    cpu: tuple[float, float]
    map: float | None = None
    flipped: float | None = None

    @property
    def same(self) -> bool:
        return self.verdicts[0] == self.verdicts[1]

    @property
    def score(self) -> float:
        """Return the difference of the scores, infinite if only one runtime gave one."""
        first, second = self.scores
        if first is None or second is None:
            return 0.0 if first == second else float("inf")
        return abs(first - second)


def files_of(place: Path) -> list[Path]:
    return [place] if place.is_file() else sorted(path for path in place.rglob("*") if path.is_file())


def chosen(places: list[Path], wanted: int) -> list[Path]:
    """Return about `wanted` files: all of the smaller folders, and of the larger ones every so many."""
    listed = sorted(map(files_of, places), key=len)
    found: list[Path] = []
    for position, paths in enumerate(listed):
        share = min(len(paths), max(0, wanted - len(found)) // (len(listed) - position))
        found += [paths[index * len(paths) // share] for index in range(share)]
    return found


def shrunk(pixels: Pixels, long_side: int) -> Pixels:
    factor = min(1.0, long_side / max(pixels.shape[:2]))
    if factor == 1.0:
        return pixels
    size = (max(1, round(pixels.shape[1] * factor)), max(1, round(pixels.shape[0] * factor)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), pixels.dtype)


def analysed(detector: Detector, pixels: Pixels) -> tuple[Detection, float]:
    """Return a detection and the CPU seconds that it took."""
    started = time.process_time()
    return detector.detect(pixels), time.process_time() - started


def compared(path: Path, pixels: Pixels, detectors: dict[Runtime, Detector]) -> Row:
    """Return the measurements of one photo."""
    (first, of_first), (second, of_second) = (analysed(detectors[name], pixels) for name in RUNTIMES)
    row = Row(
        str(path),
        f"{pixels.shape[1]} x {pixels.shape[0]}",
        (str(first.verdict), str(second.verdict)),
        (first.score, second.score),
        (len(first.regions), len(second.regions)),
        (of_first, of_second),
    )
    if first.map is None or second.map is None or first.threshold is None or second.threshold is None:
        return row
    flipped = (first.map > first.threshold) != (second.map > second.threshold)
    return replace(row, map=float(np.abs(first.map - second.map).max()), flipped=float(flipped.mean()))


def show(rows: list[Row]) -> None:
    """Print a table of one row for all photos."""
    regions = sum(row.regions[0] == row.regions[1] for row in rows)
    maps = [row.map for row in rows if row.map is not None]
    flipped = [row.flipped for row in rows if row.flipped is not None]
    print("| photos | same verdict | as many regions | score, largest difference | map | mask pixels flipped, worst |")
    print("|---|---|---|---|---|---|")
    print(
        f"| {len(rows)} | {sum(row.same for row in rows)} | {regions} | {max(row.score for row in rows):.1e} | "
        f"{max(maps):.1e} | {max(flipped):.4%} |"
    )
    verdicts = Counter(row.verdicts[0] for row in rows)
    spent = [sum(row.cpu[place] for row in rows) for place in range(2)]
    print(
        f"\n{', '.join(f'{count} {name}' for name, count in verdicts.items())}; {len(rows) - len(maps)} without a map"
    )
    print(f"CPU seconds: {spent[0]:.0f} in PyTorch, {spent[1]:.0f} in ONNX Runtime")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("places", nargs="+", type=Path)
    parser.add_argument("--photos", type=int, default=200)
    parser.add_argument("--long-side", type=int, default=1024)
    parser.add_argument("--weights")
    parser.add_argument("--rows", type=Path)
    args = parser.parse_args()
    rows: list[Row] = []
    if args.rows is not None and args.rows.exists():
        rows = [Row(**json.loads(line)) for line in args.rows.read_text().splitlines()]
    known = {row.photo for row in rows}
    detectors = {name: Detector.load(args.weights, "cpu", runtime=name) for name in RUNTIMES}
    for path in chosen(args.places, args.photos):
        if str(path) in known:
            continue
        try:
            pixels = shrunk(process_reader().read(path).pixels, args.long_side)
        except InputError:
            continue  # no photo, such as a table beside them
        row = compared(path, pixels, detectors)
        rows.append(row)
        if args.rows is not None:
            with args.rows.open("a") as file:
                file.write(json.dumps(asdict(row)) + "\n")
        if not row.same:
            print(row, flush=True)
    show(rows)


if __name__ == "__main__":
    main()
