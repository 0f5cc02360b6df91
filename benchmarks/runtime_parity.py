"""Verdicts, scores and maps of the same weights under PyTorch and under ONNX Runtime, on real photos.

usage: runtime_parity.py FOLDER [FOLDER ...] [--photos 200] [--long-side 1024] [--weights NAME] [--rows rows.jsonl]

From each folder, every so many photos are taken, the same number from each as far as they go. Photos whose long side
exceeds --long-side are shrunk. A row is printed for a photo with another verdict, and at the end one for all. --rows keeps
the measurements of each photo; photos that are in it are not analysed again, so that an interrupted run goes on.
"""

import argparse
import json
import sys
import time
from collections import Counter
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


def chosen(folders: list[Path], wanted: int) -> list[Path]:
    """Return about `wanted` files: all of the smaller folders, and of the larger ones every so many."""
    listed = sorted((sorted(path for path in folder.rglob("*") if path.is_file()) for folder in folders), key=len)
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


def compared(path: Path, pixels: Pixels, detectors: dict[Runtime, Detector]) -> dict[str, object]:
    """Return the measurements of one photo."""
    (first, of_first), (second, of_second) = (analysed(detectors[name], pixels) for name in RUNTIMES)
    row: dict[str, object] = {
        "photo": str(path),
        "size": f"{pixels.shape[1]} x {pixels.shape[0]}",
        "verdicts": [str(first.verdict), str(second.verdict)],
        "scores": [first.score, second.score],
        "regions": [len(first.regions), len(second.regions)],
        "cpu": [of_first, of_second],
    }
    if first.map is not None and second.map is not None:
        flipped = (first.map > first.threshold) != (second.map > second.threshold)
        row |= {"map": float(np.abs(first.map - second.map).max()), "flipped": float(flipped.mean())}
    return row


def show(rows: list[dict[str, object]]) -> None:
    """Print one line for all photos."""
    alike = [row for row in rows if row["verdicts"][0] == row["verdicts"][1]]  # type: ignore[index]
    done = [row for row in rows if "map" in row]
    verdicts = Counter(row["verdicts"][0] for row in rows)  # type: ignore[index]
    score = max(abs(row["scores"][0] - row["scores"][1]) for row in done)  # type: ignore[index]
    spent = [sum(row["cpu"][place] for row in rows) for place in range(2)]  # type: ignore[index]
    regions = sum(row["regions"][0] == row["regions"][1] for row in rows)  # type: ignore[index]
    print(
        "| photos | same verdict | as many regions | largest difference of a score | of a map | mask pixels flipped, worst |"
    )
    print("|---|---|---|---|---|---|")
    print(
        f"| {len(rows)} | {len(alike)} | {regions} | {score:.1e} | {max(row['map'] for row in done):.1e} | "  # type: ignore[type-var]
        f"{max(row['flipped'] for row in done):.4%} |"  # type: ignore[type-var]
    )
    print(
        f"\n{', '.join(f'{count} {name}' for name, count in verdicts.items())}; {len(rows) - len(done)} without a map"
    )
    print(f"CPU seconds: {spent[0]:.0f} in PyTorch, {spent[1]:.0f} in ONNX Runtime")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--photos", type=int, default=200)
    parser.add_argument("--long-side", type=int, default=1024)
    parser.add_argument("--weights")
    parser.add_argument("--rows", type=Path)
    args = parser.parse_args()
    rows: list[dict[str, object]] = []
    if args.rows is not None and args.rows.exists():
        rows = [json.loads(line) for line in args.rows.read_text().splitlines()]
    known = {row["photo"] for row in rows}
    detectors = {name: Detector.load(args.weights, "cpu", runtime=name) for name in RUNTIMES}
    for path in chosen(args.folders, args.photos):
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
                file.write(json.dumps(row) + "\n")
        if row["verdicts"][0] != row["verdicts"][1]:  # type: ignore[index]
            print(json.dumps(row), flush=True)
    show(rows)


if __name__ == "__main__":
    main()
