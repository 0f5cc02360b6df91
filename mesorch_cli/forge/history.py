"""Histories: the cameras, programs and networks that a photo passes through before and after a forgery.

Host and donor have separate histories, which leave different traces, and the result has another one. Authentic photos
have the same kinds of histories, so that a history alone never gives the answer.
"""

import numpy as np

from mesorch_cli.forge.donors import Plane
from mesorch_cli.forge.life import Life
from mesorch_cli.forge.patch import Pixels, chance, drawn
from mesorch_cli.forge.shapes import Mask

SENSOR_SHARE = 0.08  # of histories that begin at a colour filter array
SHIFTED_SHARE = 0.5  # of histories before a forgery that end off their JPEG grid
STEPS_BEFORE = (0.2, 0.5, 0.3)  # shares of none, one and two steps
NETWORK_SIDES = (640, 720, 960, 1080, 1200, 1600, 2048)  # pixels; networks shrink longer photos to these
NETWORKS = (0.5, 0.32, 0.18)  # shares of one, two and three networks in a chain
SMALLEST_SHARED = 200  # pixels of the shorter side; nobody shares smaller photos
FEWEST_LEFT = 24  # pixels of a mask that must survive the last history
TRIES = 4
LOOK_SHARE = 0.14  # of earlier histories with the look of a camera or an app over the whole photo
POOR, POOR_SHARE = (60, 85), 0.4  # quality of the source files of many forgeries, and its share
BETTER = (90, 98)  # quality of a result saved better than its sources
FRAMED_SHARE, CAPTIONED_SHARE = 0.03, 0.04
AFTER = {"none": 0.13, "jpeg": 0.22, "better": 0.13, "webp": 0.05, "resize": 0.13, "networks": 0.25, "finish": 0.09}


def live_before(rng: np.random.Generator, pixels: Pixels, plane: Plane | None = None) -> Life:
    """Return a photo after its history before a forgery: up to two steps, and half of the time another JPEG grid.

    plane: its objects, which move with the pixels.
    """
    life = Life(rng, pixels, plane)
    if chance(rng, SENSOR_SHARE):
        life.sensor()
    if chance(rng, LOOK_SHARE):
        life.look()
    for _ in range(int(rng.choice(len(STEPS_BEFORE), p=STEPS_BEFORE))):
        step = rng.random()
        if step < 0.55:
            life.jpeg(*(POOR if chance(rng, POOR_SHARE) else (55, 98)))
        elif step < 0.73:
            life.resize(drawn(rng, 0.5, 1.25), SMALLEST_SHARED)
        elif step < 0.8:
            life.noise(0.5, 4)
        elif step < 0.88:
            life.sharpen()
        elif step < 0.92:
            life.soften()
        elif step < 0.96:
            life.tone()
        else:
            life.webp(60, 95)
    if chance(rng, SHIFTED_SHARE):
        life.shift_grid()
    return life


def live_after(rng: np.random.Generator, pixels: Pixels, mask: Mask) -> tuple[Life, Mask]:
    """Return a photo after its history after a forgery, and its final mask.

    The photo is kept losslessly, saved as JPEG (sometimes better than before) or WebP, resized and saved, finished
    (noise, softening, sharpening, tone or a crop over everything) and saved, or sent through networks. Sometimes a
    frame or a caption comes first. A mask that is not empty stays so.
    """
    for _ in range(TRIES):
        life = Life(rng, pixels, mask)
        _lived(life, list(AFTER)[int(rng.choice(len(AFTER), p=list(AFTER.values())))])
        kept = _mask_of(life)
        if kept.sum() >= min(FEWEST_LEFT, mask.sum()):
            return life, kept
    life = Life(rng, pixels, mask)
    life.jpeg(65, 98)
    return life, mask


def share_in_networks(life: Life) -> None:
    """Send a photo through one to three networks, each of which shrinks it, often sharpens it, and saves it again."""
    rng = life.rng
    for number in range(1, 1 + int(rng.choice(len(NETWORKS), p=NETWORKS)) + 1):
        side = int(rng.choice(NETWORK_SIDES))
        longest = max(life.pixels.shape[:2])
        if longest > side:
            life.resize(side / longest, SMALLEST_SHARED, network=number)
        elif chance(rng, 0.55):
            life.resize(drawn(rng, 0.55, 1.0), SMALLEST_SHARED, network=number)
        if chance(rng, 0.4):
            life.sharpen(0.15, 0.6, network=number)
        if chance(rng, 0.06):
            life.webp(65, 85, network=number)
        else:
            life.jpeg(65, 92, network=number)


def _lived(life: Life, kind: str) -> None:
    rng = life.rng
    added = rng.random()
    if added < FRAMED_SHARE:
        life.frame()
    elif added < FRAMED_SHARE + CAPTIONED_SHARE:
        life.caption()
    if kind == "better":
        life.jpeg(*BETTER, full_colour=True)
    elif kind == "jpeg":
        life.jpeg(65, 98)
    elif kind == "webp":
        life.webp(60, 95)
    elif kind == "resize":
        life.resize(drawn(rng, 0.5, 1.2), SMALLEST_SHARED)
        life.jpeg(65, 96)
    elif kind == "networks":
        share_in_networks(life)
    elif kind == "finish":
        finish = int(rng.integers(5))
        if finish == 0:
            life.noise(0.5, 3)
        elif finish == 1:
            life.soften()
        elif finish == 2:
            life.sharpen()
        elif finish == 3:
            life.tone()
        else:
            _crop(life)
        if chance(rng, 0.85):
            life.jpeg(65, 96)


def _crop(life: Life) -> None:
    """Crop up to a tenth off each side."""
    height, width = life.pixels.shape[:2]
    top, bottom = (int(v) for v in life.rng.integers(0, max(1, height // 10), 2))
    left, right = (int(v) for v in life.rng.integers(0, max(1, width // 10), 2))
    life.crop(top, left, height - top - bottom, width - left - right)


def _mask_of(life: Life) -> Mask:
    assert life.plane is not None
    return life.plane.astype(bool, copy=False)
