"""Fit how the history network's logits enter the map, and from when they are reported.

usage: fit.py WEIGHTS SET OUT.json [--rate .02]

SET holds `Tp`, `Gt` and `Au` with JPEGs (make_set.py). Of a grid of slopes and centres, that rule is taken which has the best
mean of three figures over Tp: pixel AUC, F1 at the passport's threshold by photo, and the share that is called evidence.
Rules with which more photos of Au are inconclusive or evidence than without the history are left out. `least` is the
smallest value that lets at most RATE of the photos of Au be reported.
"""

import argparse
import itertools
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from mesorch_cli.evaluation.masks import read_mask
from mesorch_cli.evaluation.metrics import confusion
from mesorch_cli.evidence import read_photo
from mesorch_cli.inference.analysis import Analysis
from mesorch_cli.inference.detector import Detector
from mesorch_cli.inference.scoring import image_score, photo_threshold
from mesorch_cli.inference.settings import Overrides
from mesorch_cli.inference.witnesses.history.network import history_network
from mesorch_cli.inference.witnesses.history.traces import traces
from mesorch_cli.inference.witnesses.history.witness import mark_history, top_mean
from mesorch_cli.network.passport import HistoryRule

SLOPES, CENTRES = (0.5, 1.0, 1.5, 2.0), (-3.0, -2.5, -2.0, -1.5, -1.0)
LOWEST, HIGHEST = -8.0, 8.0  # where the network is sure, the map follows it
SAMPLES = 20_000  # pixels of a photo for the AUC

Map = NDArray[np.float32]
Logits = NDArray[np.float32]


def logits_of(path: Path) -> Logits | None:
    """Return the logits by block of a JPEG, None if it is too small."""
    photo = read_photo(path)
    seen = None if photo.steps is None else traces(photo.pixels, photo.steps)
    return None if seen is None else history_network().logits(seen)


def quality(
    probability: Map, mask: NDArray[np.bool_], rule: HistoryRule | None, logits: Logits, analysis: Analysis
) -> tuple[float, float, bool]:
    """Return pixel AUC, F1 and "evidence or not" of a map with the logits joined to it by a rule, or alone."""
    joined = probability.copy()
    if rule is not None:
        mark_history(joined, logits, rule)
    settings = analysis.settings
    f1 = confusion(joined, mask, photo_threshold(joined, settings.photo_threshold, settings.threshold)).f1
    picked = np.random.default_rng(0).integers(0, mask.size, SAMPLES)
    truth = mask.ravel()[picked]
    auc = roc_auc_score(truth, joined.ravel()[picked]) if truth.any() and not truth.all() else math.nan
    return auc, f1, image_score(joined, settings.score, []) >= settings.score.evidence_at


def seen_in(folder: Path, detector: Detector) -> list[tuple[Path, NDArray[np.float16], Logits]]:
    """Return the photos of a folder with their maps and logits."""
    seen = []
    for path in sorted(folder.iterdir()):
        probability, logits = detector.detect_photo(read_photo(path)).map, logits_of(path)
        if probability is not None and logits is not None:
            seen.append((path, probability.astype(np.float16), logits))
    return seen


def noticed(seen: list[tuple[Path, NDArray[np.float16], Logits]], rule: HistoryRule | None, analysis: Analysis) -> int:
    """Return how many photos are inconclusive or evidence."""
    count = 0
    for _, probability, logits in seen:
        joined = probability.astype(np.float32)
        if rule is not None:
            mark_history(joined, logits, rule)
        score = analysis.settings.score
        count += image_score(joined, score, []) >= score.inconclusive_at
    return count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("weights", "set", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--rate", type=float, default=0.02)
    args = parser.parse_args()
    analysis = Analysis.load(args.weights, Overrides(copies=False, history=False))
    detector = Detector.of(analysis, "cpu")
    forged, authentic = seen_in(args.set / "Tp", detector), seen_in(args.set / "Au", detector)
    masks = [read_mask(args.set / "Gt" / f"{path.stem}.png").tampered for path, _, _ in forged]
    tops = sorted((top_mean(logits) for _, _, logits in authentic), reverse=True)
    least = math.ceil(tops[int(args.rate * len(tops))] * 100) / 100

    def worth(rule: HistoryRule | None) -> NDArray[np.float64]:
        pairs = zip(forged, masks, strict=True)
        values = [quality(p.astype(np.float32), m, rule, logits, analysis) for (_, p, logits), m in pairs]
        return np.asarray(np.nanmean(np.array(values, np.float64), axis=0))

    def rule_with(slope: float, centre: float) -> HistoryRule:
        return HistoryRule(
            network_sha256=history_network().sha256,
            slope=slope,
            centre=centre,
            lowest=LOWEST,
            highest=HIGHEST,
            least=least,
        )

    before = noticed(authentic, None, analysis)
    rules = [rule_with(slope, centre) for slope, centre in itertools.product(SLOPES, CENTRES)]
    usable = [rule for rule in rules if noticed(authentic, rule, analysis) <= before]
    rule = max(usable, key=lambda one: worth(one).mean())
    for name, one in (("without", None), ("with", rule)):
        auc, f1, evidence = worth(one)
        print(
            f"{len(forged)} forged photos {name} the history: pixel AUC {auc:.3f}, F1 {f1:.3f}, evidence {evidence:.1%}"
        )
    print(
        f"inconclusive or evidence: forged {noticed(forged, None, analysis)} without, {noticed(forged, rule, analysis)} with "
        f"it; of {len(authentic)} authentic {before} and {noticed(authentic, rule, analysis)}"
    )
    reported = sum(top_mean(logits) >= least for _, _, logits in forged)
    print(f"reported: {reported} forged and {sum(top >= least for top in tops)} authentic photos")
    args.out.write_text(rule.model_dump_json(indent=1) + "\n", encoding="utf-8")
    print(rule.model_dump_json())


if __name__ == "__main__":
    main()
