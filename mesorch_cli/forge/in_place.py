"""In place: a region of the photo's own pixels is processed and put back. Nothing foreign is added.

`apply` can be called alone, for one kind of processing at one strength.
"""

import cv2
import numpy as np

from mesorch_cli.errors import UsageError
from mesorch_cli.forge.compositing import Change, paste
from mesorch_cli.forge.donors import Plane, mask_of, picked_object
from mesorch_cli.forge.encoding import SUBSAMPLINGS, JpegSettings, decoded, encode_jpeg, rescaled
from mesorch_cli.forge.life import mosaicked, noisy, sharpened
from mesorch_cli.forge.patch import INTERPOLATIONS, WARPS, Patch, Pixels, Step, chance, drawn
from mesorch_cli.forge.segments import segmented
from mesorch_cli.forge.shapes import Mask, drawn_area, place_off, region, window_of
from mesorch_cli.forge.tables import known_tables

KINDS = (
    "jpeg", "jpeg off the grid", "double jpeg", "resample", "subpixel", "noise", "denoise", "sharpen", "blur", "tone",
    "demosaic",
)  # fmt: skip
GRID = 8  # pixels of a JPEG block
MARGIN = 16  # pixels around a region that filters use; a multiple of GRID
WINDOW = (0.12, 0.7)  # shares of a photo's sides, as windows in which objects are searched
WHERE = {"object": 0.3, "background": 0.35, "elsewhere": 0.35}  # if the photo's objects are known
SEGMENTED_SHARE = 0.5  # of the other regions: found by segmentation
SECOND_SHARE = 0.2  # of edits that combine two kinds
EDGES = {"hard": 0.4, "soft": 0.35, "feathered": 0.25}
STANDARD_SHARE = 0.5  # of JPEG edits with standard tables; the others have those of a camera or a program
LARGEST_NON_LOCAL = 60_000  # pixels; non-local means is too slow for more


def apply(kind: str, strength: float, pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Return pixels (H, W, 3) uint8 RGB after one of KINDS.

    strength: from 0, barely detectable, to 1, clearly visible. The JPEG grid starts at the upper left corner. Quality
    of `jpeg` and `jpeg off the grid`: 95 to 40; factor of `resample`: .97 to .5; sigma of `noise`: .7 to 10 grey
    levels; sigma of `blur`: .35 to 2.5 pixels. Raises UsageError for anything else.
    """
    return applied(kind, strength, pixels, rng)[0]


def applied(kind: str, strength: float, pixels: Pixels, rng: np.random.Generator) -> tuple[Pixels, Step]:
    """Return the result of `apply`, and the step with its parameters."""
    if kind not in KINDS or not 0 <= strength <= 1:
        raise UsageError(
            f"There is no edit of kind {kind!r} and strength {strength}. Expected one of {', '.join(KINDS)}, and 0 to "
            "1."
        )
    pixels = np.ascontiguousarray(pixels)
    if kind in ("jpeg", "jpeg off the grid", "double jpeg"):
        done, step = _saved(kind, strength, pixels, rng)
    elif kind in ("resample", "subpixel"):
        done, step = _resampled(kind, strength, pixels, rng)
    elif kind == "noise":
        done, step = _noisy(strength, pixels, rng)
    elif kind == "denoise":
        done, step = _denoised(strength, pixels, rng)
    elif kind == "sharpen":
        radius, amount = drawn(rng, 0.6, 2.0), _between(strength, 0.15, 2.0)
        done, step = sharpened(pixels, radius, amount), {"radius": radius, "amount": amount}
    elif kind == "blur":
        sigma = _between(strength, 0.35, 2.5)
        done, step = cv2.GaussianBlur(pixels, (0, 0), sigma).astype(np.uint8), {"sigma": sigma}
    elif kind == "tone":
        done, step = _toned(strength, pixels, rng)
    else:
        gain = _between(strength, 0.003, 0.2)
        done, step = mosaicked(rng, pixels, (gain, gain), dark=strength)
    return done, {"kind": kind, "strength": strength} | step


def in_place(
    rng: np.random.Generator,
    host: Pixels,
    plane: Plane | None,
    area_range: tuple[float, float],
    silhouette: Mask | None = None,
) -> Change | None:
    """Return the photo with one region edited in place, None if that failed.

    plane: the photo's objects, if known. Then the region is an object, everything but the objects, or a region off
    them. Otherwise half of the regions are salient things. silhouette: the shape of the region if it has none of its
    own.
    """
    mask, shape = _where(rng, host, plane, area_range, silhouette)
    window = window_of(mask)
    if window is None:
        return None
    (top, left), (bottom, right) = (
        (_aligned(window[0].start), _aligned(window[1].start)),
        (
            window[0].stop + MARGIN,
            window[1].stop + MARGIN,
        ),
    )
    part = np.ascontiguousarray(host[top:bottom, left:right])
    steps: list[Step] = []
    for _ in range(2 if chance(rng, SECOND_SHARE) else 1):
        # An authentic portrait has a blurred background too.
        kinds = [kind for kind in KINDS if not (kind == "blur" and shape == "background")]
        part, step = applied(kinds[int(rng.integers(len(kinds)))], drawn(rng, 0, 1), part, rng)
        steps.append(step)
    edge = list(EDGES)[int(rng.choice(len(EDGES), p=list(EDGES.values())))]
    inner = part[window[0].start - top : window[0].stop - top, window[1].start - left : window[1].stop - left]
    change = paste(rng, host, Patch.of(inner, mask[window]), window[0].start, window[1].start, edge)
    if change is None:
        return None
    return Change(change.pixels, change.mask, {"shape": shape, "lives": steps, "paste": change.parameters})


def _where(
    rng: np.random.Generator,
    host: Pixels,
    plane: Plane | None,
    area_range: tuple[float, float],
    silhouette: Mask | None,
) -> tuple[Mask, str]:
    """Return the region as a mask (H, W), and its description."""
    height, width = host.shape[:2]
    known = None if plane is None else mask_of(plane)
    if plane is not None and known is not None:
        where = list(WHERE)[int(rng.choice(len(WHERE), p=list(WHERE.values())))]
        picked = picked_object(rng, plane) if where == "object" else None
        if picked is not None:
            return np.asarray(picked[0] > 0.5), "object"
        if where == "background":
            return ~known, "background"
    elif chance(rng, SEGMENTED_SHARE):
        found = segmented(rng, host, WINDOW)
        if found is not None:
            return found, "segmented"
    small, shape = region(rng, height, width, drawn_area(rng, area_range), silhouette)
    small = small[:height, :width]
    y, x = place_off(rng, small, known, height, width)
    mask = np.zeros((height, width), bool)
    mask[y : y + small.shape[0], x : x + small.shape[1]] = small
    return mask, shape


def _aligned(start: int) -> int:
    """Return a start with room for filters, on the photo's JPEG grid."""
    return max(0, start // GRID * GRID - MARGIN)


def _between(strength: float, low: float, high: float) -> float:
    """Return the value at a strength, on a logarithmic scale from low to high."""
    return round(float(low * (high / low) ** strength), 4)


def _saved(kind: str, strength: float, pixels: Pixels, rng: np.random.Generator) -> tuple[Pixels, Step]:
    """Save as JPEG: on the grid, off it, or twice with a higher second quality."""
    quality = round(95 - 55 * strength)
    settings = [_settings(rng, quality)]
    if kind == "double jpeg":
        settings.append(_settings(rng, min(98, quality + int(rng.integers(3, 25)))))
    shift = (0, 0)
    if kind == "jpeg off the grid":
        at = int(rng.integers(1, GRID * GRID))
        shift = (at // GRID, at % GRID)
        pixels = np.pad(pixels, ((shift[0], 0), (shift[1], 0), (0, 0)), "edge")
    for one in settings:
        pixels = decoded(encode_jpeg(pixels, one))
    step: Step = {"saves": [one.step() for one in settings]}
    if kind == "jpeg off the grid":
        step |= {"shift": {"y": shift[0], "x": shift[1]}}
    return np.ascontiguousarray(pixels[shift[0] :, shift[1] :]), step


def _settings(rng: np.random.Generator, quality: int) -> JpegSettings:
    subsampling = list(SUBSAMPLINGS)[int(rng.choice(len(SUBSAMPLINGS), p=list(SUBSAMPLINGS.values())))]
    if chance(rng, STANDARD_SHARE):
        return JpegSettings(quality, subsampling)
    known = known_tables("camera" if chance(rng, 0.5) else "program")
    tables = known[int(rng.integers(len(known)))]
    return JpegSettings(quality, subsampling, rescaled(tables, quality), "camera shape", tables.of)


def _resampled(kind: str, strength: float, pixels: Pixels, rng: np.random.Generator) -> tuple[Pixels, Step]:
    """Shrink and enlarge, or move by less than a pixel."""
    height, width = pixels.shape[:2]
    how = WARPS[int(rng.integers(len(WARPS)))]
    if kind == "subpixel":
        angle, shift = drawn(rng, 0, 6.2832), round(0.12 + 0.38 * strength, 4)
        matrix = np.array([(1, 0, shift * np.cos(angle)), (0, 1, shift * np.sin(angle))])
        moved = cv2.warpAffine(
            pixels, matrix, (width, height), flags=INTERPOLATIONS[how], borderMode=cv2.BORDER_REPLICATE
        )
        return moved.astype(np.uint8), {"shift": shift, "angle": angle, "interpolation": how}
    factor = round(0.97 - 0.47 * strength, 4)
    names = list(INTERPOLATIONS)
    down = names[int(rng.integers(len(names)))]
    size = (max(2, round(width * factor)), max(2, round(height * factor)))
    small = cv2.resize(pixels, size, interpolation=INTERPOLATIONS[down])
    large = cv2.resize(small, (width, height), interpolation=INTERPOLATIONS[how])
    return large.astype(np.uint8), {"factor": factor, "down": down, "up": how}


def _noisy(strength: float, pixels: Pixels, rng: np.random.Generator) -> tuple[Pixels, Step]:
    """Add noise: per colour, in brightness only, or coarse, as after a camera's denoising."""
    sigma, look = _between(strength, 0.7, 10), ("colour", "light", "coarse")[int(rng.integers(3))]
    if look == "colour":
        return noisy(rng, pixels, sigma), {"sigma": sigma, "look": look}
    noise = rng.standard_normal((*pixels.shape[:2], 1), dtype=np.float32)
    if look == "coarse":
        coarse = cv2.GaussianBlur(noise, (0, 0), 0.9)[..., None]
        noise = np.asarray(coarse / max(float(coarse.std()), 1e-6), np.float32)
    done = np.clip(pixels + noise * np.float32(sigma) + 0.5, 0, 255).astype(np.uint8)
    return done, {"sigma": sigma, "look": look}


def _denoised(strength: float, pixels: Pixels, rng: np.random.Generator) -> tuple[Pixels, Step]:
    methods = ("bilateral", "median", "non-local means")
    method = methods[int(rng.integers(len(methods)))]
    if method == "non-local means" and pixels.shape[0] * pixels.shape[1] > LARGEST_NON_LOCAL:
        method = "bilateral"
    if method == "median":
        weight = round(0.35 + 0.65 * strength, 4)
        smooth = cv2.medianBlur(pixels, 5 if strength > 0.7 else 3)
        done = cv2.addWeighted(smooth, weight, pixels, 1 - weight, 0)
        return done.astype(np.uint8), {"method": method, "side": 5 if strength > 0.7 else 3, "weight": weight}
    width = _between(strength, 4, 45)
    if method == "bilateral":
        return cv2.bilateralFilter(pixels, 5, width, 2.0).astype(np.uint8), {"method": method, "width": width}
    done = cv2.fastNlMeansDenoising(pixels, None, width / 2.5, 3, 9)
    return done.astype(np.uint8), {"method": method, "width": width}


def _toned(strength: float, pixels: Pixels, rng: np.random.Generator) -> tuple[Pixels, Step]:
    """Change light, contrast or an S curve, and sometimes the colour."""
    gamma = round(float(np.exp(rng.choice([-1, 1]) * _between(strength, 0.04, 0.45))), 4)
    bend = round(float(rng.choice([-1, 1])) * _between(strength, 0.02, 0.3), 4)
    gains = [1.0, 1.0, 1.0]
    if chance(rng, 0.4):
        gains = [round(1 + float(rng.choice([-1, 1])) * _between(strength, 0.01, 0.12), 4) for _ in range(3)]
    curve = (np.arange(256) / 255.0) ** gamma
    curve = curve - bend * np.sin(2 * np.pi * curve) / (2 * np.pi)
    table = np.clip(curve[:, None] * np.array(gains) * 255 + 0.5, 0, 255).astype(np.uint8)
    done = cv2.LUT(pixels, np.ascontiguousarray(table[None]))
    return done.astype(np.uint8), {"gamma": gamma, "bend": bend, "gains": gains}
