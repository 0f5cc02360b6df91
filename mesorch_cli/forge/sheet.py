"""A contact sheet of a forged dataset: photos beside the same photos with only the forged pixels in full light."""

import json
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from mesorch_cli.errors import InputError
from mesorch_cli.forge.encoding import encode_png
from mesorch_cli.forge.patch import Pixels
from mesorch_cli.forge.shapes import Mask

CELL_HEIGHT = 220  # pixels
SHEET_WIDTH = 1800
GAP = 8
DIMMED = 0.3  # of the light, outside the mask
OUTLINE = (255, 40, 40)


def contact_sheet(dataset: Path, lines: list[str]) -> bytes:
    """Return a PNG that shows the items of these manifest lines in order; authentic ones stand alone.

    Raises InputError for a file of the dataset that has become unreadable.
    """
    rows: list[list[Pixels]] = [[]]
    for line in lines:
        cell = _cell(dataset, line)
        if rows[-1] and sum(one.shape[1] + GAP for one in rows[-1]) + cell.shape[1] > SHEET_WIDTH:
            rows.append([])
        rows[-1].append(cell)
    sheet = np.full((len(rows) * (CELL_HEIGHT + GAP) + GAP, SHEET_WIDTH, 3), 255, np.uint8)
    for number, row in enumerate(rows):
        x, y = GAP, GAP + number * (CELL_HEIGHT + GAP)
        for cell in row:
            cell = cell[:, : SHEET_WIDTH - x]
            sheet[y : y + CELL_HEIGHT, x : x + cell.shape[1]] = cell
            x += cell.shape[1] + GAP
    return encode_png(sheet)


def _cell(dataset: Path, line: str) -> Pixels:
    """Return one item at the height of a cell."""
    files = list(json.loads(line)["files"])
    pixels = np.asarray(_opened(dataset / files[0]).convert("RGB"))
    size = (max(1, round(pixels.shape[1] * CELL_HEIGHT / pixels.shape[0])), CELL_HEIGHT)
    small = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    if len(files) == 1:
        return small
    small_mask = _opened(dataset / files[1]).convert("L").resize(size, Image.Resampling.BOX)
    mask: Mask = np.asarray(small_mask) > 127
    lit = np.where(mask[..., None], small, (small * DIMMED).astype(np.uint8))
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    lit = np.ascontiguousarray(lit)
    cv2.drawContours(lit, outlines, -1, OUTLINE, 1)
    return np.hstack([small, lit])


def _opened(path: Path) -> Image.Image:
    try:
        with Image.open(path) as image:
            image.load()
            return image
    except (OSError, SyntaxError) as error:  # Pillow raises the latter for broken PNG files
        raise InputError(
            f"{path} cannot be read for the contact sheet: {error}. It has changed since it was forged. Forge the dataset "
            "again into another folder, or leave --sheet out.",
            reason="damaged",
        ) from error
