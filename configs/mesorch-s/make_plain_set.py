"""Make forged photos without `mesorch forge`, with OpenCV alone, to compare weights that learnt from different forges.

usage: make_plain_set.py VALIDATION OUT [--count 90] [--authentic 60]

VALIDATION is what prepare_photos.py wrote for validation. Writes OUT with `Tp`, `Gt` and `Au`, as `mesorch evaluate` takes
them. Half of the forgeries are splices of an object that GrabCut found in another photo, a quarter copies of such an object
within its own photo, a quarter edits in place (blur, tone, saturation, inpainting). Then every photo, the authentic ones
too, is resized or not, and saved as PNG or once or twice as JPEG. The set is for comparison; nothing may be fitted on it.
"""

import argparse
import random
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

SEED, LONGEST, SHORTEST = 701, 1024, 200  # the last two in pixels
AREAS = (0.005, 0.4)  # the forged share of a photo
KINDS = ("splice", "splice", "copy_move", "in_place")


def photo_of(path: Path, dice: random.Random) -> Pixels | None:
    """Return the photo in BGR, between 480 and LONGEST pixels on its longer side, or None if it is too small."""
    pixels = cv2.imread(str(path))
    if pixels is None or min(pixels.shape[:2]) < SHORTEST:
        return None
    scale = min(1.0, dice.uniform(480, LONGEST) / max(pixels.shape[:2]))
    size = (round(pixels.shape[1] * scale), round(pixels.shape[0] * scale))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def object_of(pixels: Pixels, dice: random.Random) -> Mask | None:
    """Return the largest connected part that GrabCut takes for the foreground of a random box, or None."""
    height, width = pixels.shape[:2]
    wide, high = (int(dice.uniform(0.15, 0.6) * side) for side in (width, height))
    box = (dice.randint(1, width - wide - 1), dice.randint(1, height - high - 1), wide, high)
    labels = np.zeros((height, width), np.uint8)
    cv2.setRNGSeed(dice.randint(0, 2**31 - 1))
    cv2.grabCut(pixels, labels, box, np.zeros((1, 65)), np.zeros((1, 65)), 3, cv2.GC_INIT_WITH_RECT)
    found = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    front = cv2.morphologyEx(found, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    count, parts, stats, _ = cv2.connectedComponentsWithStats(front)
    if count < 2:
        return None
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    if stats[largest, cv2.CC_STAT_AREA] < 0.3 * wide * high:
        return None
    return np.asarray(parts == largest)


def pasted(host: Pixels, donor: Pixels, cut: Mask, dice: random.Random) -> tuple[Pixels, Mask] | None:
    """Return the host with the cut-out of the donor, scaled and turned, at a random place, and where it lies."""
    rows, columns = np.nonzero(cut)
    piece = donor[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    shape = cut[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].astype(np.uint8) * 255
    scale = dice.choice((1.0, dice.uniform(0.5, 1.6)))
    scale = min(scale, 0.8 * host.shape[0] / piece.shape[0], 0.8 * host.shape[1] / piece.shape[1])
    angle = dice.choice((0.0, 0.0, dice.uniform(-20, 20)))
    centre = (piece.shape[1] / 2, piece.shape[0] / 2)
    matrix = cv2.getRotationMatrix2D(centre, angle, scale)
    place = (dice.uniform(0.15, 0.85) * host.shape[1], dice.uniform(0.15, 0.85) * host.shape[0])
    matrix[:, 2] += np.subtract(place, centre)
    size = (host.shape[1], host.shape[0])
    moved = cv2.warpAffine(piece, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    alpha = cv2.warpAffine(shape, matrix, size, flags=cv2.INTER_LINEAR)
    mask = np.asarray(alpha > 127)
    if not AREAS[0] < mask.mean() < AREAS[1]:
        return None
    if dice.random() < 0.5:  # colours nearer to those of the place
        there = host[mask].mean(axis=0)
        shift = dice.uniform(0.3, 0.8) * (there - moved[mask].mean(axis=0))
        moved = np.clip(moved + shift, 0, 255).astype(np.uint8)
    if dice.random() < 0.25:
        inner = mask.copy()
        inner[[0, -1]] = inner[:, [0, -1]] = False
        left, top, wide, high = cv2.boundingRect(inner.astype(np.uint8))
        middle = (left + wide // 2, top + high // 2)
        joined = cv2.seamlessClone(moved, host, inner.astype(np.uint8) * 255, middle, cv2.NORMAL_CLONE)
        return np.asarray(joined, np.uint8), inner
    soft = cv2.GaussianBlur(alpha, (0, 0), dice.uniform(0.4, 1.6))[:, :, None] / 255.0
    return np.rint(moved * soft + host * (1 - soft)).astype(np.uint8), mask


def edited(host: Pixels, cut: Mask, dice: random.Random) -> tuple[Pixels, Mask] | None:
    """Return the host with the region changed in place, and the region."""
    if not AREAS[0] < cut.mean() < AREAS[1]:
        return None
    kind = dice.choice(("blur", "tone", "saturation", "inpaint"))
    if kind == "blur":
        changed = cv2.GaussianBlur(host, (0, 0), dice.uniform(0.8, 2.5))
    elif kind == "tone":
        changed = np.clip(255 * (host / 255.0) ** dice.choice((0.6, 0.75, 1.35, 1.6)), 0, 255).astype(np.uint8)
    elif kind == "saturation":
        grey = cv2.cvtColor(host, cv2.COLOR_BGR2GRAY)[:, :, None].astype(float)
        changed = np.clip(grey + dice.choice((0.3, 0.6, 1.5)) * (host - grey), 0, 255).astype(np.uint8)
    else:
        changed = cv2.inpaint(host, cut.astype(np.uint8) * 255, 5, cv2.INPAINT_TELEA)
    return np.where(cut[:, :, None], changed, host).astype(np.uint8), cut


def save(pixels: Pixels, mask: Mask, path: Path, dice: random.Random) -> tuple[Path, Mask]:
    """Resize or not, save as PNG, or once or twice as JPEG. Return the file's path and the mask at its size."""
    if dice.random() < 0.4:
        scale = dice.uniform(0.6, 0.95)
        size = (round(pixels.shape[1] * scale), round(pixels.shape[0] * scale))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
        mask = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    if dice.random() < 0.25:
        path = path.with_suffix(".png")
        cv2.imwrite(str(path), pixels)
        return path, mask
    path = path.with_suffix(".jpg")
    for _ in range(dice.choice((1, 1, 2))):
        cv2.imwrite(str(path), pixels, [cv2.IMWRITE_JPEG_QUALITY, dice.randint(70, 96)])
        pixels = np.asarray(cv2.imread(str(path)), np.uint8)
    return path, mask


def forged(kind: str, photos: list[Path], dice: random.Random) -> tuple[Pixels, Mask] | None:
    """Return a forged photo and its mask, or None if the draw came to nothing."""
    host, donor = (photo_of(path, dice) for path in dice.sample(photos, 2))
    if kind != "splice":
        donor = host
    if host is None or donor is None:
        return None
    cut = object_of(donor, dice)
    if cut is None:
        return None
    return edited(host, cut, dice) if kind == "in_place" else pasted(host, donor, cut, dice)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("validation", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=90)
    parser.add_argument("--authentic", type=int, default=60)
    args = parser.parse_args()
    for folder in ("Tp", "Gt", "Au"):
        (args.out / folder).mkdir(parents=True, exist_ok=True)
    photos = sorted((args.validation / "photos").glob("*/*"))
    horses = sorted((args.validation / "objects").glob("*/*.jpg"))
    dice = random.Random(SEED)
    made = 0
    while made < args.count:
        kind = KINDS[made % len(KINDS)]
        found = forged(kind, photos + horses, dice)
        if found is not None:
            path, mask = save(*found, args.out / "Tp" / f"{kind}-{made:03d}", dice)
            cv2.imwrite(str(args.out / "Gt" / f"{path.stem}.png"), mask.astype(np.uint8) * 255)
            made += 1
    made = 0
    while made < args.authentic:
        pixels = photo_of(dice.choice(photos), dice)
        if pixels is not None:
            save(pixels, np.zeros(pixels.shape[:2], np.bool_), args.out / "Au" / f"authentic-{made:03d}", dice)
            made += 1


if __name__ == "__main__":
    main()
