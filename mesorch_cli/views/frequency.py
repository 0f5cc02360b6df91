"""The two frequency planes that the network receives."""

from importlib.util import find_spec

import numpy as np

from mesorch_cli.views.settings import ViewSettings
from mesorch_cli.views.view import Picture, Source, too_small

SIDE = 2048  # pixels; the split holds several planes of float32 at once


class _Plane:
    """One plane of the split."""

    index: int

    def missing(self, source: Source, settings: ViewSettings) -> str | None:
        if find_spec("torch") is None:
            return "This view needs PyTorch, which is not installed here."
        return too_small(source, 32)

    def draw(self, source: Source, settings: ViewSettings) -> Picture:
        import torch

        from mesorch_cli.network.frequency import split
        from mesorch_cli.network.normalise import normalise

        height, width = source.pixels.shape[:2]
        rows, columns = min(height, SIDE), min(width, SIDE)
        top, left = (height - rows) // 2, (width - columns) // 2
        part = np.ascontiguousarray(source.pixels[top : top + rows, left : left + columns])
        with torch.inference_mode():
            plane = split(torch.from_numpy(normalise(part))[None])[self.index][0]
        return np.asarray(np.rint(plane.permute(1, 2, 0).numpy()[..., ::-1] * 255), np.uint8)


class HighFrequencies(_Plane):
    """The plane that the CNN receives besides the photo: the fine part."""

    name = "high"
    title = "High frequencies"
    index = 0
    shows = (
        "The photo without the lowest twentieth of its frequencies, as the network's own split computes it, over at "
        f"most {SIDE} x {SIDE} pixels of the middle."
    )
    cannot = "The network splits each tile by itself, so what it saw differs in scale and at the borders."


class LowFrequencies(_Plane):
    """The plane that the Transformer receives besides the photo: the coarse part."""

    name = "low"
    title = "Low frequencies"
    index = 1
    shows = (
        "What the network's own split keeps as low frequencies, the first twentieth of rows and columns of the "
        f"spectrum, over at most {SIDE} x {SIDE} pixels of the middle."
    )
    cannot = "Stripes along one axis survive in it whatever their frequency; they come from the split and not from the photo."
