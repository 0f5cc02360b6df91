"""Splicing: an object or a piece of another photo in this one."""

import numpy as np

from mesorch_cli.forge.compositing import Pixels, light_matched, paste, resampled, turned
from mesorch_cli.forge.shapes import Mask, outline, place, region_box


def cut_object(rng: np.random.Generator, donor: Pixels, mask: Mask, box: tuple[int, int]) -> tuple[Pixels, Mask] | None:
    """Return the donor's object at about the size of `box`, None if its mask is next to empty.

    A quarter is shrunk at most, never enlarged, as a careful forger would take it.
    """
    rows, columns = np.nonzero(mask)
    if rows.size < 50:
        return None
    window = np.s_[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    patch, flags = donor[window], mask[window]
    factor = float(np.clip(np.sqrt(box[0] * box[1] / flags.size), 0.2, 1.8))
    if rng.random() < 0.25 and factor >= 0.5:
        factor = 1.0
    return (patch, flags) if factor == 1.0 else resampled(rng, patch, flags, factor)


def cut_piece(rng: np.random.Generator, donor: Pixels, box: tuple[int, int]) -> tuple[Pixels, Mask]:
    """Return a random piece of the donor of about the size of `box`, four in ten without resampling."""
    factor = 1.0 if rng.random() < 0.4 else float(np.exp(rng.uniform(np.log(0.5), np.log(1.6))))
    height = min(donor.shape[0], max(8, round(box[0] / factor)))
    width = min(donor.shape[1], max(8, round(box[1] / factor)))
    y, x = int(rng.integers(0, donor.shape[0] - height + 1)), int(rng.integers(0, donor.shape[1] - width + 1))
    patch, full = donor[y : y + height, x : x + width], np.ones((height, width), bool)
    if factor != 1.0:
        patch, full = resampled(rng, patch, full, factor)
    return patch, outline(rng, *full.shape)


def splice(
    rng: np.random.Generator,
    host: Pixels,
    donor: Pixels,
    donor_mask: Mask | None,
    area_range: tuple[float, float],
) -> tuple[Pixels, Mask] | None:
    """Return the host with a part of the donor in it and the mask of that part, None if it did not come out."""
    height, width = host.shape[:2]
    box = region_box(rng, height, width, area_range)
    cut = cut_piece(rng, donor, box) if donor_mask is None else cut_object(rng, donor, donor_mask, box)
    if cut is None:
        return None
    patch, mask = turned(rng, *cut)
    y, x = place(rng, height, width, *mask.shape)
    if rng.random() < 0.5:
        surroundings = host[max(0, y) : max(0, y) + mask.shape[0], max(0, x) : max(0, x) + mask.shape[1]]
        patch = light_matched(rng, patch, mask, surroundings)
    return paste(rng, host, patch, mask, y, x)
