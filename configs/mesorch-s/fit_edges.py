"""Choose how the map's edges are moved, and its threshold, on forged and authentic photos, from maps as users get them.

usage: fit_edges.py WEIGHTS SET [SET ...] [--every N] [--more 1]

SET holds `Tp`, `Gt` and `Au`. Of a grid, that choice is taken whose F1, averaged over the photos of a set and then over the
sets, is best, among those that mark at most `--more` times the share of the authentic photos that the passport's choice
marks. Printed are this choice, that of the passport, and the best thresholds with each way to move edges; `new_rules.py`
takes them as `--edges`,
`--threshold` and `--least`.
"""

import argparse
import itertools
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mesorch_cli.evaluation.masks import read_mask
from mesorch_cli.evidence import read_photo
from mesorch_cli.evidence.photo import Pixels
from mesorch_cli.inference.analysis import Analysis
from mesorch_cli.inference.detector import Detector
from mesorch_cli.inference.edges import move_edges
from mesorch_cli.inference.scoring import pool
from mesorch_cli.inference.settings import Overrides
from mesorch_cli.network.rules import EdgeRule, ScoreRule

FLOORS, SHARES, TOPS = (0.02, 0.04), (0.15, 0.2, 0.25, 0.3, 0.35, 0.4), (0.005, 0.02)
LEAST = (0.03, 0.05, 0.08, 0.12)  # of photos without evidence
RADII = {320: (3, 4, 5), 640: (6, 8, 10)}  # by long side
SMOOTHNESS = (3e-4, 1e-3)

Map = NDArray[np.float32]
Choice = tuple[EdgeRule | None, float, float, float, float]  # edges, floor, share, top, least


def edge_rules(shipped: EdgeRule | None) -> list[EdgeRule | None]:
    """Return every way to move edges that is compared, the passport's and none among them."""
    rules: list[EdgeRule | None] = [
        EdgeRule(long_side=side, radius=radius, smoothness=smoothness)
        for side, radii in RADII.items()
        for radius, smoothness in itertools.product(radii, SMOOTHNESS)
    ]
    return list(dict.fromkeys([None, shipped, *rules]))


def thresholds(map_: Map, choices: list[Choice], evidence: bool) -> NDArray[np.float64]:
    """Return the threshold of a map by every choice of one way to move edges."""
    tops = {top: pool(map_, ScoreRule(pooling="top-mean", share=top)) for top in {choice[3] for choice in choices}}
    by_photo = [max(floor, share * tops[top]) for _, floor, share, top, _ in choices]
    return np.array([t if evidence else max(t, one[4]) for t, one in zip(by_photo, choices, strict=True)])


def above(values: Map, limits: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return how many values lie above each limit."""
    return values.size - np.searchsorted(np.sort(values, axis=None), limits.astype(np.float32), "right")


def seen(detector: Detector, path: Path) -> tuple[Map, Pixels, bool] | None:
    """Return the map of a photo before its edges are moved, the pixels, and whether anything was found."""
    photo = read_photo(path)
    found = detector.detect_photo(photo)
    if found.map is None or found.score is None:
        return None
    return found.map, photo.pixels, found.score >= detector.settings.score.inconclusive_at


def moved(map_: Map, pixels: Pixels, rule: EdgeRule | None) -> Map:
    if rule is None:
        return map_
    changed = map_.copy()
    move_edges(changed, np.ones(changed.shape, np.bool_), pixels, rule)
    return changed


def measured(detector: Detector, folder: Path, every: int, choices: list[Choice]) -> NDArray[np.float64]:
    """Return the mean F1 of the forged photos of a set, and the mean marked share of the authentic ones, by choice."""
    means = []
    for kind in ("Tp", "Au"):
        rows = []
        for path in sorted((folder / kind).iterdir())[::every]:
            one = seen(detector, path)
            if one is None:
                continue
            map_, pixels, evidence = one
            mask = read_mask(folder / "Gt" / f"{path.stem}.png").tampered if kind == "Tp" else None
            row: list[float] = []
            for rule, group in itertools.groupby(choices, key=lambda choice: choice[0]):
                changed, same = moved(map_, pixels, rule), list(group)
                limits = thresholds(changed, same, evidence)
                marked = above(changed, limits)
                if mask is None:
                    row += (marked / changed.size).tolist()
                else:
                    row += (2 * above(changed[mask], limits) / np.maximum(1, marked + mask.sum())).tolist()
            rows.append(row)
        means.append(np.mean(rows, axis=0))
    return np.array(means)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path)
    parser.add_argument("sets", type=Path, nargs="+")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--more", type=float, default=1.0)
    args = parser.parse_args()
    analysis = Analysis.load(args.weights, Overrides(edges=False))
    detector, passport = Detector.of(analysis, "cpu"), analysis.weights.passport
    own = passport.photo_threshold
    if own is None:
        raise SystemExit("The weights have no threshold by photo. Set one with new_rules.py --threshold first.")
    shipped = (passport.inference.edges, own.floor, own.share, own.top, passport.threshold)
    rules = edge_rules(passport.inference.edges)
    choices: list[Choice] = [*itertools.product(rules, FLOORS, SHARES, TOPS, LEAST)]
    place = next(index for index, choice in enumerate(choices) if choice[0] == shipped[0])
    choices.insert(place, shipped)  # with the others of its way to move edges
    figures = np.array([measured(detector, folder, args.every, choices) for folder in args.sets])
    f1, marked = figures.mean(axis=0)
    allowed = np.where(marked <= args.more * marked[place], f1, -1.0)
    chosen = [("passport", place), ("best", int(np.argmax(allowed)))]
    for rule in rules:
        own_best = np.where([choice[0] == rule for choice in choices], allowed, -1.0)
        chosen.append(("best with these edges", int(np.argmax(own_best))))
    for name, index in chosen:
        edges, *numbers = choices[index]
        told = "none" if edges is None else f"{edges.long_side},{edges.radius},{edges.smoothness:g}"
        by_set = ", ".join(f"{folder} {row[0][index]:.3f}" for folder, row in zip(args.sets, figures, strict=True))
        words = ",".join(f"{number:g}" for number in numbers)
        print(
            f"{name}: edges {told}, threshold and least {words}: F1 {f1[index]:.4f} ({by_set}), authentic photos marked "
            f"{marked[index]:.3f}"
        )


if __name__ == "__main__":
    main()
