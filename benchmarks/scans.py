"""Make scans of documents with all that a scanner or a copier adds, to measure the rule for pictures of screens with.

usage: scans.py OUT [--each 12] [--seed 0]    (needs Chromium; minutes)

OUT/fit/<kind>/ and OUT/held-out/<kind>/: kinds of documents, half of them for a fit and half for measuring; `--each` scans
of every kind, each of another document with settings of its own: resolution, tilt, sharpness, paper white or coloured,
strength of ink, light that falls off and the shadow of a fold, grain, grey or colour, JPEG quality 40 to 95. The names tell
the main ones. --seed: the number of the first sheet. The same call gives the same pictures, as far as the browser has the
same fonts.
"""

import argparse
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from screen_pages import STYLES, Writer

Pixels = NDArray[np.uint8]
SHEET = (794, 1123)  # CSS pixels: A4 at 96 to the inch
CSS_DPI = 96
RESOLUTIONS = (100, 150, 200, 300)
PAPERS = {  # RGB
    "white": (252, 252, 250), "cream": (250, 242, 220), "recycled": (226, 223, 215), "pink": (250, 214, 220),
    "blue": (208, 226, 244), "green": (212, 236, 212), "yellow": (252, 240, 160),
}  # fmt: skip
TYPEFACES = ("'Liberation Serif',serif", "'Liberation Sans',sans-serif", "'DejaVu Sans Mono',monospace")


@dataclass(frozen=True)
class Scanner:
    """How a sheet is scanned. tilt: degrees. soft: sigma of the blur, in pixels at 150 dpi. ink: level of full black.

    falling: share of the light that is lost across the sheet, in the direction `towards`. fold: share lost in the shadow
    along the left edge. grain: sigma in levels; size: of its blur in pixels. quality: of the JPEG.
    """

    dpi: int
    tilt: float
    soft: float
    paper: str
    ink: float
    falling: float
    towards: float
    fold: float
    grain: float
    size: float
    quality: int
    grey: bool

    @property
    def name(self) -> str:
        return f"{self.dpi}dpi-{self.paper}-{'grey' if self.grey else 'colour'}-grain{self.grain:.0f}-q{self.quality}"


def scanner(chance: np.random.Generator) -> Scanner:
    """Draw the settings of one scan."""
    return Scanner(
        dpi=int(chance.choice(RESOLUTIONS)),
        tilt=chance.uniform(-2, 2),
        soft=chance.uniform(0.3, 1.1),
        paper=str(chance.choice(list(PAPERS))),
        ink=chance.uniform(15, 90),
        falling=chance.uniform(0, 0.15),
        towards=chance.uniform(0, 2 * np.pi),
        fold=float(chance.choice([0, 0, chance.uniform(0.1, 0.5)])),
        grain=chance.uniform(2, 10),
        size=chance.uniform(0, 0.9),
        quality=int(chance.integers(40, 96)),
        grey=bool(chance.random() < 0.5),
    )


def scanned(sheet: Pixels, how: Scanner, chance: np.random.Generator) -> Pixels:
    """Return a drawn sheet, (H, W, 3) BGR, as the scanner gives it back."""
    height, width = sheet.shape[:2]
    turned = cv2.getRotationMatrix2D((width / 2, height / 2), how.tilt, 1.0)
    tilted = cv2.warpAffine(sheet, turned, (width, height), flags=cv2.INTER_LINEAR, borderValue=(255, 255, 255))
    soft = cv2.GaussianBlur(tilted, (0, 0), max(0.3, how.soft * how.dpi / 150)).astype(np.float32) / 255
    paper = np.array(PAPERS[how.paper][::-1], np.float32)
    reflected = how.ink + soft * (paper - how.ink)
    across, along = np.meshgrid(np.linspace(-0.5, 0.5, width), np.linspace(-0.5, 0.5, height))
    light = 1 - how.falling * (0.5 + across * np.cos(how.towards) + along * np.sin(how.towards))
    light = light * (1 - how.fold * np.exp(-(across + 0.5) / 0.05))
    noise = chance.normal(0, 1, sheet.shape).astype(np.float32)
    if how.size > 0.3:
        noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), how.size), np.float32)
    seen = reflected * light[..., None].astype(np.float32) + how.grain * noise / max(float(noise.std()), 1e-6)
    levels = np.clip(np.rint(seen), 0, 255).astype(np.uint8)
    return np.asarray(cv2.cvtColor(levels, cv2.COLOR_BGR2GRAY), np.uint8) if how.grey else levels


def letter(w: Writer) -> str:
    head = f"<p><b>{w.words(2, 3)}</b><br>{w.words(2, 3)}<br>{w.words(2, 2)}</p>"
    date = f"<p style='text-align:right'>{w.words(2, 3)}</p>"
    return head + date + f"<h3>{w.words(4, 8)}</h3>" + "".join(f"<p>{w.paragraph(4)}</p>" for _ in range(5))


def invoice(w: Writer) -> str:
    rows = "".join(f"<tr><td>{index}<td>{w.words(2, 5)}<td>{w.number(40)}<td>{w.number(900)}" for index in range(1, 19))
    css = f"width:100%;border-collapse:collapse' border=1 bordercolor='{w.line}' cellpadding='5"
    logo = f"<div style='width:150px;height:56px;background:{w.colour()};color:#fff;padding:8px'>{w.words(1, 2)}</div>"
    return f"{logo}<h1>{w.words(1, 1)} {w.number(9000)}</h1><p>{w.paragraph(1)}</p><table style='{css}'>{rows}</table>"


def form(w: Writer) -> str:
    box = "border:1px solid #333;height:26px;margin:2px 0 9px"
    return f"<h2>{w.words(2, 4)}</h2>" + "".join(
        f"<div style='display:flex;gap:18px'><div style='flex:2'><small>{w.words(1, 3)}</small><div style='{box}'>"
        f"&nbsp;{w.words(1, 4)}</div></div>"
        f"<div style='flex:1'><small>{w.words(1, 2)}</small><div style='{box}'></div></div></div>"
        for _ in range(15)
    )


def minutes(w: Writer) -> str:
    text = "".join(f"<h4>{w.words(3, 5)}</h4><p>{w.paragraph(5)}</p>" for _ in range(8))
    return f"<h1>{w.words(3, 5)}</h1><div style='columns:2;column-gap:30px;text-align:justify'>{text}</div>"


def notice(w: Writer) -> str:
    return (
        f"<div style='text-align:center'><h1 style='font-size:54px'>{w.words(2, 4)}</h1><h2>{w.words(4, 8)}</h2>"
        f"<hr><p style='font-size:24px'>{w.paragraph(3)}</p><p style='font-size:30px'><b>{w.words(3, 5)}</b></p></div>"
    )


def register(w: Writer) -> str:
    def line() -> str:
        return "<tr>" + "".join(f"<td>{w.words(1, 2) if at in (0, 3) else w.number(9000)}" for at in range(6))

    rows = "".join(line() for _ in range(46))
    return f"<h3>{w.words(2, 4)}</h3><table style='width:100%;font-size:11px;text-align:right'>{rows}</table>"


KINDS: dict[str, dict[str, Callable[[Writer], str]]] = {
    "fit": {"form": form, "letter": letter, "register": register},
    "held-out": {"invoice": invoice, "minutes": minutes, "notice": notice},
}


def drawn(kind: Callable[[Writer], str], seed: int, dpi: int) -> Pixels:
    """Have the browser draw a sheet; returns (H, W, 3) BGR."""
    w = Writer(STYLES["windows"], False, seed)
    css = f"font:15px/1.45 {TYPEFACES[seed % len(TYPEFACES)]};margin:0;padding:70px 76px;overflow:hidden"
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "sheet.html"), Path(folder, "sheet.png")
        source.write_text(f'<!doctype html><meta charset=utf-8><body style="{css}">{kind(w)}', encoding="utf-8")
        browser = ("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")
        size = (f"--window-size={SHEET[0]},{SHEET[1]}", f"--force-device-scale-factor={dpi / CSS_DPI}")
        subprocess.run([*browser, *size, f"--screenshot={target}", str(source)], check=True, capture_output=True)
        return np.asarray(cv2.imread(str(target)), np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--each", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    seed = arguments.seed
    for half, kinds in KINDS.items():
        for name, kind in kinds.items():
            folder = arguments.out / half / name
            folder.mkdir(parents=True, exist_ok=True)
            for _ in range(arguments.each):
                chance = np.random.default_rng([2026, seed])
                how = scanner(chance)
                picture = scanned(drawn(kind, seed, how.dpi), how, chance)
                settings = [cv2.IMWRITE_JPEG_QUALITY, how.quality]
                cv2.imwrite(str(folder / f"{seed:03}-{how.name}.jpg"), picture, settings)
                print(f"{half} {name} {how.name}", flush=True)
                seed += 1


if __name__ == "__main__":
    main()
