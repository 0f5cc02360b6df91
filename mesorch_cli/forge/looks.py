"""What cameras and apps do to a whole photo, or to all but its subject: authentic processing that looks like edits.

Every function returns its result (H, W, 3) uint8 RGB and its parameters. None of them is a forgery.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from mesorch_cli.forge.matte import matted
from mesorch_cli.forge.patch import Pixels, Step, drawn
from mesorch_cli.forge.shapes import Mask

SKIN = ((40, 135, 85), (255, 175, 130))  # of brightness, red and blue difference (YCrCb)
NIGHT_WIDTHS = (12.0, 35.0)  # grey levels that the bilateral filter of a night stack smooths over


def portrait(rng: np.random.Generator, pixels: Pixels, subject: Mask) -> tuple[Pixels, Step]:
    """Blur everything around a subject, as a phone's portrait mode does, with the soft outline that it estimates."""
    sigma, reach = drawn(rng, 1.2, 6), drawn(rng, 1, 4)
    opacity = cv2.GaussianBlur(matted(pixels, subject.astype(np.float32), 4), (0, 0), reach)[..., None]
    blurred = cv2.GaussianBlur(pixels, (0, 0), sigma)
    done = pixels * opacity + blurred * (1 - opacity)
    return _eight_bits(done), {"look": "portrait", "sigma": sigma, "reach": reach}


def dynamic_range(rng: np.random.Generator, pixels: Pixels) -> tuple[Pixels, Step]:
    """Compress the light of large areas and raise the detail in them: local tone mapping."""
    flat, detail = drawn(rng, 0.15, 0.55), drawn(rng, 1.0, 1.9)
    light = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32) + 1
    small = cv2.resize(light, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    base = cv2.resize(cv2.bilateralFilter(small, 9, 40, 9), light.shape[::-1], interpolation=cv2.INTER_LINEAR)
    goal = base * (np.float32(128) / base) ** np.float32(flat) * (light / base) ** np.float32(detail)
    return _eight_bits(pixels * (goal / light)[..., None]), {"look": "dynamic range", "flat": flat, "detail": detail}


def night(rng: np.random.Generator, pixels: Pixels) -> tuple[Pixels, Step]:
    """Smooth noise and sharpen the rest, like a stack of night shots."""
    width, amount = drawn(rng, *NIGHT_WIDTHS), drawn(rng, 0.3, 1.0)
    smooth = cv2.bilateralFilter(pixels, 5, width, 2)
    blurred = cv2.GaussianBlur(smooth, (0, 0), 1.2)
    done = cv2.addWeighted(smooth, 1 + amount, blurred, -amount, 0)
    return done.astype(np.uint8), {"look": "night", "width": width, "amount": amount}


def airbrushed(rng: np.random.Generator, pixels: Pixels) -> tuple[Pixels, Step]:
    """Smooth everything with the colour of skin, like the beauty filters of cameras."""
    strength, width = drawn(rng, 0.3, 0.9), drawn(rng, 20, 50)
    skin = cv2.inRange(cv2.cvtColor(pixels, cv2.COLOR_RGB2YCrCb), np.array(SKIN[0]), np.array(SKIN[1]))
    weight = cv2.GaussianBlur(skin.astype(np.float32) / 255, (0, 0), 3)[..., None] * np.float32(strength)
    smooth = cv2.bilateralFilter(pixels, 7, width, 3)
    done = pixels * (1 - weight) + smooth * weight
    return _eight_bits(done), {"look": "airbrushed", "strength": strength, "width": width}


def graded(rng: np.random.Generator, pixels: Pixels) -> tuple[Pixels, Step]:
    """Tint shadows and lights, change saturation, and darken the corners."""
    tints = [[drawn(rng, -14, 14) for _ in range(3)] for _ in range(2)]
    saturation, corners = drawn(rng, 0.4, 1.4), drawn(rng, 0, 0.35)
    values = pixels.astype(np.float32)
    light = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)[..., None]
    values = light + (values - light) * np.float32(saturation)
    values += np.array(tints[0], np.float32) * (1 - light / 255) + np.array(tints[1], np.float32) * (light / 255)
    y = np.linspace(-1, 1, pixels.shape[0], dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, pixels.shape[1], dtype=np.float32)[None]
    values *= (1 - np.float32(corners) * (y * y + x * x) / 2)[..., None]
    return _eight_bits(values), {"look": "graded", "tints": tints, "saturation": saturation, "corners": corners}


LOOKS = {"dynamic range": dynamic_range, "night": night, "airbrushed": airbrushed, "graded": graded}


def _eight_bits(values: NDArray[np.floating]) -> Pixels:
    return np.asarray(np.clip(values + np.float32(0.5), 0, 255), np.uint8)
