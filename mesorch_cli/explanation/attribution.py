"""How much each scale and branch had to do with a region.

The logits of the map are the sum of the scales' products of map and weight, blended and fused in the same way. What raised a
region is therefore counted in logits: a scale's mean inside minus its mean over the photo outside of all regions.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mesorch_cli.explanation.facts import LEAST_LIFT, InfluencePart, Spread
from mesorch_cli.explanation.scales import BRANCHES, Branch, NetworkScale
from mesorch_cli.inference.parts import PartSamples

DIGITS = 4
LEAST_LIMIT = 0.5  # logits; pictures of what scales add are never stretched further
FAR = 99.5  # percentile of what a scale adds that gets the full colour
Mask = NDArray[np.bool_]


def spread(values: NDArray[np.float32]) -> Spread:
    """Return mean and range of samples, those left out that saw nothing."""
    seen = values[np.isfinite(values)]
    lowest, highest = np.percentile(seen, [1, 99])
    return Spread(
        mean=round(float(seen.mean(dtype=np.float64)), DIGITS),
        lowest=round(float(lowest), DIGITS),
        highest=round(float(highest), DIGITS),
    )


def means(values: NDArray[np.float32], mask: Mask) -> NDArray[np.float64]:
    """Return the mean of each of (S, h, w) over the samples of a mask, (S,); NaN where it has none."""
    chosen = values[:, mask]
    return np.asarray(chosen.mean(axis=1, dtype=np.float64)) if chosen.shape[1] else np.full(len(values), np.nan)


def network_map(samples: PartSamples) -> NDArray[np.float32]:
    """Return what the network alone says, (h, w) in 0..1: before the witnesses; NaN where it saw nothing."""
    logits = np.asarray(samples.products.sum(axis=0), np.float64)
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp(-logits)), np.float32)


def influences(
    samples: PartSamples, scales: Sequence[NetworkScale], gated: bool, region: Mask, rest: Mask
) -> tuple[float | None, dict[Branch, InfluencePart], dict[str, InfluencePart]]:
    """Return the lift of a region, and what branches and scales had in it. region, rest: masks of the samples, all seen."""
    weights = means(samples.weights, region)
    lifts = means(samples.products, region) - means(samples.products, rest)
    whole = float(lifts.sum())
    counted = np.isfinite(whole)

    def influence(of: list[int]) -> InfluencePart:
        lift = float(lifts[of].sum()) if counted else 0.0
        return InfluencePart(
            gate=round(float(weights[of].sum()), DIGITS) if gated else None,
            lift=round(lift, DIGITS),
            share=round(lift / whole, DIGITS) if counted and whole >= LEAST_LIFT else None,
        )

    of_branch = {
        branch: influence([index for index, scale in enumerate(scales) if scale.branch == branch])
        for branch in BRANCHES
        if any(scale.branch == branch for scale in scales)
    }
    of_scale = {scale.name: influence([index]) for index, scale in enumerate(scales)}
    return (round(whole, DIGITS) if counted else None), of_branch, of_scale


def added_of(samples: PartSamples) -> NDArray[np.float32]:
    """Return what each scale adds to the logits at each sample beyond its median over the photo, (S, h, w)."""
    median = np.nanmedian(samples.products, axis=(1, 2), keepdims=True)
    return np.asarray(np.nan_to_num(samples.products - median, nan=0.0), np.float32)


def limit_of(added: NDArray[np.float32]) -> float:
    """Return the number of logits that gets the full colour, the same for every scale."""
    return max(LEAST_LIMIT, float(np.percentile(np.abs(added), FAR, axis=(1, 2)).max()))
