"""Pictures that no camera took, drawn for the tests, and one that a camera could have taken."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

WORDS = ("amount", "balance", "invoice", "meeting", "today", "window", "record", "paid")
DARK, LIGHT = ((30, 31, 34), (228, 230, 234)), ((255, 255, 255), (27, 28, 31))
Pixels = NDArray[np.uint8]


def screenshot(width: int = 1280, height: int = 720, *, dark: bool = False) -> Pixels:
    """Draw a window with a table, in which words repeat, to (height, width, 3) RGB."""
    ground, ink = DARK if dark else LIGHT
    picture = Image.new("RGB", (width, height), ground)
    draw = ImageDraw.Draw(picture)
    font: Any = ImageFont.load_default(15)
    draw.rectangle((0, 0, width, 34), fill=(0, 103, 192))
    draw.text((12, 8), "invoices 2026", fill=(255, 255, 255), font=font)
    for row, top in enumerate(range(44, height - 20, 24)):
        draw.line((0, top + 21, width, top + 21), fill=(128, 128, 128))
        for column, left in enumerate(range(10, width - 100, 120)):
            text = WORDS[(row + column) % len(WORDS)] if column % 2 else f"{(row * 37 + column * 11) % 997:.2f}"
            draw.text((left, top), text, fill=ink, font=font)
    return np.asarray(picture, np.uint8)


def scan(grain: float, paper: tuple[int, int, int] = (255, 255, 255), width: int = 827, height: int = 1169) -> Pixels:
    """Return a letter as a scanner gives it back: paler, tilted, on coloured paper, darker to one side, with grain.

    grain: sigma of the noise, in levels.
    """
    page = Image.new("L", (width, height), 255)
    draw = ImageDraw.Draw(page)
    font: Any = ImageFont.load_default(17)
    for row, top in enumerate(range(90, height - 90, 27)):
        words = (WORDS[(row * 3 + place * 5) % len(WORDS)] for place in range(2 + row * 7 % 8))
        draw.text((80, top), " ".join(words), fill=0, font=font)
    turned = np.asarray(page.rotate(0.7, Image.Resampling.BICUBIC, fillcolor=255), np.float64) / 255
    light = np.linspace(1.0, 0.88, width)[None, :, None]
    coloured = (50 + turned[..., None] * (np.array(paper) - 50.0)) * light
    noise = np.random.default_rng(5).normal(0, grain, coloured.shape)
    return np.clip(np.rint(coloured + noise), 0, 255).astype(np.uint8)


def scene(width: int = 1280, height: int = 720, *, light: float = 1.0) -> Pixels:
    """Return hills under a sky as a sensor would give them: shaded, textured, with noise; light: of the exposure."""
    chance = np.random.default_rng(3)
    rough: Any = sum(
        cv2.resize(
            chance.normal(0, 60 / size**0.5, (size, size)).astype(np.float32),
            (width, height),
            interpolation=cv2.INTER_CUBIC,
        )
        for size in (4, 12, 40, 160, 480)
    )
    shade = np.linspace(210, 90, height)[:, None] + rough
    coloured = shade[..., None] * np.array([1.0, 0.95, 0.85]) + chance.normal(0, 3, (height, width, 3))
    return np.clip(np.rint(coloured * light), 0, 255).astype(np.uint8)


def saved(pixels: Pixels, quality: int, factor: float = 1.0) -> Pixels:
    """Return pixels after a resize and a save as JPEG."""
    small = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
