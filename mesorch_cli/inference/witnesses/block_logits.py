"""The effect of logits by block on a photo's map, and when they are reported as a finding of their own."""

import math

import numpy as np
from numpy.typing import NDArray

from mesorch_cli.errors import WeightsError
from mesorch_cli.inference.witnesses.blocks import add_blocks
from mesorch_cli.inference.witnesses.finding import Finding
from mesorch_cli.inference.witnesses.witness import Map
from mesorch_cli.network.rules import BlocksRule

TOP = 0.01  # share of the blocks whose mean logit decides about the finding
DIFFERENT = 0.0  # logit from which a block counts as different

Logits = NDArray[np.float32]


def top_mean(logits: Logits) -> float:
    """Return the mean of the largest per cent of the blocks' logits, of at least one block."""
    count = max(1, round(logits.size * TOP))
    return float(np.partition(logits, logits.size - count, axis=None)[-count:].mean())


def mark_blocks(map_: Map, logits: Logits, rule: BlocksRule) -> None:
    """Change a photo's map (H, W) in place by the logits (M, N) of its blocks."""
    shift = np.clip(logits - np.float32(rule.centre), rule.lowest, rule.highest)
    add_blocks(map_, shift, network=rule.network, slope=rule.slope, offset=0.0)


def reported(witness: str, logits: Logits, rule: BlocksRule) -> Finding | None:
    """Return the finding of a witness if the rule reports these logits, otherwise None.

    certainty: 0..1, the probability that the network gives the largest per cent of the blocks; it holds for the forged
    photos that the network was trained on. share: of the photo's blocks that it calls different.
    """
    top = top_mean(logits)
    share = float((logits > DIFFERENT).mean())
    if top < rule.least or share == 0.0:
        return None
    return Finding(witness, 1.0 / (1.0 + math.exp(-min(top, 50.0))), (), {"share": round(share, 6)})


def concluded(witness: str, logits: Logits | None, map_: Map, rule: BlocksRule) -> tuple[Finding, ...]:
    """Change the map by the logits, None if the photo could not be looked at, and return what is reported."""
    if logits is None:
        return ()
    mark_blocks(map_, logits, rule)
    finding = reported(witness, logits, rule)
    return () if finding is None else (finding,)


def check_network(what: str, option: str, sha256: str, rule: BlocksRule) -> None:
    """Raise WeightsError if the rule was fitted to another network than that of `sha256`, which comes with the tool.

    what, option: what the network looks at, and the name of its option.
    """
    if sha256 != rule.network_sha256:
        raise WeightsError(
            f"The weights were fitted to the {option} network {rule.network_sha256[:16]}..., but this tool comes with "
            f"{sha256[:16]}... Use weights made for this version, or leave the {what} out with --no-{option}."
        )
