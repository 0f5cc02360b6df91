"""Forge the two sets that the shipped weights are fitted and measured on, from sources that training never saw.

usage: make_validation.py CONFIG.toml OUT [--count 90] [--authentic 60]

Writes OUT/fit and OUT/held-out, each with `Tp`, `Gt` and `Au`; photos whose position in the sorted list is even go to
`fit`, the others to `held-out`, so that no photo is in both. The last step of a photo's life is kept as PNG.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

from mesorch_cli.forge.pools import Pools
from mesorch_cli.forge.recipe import ForgeRecipe
from mesorch_cli.training.config import read_config
from mesorch_cli.training.samples import ForgedSamples

SEEDS = {"fit": 501, "held-out": 502}
TAMPERED = ForgeRecipe(shares=(0.3, 0.16, 0.12, 0.08, 0.24, 0.1, 0.0))
AUTHENTIC = ForgeRecipe(shares=(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=90)
    parser.add_argument("--authentic", type=int, default=60)
    args = parser.parse_args()
    data = read_config(args.config).data.model_copy(update={"working_side": 1280})
    for which, (name, seed) in enumerate(SEEDS.items()):
        for folder in ("Tp", "Gt", "Au"):
            (args.out / name / folder).mkdir(parents=True, exist_ok=True)
        for recipe, wanted, offset in ((TAMPERED, args.count, 0), (AUTHENTIC, args.authentic, 1000)):
            samples = ForgedSamples(data, side=64, seed=seed + offset, length=10**6, recipe=recipe, validation=True)
            objects = samples.pools.objects
            samples.pools = Pools(samples.pools.photos.every_other(which), objects and objects.every_other(which))
            made = index = 0
            while made < wanted:
                forgery = samples.made(index).forgery
                pixels, mask, operation = forgery.pixels, forgery.mask, forgery.operation
                index += 1
                if min(mask.shape) < 128 or (recipe is TAMPERED and not mask.any()):
                    continue
                folder = args.out / name / ("Tp" if mask.any() else "Au")
                stem = f"{operation}-{index:04d}"
                cv2.imwrite(str(folder / f"{stem}.png"), pixels[:, :, ::-1])
                if mask.any():
                    cv2.imwrite(str(args.out / name / "Gt" / f"{stem}.png"), mask.astype(np.uint8) * 255)
                made += 1


if __name__ == "__main__":
    main()
