"""Make photos that somebody processed beyond what photos look like, to measure the rule for pictures of screens with.

usage: distorted.py OUT --photos FOLDER ... [--objects FOLDER --masks FOLDER] [--each 120]

OUT/fit/<way>/ and OUT/held-out/<way>/. The photos of a half are those of every second source, as `screen_rates.py` divides
them: `--each` photos of every half, drawn with a fixed seed in turns over its sources, and each in every way. With --objects,
objects cut out by their masks (of the same name, or of the same number) on white and on black are two more ways. The same
call gives the same pictures.
"""

import argparse
import re
from collections.abc import Callable
from itertools import chain, zip_longest
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from screen_pages import WORDS
from screen_rates import HALVES, groups_in

Pixels = NDArray[np.uint8]
Way = Callable[[Pixels, np.random.Generator], Pixels]
QUALITY = 90  # of what is saved as JPEG with no other quality
FONT = cv2.FONT_HERSHEY_SIMPLEX
LARGEST = 1000  # pixels a side of the photos that are processed


def unchanged(photo: Pixels, _chance: np.random.Generator) -> Pixels:
    """Return a photo that only saving it changes."""
    return photo


def with_levels(count: int) -> Way:
    """Return the way that leaves so many levels of each channel."""
    table = (np.rint(np.arange(256) / 255 * (count - 1)) / (count - 1) * 255).round().astype(np.uint8)
    return lambda photo, _chance: np.asarray(cv2.LUT(photo, table), np.uint8)


def curve(of: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Way:
    """Return the way of a tone curve over 0..1."""
    table = np.clip(np.rint(of(np.arange(256) / 255) * 255), 0, 255).astype(np.uint8)
    return lambda photo, _chance: np.asarray(cv2.LUT(photo, table), np.uint8)


def with_palette(count: int) -> Way:
    """Return the way of a palette of so many colours, without dithering."""
    from PIL import Image

    def way(photo: Pixels, _chance: np.random.Generator) -> Pixels:
        picture = Image.fromarray(photo[..., ::-1]).quantize(count, dither=Image.Dither.NONE).convert("RGB")
        return np.ascontiguousarray(np.asarray(picture, np.uint8)[..., ::-1])

    return way


def wide(pixels: int) -> Way:
    """Return the way of a resize to that width."""

    def way(photo: Pixels, _chance: np.random.Generator) -> Pixels:
        height = max(64, round(photo.shape[0] * pixels / photo.shape[1]))
        how = cv2.INTER_AREA if pixels < photo.shape[1] else cv2.INTER_CUBIC
        return np.asarray(cv2.resize(photo, (pixels, height), interpolation=how), np.uint8)

    return way


def framed(level: int, share: float, sides: bool = True) -> Way:
    """Return the way of an even ground around a photo, or above and below it only; share: of its longer side."""

    def way(photo: Pixels, _chance: np.random.Generator) -> Pixels:
        width = round(share * max(photo.shape[:2]))
        across = width if sides else 0
        return cv2.copyMakeBorder(photo, width, width, across, across, cv2.BORDER_CONSTANT, value=(level,) * 3)  # type: ignore[return-value]

    return way


def thresholded(photo: Pixels, _chance: np.random.Generator) -> Pixels:
    grey = cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.cvtColor(cv2.threshold(grey, 0, 255, cv2.THRESH_OTSU)[1], cv2.COLOR_GRAY2BGR), np.uint8)


def grey(photo: Pixels, _chance: np.random.Generator) -> Pixels:
    return np.asarray(cv2.cvtColor(cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR), np.uint8)


def smoothed(photo: Pixels, _chance: np.random.Generator) -> Pixels:
    return np.asarray(cv2.medianBlur(photo, 7), np.uint8)


def noisy(photo: Pixels, chance: np.random.Generator) -> Pixels:
    return np.clip(np.rint(photo + chance.normal(0, 12, photo.shape)), 0, 255).astype(np.uint8)


def captioned(photo: Pixels, _chance: np.random.Generator) -> Pixels:
    """Write two lines across a photo, white with a dark edge."""
    made, size = photo.copy(), photo.shape[1] / 640
    for text, at in (("WHEN YOU SEE IT", 0.13), ("AND CANNOT FORGET IT", 0.95)):
        for colour, thick in (((0, 0, 0), 6), ((255, 255, 255), 2)):
            place = (round(0.06 * photo.shape[1]), round(at * photo.shape[0]))
            cv2.putText(made, text, place, FONT, 1.3 * size, colour, max(1, round(thick * size)), cv2.LINE_AA)
    return made


def overwritten(photo: Pixels, chance: np.random.Generator) -> Pixels:
    """Write text over the whole photo, as watermarks and posters do."""
    made, size = photo.copy(), photo.shape[1] / 640
    for top in range(round(30 * size), photo.shape[0], max(8, round(38 * size))):
        text = " ".join(chance.choice(WORDS, 9))
        cv2.putText(made, text, (8, top), FONT, 0.8 * size, (255, 255, 255), max(1, round(2 * size)), cv2.LINE_AA)
    return made


def above_text(photo: Pixels, chance: np.random.Generator) -> Pixels:
    """Put a photo above as much white ground again, with text on a third of that."""
    height, width = photo.shape[:2]
    made = np.concatenate([photo, np.full((height // 2, width, 3), 255, np.uint8)])
    size = width / 640
    for top in range(height + round(30 * size), height + height // 3, max(8, round(30 * size))):
        text = " ".join(chance.choice(WORDS, 9))
        cv2.putText(made, text, (8, top), FONT, 0.6 * size, (20, 20, 20), max(1, round(size)), cv2.LINE_AA)
    return made


WAYS: dict[str, Way] = {
    **dict.fromkeys(("quality-5", "quality-10", "quality-20", "quality-40"), unchanged),
    **{f"palette-{count}": with_palette(count) for count in (16, 256)},
    **{f"posterised-{count}": with_levels(count) for count in (4, 16)},
    **{f"width-{width}": wide(width) for width in (128, 200, 320)},
    "enlarged": lambda photo, chance: wide(min(2 * photo.shape[1], 2 * LARGEST))(photo, chance),
    "thresholded": thresholded,
    "grey": grey,
    "flat": curve(lambda tone: 0.5 + 0.15 * (tone - 0.5)),
    "hard": curve(lambda tone: 0.5 + 3.0 * (tone - 0.5)),
    "over-exposed": curve(lambda tone: 2.5 * tone),
    "nearly-black": curve(lambda tone: 0.12 * tone),
    "smoothed": smoothed,
    "noisy": noisy,
    "white-frame": framed(255, 0.05),
    "white-ground": framed(255, 0.4),
    "black-ground": framed(0, 0.4),
    "black-bars": framed(0, 0.12, sides=False),
    "caption": captioned,
    "text-over-all": overwritten,
    "text-below": above_text,
}
EXACT = {"palette-16", "palette-256", "posterised-4", "posterised-16", "thresholded"}  # saved as PNG


def halves(folders: list[Path], each: int) -> dict[str, list[Path]]:
    """Return `each` photos of every half, in turns over its sources."""
    groups = groups_in(folders, each)
    return {
        half: [path for path in chain(*zip_longest(*(paths for _, paths in groups[at::2]))) if path][:each]
        for at, half in enumerate(HALVES)
    }


def cut_out(photo: Pixels, mask: Pixels, level: int) -> Pixels:
    """Return an object on an even ground. mask: (H, W), 0..255."""
    size = (photo.shape[1], photo.shape[0])
    share = cv2.resize(mask, size, interpolation=cv2.INTER_LINEAR).astype(np.float32)[..., None] / 255
    return np.rint(photo * share + level * (1 - share)).astype(np.uint8)


def objects(folder: Path, masks: Path) -> list[tuple[Path, Path]]:
    """Return photos of objects with their masks, in the order of their names."""

    def key(path: Path) -> tuple[str, str]:
        return path.parent.name, re.sub(r"\D", "", path.stem)

    of = {key(path): path for path in sorted(masks.rglob("*")) if path.is_file()}
    return [(path, of[key(path)]) for path in sorted(folder.rglob("*")) if key(path) in of]


def read(path: Path) -> Pixels | None:
    photo = cv2.imread(str(path), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if photo is None or min(photo.shape[:2]) < 64:
        return None
    factor = min(1.0, LARGEST / max(photo.shape[:2]))
    return np.asarray(cv2.resize(photo, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)


def write(picture: Pixels, folder: Path, way: str, name: str) -> None:
    (folder / way).mkdir(parents=True, exist_ok=True)
    quality = int(way.partition("-")[2]) if way.startswith("quality-") else QUALITY
    exact = way in EXACT
    settings = [cv2.IMWRITE_PNG_COMPRESSION, 1] if exact else [cv2.IMWRITE_JPEG_QUALITY, quality]
    if not cv2.imwrite(str(folder / way / f"{name}{'.png' if exact else '.jpg'}"), picture, settings):
        raise OSError(f"cannot write into {folder / way}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--photos", type=Path, nargs="+", required=True)
    parser.add_argument("--objects", type=Path)
    parser.add_argument("--masks", type=Path)
    parser.add_argument("--each", type=int, default=120)
    arguments = parser.parse_args()
    for half, paths in halves(arguments.photos, arguments.each).items():
        for number, path in enumerate(paths):
            photo = read(path)
            if photo is None:
                continue
            for seed, (way, process) in enumerate(WAYS.items()):
                chance = np.random.default_rng([number, seed])
                name = f"{number:03}-{path.parent.name}-{path.stem[-40:]}"
                write(process(photo, chance), arguments.out / half, way, name)
        print(f"{half}: {len(paths)} photos", flush=True)
    if arguments.objects and arguments.masks:
        pairs = objects(arguments.objects, arguments.masks)
        for number, (path, own) in enumerate(pairs):
            photo, mask = read(path), cv2.imread(str(own), cv2.IMREAD_GRAYSCALE)
            if photo is None or mask is None:
                continue
            ways = (("cut-out-white", 255), ("cut-out-black", 0))
            way, level = ways[number // 2 % 2]
            made = cut_out(photo, np.asarray(mask, np.uint8), level)
            write(made, arguments.out / HALVES[number % 2], way, f"{number:03}-{path.stem[-40:]}")
        print(f"{len(pairs)} objects", flush=True)


if __name__ == "__main__":
    main()
