"""Choose how the map and the evidence of double quantisation are joined, and the map's threshold by photo, on forged photos.

usage: fit_fusion.py WEIGHTS SET GATE.json OUT.json

SET holds `Tp` and `Gt` as `mesorch forge` writes them. GATE.json is what fit_quantisation.py wrote; OUT.json gets it with
`network`, `slope` and `offset`: of a grid, those of the best mean F1 over the photos of SET that pass the gate. The threshold
rule is that of the best mean F1 over all photos before the fusion.
"""

import argparse
import itertools
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mesorch_cli.evaluation.masks import read_mask
from mesorch_cli.evaluation.metrics import confusion
from mesorch_cli.evidence import read_photo
from mesorch_cli.inference.analysis import Analysis
from mesorch_cli.inference.detector import Detector
from mesorch_cli.inference.scoring import photo_threshold
from mesorch_cli.inference.settings import Overrides
from mesorch_cli.inference.witnesses.quantisation.coefficients import Quantisations, quantisations
from mesorch_cli.inference.witnesses.quantisation.witness import believed, mark_quantisation
from mesorch_cli.network.rules import QuantisationRule, ThresholdRule

NETWORK, SLOPES, OFFSETS = (0.35, 0.5, 0.7, 1.0), (0.2, 0.35, 0.5, 0.8), (-3.0, -2.0, -1.0, 0.0)
FLOORS, SHARES, TOPS = (0.01, 0.02, 0.04, 0.06), (0.1, 0.15, 0.2, 0.25, 0.3), (0.005, 0.01, 0.02)

Map = NDArray[np.float32]
Mask = NDArray[np.bool_]


def f1(probability: Map, mask: Mask, threshold: float) -> float:
    """Return the F1 of a map above a threshold, as `mesorch evaluate` counts it."""
    return confusion(probability, mask, threshold).f1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("weights", "set", "gate", "out"):
        parser.add_argument(name, type=Path)
    args = parser.parse_args()
    analysis = Analysis.load(args.weights, Overrides(edges=False, copies=False, quantisation=False))
    loaded, detector = analysis.weights, Detector.of(analysis, "cpu")
    seen: list[tuple[Map, Mask, Quantisations | None]] = []
    for path in sorted((args.set / "Tp").iterdir()):
        photo = read_photo(path)
        mask = read_mask(args.set / "Gt" / f"{path.stem}.png").tampered
        probability = detector.detect(photo.pixels).map
        if probability is not None:
            found = None if photo.steps is None else quantisations(photo.pixels, photo.steps)
            seen.append((probability.astype(np.float16).astype(np.float32), mask, found))
    rules = [ThresholdRule(floor=f, share=s, top=t) for f, s, t in itertools.product(FLOORS, SHARES, TOPS)]
    means = [np.mean([f1(p, m, photo_threshold(p, rule, 0.5)) for p, m, _ in seen]) for rule in rules]
    threshold = rules[int(np.argmax(means))]
    fixed = np.mean([f1(p, m, loaded.passport.threshold) for p, m, _ in seen])
    print(f"{len(seen)} photos, threshold {threshold.model_dump()}: F1 {max(means):.3f}, the same for all {fixed:.3f}")
    gate = json.loads(args.gate.read_text(encoding="utf-8"))
    joined: list[tuple[float, QuantisationRule]] = []
    for network, slope, offset in itertools.product(NETWORK, SLOPES, OFFSETS):
        rule = QuantisationRule.model_validate(gate | {"network": network, "slope": slope, "offset": offset})
        passed = [(p, m, q) for p, m, q in seen if q is not None and believed(q, rule) is not None]
        values = []
        for probability, mask, found in passed:
            changed = probability.copy()
            mark_quantisation(changed, found.evidence, rule)
            values.append(f1(changed, mask, photo_threshold(changed, threshold, 0.5)))
        joined.append((float(np.mean(values)), rule))
    best, rule = max(joined, key=lambda pair: pair[0])
    alone = np.mean([f1(p, m, photo_threshold(p, threshold, 0.5)) for p, m, _ in passed])
    chosen = f"{rule.network}, {rule.slope}, {rule.offset}"
    print(f"{len(passed)} of them pass the gate: F1 {alone:.3f} without, {best:.3f} with {chosen}")
    args.out.write_text(rule.model_dump_json(indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
