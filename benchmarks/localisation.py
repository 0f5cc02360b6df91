"""Where the shipped weights stand, beside floors that know nothing, on photos with masks.

usage: localisation.py SET [SET ...] [--weights NAME|PATH] [--scales default|reference|...] [--limit N] [--json FILE]

A SET is a folder with `Tp` and `Gt` (and `Au`), or with `image` and `mask` (and `authentic`); masks pair by stem. Pixel
figures are means over the tampered photos at the photo's own size: AUC, F1 at the passport's threshold, and F1 at the
one threshold that is best for the set. Authentic photos count apart: the share whose verdict is not `no evidence found`,
and the share called `evidence of manipulation`.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from floors import FLOORS
from numpy.typing import NDArray

from mesorch_cli.evaluation.datasets import read_dataset
from mesorch_cli.evaluation.masks import read_mask
from mesorch_cli.evaluation.metrics import confusion, f1_curve, pixel_auc
from mesorch_cli.evidence import read_photo
from mesorch_cli.inference.backends import TorchBackend
from mesorch_cli.inference.detector import Detector, Settings
from mesorch_cli.network.store import find_weights
from mesorch_cli.network.weights import load_weights

THRESHOLDS = np.linspace(0.02, 0.98, 49)


@dataclass
class Column:
    """Figures of one method over the photos of one set."""

    auc: list[float] = field(default_factory=list)
    f1: list[float] = field(default_factory=list)
    f1_by_threshold: list[NDArray[np.float64]] = field(default_factory=list)

    def add(self, probability: NDArray[np.float32], mask: NDArray[np.bool_], threshold: float) -> None:
        self.auc.append(pixel_auc(probability.ravel(), mask.ravel()))
        self.f1.append(confusion(probability, mask, threshold).f1)
        self.f1_by_threshold.append(f1_curve(probability, mask, THRESHOLDS))

    def row(self) -> dict[str, float]:
        best = np.mean(self.f1_by_threshold, axis=0)
        return {
            "photos": len(self.auc),
            "auc": float(np.nanmean(self.auc)),
            "f1": float(np.mean(self.f1)),
            "f1_best": float(best.max()),
            "best_threshold": float(THRESHOLDS[int(best.argmax())]),
        }


def pairs(folder: Path) -> tuple[list[tuple[Path, Path]], list[Path]]:
    """Return (photo, mask) pairs, and the authentic photos."""
    dataset = read_dataset(folder)
    tampered = [(sample.photo, sample.mask) for sample in dataset.samples if sample.mask is not None]
    return tampered, [sample.photo for sample in dataset.authentic]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+", type=Path)
    parser.add_argument("--weights")
    parser.add_argument("--scales")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    weights = load_weights(find_weights(args.weights))
    settings = Settings.from_passport(weights.passport, scales=args.scales)
    detector = Detector(TorchBackend(weights.network, args.device, settings.precision), settings)
    methods: dict[str, Callable[[NDArray[np.uint8]], NDArray[np.float32]]] = dict(FLOORS)
    report: dict[str, object] = {"weights": weights.passport.name, "sha256": weights.sha256}
    for folder in args.sets:
        tampered, authentic = pairs(folder)
        columns = {name: Column() for name in [*methods, weights.passport.name]}
        verdicts: dict[str, list[str]] = {"tampered": [], "authentic": []}
        scores: dict[str, list[float]] = {"tampered": [], "authentic": []}
        for path, mask_path in tampered[: args.limit]:
            photo = read_photo(path)
            mask = read_mask(mask_path).tampered
            detection = detector.detect(photo.pixels)
            if detection.probability is None or detection.score is None:
                print(f"not analysed: {path.name}: {detection.reason}")
                continue
            verdicts["tampered"].append(detection.verdict.value)
            scores["tampered"].append(detection.score)
            columns[weights.passport.name].add(detection.probability, mask, settings.pixel_threshold)
            for name, method in methods.items():
                columns[name].add(method(photo.pixels.astype(np.uint8)), mask, 0.5)
        for path in authentic[: args.limit]:
            detection = detector.detect(read_photo(path).pixels)
            verdicts["authentic"].append(detection.verdict.value)
            if detection.score is not None:
                scores["authentic"].append(detection.score)
        print(f"\n{folder.name}: {len(columns['centre prior'].auc)} tampered, {len(verdicts['authentic'])} authentic\n")
        print("| method | pixel AUC | F1 at its threshold | F1 at the set's best one |\n|---|---|---|---|")
        rows = {name: column.row() for name, column in columns.items()}
        for name, row in rows.items():
            print(
                f"| {name} | {row['auc']:.3f} | {row['f1']:.3f} | {row['f1_best']:.3f} at {row['best_threshold']:.2f} |"
            )
        image_auc = float("nan")
        if scores["authentic"] and scores["tampered"]:
            both = np.array(scores["tampered"] + scores["authentic"], np.float32)
            truth = np.arange(both.size) < len(scores["tampered"])
            image_auc = pixel_auc(both, truth)
        shares = {
            kind: {word: found.count(word) / len(found) for word in sorted(set(found))}
            for kind, found in verdicts.items()
            if found
        }
        print(f"\nimage AUC of the score {image_auc:.3f}; verdicts {json.dumps(shares)}")
        report[folder.name] = {"rows": rows, "image_auc": image_auc, "verdicts": shares, "scores": scores}
    if args.json:
        args.json.write_text(json.dumps(report, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
