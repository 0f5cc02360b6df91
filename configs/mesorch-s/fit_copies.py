"""Fit how sure it is that two parts of a photo that match each other are copies: the passport's rule of copies.

usage: fit_copies.py CONFIG.toml OUT.json [--forged 300] [--authentic 500] [--without SOURCE ...]

Forges copy-moves and authentic photos, with all their histories, from the training photos of CONFIG, searches copies in
them, and fits a logistic to what was measured. A candidate is a copy if one of its parts lies on the forged region, and
alike by nature if neither does. The same number of photos of the validation sources measures the result. `--without` leaves
out sources whose photos carry a repeated watermark, which is a copy indeed. Needs scikit-learn.
"""

import argparse
import json
import math
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from mesorch_cli.forge.recipe import ForgeRecipe
from mesorch_cli.inference.witnesses.copies.search import Features, Mask, find_copies
from mesorch_cli.inference.witnesses.copies.witness import certainty_of
from mesorch_cli.network.rules import CopyRule
from mesorch_cli.training.config import read_config
from mesorch_cli.training.samples import ForgedSamples

COPY_MOVES = ForgeRecipe(shares=(0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0))
AUTHENTIC = ForgeRecipe(shares=(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0))
ON, OFF = 0.8, 0.2  # share of a part on the forged region: from the one it is a copy, up to the other it is not
PENALTY = 10.0  # scikit-learn's C: few candidates, six numbers of each
LEASTS = (0.3, 0.5, 0.7, 0.9)
MOST_FALSE = 0.01  # share of authentic photos with a reported copy: the lowest certainty that keeps to it is the least


def values(features: Features) -> list[float]:
    """Return the numbers that the rule weighs, in the order of its coefficients."""
    return [
        math.log(features.matches),
        features.brightness,
        features.grain,
        features.filled,
        features.overlap,
        float(features.returned),
    ]


def on_forgery(part: Mask, mask: Mask) -> float:
    """Return the share of a part, at its own size, that lies on the photo's forged region."""
    small = cv2.resize(mask.astype(np.uint8), (part.shape[1], part.shape[0]), interpolation=cv2.INTER_NEAREST) > 0
    return float((part & small).sum() / max(1, part.sum()))


def candidates(samples: ForgedSamples, count: int) -> list[list[tuple[Features, bool | None]]]:
    """Return the candidates of every photo with what they are: copies, merely alike, or neither clearly."""
    photos = []
    index = 0
    while len(photos) < count:
        forgery = samples.made(index).forgery
        index += 1
        if (forgery.operation == "copy_move") != (samples.settings.recipe is COPY_MOVES):
            continue  # no place for a copy was found
        found = []
        for copy in find_copies(forgery.pixels):
            share = max(on_forgery(copy.part, forgery.mask), on_forgery(copy.counterpart, forgery.mask))
            found.append((copy.features, True if share >= ON else False if share <= OFF else None))
        photos.append(found)
    return photos


def fitted(photos: list[list[tuple[Features, bool | None]]]) -> CopyRule:
    """Fit the rule to candidates whose nature is clear."""
    clear = [(values(features), truth) for found in photos for features, truth in found if truth is not None]
    numbers: NDArray[np.float64] = np.array([row for row, _ in clear])
    model = LogisticRegression(C=PENALTY, max_iter=10_000).fit(numbers, [truth for _, truth in clear])
    names = ("matches", "brightness", "grain", "filled", "overlap", "returned")
    coefficients = {name: round(float(value), 3) for name, value in zip(names, model.coef_[0], strict=True)}
    return CopyRule(intercept=round(float(model.intercept_[0]), 3), **coefficients)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--forged", type=int, default=300)
    parser.add_argument("--authentic", type=int, default=500)
    parser.add_argument("--without", nargs="*", default=[])
    parser.add_argument("--seed", type=int, default=811)
    args = parser.parse_args()
    data = read_config(args.config).data
    kept = {
        side: tuple(source for source in getattr(data, side) if source.folder.name not in args.without)
        for side in ("photos", "validation_photos")
    }
    data = data.model_copy(update=kept | {"working_side": 1280})
    found = {}
    for validation in (False, True):
        for name, recipe, count in (("forged", COPY_MOVES, args.forged), ("authentic", AUTHENTIC, args.authentic)):
            samples = ForgedSamples(data, side=64, seed=args.seed, length=10**6, recipe=recipe, validation=validation)
            found[name, validation] = candidates(samples, count if not validation else max(1, count // 2))
            print(name, "validation" if validation else "training", len(found[name, validation]), flush=True)
    rule = fitted(found["forged", False] + found["authentic", False])
    figures = []
    for least in LEASTS:
        row: dict[str, float | str] = {"least": least}
        for (name, validation), photos in found.items():
            hits = [
                any(certainty_of(features, rule) >= least and truth is not False for features, truth in one)
                for one in photos
            ]
            false = [
                any(certainty_of(features, rule) >= least and truth is False for features, truth in one)
                for one in photos
            ]
            side = "validation" if validation else "training"
            if name == "forged":
                row[f"found_{side}"] = round(float(np.mean(hits)), 4)
            else:
                row[f"false_{side}"] = round(float(np.mean(false)), 4)
        figures.append(row)
        print(row)
    least = min(float(row["least"]) for row in figures if float(row["false_training"]) <= MOST_FALSE)
    rule = rule.model_copy(update={"least": least})
    args.out.write_text(json.dumps({"rule": rule.model_dump(mode="json"), "figures": figures}, indent=1) + "\n")


if __name__ == "__main__":
    main()
