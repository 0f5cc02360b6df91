"""Make what the history network is trained on: traces of forged and authentic JPEGs, and how much of each block was changed.

usage: make_blocks.py COLLECTED OUT --count N [--seed 7] [--validation] [--workers 1]

COLLECTED holds `photos/SOURCE/*`. Whole sources are kept for validation (see configs/mesorch-s/prepare_photos.py), so that
no camera or web site is on both sides. Item i depends on (seed, i) alone.
"""

import argparse
import io
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mesorch_cli.forge.encoding import JpegSettings, decoded, drawn_settings, encode_jpeg
from mesorch_cli.forge.in_place import KINDS, apply
from mesorch_cli.forge.shapes import place, region
from mesorch_cli.inference.witnesses.block_statistics import BlockStatistics, can_be_measured
from mesorch_cli.inference.witnesses.blocks import BLOCK
from mesorch_cli.inference.witnesses.history.traces import FEWEST_SIDE, traces

sys.path.insert(0, str(Path(__file__).parents[1] / "mesorch-s"))
from prepare_photos import VALIDATION_SOURCES

LONGEST = 1024  # pixels of an item
MOST_PIXELS = 30_000_000  # of a photo that is drawn
SMALLEST = 120  # pixels of the shorter side
UNIFORM = {"ccp", "clothing", "catsdogs", "pandas_pets", "grocery", "trashnet"}  # one history each: drawn less often
VARIED = {
    "metadata_extractor": 3.0, "monkeys": 1.6, "weather": 1.5, "azure": 1.5, "elementary_old": 2.5, "deepin_old": 2.5,
    "deepin": 2.0, "budgie_old": 2.0, "budgie": 2.0, "elementary_wallpapers": 2.0,
}  # fmt: skip
AUTHENTIC_SHARE = 0.24
AUTHENTIC = {"as it is": 0.3, "saved again": 0.22, "saved twice": 0.12, "resized": 0.16, "toned": 0.1, "cropped": 0.1}
SHRINKING = (cv2.INTER_AREA, cv2.INTER_CUBIC, cv2.INTER_LINEAR, cv2.INTER_LANCZOS4)

Pixels = NDArray[np.uint8]
Plane = NDArray[np.float32]


class UnsuitableError(Exception):
    """A drawn photo or region cannot be used; another is drawn."""


@dataclass(frozen=True)
class Made:
    """A JPEG and the share of the change in each pixel, (H, W) float32 in 0..1."""

    data: bytes
    changed: Plane
    kind: str


class Photos:
    """Photos by source. Sources are drawn by the root of their number, uniform ones less often and varied ones more often."""

    def __init__(self, collected: Path, validation: bool) -> None:
        self.files, shares = [], []
        for folder in sorted((collected / "photos").iterdir()):
            files = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
            if files and (folder.name in VALIDATION_SOURCES) == validation:
                self.files.append(files)
                shares.append(len(files) ** 0.5 * (0.45 if folder.name in UNIFORM else VARIED.get(folder.name, 1.0)))
        self.shares = np.array(shares) / sum(shares)

    def drawn(self, rng: np.random.Generator, *, jpeg: bool = False) -> tuple[Pixels, bytes]:
        """Return a photo and its file. Raises UnsuitableError for one that cannot be used."""
        files = self.files[int(rng.choice(len(self.files), p=self.shares))]
        data = files[int(rng.integers(len(files)))].read_bytes()
        try:
            with Image.open(io.BytesIO(data)) as image:
                if image.width * image.height > MOST_PIXELS or (
                    jpeg and (image.format != "JPEG" or image.mode != "RGB")
                ):
                    raise UnsuitableError
                return np.asarray(image.convert("RGB")), data
        except OSError as error:
            raise UnsuitableError from error


@lru_cache(maxsize=1)
def listed(collected: Path, validation: bool) -> Photos:
    """Return the photos, listed once in each process."""
    return Photos(collected, validation)


def window(pixels: Pixels, rng: np.random.Generator, longest: int = LONGEST) -> Pixels:
    """Return a part of at most `longest` pixels a side that begins on the photo's grid."""
    height, width = (min(side, longest) for side in pixels.shape[:2])
    y = int(rng.integers(0, pixels.shape[0] - height + 1)) // BLOCK * BLOCK
    x = int(rng.integers(0, pixels.shape[1] - width + 1)) // BLOCK * BLOCK
    return np.ascontiguousarray(pixels[y : y + height, x : x + width])


def resized(pixels: Pixels, factor: float, rng: np.random.Generator) -> Pixels:
    """Return a photo resized by a drawn interpolation."""
    usable = SHRINKING if factor < 1 else SHRINKING[1:]
    size = tuple(max(64, round(side * factor)) for side in pixels.shape[1::-1])
    return cv2.resize(pixels, size, interpolation=usable[int(rng.integers(len(usable)))])


def pristine(photos: Photos, rng: np.random.Generator) -> Pixels:
    """Return a photo shrunk so far that no trace of its file is left."""
    pixels, _ = photos.drawn(rng)
    longest = max(360, int(min(rng.uniform(0.4, 0.7) * max(pixels.shape[:2]), LONGEST)))
    return resized(pixels, min(longest / max(pixels.shape[:2]), 0.8), rng)


def saved(pixels: Pixels, rng: np.random.Generator, lowest: int = 45) -> Pixels:
    """Return pixels after a save as a JPEG."""
    return decoded(encode_jpeg(np.ascontiguousarray(pixels), drawn_settings(rng, lowest, 98)))


def toned(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Return pixels after a tone curve."""
    values = (pixels.astype(np.float32) / 255) ** rng.uniform(0.75, 1.3) * rng.uniform(0.9, 1.08) + rng.uniform(
        -0.03, 0.03
    )
    return np.clip(np.rint(values * 255), 0, 255).astype(np.uint8)


def off_grid(rng: np.random.Generator, *planes: NDArray[np.generic]) -> list[NDArray[np.generic]]:
    """Return planes without the same 0 to 7 rows and columns."""
    y, x = int(rng.integers(0, BLOCK)), int(rng.integers(0, BLOCK))
    return [np.ascontiguousarray(plane[y:, x:]) for plane in planes]


def authentic(photos: Photos, rng: np.random.Generator) -> Made:
    """Return an authentic JPEG as it is, or after a later life that changed all of it alike."""
    life = list(AUTHENTIC)[int(rng.choice(len(AUTHENTIC), p=list(AUTHENTIC.values())))]
    pixels, data = photos.drawn(rng, jpeg=life == "as it is")
    if life == "as it is":
        return Made(data, np.zeros(pixels.shape[:2], np.float32), life)
    pixels = window(pixels, rng, int(LONGEST * 1.4) if life == "resized" else LONGEST)
    if life == "resized":
        pixels = resized(pixels, float(rng.uniform(0.4, 0.97)), rng)
    if life == "toned":
        pixels = toned(pixels, rng)
    if life == "cropped":
        (pixels,) = off_grid(rng, pixels)
    pixels = np.ascontiguousarray(pixels[:LONGEST, :LONGEST])
    twice = life == "saved twice" or (life == "resized" and rng.random() < 0.5)
    if twice:
        pixels = saved(pixels, rng)
    return Made(encode_jpeg(pixels, drawn_settings(rng, 45, 98)), np.zeros(pixels.shape[:2], np.float32), life)


def host_of(photos: Photos, rng: np.random.Generator) -> Pixels:
    """Return a photo to be changed: without a trace, saved by us, or with the history that its file brought."""
    which = rng.random()
    if which < 0.45:
        pixels = saved(pristine(photos, rng), rng)
    elif which < 0.92:
        pixels = window(photos.drawn(rng)[0], rng)
    else:
        pixels = pristine(photos, rng)
    if rng.random() < 0.15:
        (pixels,) = off_grid(rng, pixels)
    if rng.random() < 0.08:
        pixels = resized(pixels, float(rng.uniform(0.5, 0.95)), rng)
    return pixels


def region_of(height: int, width: int, rng: np.random.Generator) -> Plane:
    """Return the region to change, (H, W) of 0 and 1; now and then all but a region."""
    shape, _ = region(rng, height, width, float(np.exp(rng.uniform(np.log(0.008), np.log(0.5)))))
    y, x = place(rng, height, width, shape.shape)
    whole = np.zeros((height, width), np.float32)
    top, left = max(0, y), max(0, x)
    part = shape[top - y : top - y + height - top, left - x : left - x + width - left]
    whole[top : top + part.shape[0], left : left + part.shape[1]] = part
    if rng.random() < 0.08:
        whole = 1 - whole
    if not 0.002 < whole.mean() < 0.9:
        raise UnsuitableError
    return whole


def cut(pixels: Pixels, height: int, width: int, rng: np.random.Generator) -> Pixels:
    """Return a window of a donor at any place, enlarged if it is too small."""
    factor = max((height + BLOCK) / pixels.shape[0], (width + BLOCK) / pixels.shape[1])
    if factor > 1:
        pixels = resized(pixels, factor * 1.01, rng)
    y, x = int(rng.integers(0, pixels.shape[0] - height + 1)), int(rng.integers(0, pixels.shape[1] - width + 1))
    return pixels[y : y + height, x : x + width]


def donor_of(photos: Photos, rng: np.random.Generator) -> Pixels:
    """Return a foreign photo with a life of its own."""
    which = rng.random()
    if which < 0.3:
        pixels = pristine(photos, rng)
    elif which < 0.65:
        pixels = window(photos.drawn(rng)[0], rng)
    else:
        pixels = saved(pristine(photos, rng), rng)
    if rng.random() < 0.5:
        pixels = resized(pixels, float(rng.uniform(0.4, 1.4)), rng)
    if rng.random() < 0.2:
        pixels = cv2.GaussianBlur(pixels, (0, 0), float(rng.uniform(0.4, 1.2)))
    return toned(pixels, rng) if rng.random() < 0.3 else pixels


def changed_host(photos: Photos, host: Pixels, whole: Plane, rng: np.random.Generator) -> tuple[Pixels, str]:
    """Return a version of the host that differs in (at least) the region, and the kind of change."""
    rows, columns = np.flatnonzero(whole.any(axis=1)), np.flatnonzero(whole.any(axis=0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    height, width = rows[-1] + 1 - rows[0], columns[-1] + 1 - columns[0]
    other, which = host.copy(), rng.random()
    if which < 0.58:
        other[box] = cut(donor_of(photos, rng), height, width, rng)
        return other, "foreign"
    if which < 0.72:
        donor = resized(host, float(rng.uniform(0.7, 1.3)), rng) if rng.random() < 0.4 else host
        other[box] = cut(donor, height, width, rng)
        return other, "copy"
    if which < 0.78:
        sides = max(4, host.shape[1] // 32), max(4, host.shape[0] // 32)
        smooth = cv2.resize(cv2.GaussianBlur(host, (0, 0), 12), sides)
        smooth = cv2.resize(smooth, host.shape[1::-1], interpolation=cv2.INTER_CUBIC).astype(np.float32)
        smooth += rng.normal(0, rng.uniform(0, 3), (*host.shape[:2], 1))
        return np.clip(smooth, 0, 255).astype(np.uint8), "fill"
    kind = KINDS[int(rng.integers(len(KINDS)))]
    around = tuple(slice(max(0, side.start - 16) // BLOCK * BLOCK, side.stop + 16) for side in box)
    other[around] = apply(kind, float(rng.uniform(0.15, 1)), np.ascontiguousarray(host[around]), rng)
    return other, f"in place, {kind}"


def forged(photos: Photos, rng: np.random.Generator) -> Made:
    """Return a forged JPEG."""
    host = host_of(photos, rng)
    if min(host.shape[:2]) < 128:
        raise UnsuitableError
    whole = region_of(*host.shape[:2], rng)
    other, kind = changed_host(photos, host, whole, rng)
    softness = float(rng.choice([0, 0.6, 1.2, 2.5]))
    changed = cv2.GaussianBlur(whole, (0, 0), softness) if softness else whole
    mixed = host * (1 - changed[..., None]) + other * changed[..., None]
    pixels = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
    if rng.random() < 0.15:
        pixels = toned(pixels, rng)
    later = rng.random()
    if later < 0.1:
        pixels = resized(pixels, float(rng.uniform(0.5, 0.97)), rng)
        changed = cv2.resize(changed, pixels.shape[1::-1], interpolation=cv2.INTER_AREA)
    elif later < 0.16:
        pixels, changed = off_grid(rng, pixels, changed)
    pixels, changed = np.ascontiguousarray(pixels[:LONGEST, :LONGEST]), changed[:LONGEST, :LONGEST]
    if rng.random() < 0.18:
        pixels = saved(pixels, rng, 55)
    last: JpegSettings = drawn_settings(rng, 55, 98)
    return Made(encode_jpeg(pixels, last), changed, kind)


def make(collected: Path, out: Path, seed: int, validation: bool, index: int) -> None:
    """Write item `index`: the traces, and by block the share that was changed, 0..255."""
    rng = np.random.default_rng([seed, index])
    photos = listed(collected, validation)
    while True:
        try:
            made = (authentic if rng.random() < AUTHENTIC_SHARE else forged)(photos, rng)
        except (UnsuitableError, ValueError, cv2.error):  # too small a photo or region for an operation
            continue
        with Image.open(io.BytesIO(made.data)) as image:
            pixels, steps = (
                np.asarray(image.convert("RGB")),
                np.array(image.quantization[0], np.int64).reshape(BLOCK, BLOCK),
            )
        pixels = pixels[: 2 * LONGEST, : 2 * LONGEST]
        if min(pixels.shape[:2]) >= SMALLEST and can_be_measured(pixels, FEWEST_SIDE):
            break
    seen = traces(pixels, steps, BlockStatistics.of(pixels))
    rows, columns = seen.levels.shape[:2]
    cropped = made.changed[: rows * BLOCK, : columns * BLOCK]
    share = cropped.reshape(rows, BLOCK, columns, BLOCK).mean(axis=(1, 3))
    np.savez(
        out / f"{seed:03d}-{index:06d}.npz",
        levels=seen.levels, own=seen.own, shifted=seen.shifted, planes=seen.planes.astype(np.float16),
        log_steps=seen.log_steps, changed=np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8), kind=made.kind,
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collected", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--validation", action="store_true")
    parser.add_argument("--workers", type=int, default=1)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    Image.MAX_IMAGE_PIXELS = None
    work = partial(make, args.collected, args.out, args.seed, args.validation)
    with ProcessPoolExecutor(args.workers) as pool:
        for _ in pool.map(work, range(args.count), chunksize=16):
            pass


if __name__ == "__main__":
    main()
