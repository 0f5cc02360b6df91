"""Draws text and logos with soft edges, to be pasted into photos."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mesorch_cli.forge.patch import Patch, Step, chance, drawn

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SMALL = "aaabcdeeefghiiijklmnooopqrrsssttuuvwxyz"
SIGNS = "0123456789.,:!?&-+%$"
OVERSAMPLED = 3  # a logo is drawn this many times larger and shrunk, which softens its edges


def text_patch(rng: np.random.Generator, height: int, width: int) -> tuple[Patch, Step]:
    """Return lines of random words that fill a box of about (height, width) pixels, and their text."""
    lines = int(rng.integers(1, 4)) if height > 40 else 1
    size = max(9, int(height / (1.25 * lines)))
    words = [_words(rng, max(2, int(width / (0.55 * size)))) for _ in range(lines)]
    text = "\n".join(words)
    font = ImageFont.load_default(size)
    stroke = max(1, size // 14) if chance(rng, 0.35) else 0
    colour, edge = _colour(rng), _colour(rng)
    canvas = Image.new("RGBA", (8, 8))
    box = ImageDraw.Draw(canvas).multiline_textbbox((0, 0), text, font=font, stroke_width=stroke)
    rows, columns = max(8, int(box[3] - box[1]) + 4), max(8, int(box[2] - box[0]) + 4)
    canvas = Image.new("RGBA", (columns, rows), (*(edge if stroke else colour), 0))
    ImageDraw.Draw(canvas).multiline_text(
        (2 - box[0], 2 - box[1]), text, fill=(*colour, 255), font=font, stroke_width=stroke, stroke_fill=(*edge, 255)
    )
    return _patch(canvas, 1.0), {"text": text, "size": size, "stroke": stroke}


def logo_patch(rng: np.random.Generator, height: int, width: int) -> tuple[Patch, Step]:
    """Return a flat logo of two or three colours in a box of (height, width) pixels, and its description."""
    side = max(12, min(height, width))
    large = side * OVERSAMPLED
    canvas = Image.new("RGBA", (large, large), (0, 0, 0, 0))
    pen = ImageDraw.Draw(canvas)
    shape = ("disc", "ring", "badge", "star", "bars")[int(rng.integers(5))]
    colour, second = (*_colour(rng), 255), (*_colour(rng), 255)
    inset = large // 8
    if shape in ("disc", "ring"):
        pen.ellipse((2, 2, large - 3, large - 3), fill=colour)
        hole = second if shape == "disc" else (0, 0, 0, 0)
        pen.ellipse((2 * inset, 2 * inset, large - 2 * inset, large - 2 * inset), fill=hole)
    elif shape == "badge":
        pen.rounded_rectangle((2, inset, large - 3, large - inset), radius=inset, fill=colour)
    elif shape == "star":
        corners = int(rng.integers(5, 9))
        angles = np.linspace(0, 2 * np.pi, 2 * corners, endpoint=False)
        radius = np.where(np.arange(2 * corners) % 2 == 0, 0.49, 0.24) * large
        points = np.stack([large / 2 + radius * np.sin(angles), large / 2 - radius * np.cos(angles)], axis=1)
        pen.polygon([(float(x), float(y)) for x, y in points], fill=colour)
    else:
        for number in range(3):
            low = inset + number * (large - 2 * inset) // 3
            pen.rectangle((inset, low, large - inset, low + large // 6), fill=(colour, second, colour)[number])
    word = ""
    if shape in ("disc", "badge"):
        word = "".join(LETTERS[int(at)] for at in rng.integers(0, len(LETTERS), int(rng.integers(1, 4))))
        font = ImageFont.load_default(max(9, large // 3))
        pen.text((large / 2, large / 2), word, fill=second if shape == "badge" else colour, font=font, anchor="mm")
    opacity = 1.0 if chance(rng, 0.6) else drawn(rng, 0.35, 0.9)
    canvas = canvas.resize((side, side), Image.Resampling.LANCZOS)
    return _patch(canvas, opacity), {"logo": shape, "word": word, "opacity": opacity}


def _patch(canvas: Image.Image, opacity: float) -> Patch:
    pixels = np.array(canvas)
    return Patch(np.ascontiguousarray(pixels[..., :3]), pixels[..., 3].astype(np.float32) * np.float32(opacity / 255))


def _words(rng: np.random.Generator, letters: int) -> str:
    """Return random words with about this many letters in all."""
    shouted = chance(rng, 0.4)
    words: list[str] = []
    while sum(len(word) + 1 for word in words) < letters:
        source = SIGNS if chance(rng, 0.12) else LETTERS if shouted else SMALL
        word = "".join(source[int(at)] for at in rng.integers(0, len(source), int(rng.integers(1, 9))))
        words.append(word if shouted or source is SIGNS or not chance(rng, 0.3) else word.capitalize())
    return " ".join(words)[: max(1, letters)].strip() or "x"


def _colour(rng: np.random.Generator) -> tuple[int, int, int]:
    """Draw a colour: often black or white, otherwise any."""
    which = rng.random()
    if which < 0.25:
        return 255, 255, 255
    if which < 0.45:
        return 0, 0, 0
    red, green, blue = (int(value) for value in rng.integers(0, 256, 3))
    return red, green, blue
