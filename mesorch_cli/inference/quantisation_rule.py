"""What double quantisation means for a photo's map: whether it is believed, and what it then says of every pixel."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesorch_cli.inference.double_quantisation import BLOCK, FREQUENCIES, Quantisations
from mesorch_cli.inference.fusion import stretched
from mesorch_cli.network.passport import QuantisationRule

LEAST_GAIN, LEAST_SHARE = 0.7, 0.005  # nats a block, share of the blocks: with less there is nothing to believe
SMALLEST_PROBABILITY = 1e-6  # of the map, before its logit is taken


@dataclass(frozen=True)
class QuantisationFinding:
    """A part of a JPEG that was quantised once, in a photo that was quantised twice.

    certainty: 0.5..1, logistic in what was measured; it orders findings and is no probability. share: of the photo's blocks
    that the coefficients call quantised once. frequencies: how many of them (at most 14) show a quantisation before.
    """

    certainty: float
    share: float
    frequencies: int


def prepared(features: Sequence[float]) -> list[float]:
    """Return the measurements (see FEATURES) as the gate weighs them: those that span orders of magnitude as logarithms."""
    gain, frequencies, share, strength, rest, largest, coherence, agreement, texture = features
    return [
        math.log(gain + 1e-3),
        frequencies / len(FREQUENCIES),
        math.log(share + 1e-3),
        math.log1p(strength),
        math.log1p(max(0.0, -rest)),
        math.log(largest + 1e-3),
        coherence,
        agreement,
        texture,
        largest / (share + 1e-3),
    ]


def tellable(features: Sequence[float]) -> bool:
    """Say whether the measurements (see FEATURES) are of anything that could be believed."""
    return features[0] >= LEAST_GAIN and features[2] >= LEAST_SHARE


def believed(found: Quantisations | None, rule: QuantisationRule) -> QuantisationFinding | None:
    """Return the finding where the rule believes what the coefficients say, else None."""
    if found is None or not tellable(found.features):
        return None
    logit = rule.intercept + sum(
        weight * value for weight, value in zip(rule.weights, prepared(found.features), strict=True)
    )
    if logit <= 0:
        return None
    return QuantisationFinding(1.0 / (1.0 + math.exp(-min(logit, 50.0))), found.features[2], int(found.features[1]))


def mark_quantisation(probability: NDArray[np.float32], evidence: NDArray[np.float32], rule: QuantisationRule) -> None:
    """Change a photo's map, (H, W) probabilities in place, by the evidence (M, N) of its blocks, band by band."""
    height, width = probability.shape
    rows, columns = -(-height // BLOCK), -(-width // BLOCK)
    # Pixels beyond the last whole block go with it.
    whole = np.pad(evidence, ((0, rows - evidence.shape[0]), (0, columns - evidence.shape[1])), "edge")
    for first, band in stretched(whole, rows * BLOCK, columns * BLOCK):
        own = probability[first : first + band.shape[0]]
        bounded = np.clip(own, SMALLEST_PROBABILITY, 1.0 - SMALLEST_PROBABILITY).astype(np.float64)
        logit = rule.network * np.log(bounded / (1.0 - bounded))
        logit += rule.slope * band[: own.shape[0], :width] + rule.offset
        own[...] = 1.0 / (1.0 + np.exp(-np.clip(logit, -60, 60)))
