"""Probes: one region of a photo is edited by known means, one at a time, to see what a map reacts to.

The region is the same for all kinds. Its own pixels are processed and put back (`in_place`), or a piece of another
photo with the same history replaces them, or nothing is done, which shows the map's value by chance.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from mesorch_cli.errors import InputError, UsageError
from mesorch_cli.forge.encoding import JpegSettings, decoded, encode_jpeg, encode_png
from mesorch_cli.forge.in_place import apply
from mesorch_cli.forge.life import resized_plane
from mesorch_cli.forge.patch import Pixels
from mesorch_cli.forge.shapes import Mask, drawn_area, place_off, region

NOTHING, FOREIGN = "nothing", "foreign"
SHRUNK = 0.8  # at most, of the original photo: host and donor are both resampled, so that neither stands out
HISTORY = JpegSettings(92)  # of host and donor, after shrinking
WEB_FACTOR = 0.7  # of both sides
SHORTEST_SIDE = 96  # pixels of a probe before it is saved
SAVINGS = ("PNG", "JPEG 90", "web")


def _strength(value: float, low: float, high: float) -> float:
    """Return the strength at which `in_place.apply` reaches a value on a logarithmic scale from low to high."""
    return math.log(value / low) / math.log(high / low)


IN_PLACE = {  # name of the probe: the kind of `in_place.apply`, and its strength
    "JPEG 60 on the grid": ("jpeg", (95 - 60) / 55),
    "JPEG 60 off the grid": ("jpeg off the grid", (95 - 60) / 55),
    "resampling .8": ("resample", (0.97 - 0.8) / 0.47),
    "noise 3": ("noise", _strength(3, 0.7, 10)),
    "noise 8": ("noise", _strength(8, 0.7, 10)),
    "blur .8": ("blur", _strength(0.8, 0.35, 2.5)),
    "blur 2": ("blur", _strength(2, 0.35, 2.5)),
    "denoising": ("denoise", 0.5),
    "sharpening": ("sharpen", 0.5),
    "gamma": ("tone", 0.5),
    "demosaicing": ("demosaic", 0.3),
}
KINDS = (NOTHING, *IN_PLACE, FOREIGN)


@dataclass(frozen=True)
class ProbeSettings:
    """Settings of all probes. longest: pixels of the longest side. area_range: region area as shares of the photo.

    Raises UsageError for invalid values.
    """

    seed: int
    longest: int = 768
    area_range: tuple[float, float] = (0.04, 0.2)

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise UsageError(f"The seed {self.seed} is negative. Expected 0 or more.")
        if self.longest < 2 * SHORTEST_SIDE:
            raise UsageError(f"A longest side of {self.longest} is too small. Expected {2 * SHORTEST_SIDE} or more.")
        if not 0 < self.area_range[0] <= self.area_range[1] < 1:
            raise UsageError(f"The areas {self.area_range} are invalid. Expected two rising shares between 0 and 1.")


@dataclass(frozen=True)
class Probe:
    """One file. kind: of KINDS. saving: of SAVINGS. mask: (H, W), the region at the file's own size."""

    kind: str
    saving: str
    data: bytes
    suffix: str
    mask: Mask


def host_of(pixels: Pixels, settings: ProbeSettings) -> Pixels:
    """Return the photo (H, W, 3) uint8 from which its probes are made: shrunk, saved as JPEG once, opened again.

    Raises InputError for a photo that is too small.
    """
    height, width = pixels.shape[:2]
    factor = min(SHRUNK, settings.longest / max(height, width))
    size = (round(width * factor), round(height * factor))
    if min(size) < SHORTEST_SIDE:
        raise InputError(
            f"A photo of {width} x {height} pixels leaves {size[0]} x {size[1]} for probes. Expected at least "
            f"{SHORTEST_SIDE} a side: leave it out.",
            reason="too small for probes",
        )
    return decoded(encode_jpeg(_shrunk(pixels, size), HISTORY))


def donor_of(pixels: Pixels, host: Pixels) -> Pixels | None:
    """Return another photo at the host's size with the same history; None if it would have to be enlarged."""
    height, width = host.shape[:2]
    factor = max(height / pixels.shape[0], width / pixels.shape[1])
    if factor > SHRUNK:
        return None
    size = (max(width, round(pixels.shape[1] * factor)), max(height, round(pixels.shape[0] * factor)))
    whole = _shrunk(pixels, size)
    y, x = (size[1] - height) // 2, (size[0] - width) // 2
    return decoded(encode_jpeg(np.ascontiguousarray(whole[y : y + height, x : x + width]), HISTORY))


def region_of(host: Pixels, settings: ProbeSettings, number: int) -> Mask:
    """Return the region (H, W) of all probes of photo `number`."""
    rng = np.random.default_rng([settings.seed, number])
    height, width = host.shape[:2]
    small, _ = region(rng, height, width, drawn_area(rng, settings.area_range))
    small = small[:height, :width]
    y, x = place_off(rng, small, None, height, width)
    mask = np.zeros((height, width), bool)
    mask[y : y + small.shape[0], x : x + small.shape[1]] = small
    return mask


def edited(kind: str, host: Pixels, donor: Pixels, mask: Mask, rng: np.random.Generator) -> Pixels:
    """Return the host (H, W, 3) with its region edited by one of KINDS. No pixel outside the mask changes."""
    if kind == NOTHING:
        return host
    changed = donor if kind == FOREIGN else apply(*IN_PLACE[kind], host, rng)
    return np.where(mask[..., None], changed, host)


def saved(kind: str, saving: str, pixels: Pixels, mask: Mask) -> Probe:
    """Return pixels as a file saved by one of SAVINGS: unchanged, JPEG of quality 90, or shrunk with quality 80."""
    if saving == "PNG":
        return Probe(kind, saving, encode_png(pixels), "png", mask)
    if saving == "JPEG 90":
        return Probe(kind, saving, encode_jpeg(pixels, JpegSettings(90)), "jpg", mask)
    size = (round(pixels.shape[1] * WEB_FACTOR), round(pixels.shape[0] * WEB_FACTOR))
    plane = resized_plane(mask, size)
    return Probe(kind, saving, encode_jpeg(_shrunk(pixels, size), JpegSettings(80)), "jpg", np.asarray(plane, bool))


def probes(host: Pixels, donor: Pixels, settings: ProbeSettings, number: int) -> Iterator[Probe]:
    """Yield every kind in every saving for one photo. Randomness comes from the seed, the number and the kind alone.

    host, donor: of `host_of` and `donor_of`.
    """
    mask = region_of(host, settings, number)
    for place, kind in enumerate(KINDS):
        pixels = edited(kind, host, donor, mask, np.random.default_rng([settings.seed, number, place]))
        for saving in SAVINGS:
            yield saved(kind, saving, pixels, mask)


def _shrunk(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
