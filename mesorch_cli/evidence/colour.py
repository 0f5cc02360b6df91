"""From stored samples to RGB. Every step follows a documented formula and is named in `conversions`."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from mesorch_cli.evidence.inspection import UnsupportedError
from mesorch_cli.evidence.photo import Pixels
from mesorch_cli.evidence.storage import allocate

GREY_REPLICATED = "grey replicated to RGB"
ROWS_AT_ONCE = 256  # conversions that need wider numbers process the picture in bands, to bound memory


@dataclass
class Samples:
    """What a decoder returned: `array` is (H, W) or (H, W, C), uint8 or uint16.

    `bits` is the depth of its values if that is less than their type holds. None means the full range of the type.

    `kind` is one of "grey", "rgb", "cmyk" (0 is no ink) or "cmyk inverted" (0 is full ink); channels beyond the
    kind's own are alpha or other extra channels. `conversions` lists the conversions so far.
    """

    array: Pixels
    kind: str
    reader: str
    version: str
    conversions: list[str] = field(default_factory=list)
    bits: int | None = None


_CHANNELS = {"grey": 1, "rgb": 3, "cmyk": 4, "cmyk inverted": 4}


def to_rgb(samples: Samples, *, alpha: bool = False) -> Pixels:
    """Return (H, W, 3) C-contiguous pixels, adding each conversion to `samples.conversions`.

    alpha: a single extra channel is kept as the fourth. Otherwise grey is written to all three channels, extra channels
    are dropped (nothing is blended), CMYK becomes RGB by R = (1 - C)(1 - K) and so on, without any profile. The work is
    done in bands of rows, so that a large picture is never held twice.
    """
    array = samples.array if samples.array.ndim == 3 else samples.array[:, :, None]
    if array.dtype not in (np.uint8, np.uint16):
        raise UnsupportedError(f"an image with samples of type {array.dtype}")
    bits = samples.bits or 8
    if bits not in (8, 16):
        samples.conversions.append(spread_words(bits))
    own = _CHANNELS[samples.kind]
    extra = array.shape[2] - own
    if extra < 0:
        raise UnsupportedError(f"an image with {array.shape[2]} channels where {own} make {samples.kind}")
    kept = alpha and extra == 1
    if extra and not kept:
        samples.conversions.append("alpha channel dropped" if extra == 1 else f"{extra} extra channels dropped")
    inverted = samples.kind == "cmyk inverted"
    if samples.kind == "grey":
        samples.conversions.append(GREY_REPLICATED)
    elif own == 4:
        samples.conversions.append(
            f"{'inverted ' if inverted else ''}CMYK to RGB by R = (1 - C)(1 - K), without a colour profile"
        )
    elif not extra and bits in (8, 16):
        return np.ascontiguousarray(array)
    dtype = array.dtype.type if bits in (8, 16) else np.uint8 if bits < 8 else np.uint16
    rgb: Pixels = allocate((*array.shape[:2], 4 if kept else 3), dtype)
    for start in range(0, len(array), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        band = spread(array[rows, :, :own], bits)
        rgb[rows, :, :3] = _cmyk_to_rgb(band, inverted=inverted) if own == 4 else band  # grey is broadcast
        if kept:
            rgb[rows, :, 3] = spread(array[rows, :, own], bits)
    return rgb


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
    """Return a sentence on what `spread` does."""
    return f"{bits}-bit samples scaled to {8 if bits < 8 else 16} bits"


def to_fixed_range(array: npt.NDArray[Any], conversions: list[str], bits: int | None = None) -> Pixels:
    """Map samples of any real type to uint8 or uint16, adding what was done to `conversions`.

    bits: the depth of a stored sample, if it is less than that of its type. uint8 and uint16 stay as they
    are. Wider unsigned integers keep their upper 16 bits' worth by rounding; signed ones
    are first shifted so that their lowest value is 0. Floating-point samples that lie in 0..1 are multiplied by 65535;
    others are stretched linearly from their smallest to their largest value, which are stated. NaN becomes black.
    """
    if array.dtype in (np.uint8, np.uint16):
        return array
    if array.dtype.kind not in "uif":
        raise UnsupportedError(f"an image with samples of type {array.dtype}")
    low, top, words = _source_range(array, bits or array.dtype.itemsize * 8)
    conversions.append(words)
    result: Pixels = allocate(array.shape, np.uint8 if array.dtype == np.int8 else np.uint16)
    scale = np.iinfo(result.dtype).max / (top - low) if top > low else 0.0
    for start in range(0, len(array), ROWS_AT_ONCE):
        band = array[start : start + ROWS_AT_ONCE].astype(np.float64)
        band[~np.isfinite(band)] = low
        result[start : start + ROWS_AT_ONCE] = np.rint((band - low) * scale)
    return result


def _source_range(array: npt.NDArray[Any], bits: int) -> tuple[float, float, str]:
    """Return the values that become black and white, and a description."""
    if array.dtype.kind == "u":
        return 0.0, float((1 << bits) - 1), f"{bits}-bit samples scaled to 16 bits"
    if array.dtype.kind == "i":
        info = np.iinfo(array.dtype)
        target = 8 if bits == 8 else 16
        return float(info.min), float(info.max), f"signed {bits}-bit samples shifted and scaled to {target} bits"
    low, top, odd = np.inf, -np.inf, 0
    for start in range(0, len(array), ROWS_AT_ONCE):
        band = array[start : start + ROWS_AT_ONCE]
        finite = band[np.isfinite(band)]
        odd += band.size - finite.size
        if finite.size:
            low, top = min(low, float(finite.min())), max(top, float(finite.max()))
    if low > top:
        low = top = 0.0
    unit = low >= 0.0 and top <= 1.0
    words = "0 to 1 scaled" if unit else f"{low:g} to {top:g} stretched"
    numbers = f", {odd} of them no numbers and taken as the smallest" if odd else ""
    sentence = f"{bits}-bit floating-point samples from {words} to 16 bits{numbers}"
    return (0.0, 1.0, sentence) if unit else (low, top, sentence)


def _cmyk_to_rgb(array: Pixels, *, inverted: bool) -> Pixels:
    """Multiply each of C, M, Y by K in the "light" sense (0 is full ink), rounding to nearest."""
    top = int(np.iinfo(array.dtype).max)
    rgb = np.empty((*array.shape[:2], 3), array.dtype)
    for start in range(0, len(array), ROWS_AT_ONCE):
        band = array[start : start + ROWS_AT_ONCE].astype(np.uint32)
        light = band if inverted else top - band
        rgb[start : start + ROWS_AT_ONCE] = (light[..., :3] * light[..., 3:] + top // 2) // top
    return rgb
