"""How fast brightness and colour change."""

import cv2
import numpy as np
from numpy.typing import NDArray

from mesorch_cli.views.settings import ViewSettings
from mesorch_cli.views.view import Picture, Source


def magnitude(plane: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the length of the Sobel gradient, (H, W)."""
    across, down = (
        cv2.Sobel(plane, cv2.CV_32F, dx, dy, borderType=cv2.BORDER_REPLICATE) for dx, dy in ((1, 0), (0, 1))
    )
    return np.asarray(cv2.magnitude(across, down), np.float32)


def as_grey(strength: NDArray[np.float32]) -> Picture:
    """Return values with 0 as black and the highest hundredth as white."""
    top = max(float(np.quantile(strength, 0.99)), 1.0)
    return np.asarray(np.clip(np.sqrt(strength / top) * 255, 0, 255), np.uint8)


class Luminance:
    """The gradient of brightness."""

    name = "luminance"
    title = "Luminance gradient"
    shows = "The strength of the change of brightness at each pixel (Sobel), with weak changes lifted by a square root."
    cannot = "Edges of objects and of inserted parts look alike here."

    def missing(self, source: Source, settings: ViewSettings) -> str | None:
        return None

    def draw(self, source: Source, settings: ViewSettings) -> Picture:
        return as_grey(magnitude(np.asarray(cv2.cvtColor(source.pixels, cv2.COLOR_RGB2GRAY), np.uint8)))


class Chroma:
    """The gradient of colour."""

    name = "chroma"
    title = "Chroma gradient"
    shows = (
        "The strength of the change of colour at each pixel (Sobel, the larger of Cb and Cr), with weak changes lifted."
    )
    cannot = "Most JPEGs store colour at half resolution, so its edges are soft and blocky in untouched photos too."

    def missing(self, source: Source, settings: ViewSettings) -> str | None:
        return None

    def draw(self, source: Source, settings: ViewSettings) -> Picture:
        planes = np.asarray(cv2.cvtColor(source.pixels, cv2.COLOR_RGB2YCrCb), np.uint8)
        return as_grey(np.maximum(magnitude(planes[..., 1]), magnitude(planes[..., 2])))
