"""What reduced precision costs on real photos: pixels of the mask that flip, change of F1 and of the image score.

usage: precision_cost.py SET [SET ...] [--weights NAME|FILE] [--precision bf16] [--device cpu]

A SET is a folder as `localisation.py` takes it. Every photo is analysed twice by the engine of `mesorch detect`, in float32
and in the reduced precision, with the passport's settings.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from localisation import pairs

from mesorch_cli.evaluation.metrics import confusion
from mesorch_cli.evidence import read_photo
from mesorch_cli.inference.backends import TorchBackend
from mesorch_cli.inference.detector import Detector
from mesorch_cli.inference.settings import Settings
from mesorch_cli.network.store import find_weights
from mesorch_cli.network.weights import load_weights


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", type=Path, nargs="+")
    parser.add_argument("--weights")
    parser.add_argument("--precision", default="bf16")
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    weights = load_weights(find_weights(args.weights))
    settings = Settings.from_passport(weights.passport)
    detectors = [
        Detector(TorchBackend(weights.network, args.device, precision), replace(settings, precision=precision))
        for precision in ("fp32", args.precision)
    ]
    print(f"{weights.passport.name} {weights.passport.version}, {args.precision} against fp32 on {args.device}\n")
    print(
        "| set | photos | pixels flipped, mean | worst photo | F1 fp32 | F1 | largest score change | verdicts changed |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for folder in args.sets:
        tampered, authentic = pairs(folder)
        flips, scores, verdicts, f1 = [], [], 0, ([], [])
        for path, mask_path in [*tampered, *((path, None) for path in authentic)]:
            pixels = read_photo(path).pixels
            found = [detector.detect(pixels) for detector in detectors]
            if found[0].probability is None or found[1].probability is None:
                raise SystemExit(f"{path} was not analysed")
            marked = [one.probability > settings.pixel_threshold for one in found]
            flips.append(np.mean(marked[0] != marked[1]))
            scores.append(abs(found[0].score - found[1].score))
            verdicts += found[0].verdict is not found[1].verdict
            if mask_path is not None:
                mask = cv2.imread(str(mask_path), cv2.IMREAD_GRAYSCALE) > 127
                for values, one in zip(f1, found, strict=True):
                    values.append(confusion(one.probability, mask, settings.pixel_threshold).f1)
        print(
            f"| {folder.name} | {len(flips)} | {np.mean(flips):.2%} | {np.max(flips):.2%} | {np.nanmean(f1[0]):.4f} | "
            f"{np.nanmean(f1[1]):.4f} | {np.max(scores):.4f} | {verdicts} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
