"""Make screenshots, and files of them as people pass them on, to measure the rule for pictures of screens with.

usage: screenshots.py OUT [--photos FOLDER]    (needs Chromium; minutes)

OUT/<kind>/<style>-<shade>-<size>-<way>.png or .jpg. Kinds: those of `screen_pages.py`; `scan`, a document with the noise,
blur, tint and tilt of a scanner; and, with --photos, `news`, a page a good part of which is photos. Fonts: those that the
machine has; a page asks for the system's own first.
"""

import argparse
import random
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from screen_pages import PAGES, page

Pixels = NDArray[np.uint8]
DESKTOPS, PHONES = ("windows", "macos", "gnome"), ("android", "ios")
DESKTOP_SIZES = ((1366, 768, 1), (1920, 1080, 1), (1440, 900, 2))  # CSS pixels and pixels per CSS pixel
PHONE_SIZES = ((360, 800, 3), (390, 844, 2))
ON_PHONES = ("chat", "settings", "article", "shop", "map", "mail")
WAYS = {"png": (1.0, None), "q95": (1.0, 95), "q85": (1.0, 85), "q70": (1.0, 70), "s75": (0.75, 85), "s50": (0.5, 85)}


@dataclass(frozen=True)
class Screen:
    """One screenshot to make. width, height: CSS pixels. scale: pixels per CSS pixel."""

    kind: str
    style: str
    dark: bool
    width: int
    height: int
    scale: int

    @property
    def name(self) -> str:
        shade = "dark" if self.dark else "light"
        return f"{self.style}-{shade}-{self.width * self.scale}x{self.height * self.scale}"


def screens(kinds: list[str]) -> Iterator[Screen]:
    """Yield what to make: every kind in both shades, on the systems that show it, the sizes taken in turn."""
    turn = 0
    for kind in kinds:
        for dark in (False, True):
            for style in (*DESKTOPS, *(PHONES if kind in ON_PHONES else ())):
                sizes = PHONE_SIZES if style in PHONES else DESKTOP_SIZES
                yield Screen(kind, style, dark and kind != "scan", *sizes[turn % len(sizes)])
                turn += 1


def drawn(screen: Screen, seed: int, photos: tuple[str, ...]) -> Pixels:
    """Have the browser draw a screen; returns (H, W, 3) BGR."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "page.html"), Path(folder, "shot.png")
        kind = "document" if screen.kind == "scan" else screen.kind
        source.write_text(page(kind, screen.style, screen.dark, seed, photos), encoding="utf-8")
        size = f"--window-size={screen.width},{screen.height}"
        scale = f"--force-device-scale-factor={screen.scale}"
        browser = ("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")
        subprocess.run([*browser, size, scale, f"--screenshot={target}", str(source)], check=True, capture_output=True)
        return np.asarray(cv2.imread(str(target)), np.uint8)


def scanned(pixels: Pixels, seed: int) -> Pixels:
    """Return a drawn page as a scanner gives it back: tilted, a little soft, tinted, unevenly lit, with noise."""
    chance = np.random.default_rng(seed)
    height, width = pixels.shape[:2]
    tilt = cv2.getRotationMatrix2D((width / 2, height / 2), chance.uniform(-0.8, 0.8), 1.0)
    soft = cv2.GaussianBlur(cv2.warpAffine(pixels, tilt, (width, height), borderValue=(255, 255, 255)), (0, 0), 0.6)
    tint = chance.uniform(0.9, 1.0, 3) * 0.97
    light = np.linspace(1.0, chance.uniform(0.93, 0.99), width)[None, :, None]
    noise = chance.normal(0, chance.uniform(1.0, 4.0), pixels.shape)
    return np.clip(np.rint(soft * tint * light + noise), 0, 255).astype(np.uint8)


def write_ways(pixels: Pixels, stem: Path) -> None:
    """Write a screenshot as PNG, as JPEG, and shrunk as JPEG."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    for way, (factor, quality) in WAYS.items():
        shown = pixels if factor == 1 else cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        suffix, settings = (".png", []) if quality is None else (".jpg", [cv2.IMWRITE_JPEG_QUALITY, quality])
        cv2.imwrite(f"{stem}-{way}{suffix}", shown, settings)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--photos", type=Path, help="folder whose JPEG photos the news pages show")
    arguments = parser.parse_args()
    shown = sorted(arguments.photos.resolve().rglob("*.jpg")) if arguments.photos else []
    kinds = [*PAGES, "scan", *(["news"] if len(shown) >= 3 else [])]
    for seed, screen in enumerate(screens(kinds)):
        photos = tuple(path.as_uri() for path in random.Random(seed).sample(shown, 3)) if screen.kind == "news" else ()
        pixels = drawn(screen, seed, photos)
        if screen.kind == "scan":
            pixels = scanned(pixels, seed)
        write_ways(pixels, arguments.out / screen.kind / f"{screen.name}-{seed:03}")
        print(f"{screen.kind} {screen.name}", flush=True)


if __name__ == "__main__":
    main()
