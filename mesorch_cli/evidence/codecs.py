"""What several formats share: samples from imagecodecs and from Pillow, and padding for truncated files."""

from typing import Any

import imagecodecs
import numpy as np
import PIL
from PIL import Image

from mesorch_cli.evidence.colour import Samples

COMPOSED = "frame put together from the ones before it, as the animation asks"
NOT_IMPLEMENTED = ("not implemented", "not supported", "unsupported")  # how libraries word it
MAX_PADDING = 1 << 26  # never make up more than 64 MiB of missing bytes


def from_imagecodecs(name: str, array: Any, kind: str, library: str) -> Samples:
    """Return the samples from imagecodecs' decoder `name`. library: the library that it calls, with its version."""
    version = f"{imagecodecs.__version__} ({library})"
    return Samples(array, kind, f"imagecodecs.{name}", version)


def from_pillow(image: Image.Image) -> Samples:
    """Take samples from a Pillow image. Its class was called directly, as `Image.open` has a global pixel limit."""
    transparent = "transparency" in image.info
    image.load()
    mode = image.mode
    samples = Samples(np.empty((0, 0), np.uint8), "rgb", "pillow", PIL.__version__)
    if mode == "P":
        samples.conversions.append("palette expanded")
        if transparent:
            samples.conversions.append("transparent colour drawn as any other")
        image = image.convert("RGB")
    elif mode == "1":
        samples.conversions.append("1-bit samples scaled to 8 bits")
        image = image.convert("L")
    elif mode not in ("L", "LA", "RGB", "RGBA"):
        image = image.convert("RGB")
        samples.conversions.append(f"{mode} to RGB by the decoder")
    samples.kind = "grey" if image.mode in ("L", "LA") else "rgb"
    samples.array = np.asarray(image)
    return samples


def padded(data: bytes, needed: int) -> bytes:
    """Return `data` with zeros in place of a missing end, if at most MAX_PADDING bytes are missing."""
    return data.ljust(needed, b"\0") if len(data) < needed <= len(data) + MAX_PADDING else data
