"""Make the example photos: three forgeries with masks and one authentic photo, out of scikit-image's sample photos.

usage: make_examples.py      (writes beside this file; needs scikit-image; the same bytes every time)

The photos are scikit-image's `coffee` (Rachel Michetti, public domain), `rocket` (SpaceX, CC0), `astronaut` (NASA, public
domain) and `chelsea` (Stefan van der Walt, CC0).
"""

from pathlib import Path

import cv2
import numpy as np
from skimage import data

from mesorch_cli.forge.recipe import OPERATIONS, Donor, ForgeRecipe, forge_photo

HERE = Path(__file__).parent
QUALITY = 95
# name, operation, host, donor, seed: seeds whose forgeries the shipped weights find; docs/limits.md says how many they miss
EXAMPLES = (
    ("splice", "splice", data.coffee, data.chelsea, 13),
    ("copy_move", "copy_move", data.rocket, data.rocket, 25),
    ("removal", "removal", data.astronaut, data.astronaut, 19),
    ("authentic", "authentic", data.chelsea, data.chelsea, 1),
)


def main() -> None:
    for name, operation, host, donor, seed in EXAMPLES:
        recipe = ForgeRecipe(shares=tuple(float(which == operation) for which in OPERATIONS), area_range=(0.01, 0.12))
        forgery = forge_photo(np.random.default_rng(seed), Donor(host()), Donor(donor()), recipe)
        if forgery.operation != operation:
            raise SystemExit(f"{name}: seed {seed} gave {forgery.operation}; choose another")
        picture = forgery.pixels[:, :, ::-1]
        cv2.imwrite(str(HERE / f"{name}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        if forgery.mask.any():
            cv2.imwrite(str(HERE / f"{name}_mask.png"), forgery.mask.astype(np.uint8) * 255)


if __name__ == "__main__":
    main()
