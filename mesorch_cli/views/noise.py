"""The residual of a median filter, and its strength around each pixel."""

import cv2
import numpy as np
from numpy.typing import NDArray

from mesorch_cli.report.overlay import colours
from mesorch_cli.views.settings import ViewSettings
from mesorch_cli.views.view import Picture, Source

GAIN = 8  # grey levels in the picture per level of the residual
WINDOW = 15  # pixels a side over which the level is measured


def residual(pixels: Picture) -> NDArray[np.int16]:
    """Return brightness minus its 3 x 3 median, in grey levels, (H, W)."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.subtract(grey, cv2.medianBlur(grey, 3), dtype=cv2.CV_16S), np.int16)


class NoiseResidual:
    """The residual itself."""

    name = "noise"
    title = "Noise residual"
    shows = (
        f"Brightness minus its 3 x 3 median, amplified {GAIN} times around a middle grey. What remains is noise, fine "
        "texture and edges."
    )
    cannot = "It cannot tell noise of the sensor from fine texture, and strong compression removes both."

    def missing(self, source: Source, settings: ViewSettings) -> str | None:
        return None

    def draw(self, source: Source, settings: ViewSettings) -> Picture:
        levels = residual(source.pixels).astype(np.int32) * GAIN + 128
        return np.clip(levels, 0, 255).astype(np.uint8)


class NoiseLevel:
    """Its local strength."""

    name = "noise-level"
    title = "Local noise level"
    shows = (
        f"The root mean square of the noise residual over {WINDOW} x {WINDOW} pixels, from black (none) to yellow (the "
        "highest hundredth of this photo); a part from another camera may differ from its surroundings."
    )
    cannot = "Texture, focus and exposure change the level as well, so compare only parts that show similar surfaces."

    def missing(self, source: Source, settings: ViewSettings) -> str | None:
        return None

    def draw(self, source: Source, settings: ViewSettings) -> Picture:
        left = residual(source.pixels).astype(np.float32)
        level = np.sqrt(np.maximum(cv2.blur(left * left, (WINDOW, WINDOW)), 0))
        return colours(np.asarray(level / max(float(np.quantile(level, 0.99)), 1e-3), np.float32))
