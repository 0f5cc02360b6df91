"""Make the photo pool that `base.toml` trains on: photos of bounded size and cut-out objects, split by source.

usage: prepare_photos.py COLLECTED POOL

COLLECTED holds `photos/SOURCE/*`, `objects/SOURCE/*`, `masks/SOURCE/*` and `labels/SOURCE/*`. POOL gets `train/` and
`validation/`, each with `photos/SOURCE/*` and `objects/SOURCE/*.jpg` beside `*.png` masks (0/255). Whole sources go to
validation, so that no photo series, camera or web site is on both sides. Photos of up to 1280 pixels are kept byte for
byte; of larger ones the pool gets a smaller version (as the web would show it) and a crop at native resolution.
Needs scipy for the label maps of `ccp`.
"""

import argparse
import random
import shutil
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageFile
from scipy.io import loadmat

VALIDATION_SOURCES = {"fire_normal", "openalpr", "horses", "dresden_prnu", "exif_samples", "photoprism", "immich"}
LONGEST_KEPT = 1280
CROP = 1024


def add_photo(path: Path, folder: Path) -> None:
    """Put one photo into the pool, in one or two versions."""
    with Image.open(path) as image:
        image.load()
        kind, rgb = image.format, image.convert("RGB")
    width, height = rgb.size
    if max(width, height) <= LONGEST_KEPT and kind == "JPEG":
        shutil.copyfile(path, folder / path.name)
        return
    draw = random.Random(path.name)
    if max(width, height) > LONGEST_KEPT:
        factor = draw.randint(900, LONGEST_KEPT) / max(width, height)
        small = rgb.resize((round(width * factor), round(height * factor)), Image.Resampling.LANCZOS)
        small.save(folder / f"{path.stem}.small.jpg", quality=97, subsampling=0)
        x, y = draw.randint(0, max(0, width - CROP)) // 8 * 8, draw.randint(0, max(0, height - CROP)) // 8 * 8
        rgb = rgb.crop((x, y, min(width, x + CROP), min(height, y + CROP)))
    if min(rgb.size) >= 256:
        rgb.save(folder / f"{path.stem}.native.jpg", quality=97, subsampling=0)


def object_mask(source: str, collected: Path, path: Path, width: int, height: int) -> np.ndarray | None:
    """Return the object's mask, bool (height, width), or None if there is none for this file."""
    tail = path.stem.rsplit("__", 1)[-1]
    if source == "ccp":
        file = collected / "labels" / "ccp" / f"annotations__pixel-level__{tail}.mat"
        mask = (loadmat(file)["groundtruth"] > 0).astype(np.uint8) * 255 if file.exists() else None
    elif source == "feralcat":
        file = collected / "labels" / source / (path.stem.replace("__images__", "__labels__") + ".txt")
        mask = np.zeros((height, width), np.uint8)
        for line in file.read_text().splitlines() if file.exists() else []:
            points = np.array([float(value) for value in line.split()[1:]]).reshape(-1, 2) * (width, height)
            cv2.fillPoly(mask, [points.astype(np.int32)], 255)
    else:
        found = [file for file in (collected / "masks" / source).iterdir() if file.stem.rsplit("__", 1)[-1] == tail]
        mask = cv2.imread(str(found[0]), cv2.IMREAD_GRAYSCALE) if found else None
    if mask is None or not mask.any():
        return None
    # masks come at other scales than the photos, and some are JPEG
    return cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR) > 127


def add_object(source: str, collected: Path, path: Path, folder: Path) -> None:
    """Put one photo with its object mask into the pool."""
    with Image.open(path) as image:
        rgb = image.convert("RGB")
    mask = object_mask(source, collected, path, *rgb.size)
    if mask is None or not 0.01 < mask.mean() < 0.9:
        return
    rgb.save(folder / f"{path.stem}.jpg", quality=97, subsampling=0)
    cv2.imwrite(str(folder / f"{path.stem}.png"), mask.astype(np.uint8) * 255)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collected", type=Path)
    parser.add_argument("pool", type=Path)
    args = parser.parse_args()
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    Image.MAX_IMAGE_PIXELS = None
    for kind in ("photos", "objects"):
        for source in sorted((args.collected / kind).iterdir()):
            side = "validation" if source.name in VALIDATION_SOURCES else "train"
            folder = args.pool / side / kind / source.name
            folder.mkdir(parents=True, exist_ok=True)
            for path in sorted(source.iterdir()):
                try:
                    if kind == "photos":
                        add_photo(path, folder)
                    else:
                        add_object(source.name, args.collected, path, folder)
                except OSError as error:
                    print(f"left out: {path}: {error}")
            print(f"{side} {kind} {source.name}: {len(list(folder.iterdir()))} files", flush=True)


if __name__ == "__main__":
    main()
