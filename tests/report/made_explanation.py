"""An explanation of a photo that never was, and its pictures, each different from the others."""

import hashlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mesorch_cli.explanation.explain import GATE
from mesorch_cli.explanation.facts import (
    CheckPart,
    ExplainedRegion,
    ExplainedWeights,
    Explanation,
    InfluencePart,
    OutcomePart,
    ScalePart,
    Spread,
)
from mesorch_cli.explanation.scales import Branch
from mesorch_cli.inference.scoring import Verdict

SCALES: dict[str, tuple[Branch, int]] = {
    **{f"c{level}": ("cnn", 2 << level) for level in range(1, 5)},
    **{f"s{level}": ("transformer", 2 << level) for level in range(1, 5)},
}


def explanation(regions: int = 2) -> Explanation:
    """Return an explanation of a photo that never was: regions that lose one check each, and a check that was not made."""
    checks = ("resized", "resaved", "mirrored")

    def region(number: int) -> ExplainedRegion:
        found = [OutcomePart(kept=0.9 - 0.01 * place, within=0.8, survives=place != number % 3) for place in range(3)]
        own = {name: InfluencePart(gate=0.125, lift=0.2 * place, share=0.1) for place, name in enumerate(SCALES)}
        whole = {"cnn": 0.75, "transformer": 0.25}
        return ExplainedRegion(
            number=number, x=10 * number, y=20, width=30, height=40, weak=False, share=0.01, map_mean=0.61,
            network_mean=0.52, lift=3.1, scales=own, checks=dict(zip(checks, found, strict=True)),
            branches={name: InfluencePart(gate=0.5, lift=3.1 * of, share=of) for name, of in whole.items()},
        )  # fmt: skip

    told = {"verdict": Verdict.EVIDENCE, "score": 0.9876, "above": 0.043}
    spread = {name: Spread(mean=0.1 + at / 100, lowest=-1.0 - at, highest=2.0 + at) for at, name in enumerate(SCALES)}
    return Explanation(
        tool_version="0", photo_sha256="1" * 64, width=900, height=400, network="made", gate=True, gate_words=GATE,
        weights=ExplainedWeights(name="made", sha256="6" * 64), verdict=Verdict.EVIDENCE, score=0.99, threshold=0.14,
        above=0.042, step=1, added_limit=7.3, branches={"cnn": 0.43, "transformer": 0.57}, pictures={},
        scales=[
            ScalePart(name=name, branch=branch, stride=stride, map=spread[name], gate=spread[name], added=spread[name])
            for name, (branch, stride) in SCALES.items()
        ],
        regions=[region(number) for number in range(1, regions + 1)],
        checks=[
            CheckPart(name="shifted", title="Grid moved", reason="one tile covers the photo", **dict.fromkeys(told)),
            *(CheckPart(name=name, title=f"Photo {name}", reason=None, **told) for name in checks),
        ],
    )  # fmt: skip


def explained(case: Path, values: dict[str, Any], regions: int = 2, seed: int = 0) -> dict[str, Any]:
    """Write an explanation and its pictures into a case, each picture another; return the record with them."""
    place = f"photos/{values['input']['path']}"
    folder = case / place
    folder.mkdir(parents=True, exist_ok=True)
    chance = np.random.default_rng(seed)
    names = [f"scale_{name}" for name in SCALES] + ["high", "low", "check_resized", "check_resaved", "check_mirrored"]
    for name in names:
        width = 316 if name.startswith("scale") else 100
        picture = chance.integers(0, 256, (6, width // 10, 3), np.uint8)
        cv2.imwrite(str(folder / f"{name}.png"), cv2.resize(picture, (width, 60), interpolation=cv2.INTER_NEAREST))
    data = (explanation(regions).to_line() + "\n").encode("ascii")
    (folder / "explanation.json").write_bytes(data)
    sums = {"explanation": ("json", hashlib.sha256(data).hexdigest())} | dict.fromkeys(names, ("png", "7" * 64))
    more = [{"role": role, "path": f"{place}/{role}.{kind}", "sha256": sha} for role, (kind, sha) in sums.items()]
    return values | {"artefacts": [*values["artefacts"], *more]}
