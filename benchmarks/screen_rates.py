"""Measure pictures of screens and photos, and say how many of each the rule of `inference/screen_rule.py` catches; or fit it.

usage: screen_rates.py MEASURES.tsv [--screens FOLDER ...] [--photos FOLDER ...] [--most 200] [--fit screen|scan]

A group is a folder with pictures; of each, at most `--most` are measured, drawn with a fixed seed. A group in a folder `fit`
or `held-out` belongs to that half. The others are taken in turn by name: the first belongs to the fit, the next is held out,
and so on. MEASURES.tsv keeps what was measured; what it has is not measured again. Intervals are Clopper-Pearson's, 95 %.
--fit prints one of the two rules fitted on the one half; needs scikit-learn.
"""

import argparse
import csv
import random
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import astuple, dataclass
from itertools import groupby
from pathlib import Path

import cv2
import numpy as np

from mesorch_cli.inference.exact_interval import exact_interval
from mesorch_cli.inference.screen import measure_screen
from mesorch_cli.inference.screen_rule import RULE, SCAN, ScreenMeasures

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"}
PENALTY = 10.0  # scikit-learn's C
MOST_CAUGHT = {"screen": 0.002, "scan": 0.0005}  # share of the photos of the fit, by rule
SMALLEST = 64  # pixels: smaller pictures are icons
HALVES = ("fit", "held-out")
FITS = {"screen": ("even", "exact"), "scan": ("printed", "paper")}  # what the logistic of each rule weighs


@dataclass(frozen=True)
class Measured:
    """A picture of a group. screen: what it is. fitted: whether its group belongs to the fit."""

    path: str
    group: str
    screen: bool
    fitted: bool
    measures: ScreenMeasures


def group_of(path: Path) -> str:
    """Return the name of a picture's group, with its half where its folder lies in one."""
    folder = path.parent
    return f"{folder.parent.name}/{folder.name}" if folder.parent.name in HALVES else folder.name


def groups_in(folders: list[Path], most: int) -> list[tuple[str, list[Path]]]:
    """Return groups with the pictures that are measured of them, in the order of their names."""
    files = sorted(
        (path for folder in folders for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES),
        key=lambda path: (group_of(path), path.name),
    )
    groups = []
    for name, members in groupby(files, key=group_of):
        paths = list(members)
        random.Random(0).shuffle(paths)
        groups.append((name, paths[:most]))
    return groups


def measured(path: Path) -> ScreenMeasures | None:
    cv2.setNumThreads(1)
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if pixels is None or min(pixels.shape[:2]) < SMALLEST:
        return None
    return measure_screen(np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8))


def measure_all(store: Path, groups: list[tuple[str, list[Path]]], screen: bool) -> Iterator[Measured]:
    """Yield what is measured of every picture, out of the store where it is there already."""
    known: dict[str, ScreenMeasures] = {}
    if store.exists():
        with store.open(newline="") as lines:
            known = {row[0]: ScreenMeasures(*map(float, row[1:])) for row in csv.reader(lines, delimiter="\t")}
    turns = {group: place for place, (group, _) in enumerate(one for one in groups if "/" not in one[0])}
    with store.open("a", newline="") as lines, ProcessPoolExecutor(2) as pool:
        writer = csv.writer(lines, delimiter="\t")
        for group, paths in groups:
            fitted = group.startswith(f"{HALVES[0]}/") or turns.get(group, 1) % 2 == 0
            new = [path for path in paths if str(path) not in known]
            for path, found in zip(new, pool.map(measured, new, chunksize=8), strict=True):
                if found is not None:
                    known[str(path)] = found
                    writer.writerow([path, *astuple(found)])
            for path in paths:
                if str(path) in known:
                    yield Measured(str(path), group, screen, fitted, known[str(path)])


def report(pictures: list[Measured]) -> None:
    """Print the rate of every group, of both kinds and halves, and the photos that are caught."""
    for screen, title in ((True, "screens"), (False, "photos")):
        for fitted, half in ((True, "fit"), (False, "held out")):
            own = [picture for picture in pictures if picture.screen is screen and picture.fitted is fitted]
            groups = [(group, list(members)) for group, members in groupby(own, key=lambda picture: picture.group)]
            for group, members in [*groups, ("all", own)] if own else []:
                caught = [RULE.catches(picture.measures) for picture in members]
                low, high = exact_interval(sum(caught), len(caught))
                print(f"{title}\t{half}\t{group}\t{sum(caught)}/{len(caught)}\t{low:.2%} .. {high:.2%}")
    for picture in pictures:
        if not picture.screen and RULE.catches(picture.measures):
            by = "scan" if SCAN.catches(picture.measures) else "screen"
            print(f"caught photo\t{picture.path}\t{by}\t{picture.measures}")


def fit(pictures: list[Measured], which: str) -> None:
    """Print a logistic fitted on the half that belongs to the fit, moved until it catches MOST_CAUGHT of all photos there."""
    from sklearn.linear_model import LogisticRegression

    rule, names = (RULE if which == "screen" else SCAN), FITS[which]
    own = [one for one in pictures if one.fitted and rule.concerns(one.measures)]
    values = np.array([[getattr(one.measures, name) for name in names] for one in own])
    screens = np.array([one.screen for one in own])
    logistic = LogisticRegression(C=PENALTY, class_weight="balanced", max_iter=2000).fit(values, screens)
    logits = logistic.decision_function(values)
    caught = int(MOST_CAUGHT[which] * sum(one.fitted and not one.screen for one in pictures))
    limit = max(0.0, float(np.sort(logits[~screens])[::-1][caught]))
    weights = ", ".join(f"{name}={weight:.1f}" for name, weight in zip(names, logistic.coef_[0], strict=True))
    print(f"{screens.sum()} screens, {(~screens).sum()} photos: {weights}, ", end="")
    print(f"intercept={logistic.intercept_[0] - limit:.1f}, moved by {limit:.2f}; in use: {rule}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("measures", type=Path)
    parser.add_argument("--screens", type=Path, nargs="+", default=[])
    parser.add_argument("--photos", type=Path, nargs="+", default=[])
    parser.add_argument("--most", type=int, default=200)
    parser.add_argument("--fit", choices=FITS)
    arguments = parser.parse_args()
    pictures = [
        picture
        for folders, screen in ((arguments.screens, True), (arguments.photos, False))
        for picture in measure_all(arguments.measures, groups_in(folders, arguments.most), screen)
    ]
    fit(pictures, arguments.fit) if arguments.fit else report(pictures)


if __name__ == "__main__":
    main()
