"""Copy-move: a part of the photo is repeated in the same photo. The mask marks the copies, not their source."""

import cv2
import numpy as np

from mesorch_cli.forge.compositing import Change, paste, surroundings_of
from mesorch_cli.forge.donors import Plane, cut_out, picked_object
from mesorch_cli.forge.patch import Patch, Pixels, Step, chance, drawn, scaled
from mesorch_cli.forge.shapes import Mask, drawn_area, place, region, snapped, window_of
from mesorch_cli.forge.splice import transformed

COPIES = (0.75, 0.17, 0.08)  # shares of one, two and three copies
LARGEST_SIDE = 0.6  # of the photo's
PLACES_TRIED = 8
OBJECT_SHARE = 0.4  # of photos with known objects
SNAPPED_SHARE = 0.6
FITTING_SHARE = 0.7  # of copies placed where the photo is most like their source, as when hiding something
SAME_PLACE = 0.6  # of the sides: nearer copies would overlap their own source


def copy_move(
    rng: np.random.Generator,
    host: Pixels,
    plane: Plane | None,
    area_range: tuple[float, float],
    silhouette: Mask | None = None,
) -> Change | None:
    """Return the photo with one to three copies of one of its parts, None if none succeeded.

    plane: the photo's objects, if known; then often one of them is copied. silhouette: the copied shape otherwise, any
    if None. Half of the copies are only moved. The others are also scaled, mirrored, rotated or tilted. Copies may
    overlap their source a little.
    """
    height, width = host.shape[:2]
    count = 1 + int(rng.choice(len(COPIES), p=COPIES))
    source, parameters = _source(rng, host, plane, max(area_range[0], drawn_area(rng, area_range) / count), silhouette)
    if source is None:
        return None
    origin = (parameters["source"]["y"], parameters["source"]["x"])
    result, copied, copies = host, np.zeros((height, width), bool), []
    for _ in range(count):
        patch, steps = source, []
        if chance(rng, 0.5):
            if chance(rng, 0.6):
                patch, step = scaled(rng, patch, drawn(rng, 0.6, 1.5))
                steps.append(step)
            patch, turns = transformed(rng, patch, flip=0.5, rotate=0.4, spread=12, tilt=0.15)
            steps += turns
        at = _place(rng, host, patch, origin, source.opacity.shape)
        change = None if at is None else paste(rng, result, patch, *at)
        if change is not None:
            result = change.pixels
            copied |= change.mask
            copies.append({"transforms": steps, "paste": change.parameters})
    return Change(result, copied, parameters | {"copies": copies}) if copied.any() else None


def _source(
    rng: np.random.Generator, host: Pixels, plane: Plane | None, share: float, silhouette: Mask | None
) -> tuple[Patch | None, Step]:
    """Return the copied part and its source."""
    height, width = host.shape[:2]
    if plane is not None and chance(rng, OBJECT_SHARE):
        picked = picked_object(rng, plane)
        window = None if picked is None else window_of(picked[0] > 0.5)
        if picked is None or window is None:
            return None, {}
        box = {"y": window[0].start, "x": window[1].start}
        box |= {"height": window[0].stop - window[0].start, "width": window[1].stop - window[1].start}
        return cut_out(host, picked[0]), picked[1] | {"source": box}
    mask, shape = region(rng, height, width, share, silhouette)
    mask = mask[: max(8, int(height * LARGEST_SIDE)), : max(8, int(width * LARGEST_SIDE))]
    tall, wide = mask.shape
    y, x = int(rng.integers(0, height - tall + 1)), int(rng.integers(0, width - wide + 1))
    pixels = np.ascontiguousarray(host[y : y + tall, x : x + wide])
    if min(tall, wide) >= 32 and chance(rng, SNAPPED_SHARE):
        mask, shape = snapped(pixels, mask), f"{shape}, snapped to edges"
    return Patch.of(pixels, mask), {"shape": shape, "source": {"y": y, "x": x, "height": tall, "width": wide}}


def _place(
    rng: np.random.Generator, host: Pixels, patch: Patch, origin: tuple[int, int], size: tuple[int, int]
) -> tuple[int, int] | None:
    """Return a place for a copy off its source, mostly the best-fitting one tried; None if there is none."""
    height, width = host.shape[:2]
    fitting = chance(rng, FITTING_SHARE)
    own = cv2.resize(patch.pixels, (16, 16), interpolation=cv2.INTER_AREA).astype(np.float32)
    best: tuple[float, int, int] | None = None
    for _ in range(PLACES_TRIED):
        y, x = place(rng, height, width, patch.opacity.shape, patch.cut)
        if abs(y - origin[0]) <= SAME_PLACE * size[0] and abs(x - origin[1]) <= SAME_PLACE * size[1]:
            continue
        if not fitting:
            return y, x
        around = surroundings_of(host, y, x, patch.opacity.shape)
        seen = cv2.resize(np.ascontiguousarray(around), (16, 16), interpolation=cv2.INTER_AREA).astype(np.float32)
        found = (float(np.abs(seen - own).mean()), y, x)
        best = found if best is None else min(best, found)
    return None if best is None else best[1:]
