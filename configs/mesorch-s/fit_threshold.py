"""Choose the threshold rule by photo on forged photos, from maps as users get them: network and witnesses.

usage: fit_threshold.py WEIGHTS SET [SET ...] [--every N]

SET holds `Tp` and `Gt`. Of a grid, that rule is taken whose F1, averaged over the photos of a set and then over the sets, is
best. Printed are this rule and that of the passport, with the F1 of each set; `new_rules.py --threshold` sets one.
"""

import argparse
import itertools
from pathlib import Path

import numpy as np
from fit_fusion import FLOORS, SHARES, TOPS, Map, Mask, f1

from mesorch_cli.evaluation.masks import read_mask
from mesorch_cli.evidence import read_photo
from mesorch_cli.inference.analysis import Analysis
from mesorch_cli.inference.detector import Detector
from mesorch_cli.inference.scoring import photo_threshold
from mesorch_cli.network.passport import ThresholdRule

WIDER = (*SHARES, 0.4, 0.5, 0.6)


def seen_by(detector: Detector, folder: Path, every: int) -> list[tuple[Map, Mask]]:
    """Return map and mask of every so many forged photos of a set."""
    seen = []
    for path in sorted((folder / "Tp").iterdir())[::every]:
        found = detector.detect_photo(read_photo(path)).map
        if found is not None:
            seen.append((found, read_mask(folder / "Gt" / f"{path.stem}.png").tampered))
    return seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path)
    parser.add_argument("sets", type=Path, nargs="+")
    parser.add_argument("--every", type=int, default=1)
    args = parser.parse_args()
    analysis = Analysis.load(args.weights)
    detector, shipped = Detector.of(analysis, "cpu"), analysis.weights.passport.photo_threshold
    rules = [ThresholdRule(floor=f, share=s, top=t) for f, s, t in itertools.product(FLOORS, WIDER, TOPS)]
    if shipped is not None and shipped not in rules:
        rules.append(shipped)
    table = []
    for folder in args.sets:
        seen = seen_by(detector, folder, args.every)
        table.append([float(np.mean([f1(m, k, photo_threshold(m, rule, 0.5)) for m, k in seen])) for rule in rules])
    means = np.mean(table, axis=0)
    chosen = [("best", int(np.argmax(means)))] + ([("passport", rules.index(shipped))] if shipped is not None else [])
    for name, index in chosen:
        rule = rules[index]
        parts = ", ".join(f"{folder} {row[index]:.3f}" for folder, row in zip(args.sets, table, strict=True))
        print(f"{name}: {rule.floor:g},{rule.share:g},{rule.top:g}: F1 {means[index]:.3f}; {parts}")


if __name__ == "__main__":
    main()
