"""The photos for the gate: those that come with scikit-image, and a folder of the user's."""

from pathlib import Path

import cv2
import numpy as np

from mesorch_cli.errors import InputError, UsageError
from mesorch_cli.evidence.isolation.isolated_reader import process_reader
from mesorch_cli.evidence.photo import eight_bits
from mesorch_cli.export.parity import Photo
from mesorch_cli.extras import install_hint

STANDARD = ("astronaut", "coffee", "chelsea")
LONG_SIDE = 2048  # larger photos are shrunk when they are read, as the gate squashes them further


def standard_photos() -> dict[str, Photo]:
    """Return the photos that come with the extra `export`. Raises UsageError if it is not installed."""
    try:
        from skimage import data
    except ModuleNotFoundError as error:
        raise UsageError(
            f"The photos for the comparison come with scikit-image, which is not installed: {install_hint('export')}."
        ) from error
    return {name: np.ascontiguousarray(getattr(data, name)(), np.uint8) for name in STANDARD}


def folder_photos(folder: Path) -> dict[str, Photo]:
    """Return the photos in a folder by name, and skip other files. Raises UsageError if there is none."""
    found: dict[str, Photo] = {}
    paths = sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
    for path in paths:
        try:
            pixels = eight_bits(process_reader().read(path).pixels)
        except InputError:
            continue
        factor = min(1.0, LONG_SIDE / max(pixels.shape[:2]))
        if factor < 1.0:
            size = (max(1, round(pixels.shape[1] * factor)), max(1, round(pixels.shape[0] * factor)))
            pixels = np.ascontiguousarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
        found[path.name] = pixels
    if not found:
        raise UsageError(f"There is no photo in {str(folder)!r}. Expected a folder of photos like those you analyse.")
    return found
