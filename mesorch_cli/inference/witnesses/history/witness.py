"""The effect of the compression history on a photo's map, and when it is reported as a finding of its own."""

import math

import numpy as np
from numpy.typing import NDArray

from mesorch_cli.errors import WeightsError
from mesorch_cli.inference.witnesses.blocks import add_blocks
from mesorch_cli.inference.witnesses.finding import Finding
from mesorch_cli.inference.witnesses.history.network import history_network
from mesorch_cli.inference.witnesses.history.traces import traces
from mesorch_cli.inference.witnesses.witness import Map, Material, Witness, Words
from mesorch_cli.network.passport import HistoryRule

TOP = 0.01  # share of the blocks whose mean logit decides about the finding
DIFFERENT = 0.0  # logit from which a block counts as different

Logits = NDArray[np.float32]


def top_mean(logits: Logits) -> float:
    """Return the mean of the largest per cent of the blocks' logits, of at least one block."""
    count = max(1, round(logits.size * TOP))
    return float(np.partition(logits, logits.size - count, axis=None)[-count:].mean())


def mark_history(map_: Map, logits: Logits, rule: HistoryRule) -> None:
    """Change a photo's map (H, W) in place by the logits (M, N) of its blocks."""
    shift = np.clip(logits - np.float32(rule.centre), rule.lowest, rule.highest)
    add_blocks(map_, shift, network=rule.network, slope=rule.slope, offset=0.0)


def reported(logits: Logits, rule: HistoryRule) -> Finding | None:
    """Return the finding if the rule reports these logits, otherwise None.

    certainty: 0..1, the probability that the network gives the largest per cent of the blocks; it holds for the forged
    photos that the network was trained on. share: of the photo's blocks that it calls different.
    """
    top = top_mean(logits)
    share = float((logits > DIFFERENT).mean())
    if top < rule.least or share == 0.0:
        return None
    return Finding(HISTORY.name, 1.0 / (1.0 + math.exp(-min(top, 50.0))), (), {"share": round(share, 6)})


def _looked_at(material: Material, rule: HistoryRule) -> Logits | None:
    assert material.steps is not None  # the witness needs them
    network = history_network()
    if network.sha256 != rule.network_sha256:
        raise WeightsError(
            f"The weights were fitted to the history network {rule.network_sha256[:16]}..., but this tool comes with "
            f"{network.sha256[:16]}... Use weights made for this version, or leave the compression history out with "
            "--no-history."
        )
    seen = traces(material.pixels, material.steps)
    return None if seen is None else network.logits(seen)


def _concluded(logits: Logits | None, map_: Map, rule: HistoryRule) -> tuple[Finding, ...]:
    if logits is None:
        return ()
    mark_history(map_, logits, rule)
    finding = reported(logits, rule)
    return () if finding is None else (finding,)


HISTORY = Witness(
    name="history",
    needs=("pixels", "steps"),
    counts_as=None,
    words=Words(
        title="Blocks of the JPEG that were compressed differently",
        short="history",
        sentence="In {share:.1%} of the photo, the compression differs from the rest.",
        explanation="A JPEG is compressed in blocks of 8 x 8 pixels. A small network compared the blocks of this file "
        "with each other: how their coefficients are distributed, whether they show a second grid, and how much noise "
        "they hold. In the marked part they differ from the rest of the photo. A part that was added, replaced or edited "
        "does. So can a part that is out of focus, over-exposed or without detail, a caption, or a frame. The map "
        "includes this.",
        drawn="blocks that were compressed differently",
        linked="points that belong together",
    ),
    look=_looked_at,
    conclude=_concluded,
)
