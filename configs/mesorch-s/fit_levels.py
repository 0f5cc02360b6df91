"""What the levels of the analysis are worth, and how much each should weigh in the fusion: measured on a set with masks.

usage: fit_levels.py CHECKPOINT SET [--precision bf16]

Every tampered photo of SET (a folder as `benchmarks/localisation.py` takes it) is analysed by each level alone, by the engine
of `mesorch detect`; their logits are then averaged with different weights. Printed are the mean pixel AUC and the F1 at the
set's best threshold. `publish.py` keeps what was chosen, as LEVELS.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from localisation import THRESHOLDS, pairs
from publish import OVERLAP, SIDE

from mesorch_cli.evaluation.masks import read_mask
from mesorch_cli.evaluation.metrics import f1_curve, pixel_auc
from mesorch_cli.evidence import read_photo
from mesorch_cli.inference.backends import TorchBackend
from mesorch_cli.inference.detector import Detector
from mesorch_cli.inference.settings import Settings
from mesorch_cli.network.config import MESORCH_S
from mesorch_cli.network.mesorch import Mesorch
from mesorch_cli.network.passport import Level, ScoreRule
from mesorch_cli.training.checkpoint import load_checkpoint

LEVELS = (Level(kind="whole"), Level(kind="mirrored"), Level(kind="tiles", long_side=0))
WEIGHTS = (  # of whole, mirrored, native
    (1.0, 0.0, 0.0), (0.5, 0.5, 0.0), (0.0, 0.0, 1.0),
    (1.0, 0.0, 1.0), (0.7, 0.0, 1.0), (0.5, 0.0, 1.0),
    (0.5, 0.5, 1.0), (0.35, 0.35, 1.0), (0.25, 0.25, 1.0), (0.7, 0.7, 1.0),
)  # fmt: skip
SURE = 1e-7  # probabilities are kept this far from 0 and 1


def logits(detector: Detector, pixels: NDArray[np.unsignedinteger]) -> NDArray[np.float32]:
    """Return the map of one level as logits."""
    probability = detector.detect(pixels).probability
    if probability is None:
        raise SystemExit("a photo was not analysed")
    kept = np.clip(probability, SURE, 1 - SURE)
    return np.log(kept / (1 - kept))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("set", type=Path)
    parser.add_argument("--precision", default="bf16", choices=("fp32", "bf16"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    network = Mesorch(MESORCH_S)
    network.load_state_dict(load_checkpoint(args.checkpoint).ema, strict=True)
    backend = TorchBackend(network.eval(), "cpu", args.precision)
    settings = Settings(
        side=SIDE, levels=LEVELS, overlap=OVERLAP, precision=args.precision, pixel_threshold=0.5, score=ScoreRule()
    )
    detectors = [Detector(backend, replace(settings, levels=(level,))) for level in LEVELS]
    auc: list[list[float]] = [[] for _ in WEIGHTS]
    curves: list[list[NDArray[np.float64]]] = [[] for _ in WEIGHTS]
    for path, mask_path in pairs(args.set)[0]:
        pixels = read_photo(path).pixels
        mask = read_mask(mask_path).tampered
        maps = [logits(detector, pixels) for detector in detectors]
        for index, weights in enumerate(WEIGHTS):
            mean = sum(weight * one for weight, one in zip(weights, maps, strict=True)) / sum(weights)
            probability = np.asarray(1 / (1 + np.exp(-mean)), np.float32)
            auc[index].append(pixel_auc(probability.ravel(), mask.ravel()))
            curves[index].append(f1_curve(probability, mask, THRESHOLDS))
    print(f"{len(auc[0])} photos\n\n| whole | mirrored | native | AUC | best F1 |\n|---|---|---|---|---|")
    for index, weights in enumerate(WEIGHTS):
        shown = " | ".join(f"{weight:g}" for weight in weights)
        print(f"| {shown} | {np.mean(auc[index]):.4f} | {np.mean(curves[index], axis=0).max():.4f} |")


if __name__ == "__main__":
    main()
