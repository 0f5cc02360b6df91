"""Fit how the logits of a network over blocks enter the map, and from when they are reported.

usage: fit_blocks.py history|grain WEIGHTS OUT.json SET [SET ...] [--rate .02] [--slopes S,...] [--centres C,...]
       [--highest 8]

Each SET holds `Tp`, `Gt` and `Au` (configs/history/make_set.py, make_validation.py). The other witnesses look as the weights
say, apart from copies. Of a grid of slopes and centres, that rule is taken which has the best mean of three figures over Tp:
pixel AUC, F1 at the passport's threshold by photo, and the share that is called evidence. Rules with which more photos of Au
are inconclusive or evidence than without the witness are left out. `least` is the smallest value that lets at most RATE of
the photos of Au be reported.
"""

import argparse
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
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
from mesorch_cli.inference.witnesses.block_logits import mark_blocks, top_mean
from mesorch_cli.inference.witnesses.block_statistics import BlockStatistics, can_be_measured
from mesorch_cli.inference.witnesses.grain import planes as grain
from mesorch_cli.inference.witnesses.grain.network import grain_network
from mesorch_cli.inference.witnesses.history import traces as history
from mesorch_cli.inference.witnesses.history.network import history_network
from mesorch_cli.network.rules import BlocksRule, GrainRule, HistoryRule

SLOPES, CENTRES = "0.5,1,1.5,2", "-3,-2.5,-2,-1.5,-1"
LOWEST, HIGHEST = -8.0, 8.0  # with these, the map follows the network where it is sure
SAMPLES = 20_000  # pixels of a photo for the AUC

Map = NDArray[np.float32]
Logits = NDArray[np.float32]


@dataclass(frozen=True)
class Fitted:
    """A witness to fit: the SHA-256 of its network, the type of its rule, and what it says about a file."""

    sha256: str
    rule: type[BlocksRule]
    logits: Callable[[Path], Logits | None]


def history_logits(path: Path) -> Logits | None:
    """Return what the history network says about a JPEG, None for another file or one that is too small."""
    photo = read_photo(path)
    if photo.steps is None or not can_be_measured(photo.pixels, history.FEWEST_SIDE):
        return None
    return history_network().logits(history.traces(photo.pixels, photo.steps, BlockStatistics.of(photo.pixels)))


def grain_logits(path: Path) -> Logits | None:
    """Return what the grain network says about a photo, None for one that is too small."""
    pixels = read_photo(path).pixels
    if not can_be_measured(pixels, grain.FEWEST_SIDE):
        return None
    return grain_network().logits(grain.grain_planes(pixels, BlockStatistics.of(pixels)))


def fitted(witness: str) -> Fitted:
    """Return what is fitted by the name of its witness."""
    if witness == "history":
        return Fitted(history_network().sha256, HistoryRule, history_logits)
    return Fitted(grain_network().sha256, GrainRule, grain_logits)


def quality(
    probability: Map, mask: NDArray[np.bool_], rule: BlocksRule | None, logits: Logits, analysis: Analysis
) -> tuple[float, float, bool]:
    """Return pixel AUC, F1 and "evidence or not" of a map with the logits joined to it by a rule, or alone."""
    joined = probability.copy()
    if rule is not None:
        mark_blocks(joined, logits, rule)
    settings = analysis.settings
    f1 = confusion(joined, mask, photo_threshold(joined, settings.photo_threshold, settings.threshold)).f1
    picked = np.random.default_rng(0).integers(0, mask.size, SAMPLES)
    truth = mask.ravel()[picked]
    auc = roc_auc_score(truth, joined.ravel()[picked]) if truth.any() and not truth.all() else math.nan
    return auc, f1, image_score(joined, settings.score, []) >= settings.score.evidence_at


@dataclass(frozen=True)
class Seen:
    """A photo's map without the witness, as half precision, the witness's logits, and what is forged, None: nothing."""

    map: NDArray[np.float16]
    logits: Logits
    mask: NDArray[np.bool_] | None


def seen_in(sets: Sequence[Path], folder: str, detector: Detector, witness: Fitted) -> list[Seen]:
    """Return the photos of a folder of all sets that the witness can look at."""
    seen = []
    for path in (path for one in sets for path in sorted((one / folder).iterdir())):
        probability, logits = detector.detect_photo(read_photo(path)).map, witness.logits(path)
        if probability is not None and logits is not None:
            mask = path.parents[1] / "Gt" / f"{path.stem}.png"
            tampered = read_mask(mask).tampered if folder == "Tp" else None
            seen.append(Seen(probability.astype(np.float16), logits, tampered))
    return seen


def noticed(seen: Sequence[Seen], rule: BlocksRule | None, analysis: Analysis) -> int:
    """Return how many photos are inconclusive or evidence."""
    count = 0
    for one in seen:
        joined = one.map.astype(np.float32)
        if rule is not None:
            mark_blocks(joined, one.logits, rule)
        score = analysis.settings.score
        count += image_score(joined, score, []) >= score.inconclusive_at
    return count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("witness", choices=("history", "grain"))
    parser.add_argument("weights", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("sets", type=Path, nargs="+")
    parser.add_argument("--rate", type=float, default=0.02)
    parser.add_argument("--slopes", default=SLOPES)
    parser.add_argument("--centres", default=CENTRES)
    parser.add_argument("--highest", type=float, default=HIGHEST)
    args = parser.parse_args()
    witness = fitted(args.witness)
    analysis = Analysis.load(args.weights, replace(Overrides(edges=False, copies=False), **{args.witness: False}))
    detector = Detector.of(analysis, "cpu")
    forged, authentic = (seen_in(args.sets, folder, detector, witness) for folder in ("Tp", "Au"))
    tops = sorted((top_mean(one.logits) for one in authentic), reverse=True)
    least = math.ceil(tops[int(args.rate * len(tops))] * 100) / 100

    def worth(rule: BlocksRule | None) -> NDArray[np.float64]:
        values = [
            quality(one.map.astype(np.float32), one.mask, rule, one.logits, analysis)
            for one in forged
            if one.mask is not None
        ]
        return np.asarray(np.nanmean(np.array(values, np.float64), axis=0))

    def rule_with(slope: float, centre: float) -> BlocksRule:
        return witness.rule(
            network_sha256=witness.sha256, slope=slope, centre=centre, lowest=LOWEST, highest=args.highest, least=least
        )

    before = noticed(authentic, None, analysis)
    grid = itertools.product(*([float(value) for value in text.split(",")] for text in (args.slopes, args.centres)))
    rules = [rule_with(slope, centre) for slope, centre in grid]
    usable = [rule for rule in rules if noticed(authentic, rule, analysis) <= before]
    rule = max(usable, key=lambda one: worth(one).mean())
    for name, one in (("without", None), ("with", rule)):
        auc, f1, evidence = worth(one)
        print(f"{len(forged)} forged photos {name} it: pixel AUC {auc:.3f}, F1 {f1:.3f}, evidence {evidence:.1%}")
    print(
        f"inconclusive or evidence: forged {noticed(forged, None, analysis)} without, {noticed(forged, rule, analysis)} with "
        f"it; of {len(authentic)} authentic {before} and {noticed(authentic, rule, analysis)}"
    )
    reported = sum(top_mean(one.logits) >= least for one in forged)
    print(f"reported: {reported} forged and {sum(top >= least for top in tops)} authentic photos")
    args.out.write_text(rule.model_dump_json(indent=1) + "\n", encoding="utf-8")
    print(rule.model_dump_json())


if __name__ == "__main__":
    main()
