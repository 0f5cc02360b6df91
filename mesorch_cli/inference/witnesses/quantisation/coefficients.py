"""Which 8 x 8 blocks of a JPEG were quantised once on its grid, and which twice.

A photo that was a JPEG and is saved as a JPEG again has traces of both quantisations wherever nothing was changed in
between. A part that came from elsewhere, or was edited, has only traces of the last one. Blind and for one grid, after
Bianchi & Piva, "Image Forgery Localization via Block-Grained Analysis of JPEG Artifacts", IEEE TIFS 2012, section III.

For each low frequency of brightness, the histogram of the quantised coefficients is explained as a mixture: a share was
quantised before with some step, the rest was not. The same photo on a grid shifted by half a block shows what
unquantised coefficients look like. Blocks of similar texture are compared with each other, as a smooth sky and a lawn
have different histograms in any case.

Shape legend: M N rows and columns of blocks.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from mesorch_cli.inference.witnesses.blocks import BLOCK, clipped_share, dct_basis, exact_brightness

FREQUENCIES = (
    (0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (1, 2), (2, 1), (0, 3), (3, 0), (2, 2), (1, 3), (3, 1), (0, 4), (4, 0),
)  # fmt: skip
REACH = 5  # frequencies a side that are used: the highest of FREQUENCIES is 4
FEWEST_SIDE = 4  # blocks
FEWEST_BLOCKS = 300  # of a photo; a histogram of fewer says nothing
LARGEST_LEVEL = 40  # quantised coefficients beyond are counted as this
FIRST_STEPS = range(2, 41)  # of the quantisation before
SHARES = np.array([0.98, 0.9, 0.8, 0.65, 0.5, 0.35, 0.2, 0.1, 0.05])  # of blocks that were quantised twice
TEXTURES = 3  # kinds of blocks, by the activity in and around them
ROUNDING = 0.5  # deviation of a coefficient after its picture was rounded to 8 bits, converted between colours included
FARTHEST = 40  # halves of a level: an error of rounding is never as large
FLOOR = 0.4  # counts added to every level, so that no level is impossible
LEAST_GAIN = 0.002  # nats a block; frequencies with a smaller gain from the mixture are left out
MOST_TELLING = 3.0  # nats: one coefficient says no more than this
SMOOTHING = 1.0  # blocks
MARKED = 2.0  # nats from which a block counts as quantised once
CLIPPED_COSTS = 2.0  # a block that is half clipped counts nothing
HARDLY = 0.1  # weight below which there are too few neighbouring blocks

Blocks = NDArray[np.float32]
Table = NDArray[np.int64]


@dataclass(frozen=True)
class Quantisations:
    """The evidence from the coefficients.

    evidence: (M, N) float32, log-likelihood of "once" against "twice" per block, in nats, slightly smoothed.
    features: the basis of the decision whether to believe it (see FEATURES), in that order.
    """

    evidence: NDArray[np.float32]
    features: tuple[float, ...]


FEATURES = ("gain", "frequencies", "share", "strength", "rest", "largest", "coherence", "agreement", "texture")
"""gain: nats a block, over all frequencies. frequencies: how many gained. share: of blocks with evidence above MARKED;
strength: their mean evidence; rest: that of the others; largest: the share of all blocks that their largest connected part
is. coherence: correlation of the evidence of every other frequency with that of the others. agreement: mean deviation of the
frequencies' shares of "twice". texture: correlation of the evidence with how much goes on in a block, without its sign."""


def quantisations(pixels: NDArray[np.unsignedinteger], table: Table) -> Quantisations | None:
    """Return the evidence from a JPEG's coefficients, None if it is too small or no frequency says anything.

    pixels: (H, W, 3) RGB uint8 as the file decodes, in its own raster. table: (8, 8) steps of brightness.
    """
    plane = exact_brightness(pixels)
    own, shifted = coefficients(plane), coefficients(plane[BLOCK // 2 :, BLOCK // 2 :])
    if own.shape[0] * own.shape[1] < FEWEST_BLOCKS or min(own.shape[:2]) < FEWEST_SIDE:
        return None
    textures = _textures(own, shifted)
    ratios, gains, shares = [], [], []
    for row, column in FREQUENCIES:
        found = _explained(own[..., row, column], shifted[..., row, column], int(table[row, column]), textures)
        gains.append(found[1])
        if found[0] is not None:
            ratios.append(found[0])
            shares.append(found[2])
    if not ratios:
        return None
    return _summed(np.stack(ratios), np.array(gains), np.array(shares), textures[0], 1.0 - clipped_share(pixels))


def coefficients(plane: NDArray[np.float32]) -> Blocks:
    """Return the lowest REACH x REACH coefficients of the orthonormal DCT-II of every whole 8 x 8 block, (M, N, 5, 5)."""
    rows, columns = plane.shape[0] // BLOCK, plane.shape[1] // BLOCK
    blocks = plane[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK).transpose(0, 2, 1, 3)
    basis = dct_basis()[:REACH]
    return np.asarray(basis @ (blocks @ basis.T))


def _textures(own: Blocks, shifted: Blocks) -> tuple[NDArray[np.float32], NDArray[np.intp], NDArray[np.intp]]:
    """Return the activity around each block (M, N), its kind, and the kind of each shifted block.

    Each is measured on the other grid, as a block's own coefficients must not determine its kind.
    """

    def activity(blocks: Blocks) -> NDArray[np.float32]:
        inner, above = np.abs(blocks[..., 1:4, 1:4]), np.abs(blocks[..., 0, 1:4])
        return np.asarray(np.log1p(inner.mean(axis=(2, 3)) + above.mean(axis=2)), np.float32)

    rows, columns = own.shape[:2]
    around = cv2.resize(activity(shifted), (columns, rows), interpolation=cv2.INTER_LINEAR)
    around = cv2.blur(around, (3, 3))
    of_shifted = cv2.resize(activity(own), shifted.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    of_shifted = cv2.blur(of_shifted, (3, 3))
    edges = np.quantile(around, np.arange(1, TEXTURES) / TEXTURES)
    return np.asarray(around, np.float32), np.searchsorted(edges, around), np.searchsorted(edges, of_shifted)


@lru_cache(maxsize=1)
def _rounding_probabilities() -> NDArray[np.float64]:
    """Return the probability of an error of at most half i, normal with deviation ROUNDING, for i -FARTHEST..FARTHEST."""
    halves = range(-FARTHEST, FARTHEST + 1)
    return np.array([0.5 * math.erfc(-half / 2.0 / ROUNDING / math.sqrt(2.0)) for half in halves])


@lru_cache(maxsize=4096)
def _requantised(first: int, last: int) -> NDArray[np.float64]:
    """Return how levels of the first step spread over those of the last: (levels of the first, levels of the last).

    A value k * first returns from the rounded picture with a normal error before the last step.
    """
    reach = LARGEST_LEVEL * last // first + 2
    value = (np.arange(-reach, reach + 1) * first)[:, None]
    upper = (np.arange(-LARGEST_LEVEL, LARGEST_LEVEL + 1) + 0.5) * last
    apart = np.rint(2.0 * (upper - value)).astype(np.intp)  # steps are whole numbers, so this is whole, too
    below = _rounding_probabilities()[np.clip(apart, -FARTHEST, FARTHEST) + FARTHEST]
    spread = np.diff(below, axis=1, prepend=0.0)
    spread[:, -1] = 1.0 - below[:, -2]
    return np.asarray(spread, np.float64)


def _histograms(levels: NDArray[np.intp], kinds: NDArray[np.intp], reach: int) -> NDArray[np.float64]:
    """Return the counts of -reach..reach per kind of texture, (TEXTURES, 2 reach + 1)."""
    clipped = np.clip(levels, -reach, reach) + reach
    width = 2 * reach + 1
    counts = np.bincount((kinds * width + clipped).ravel(), minlength=TEXTURES * width)
    return counts.reshape(TEXTURES, width).astype(np.float64)


@lru_cache(maxsize=4096)
def _boundaries(step: int, reach: int) -> NDArray[np.float32]:
    """Return the smallest float32 that `rint` of its quotient by the step makes -reach + 1, ... reach, exactly."""
    levels = np.arange(-reach + 1, reach + 1)
    smallest = ((levels - 0.5) * step).astype(np.float32)
    for _ in range(4):  # the quotient is rounded to even, and itself rounded: at most a few numbers beside the half
        below = np.nextafter(smallest, np.float32(-np.inf))
        smallest = np.where(np.rint(below / step) >= levels, below, smallest)
        smallest = np.where(np.rint(smallest / step) < levels, np.nextafter(smallest, np.float32(np.inf)), smallest)
    return smallest


def _sorted_by_kind(values: Blocks, kinds: NDArray[np.intp]) -> list[NDArray[np.float32]]:
    """Return the values of every kind of texture in order. Many steps are tried on them, and a sort costs one."""
    return [np.sort(values[kinds == kind]) for kind in range(TEXTURES)]


def _level_counts(ordered: list[NDArray[np.float32]], step: int, reach: int) -> NDArray[np.float64]:
    """Return `_histograms` of values in order, quantised by a step."""
    boundaries = _boundaries(step, reach)
    below = [np.concatenate([[0], np.searchsorted(values, boundaries), [len(values)]]) for values in ordered]
    return np.diff(np.stack(below), axis=1).astype(np.float64)


def _normed(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probability of every level, symmetric in sign as coefficients are."""
    both = counts + counts[:, ::-1] + FLOOR
    return np.asarray(both / both.sum(axis=1, keepdims=True))


def _explained(
    own: Blocks, shifted: Blocks, last: int, textures: tuple[NDArray[np.float32], NDArray[np.intp], NDArray[np.intp]]
) -> tuple[NDArray[np.float32] | None, float, float]:
    """Return "once" against "twice" per block for one frequency, the gain of the mixture, and the share of "twice".

    None instead of the first if no earlier step explains the histogram better.
    """
    _, kinds, shifted_kinds = textures
    levels = np.rint(own / last).astype(np.intp)
    counts = _histograms(levels, kinds, LARGEST_LEVEL)
    unquantised = _sorted_by_kind(shifted, shifted_kinds)
    once = _normed(_level_counts(unquantised, last, LARGEST_LEVEL))
    total = counts.sum()
    plain = (counts * np.log(once)).sum() / total
    best, best_share, twice = plain, 0.0, None
    for first in FIRST_STEPS:
        if first == last:
            continue
        spread = _requantised(first, last)
        reach = spread.shape[0] // 2
        candidate = _normed(_level_counts(unquantised, first, reach) @ spread)
        mixtures = SHARES[:, None, None] * candidate + (1 - SHARES[:, None, None]) * once
        explained = (counts * np.log(mixtures)).sum(axis=(1, 2)) / total
        index = int(explained.argmax())
        if explained[index] > best:
            best, best_share, twice = float(explained[index]), float(SHARES[index]), candidate
    gain = best - plain
    if twice is None or gain < LEAST_GAIN:
        return None, gain, 0.0
    telling = np.clip(np.log(once) - np.log(twice), -MOST_TELLING, MOST_TELLING)
    clipped = np.clip(levels, -LARGEST_LEVEL, LARGEST_LEVEL) + LARGEST_LEVEL
    return telling[kinds, clipped].astype(np.float32), gain, best_share


def _smoothed(evidence: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the weighted mean of the neighbouring blocks' evidence, which tends to 0 with little weight."""

    def blurred(plane: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(cv2.GaussianBlur(plane, (0, 0), SMOOTHING, borderType=cv2.BORDER_REFLECT_101))

    return blurred(evidence * weight) / (blurred(weight) + HARDLY)


def _summed(
    ratios: NDArray[np.float32],
    gains: NDArray[np.float64],
    shares: NDArray[np.float64],
    around: NDArray[np.float32],
    unclipped: NDArray[np.float32],
) -> Quantisations:
    """Sum the frequencies, and measure how far the result can be believed."""
    # Clipping between two saves destroys the first quantisation, in an authentic white shirt as in a pasted one.
    weight = np.clip(1.0 - (1.0 - unclipped) * CLIPPED_COSTS, 0.0, 1.0)
    evidence = _smoothed(ratios.sum(axis=0), weight)
    marked = evidence > MARKED
    share = float(marked.mean())
    strength = float(evidence[marked].mean()) if marked.any() else 0.0
    rest = float(evidence[~marked].mean()) if not marked.all() else 0.0
    _, _, stats, _ = cv2.connectedComponentsWithStats(marked.astype(np.uint8), connectivity=8)
    largest = float(stats[1:, cv2.CC_STAT_AREA].max()) / marked.size if len(stats) > 1 else 0.0
    halves = [
        _smoothed(ratios[start::2].sum(axis=0), weight) if len(ratios) > start else evidence * 0 for start in (0, 1)
    ]
    used = gains[gains >= LEAST_GAIN]
    agreement = float(np.average(np.abs(shares - np.average(shares, weights=used)), weights=used))
    texture = abs(_correlation(evidence, around))
    features = (float(gains.sum()), float(len(ratios)), share, strength, rest, largest, _correlation(*halves))
    return Quantisations(evidence, (*features, agreement, texture))


def _correlation(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    a, b = first - first.mean(), second - second.mean()
    size = float(np.sqrt((a * a).sum(dtype=np.float64) * (b * b).sum(dtype=np.float64)))
    return float((a * b).sum(dtype=np.float64)) / size if size > 0 else 0.0
