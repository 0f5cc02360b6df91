"""Forge sets of JPEGs on which the history network's rule is fitted and measured, from sources that training never saw.

usage: make_set.py VALIDATION OUT [--count 130]

VALIDATION is what configs/mesorch-s/prepare_photos.py wrote for validation: `photos/SOURCE/*` and `objects/SOURCE/*`. Writes
OUT/fit and OUT/held-out, each with `Tp`, `Gt` and `Au`. Photos whose position in the sorted list is even go to `fit`, the
others to `held-out`. Only forgeries whose last step was a save as JPEG are kept, byte for byte.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

from mesorch_cli.forge.item import ItemSettings, forge_item
from mesorch_cli.forge.photos import SoundPhotos
from mesorch_cli.forge.pools import Pool, Pools
from mesorch_cli.forge.recipe import ForgeRecipe
from mesorch_cli.forge.sources import ObjectFolder, PhotoFolder

SEEDS = {"fit": 601, "held-out": 602}
TAMPERED = ForgeRecipe(shares=(0.3, 0.16, 0.12, 0.08, 0.24, 0.1, 0.0))
AUTHENTIC = ForgeRecipe(shares=(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0))
LONGEST, SMALLEST = 1152, 160  # pixels


def pools_of(root: Path) -> Pools:
    """Return photos, by the root of how many a source has, and objects."""
    photos = [PhotoFolder.of(folder) for folder in sorted((root / "photos").iterdir()) if any(folder.iterdir())]
    objects = [ObjectFolder.of(folder) for folder in sorted((root / "objects").iterdir()) if any(folder.iterdir())]
    return Pools(Pool.of(photos, [len(folder.paths) ** 0.5 for folder in photos]), Pool.of(objects))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("validation", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=130)
    args = parser.parse_args()
    whole, photos = pools_of(args.validation), SoundPhotos()
    assert whole.objects is not None  # pools_of gives them
    for which, (name, seed) in enumerate(SEEDS.items()):
        pools = Pools(whole.photos.every_other(which), whole.objects.every_other(which))
        for folder in ("Tp", "Gt", "Au"):
            (args.out / name / folder).mkdir(parents=True, exist_ok=True)
        for recipe, offset in ((TAMPERED, 0), (AUTHENTIC, 1000)):
            settings, number, made = ItemSettings(seed + offset, longest=LONGEST, recipe=recipe), 0, 0
            while made < args.count:
                forgery = forge_item(pools, settings, number, photos).forgery
                number += 1
                tampered = bool(forgery.mask.any())
                if forgery.encoded is None or forgery.suffix != "jpg" or min(forgery.mask.shape) < SMALLEST:
                    continue
                if recipe is TAMPERED and not tampered:
                    continue
                stem = f"{forgery.operation}-{number:04d}"
                (args.out / name / ("Tp" if tampered else "Au") / f"{stem}.jpg").write_bytes(forgery.encoded)
                if tampered:
                    cv2.imwrite(str(args.out / name / "Gt" / f"{stem}.png"), forgery.mask.astype(np.uint8) * 255)
                made += 1


if __name__ == "__main__":
    main()
