"""From stored samples to RGB: every step by a written formula, and every step named in `conversions`."""

from dataclasses import dataclass, field

import numpy as np

from mesorch_cli.evidence.inspection import UnsupportedError
from mesorch_cli.evidence.photo import Pixels

ROWS_AT_ONCE = 256  # conversions that need wider numbers go through the picture in bands, to bound the memory


@dataclass
class Samples:
    """What a decoder returned: `array` is (H, W) or (H, W, C), uint8 or uint16.

    `bits` is the depth of its values where that is less than their type holds; None means the type's full range.

    `kind` is one of "grey", "rgb", "cmyk" (0 is no ink) or "cmyk inverted" (0 is full ink); channels beyond the
    kind's own are alpha or other extra channels. `conversions` holds what was done so far.
    """

    array: Pixels
    kind: str
    reader: str
    version: str
    conversions: list[str] = field(default_factory=list)
    bits: int | None = None


_CHANNELS = {"grey": 1, "rgb": 3, "cmyk": 4, "cmyk inverted": 4}


def to_rgb(samples: Samples) -> Pixels:
    """Return (H, W, 3) C-contiguous pixels, adding each conversion to `samples.conversions`.

    Grey is written to all three channels, extra channels are dropped (nothing is blended), CMYK becomes RGB by
    R = (1 - C)(1 - K) and so on, without any profile.
    """
    array = samples.array if samples.array.ndim == 3 else samples.array[:, :, None]
    if array.dtype not in (np.uint8, np.uint16):
        raise UnsupportedError(f"an image with samples of type {array.dtype}")
    if samples.bits not in (None, 8, 16):
        array = spread(array, samples.bits)
        samples.conversions.append(spread_words(samples.bits))
    own = _CHANNELS[samples.kind]
    extra = array.shape[2] - own
    if extra < 0:
        raise UnsupportedError(f"an image with {array.shape[2]} channels where {own} make {samples.kind}")
    if extra:
        samples.conversions.append("alpha channel dropped" if extra == 1 else f"{extra} extra channels dropped")
        array = array[:, :, :own]
    if samples.kind == "grey":
        samples.conversions.append("grey replicated to RGB")
        array = np.repeat(array, 3, axis=2)
    elif samples.kind.startswith("cmyk"):
        inverted = samples.kind == "cmyk inverted"
        samples.conversions.append(
            f"{'inverted ' if inverted else ''}CMYK to RGB by R = (1 - C)(1 - K), without a colour profile"
        )
        array = _cmyk_to_rgb(array, inverted=inverted)
    return np.ascontiguousarray(array)


def spread(array: Pixels, bits: int) -> Pixels:
    """Scale samples of `bits` (1..16) bits to the full range of 8 or 16 bits: v * target_max / source_max, rounded.

    Samples above the source's maximum are clipped to it. 8- and 16-bit samples are returned as they are.
    """
    if bits in (8, 16):
        return array
    target: type[np.uint8 | np.uint16] = np.uint8 if bits < 8 else np.uint16
    source_max, target_max = (1 << bits) - 1, int(np.iinfo(target).max)
    values = np.arange(source_max + 1, dtype=np.uint64)
    table: Pixels = ((values * target_max * 2 + source_max) // (2 * source_max)).astype(target, copy=False)
    spread_array: Pixels = table[np.minimum(array, source_max)]
    return spread_array


def spread_words(bits: int) -> str:
    """Say what `spread` did."""
    return f"{bits}-bit samples scaled to {8 if bits < 8 else 16} bits"


def _cmyk_to_rgb(array: Pixels, *, inverted: bool) -> Pixels:
    """Multiply each of C, M, Y by K in the "light" sense (0 is full ink), rounding to nearest."""
    top = int(np.iinfo(array.dtype).max)
    rgb = np.empty((*array.shape[:2], 3), array.dtype)
    for start in range(0, len(array), ROWS_AT_ONCE):
        band = array[start : start + ROWS_AT_ONCE].astype(np.uint32)
        light = band if inverted else top - band
        rgb[start : start + ROWS_AT_ONCE] = (light[..., :3] * light[..., 3:] + top // 2) // top
    return rgb
