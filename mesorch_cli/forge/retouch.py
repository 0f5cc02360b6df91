"""Retouching: a region is blurred, sharpened, toned, coloured, warped or resampled, or covered by text or a logo."""

from collections.abc import Callable

import cv2
import numpy as np

from mesorch_cli.forge.compositing import Change, paste
from mesorch_cli.forge.donors import Plane, mask_of, silhouette_of
from mesorch_cli.forge.lettering import logo_patch, text_patch
from mesorch_cli.forge.life import noisy, sharpened
from mesorch_cli.forge.matte import grain_matched
from mesorch_cli.forge.patch import Patch, Pixels, Step, chance, drawn, rotated, tilted
from mesorch_cli.forge.shapes import Mask, drawn_area, place, place_off, region, window_of

FILTERS = ("blur", "sharpen", "noise", "tone", "colour", "resample", "median", "warp")
PASTED = ("text", "logo", "sign")
KINDS = (*FILTERS, *PASTED)
OBJECT_SHARE = 0.25  # of photos with known objects, in which the object itself is retouched
LARGEST_LETTERING = 0.15  # share of the photo
PLACES_TRIED = 16  # for an area plain enough to write on


def retouched(rng: np.random.Generator, part: Pixels, kind: str) -> tuple[Pixels, Step]:
    """Return pixels after one of FILTERS, strong enough to leave a trace, and its parameters."""
    height, width = part.shape[:2]
    if kind == "blur":
        sigma = drawn(rng, 1.2, 4)
        return cv2.GaussianBlur(part, (0, 0), sigma).astype(np.uint8), {"sigma": sigma}
    if kind == "sharpen":
        radius, amount = drawn(rng, 0.6, 2.0), drawn(rng, 1.0, 2.5)
        return sharpened(part, radius, amount), {"radius": radius, "amount": amount}
    if kind == "noise":
        sigma = drawn(rng, 5, 15)
        return noisy(rng, part, sigma), {"sigma": sigma}
    if kind == "tone":
        gamma = round(float(np.exp(rng.choice([-1, 1]) * rng.uniform(0.25, 0.7))), 4)
        return (255 * (part / 255.0) ** gamma + 0.5).astype(np.uint8), {"gamma": gamma}
    if kind == "colour":
        turn, gain = drawn(rng, 8, 172), drawn(rng, 0.6, 1.5)
        hsv = cv2.cvtColor(np.ascontiguousarray(part), cv2.COLOR_RGB2HSV).astype(np.float32)
        hsv[..., 0] = (hsv[..., 0] + turn) % 180
        hsv[..., 1] = np.clip(hsv[..., 1] * gain, 0, 255)
        return cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB).astype(np.uint8), {"turn": turn, "gain": gain}
    if kind == "resample":
        factor = drawn(rng, 0.3, 0.7)
        small = cv2.resize(part, (max(2, int(width * factor)), max(2, int(height * factor))))
        return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.uint8), {"factor": factor}
    if kind == "median":
        side = int(rng.choice([3, 5, 7]))
        return cv2.medianBlur(np.ascontiguousarray(part), side).astype(np.uint8), {"side": side}
    return _warped(rng, part)


def retouch(
    rng: np.random.Generator,
    host: Pixels,
    plane: Plane | None,
    area_range: tuple[float, float],
    silhouette: Mask | None = None,
) -> Change | None:
    """Return the photo with one region retouched or covered by text or a logo, None if that failed.

    plane: the photo's objects, if known; then sometimes one of them is retouched. silhouette: the shape of the region
    otherwise, any if None.
    """
    kind = KINDS[int(rng.integers(len(KINDS)))]
    if kind == "sign":
        return _sign(rng, host, area_range)
    if kind in PASTED:
        return _lettered(rng, host, kind, area_range)
    mask, y, x, shape = _where(rng, host, plane, area_range, silhouette)
    part = np.ascontiguousarray(host[y : y + mask.shape[0], x : x + mask.shape[1]])
    pixels, parameters = retouched(rng, part, kind)
    change = paste(rng, host, Patch.of(pixels, mask), y, x, ("hard", "soft", "feathered")[int(rng.integers(3))])
    if change is None:
        return None
    return Change(
        change.pixels, change.mask, {"kind": kind, "shape": shape} | parameters | {"paste": change.parameters}
    )


def _where(
    rng: np.random.Generator,
    host: Pixels,
    plane: Plane | None,
    area_range: tuple[float, float],
    silhouette: Mask | None,
) -> tuple[Mask, int, int, str]:
    """Return a region in its box, the place of the box, and its shape."""
    height, width = host.shape[:2]
    if plane is not None and chance(rng, OBJECT_SHARE):
        whole = plane > 127 if plane.dtype == np.uint8 else plane > 0
        window = window_of(np.asarray(whole))
        own = silhouette_of(rng, plane) if plane.dtype == np.int32 else None
        if own is None and window is not None:
            return np.asarray(whole[window]), window[0].start, window[1].start, "object"
        silhouette = own if own is not None else silhouette
    mask, shape = region(rng, height, width, drawn_area(rng, area_range), silhouette)
    mask = mask[:height, :width]
    return mask, *place_off(rng, mask, None if plane is None else mask_of(plane), height, width), shape


def _lettered(rng: np.random.Generator, host: Pixels, kind: str, area_range: tuple[float, float]) -> Change | None:
    height, width = host.shape[:2]
    low, high = area_range[0], min(LARGEST_LETTERING, area_range[1])
    area = drawn_area(rng, (low, max(low, high))) * height * width
    aspect = float(np.exp(rng.uniform(np.log(1.5), np.log(8)))) if kind == "text" else 1.0
    # Letters cover about a fifth of their box.
    box_area = area * (5 if kind == "text" else 1.5)
    tall = int(np.clip(np.sqrt(box_area / aspect), 12, 0.5 * height))
    wide = int(np.clip(tall * aspect, 12, 0.95 * width))
    make: Callable[[np.random.Generator, int, int], tuple[Patch, Step]] = text_patch if kind == "text" else logo_patch
    patch, parameters = make(rng, tall, wide)
    steps: list[Step] = []
    if chance(rng, 0.3):
        patch, step = rotated(rng, patch, drawn(rng, -20, 20))
        steps.append(step)
    if chance(rng, 0.2):
        patch, step = tilted(rng, patch, drawn(rng, 0.03, 0.15))
        steps.append(step)
    y, x = place(rng, height, width, patch.opacity.shape)
    change = paste(rng, host, patch, y, x, "own")
    if change is None:
        return None
    parameters = {"kind": kind} | parameters | {"transforms": steps, "paste": change.parameters}
    return Change(change.pixels, change.mask, parameters)


def _sign(rng: np.random.Generator, host: Pixels, area_range: tuple[float, float]) -> Change | None:
    """Erase a plain part of the photo and write something else there, with its light, blur and grain."""
    height, width = host.shape[:2]
    area = drawn_area(rng, (area_range[0], max(area_range[0], min(LARGEST_LETTERING, area_range[1])))) * height * width
    aspect = drawn(rng, 1.2, 5)
    tall = int(np.clip(np.sqrt(area / aspect), 12, 0.4 * height))
    wide = int(np.clip(tall * aspect, 16, 0.8 * width))
    plainest: tuple[float, int, int] | None = None
    for _ in range(PLACES_TRIED):
        y, x = int(rng.integers(0, height - tall + 1)), int(rng.integers(0, width - wide + 1))
        found = (float(host[y : y + tall, x : x + wide : 2].std(axis=(0, 1)).sum()), y, x)
        plainest = found if plainest is None else min(plainest, found)
    assert plainest is not None
    y, x = plainest[1:]
    part = np.ascontiguousarray(host[y : y + tall, x : x + wide])
    # The ground without its old letters: its brighter or darker majority, smoothed.
    ground = cv2.GaussianBlur(cv2.medianBlur(part, 2 * (min(tall, 24) // 4) + 3), (0, 0), max(2.0, tall / 6))
    patch, parameters = text_patch(rng, tall, wide)
    letters = np.zeros((tall, wide), np.float32)
    inner = patch.opacity[:tall, :wide]
    letters[: inner.shape[0], : inner.shape[1]] = inner
    blur, strength = drawn(rng, 0.4, 1.2), drawn(rng, 0.6, 0.95)
    letters = cv2.GaussianBlur(letters, (0, 0), blur)[..., None] * np.float32(strength)
    ink = np.asarray(ground.mean(axis=(0, 1)) > 110, np.float32)  # dark letters on a light ground
    colour = (1 - ink) * 235 + rng.uniform(0, 60, 3).astype(np.float32) * ink
    written = np.clip(ground * (1 - letters) + colour * letters, 0, 255).astype(np.uint8)
    new, grain = grain_matched(rng, Patch.of(written, np.ones((tall, wide), bool)), part)
    change = paste(rng, host, new, y, x, ("soft", "feathered")[int(rng.integers(2))])
    if change is None:
        return None
    parameters = {"kind": "sign"} | parameters | {"blur": blur, "strength": strength, "grain": grain}
    return Change(change.pixels, change.mask, parameters | {"paste": change.parameters})


def _warped(rng: np.random.Generator, part: Pixels) -> tuple[Pixels, Step]:
    """Pull the pixels of a box in one direction, most in its middle and not at its border, as in reshaping."""
    height, width = part.shape[:2]
    angle, strength = drawn(rng, 0, 6.2832), drawn(rng, 0.08, 0.25)
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    fall = np.sin(np.pi * (rows + 0.5) / height) ** 2 * np.sin(np.pi * (columns + 0.5) / width) ** 2
    reach = np.float32(strength * min(height, width)) * fall.astype(np.float32)
    from_x, from_y = columns + reach * np.float32(np.cos(angle)), rows + reach * np.float32(np.sin(angle))
    moved = cv2.remap(part, from_x, from_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    return moved.astype(np.uint8), {"angle": angle, "strength": strength}
