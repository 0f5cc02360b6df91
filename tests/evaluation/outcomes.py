"""Rows of an evaluation made of random maps and masks, for tests of what is computed from rows."""

import numpy as np

from mesorch_cli.evaluation.outcome import Outcome
from mesorch_cli.evaluation.protocol import Protocol
from mesorch_cli.inference.scoring import Verdict


def outcome(
    seed: int, *, tampered: bool = True, skill: float = 0.3, side: int = 24, protocol: Protocol | None = None
) -> Outcome:
    """Return the row of a photo whose map knows its mask by `skill`, 0..1."""
    rng = np.random.default_rng(seed)
    mask = np.zeros((side, side), bool)
    if tampered:
        mask[: int(rng.integers(3, side - 3)), int(rng.integers(2, side - 4)) :] = True
    probability = ((1 - skill) * rng.random((side, side)) + skill * mask).astype(np.float32)
    score = float(probability.max())
    return Outcome(
        photo=f"{seed}.jpg",
        key=f"{seed:064d}",
        tampered=tampered,
        status="analysed",
        kind="splice" if tampered else "authentic",
        width=side,
        height=side,
        format="JPEG",
        quality=int(rng.integers(50, 100)),
        verdict=(Verdict.EVIDENCE if score > 0.99 else Verdict.NO_EVIDENCE).value,
        score=score,
        pixels=(protocol or Protocol()).compare(probability, mask, 0.5),
    )
