"""How far to go from the start of a run to its end: pixel AUC and F1 of the network alone, by the share of the way.

usage: fit_share.py RULES.safetensors START.safetensors END SET [SET ...] [--shares 0,.3,.5,.7,.85,1] [--every 3]

SET holds `Tp` and `Gt`, whose names begin with the kind of forgery. START and END are those of interpolate.py. RULES are
weights whose passport says how photos are laid out in tiles; witnesses do not look. F1 is that of the threshold rule by photo
which suits the set best, of the grid of fit_fusion.py and larger shares.
"""

import argparse
import itertools
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from fit_fusion import FLOORS, SHARES, TOPS, Map, Mask, f1
from interpolate import between, reached
from sklearn.metrics import roc_auc_score
from torch import Tensor

from mesorch_cli.evaluation.masks import read_mask
from mesorch_cli.evidence import read_photo
from mesorch_cli.inference.analysis import Analysis
from mesorch_cli.inference.detector import Detector
from mesorch_cli.inference.scoring import photo_threshold
from mesorch_cli.inference.settings import Overrides
from mesorch_cli.inference.witnesses.registry import WITNESSES
from mesorch_cli.network.passport import Passport
from mesorch_cli.network.rules import ThresholdRule
from mesorch_cli.network.weights import read_file, save_weights
from mesorch_cli.training.result import to_half

ALONE = Overrides(edges=False, **dict.fromkeys((witness.name for witness in WITNESSES), False))  # the network


def detector_of(passport: Passport, tensors: dict[str, Tensor], target: Path) -> Detector:
    """Write weights to a file and return a detector for them, without witnesses."""
    save_weights(target, to_half(tensors), passport)
    return Detector.of(Analysis.load(target, ALONE, runtime="torch"), "cpu")


def seen_by(detector: Detector, folder: Path, every: int) -> list[tuple[str, Map, Mask]]:
    """Return kind, map and mask of every so many forged photos of a set."""
    seen = []
    for path in sorted((folder / "Tp").iterdir())[::every]:
        found = detector.detect_photo(read_photo(path)).map
        if found is not None:
            seen.append((path.name.partition("-")[0], found, read_mask(folder / "Gt" / f"{path.stem}.png").tampered))
    return seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("rules", "start", "end"):
        parser.add_argument(name, type=Path)
    parser.add_argument("sets", type=Path, nargs="+")
    parser.add_argument("--shares", default="0,.3,.5,.7,.85,1")
    parser.add_argument("--every", type=int, default=3)
    args = parser.parse_args()
    wider = (*SHARES, 0.4, 0.5, 0.6)
    thresholds = [ThresholdRule(floor=f, share=s, top=t) for f, s, t in itertools.product(FLOORS, wider, TOPS)]
    begun, start, _ = read_file(args.start)
    end = reached(args.end)
    rules = read_file(args.rules)[0]
    passport = rules.model_copy(update={"network": begun.network, "figures": {}, "tensors_sha256": None})
    with TemporaryDirectory() as scratch:
        for share in map(float, args.shares.split(",")):
            detector = detector_of(passport, between(start, end, share), Path(scratch) / "mixed.safetensors")
            for folder in args.sets:
                seen = seen_by(detector, folder, args.every)
                kinds: dict[str, list[float]] = defaultdict(list)
                for kind, found, mask in seen:
                    kinds[kind].append(float(roc_auc_score(mask.ravel(), found.ravel())))
                best = max(
                    np.mean([f1(m, k, photo_threshold(m, rule, 0.5)) for _, m, k in seen]) for rule in thresholds
                )
                everything = [value for values in kinds.values() for value in values]
                parts = ", ".join(f"{kind} {np.mean(values):.3f} ({len(values)})" for kind, values in kinds.items())
                print(
                    f"{share:g} {folder}: {len(seen)} photos, AUC {np.mean(everything):.3f}, F1 {best:.3f}; {parts}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
