"""The effect of double quantisation on a photo's map: whether it is believed, and how it changes every pixel."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mesorch_cli.inference.witnesses.block_statistics import can_be_measured
from mesorch_cli.inference.witnesses.blocks import add_blocks
from mesorch_cli.inference.witnesses.finding import Finding
from mesorch_cli.inference.witnesses.quantisation.coefficients import (
    FEWEST_SIDE,
    FREQUENCIES,
    Quantisations,
    quantisations,
)
from mesorch_cli.inference.witnesses.witness import Map, Material, Witness, Words
from mesorch_cli.network.rules import QuantisationRule

LEAST_GAIN, LEAST_SHARE = 0.7, 0.005  # nats a block, and share of the blocks; with less there is nothing to believe


def prepared(features: Sequence[float]) -> list[float]:
    """Return the measurements (see FEATURES) for the gate, with logarithms of those that span orders of magnitude."""
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
    """Return whether the measurements (see FEATURES) could be believed at all."""
    return features[0] >= LEAST_GAIN and features[2] >= LEAST_SHARE


def believed(found: Quantisations, rule: QuantisationRule) -> Finding | None:
    """Return the finding if the rule believes the coefficients, otherwise None.

    certainty: 0.5..1, logistic in what was measured; it orders findings and is no probability. share: of the photo's
    blocks that the coefficients call quantised once. frequencies: how many of them (at most 14) show a quantisation
    before.
    """
    if not tellable(found.features):
        return None
    logit = rule.intercept + sum(
        weight * value for weight, value in zip(rule.weights, prepared(found.features), strict=True)
    )
    if logit <= 0:
        return None
    measures = {"share": round(found.features[2], 6), "frequencies": int(found.features[1])}
    return Finding(QUANTISATION.name, 1.0 / (1.0 + math.exp(-min(logit, 50.0))), (), measures)


def mark_quantisation(map_: Map, evidence: NDArray[np.float32], rule: QuantisationRule) -> None:
    """Change a photo's map (H, W) in place by the evidence (M, N) of its blocks."""
    add_blocks(map_, evidence, network=rule.network, slope=rule.slope, offset=rule.offset)


def _looked_at(material: Material, _rule: QuantisationRule) -> Quantisations | None:
    assert material.steps is not None  # the witness needs them
    if not can_be_measured(material.pixels, FEWEST_SIDE):
        return None
    return quantisations(material.pixels, material.steps)


def _concluded(found: Quantisations | None, map_: Map, rule: QuantisationRule) -> tuple[Finding, ...]:
    finding = None if found is None else believed(found, rule)
    if found is None or finding is None:
        return ()
    mark_quantisation(map_, found.evidence, rule)
    return (finding,)


QUANTISATION = Witness(
    name="quantisation",
    needs=("pixels", "steps"),
    counts_as=None,
    words=Words(
        title="A part of the JPEG that was compressed only once",
        short="compression",
        sentence="{share:.1%} of the photo was compressed once, the rest twice ({frequencies} of 14 frequencies).",
        explanation="The coefficients of this JPEG show that most of the photo had been compressed before this file was "
        "saved, on the same grid of 8 x 8 blocks. In the rest, that earlier compression left no trace: it was added, "
        "replaced or edited in between. The map includes this. It does not say what was done: a caption or a frame added "
        "to a photo looks the same. It can be wrong where a photo is over-exposed or has no detail.",
        drawn="a part that was compressed only once",
        linked="points that belong together",
    ),
    look=_looked_at,
    conclude=_concluded,
)
