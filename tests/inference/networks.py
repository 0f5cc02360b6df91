"""Networks that answer with a fixed function of each pixel, so that geometry is seen without weights."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mesorch_cli.inference.backends.protocol import Tiles
from mesorch_cli.inference.settings import Settings
from mesorch_cli.network.normalise import normalise
from mesorch_cli.network.rules import Scale, ScoreRule

NATIVE = Scale(kind="tiles", long_side=0)
WHOLE = Scale(kind="whole")


class Pixelwise:
    """Logits are a function of the normalised image, pixel by pixel; remembers the shapes that it was given."""

    name = "test"
    device = "cpu"
    tile_batch = 2
    lanes = 1
    bits = 16

    def __init__(self, function: Callable[[NDArray[np.float32]], NDArray[np.float32]] | None = None) -> None:
        self.function = function or (lambda images: images.mean(axis=1, keepdims=True))
        self.runtime: dict[str, str] = {}
        self.shapes: list[tuple[int, ...]] = []

    def __call__(self, tiles: Tiles, at_once: int = 1) -> NDArray[np.float32]:  # noqa: ARG002
        images = normalise(tiles)
        self.shapes.append(images.shape)
        return self.function(images).astype(np.float32)


def settings(**changes: object) -> Settings:
    values: dict[str, object] = {
        "side": 64,
        "scales": (NATIVE,),
        "overlap": 0.25,
        "precision": "fp32",
        "threshold": 0.5,
        "score": ScoreRule(),
    }
    return Settings(**(values | changes))  # type: ignore[arg-type]


def noise(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


__all__ = ["NATIVE", "WHOLE", "Pixelwise", "noise", "settings"]
