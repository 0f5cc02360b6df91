"""The pictures of an explanation, as PNG by file name; the texts that say what they show stand on the page."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from mesorch_cli.explanation.attribution import added_of
from mesorch_cli.explanation.scales import NetworkScale
from mesorch_cli.inference.parts import PartSamples
from mesorch_cli.report.outlines import outline
from mesorch_cli.report.overlay import PAPER, Picture, colours, png, tinted
from mesorch_cli.report.preview import shrunk

LONGEST = 480  # pixels of one panel
LONGEST_VIEW = 960
GAP = 8
AGAINST, NEITHER, FOR = (172, 102, 33), (247, 247, 247), (43, 24, 178)  # BGR: blue, white, red
SMALLEST_RANGE = 1e-6


class ExplanationPictures:
    """Draws what an explanation needs; see `Drawing`."""

    def scales(
        self, samples: PartSamples, scales: Sequence[NetworkScale], gated: bool, limit: float
    ) -> dict[str, bytes]:
        """Return for each scale its map in its own range, what it added, and where there is a gate its weight.

        limit: logits of the full colour of what was added. Weights are drawn from 0 to the largest of all scales.
        """
        added, largest = added_of(samples), float(np.nanmax(samples.weights))
        made = {}
        for index, scale in enumerate(scales):
            own = np.nan_to_num(samples.maps[index], nan=float(np.nanmin(samples.maps[index])))
            lowest, highest = (float(value) for value in np.percentile(own, [1, 99]))
            panels = [
                _in_range(own, lowest, highest),
                diverging(added[index] / np.float32(limit)),
            ]
            if gated:
                panels.append(_in_range(np.nan_to_num(samples.weights[index], nan=0.0), 0.0, largest))
            made[f"scale_{scale.name}.png"] = png(side_by_side([fitted(panel, LONGEST) for panel in panels]))
        return made

    def views(self, samples: PartSamples) -> dict[str, bytes]:
        """Return the high- and the low-frequency view, as the finest level saw them; 0..1 is black to white."""
        made = {}
        for name, view in (("high", samples.views[:3]), ("low", samples.views[3:])):
            rgb = np.rint(np.clip(np.nan_to_num(np.moveaxis(view, 0, -1), nan=0.0), 0, 1) * 255).astype(np.uint8)
            made[f"{name}.png"] = png(fitted(np.ascontiguousarray(rgb[..., ::-1]), LONGEST_VIEW))
        return made

    def check(self, pixels: NDArray[np.unsignedinteger], map_: NDArray[np.float32], above: NDArray[np.bool_]) -> bytes:
        """Return the map of a check over the photo in grey, outlined what the usual analysis has above the threshold."""
        photo = shrunk(pixels, LONGEST)
        size = (photo.shape[1], photo.shape[0])
        chance = cv2.resize(map_, size, interpolation=cv2.INTER_AREA).astype(np.float32)
        grey = cv2.cvtColor(cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
        picture = tinted(np.asarray(grey, np.uint8), chance)
        outline(picture, cv2.resize(above.astype(np.float32), size, interpolation=cv2.INTER_AREA), 0.5)  # type: ignore[arg-type]
        return png(picture)


def _in_range(values: NDArray[np.float32], lowest: float, highest: float) -> Picture:
    return colours(((values - lowest) / max(highest - lowest, SMALLEST_RANGE)).astype(np.float32))


def diverging(values: NDArray[np.float32]) -> Picture:
    """Map -1..1 to BGR: blue, white, red."""
    clipped = np.clip(values, -1, 1)
    parts = [np.interp(clipped, (-1, 0, 1), ends) for ends in zip(AGAINST, NEITHER, FOR, strict=True)]
    return np.rint(np.stack(parts, axis=-1)).astype(np.uint8)


def fitted(picture: Picture, longest: int) -> Picture:
    """Return a picture with at most `longest` pixels a side; a smaller one stays."""
    factor = min(1.0, longest / max(picture.shape[:2]))
    if factor == 1.0:
        return picture
    size = (max(1, round(picture.shape[1] * factor)), max(1, round(picture.shape[0] * factor)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def side_by_side(panels: Sequence[Picture]) -> Picture:
    """Return panels of one size on white paper, a gap between them."""
    gap = np.full((panels[0].shape[0], GAP, 3), PAPER, np.uint8)
    row: list[Picture] = [panels[0]]
    for panel in panels[1:]:
        row += [gap, panel]
    return np.concatenate(row, axis=1)
