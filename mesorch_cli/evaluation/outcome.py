"""The result for one photo of a set: the row from which every figure is made."""

import hashlib
import json
import math
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mesorch_cli.bounds import json_within
from mesorch_cli.evaluation.metrics import Confusion, f1_of_counts
from mesorch_cli.evaluation.protocol import PixelFigures

Status = Literal["analysed", "not analysed", "failed"]


@dataclass(frozen=True)
class Outcome:
    """One photo of a set, evaluated or not.

    photo: its name in the set. tampered: whether its mask has tampered pixels. status `failed`: it or its mask could
    not be read; `not analysed`: the engine declined; both have a reason. verdict, score: of the engine. pixels: the
    comparison with the mask, which is empty for an authentic photo; None without a map. mask: how its mask was read,
    None without one. key: what the row depends on (bytes of photo and mask, weights, settings, protocol, perturbation),
    as SHA-256.
    """

    photo: str
    key: str
    tampered: bool
    status: Status
    reason: str | None = None
    kind: str | None = None
    width: int = 0
    height: int = 0
    format: str | None = None
    quality: int | None = None
    verdict: str | None = None
    score: float | None = None
    pixels: PixelFigures | None = None
    mask: str | None = None

    @property
    def tampered_share(self) -> float:
        """Share of the scored pixels that is tampered; nan without a comparison."""
        return self.pixels.tampered / self.pixels.scored if self.pixels and self.pixels.scored else math.nan

    def counts_at(self, place: int) -> Confusion | None:
        """Return the counts at THRESHOLDS[place], or None without a comparison."""
        return None if self.pixels is None else self.pixels.counts_at(place)

    @cached_property
    def f1_by_threshold(self) -> NDArray[np.float64]:
        """F1 at each of THRESHOLDS; only with a comparison."""
        assert self.pixels is not None
        return f1_of_counts(
            np.asarray(self.pixels.true_positive, np.int64),
            np.asarray(self.pixels.false_positive, np.int64),
            self.pixels.tampered,
        )

    def to_line(self) -> str:
        """Return the row as one line of JSON. Floats survive exactly, and nan becomes null."""
        return json.dumps(_plain(asdict(self)), ensure_ascii=True, allow_nan=False)

    @classmethod
    def from_line(cls, line: str) -> "Outcome":
        """Read a row back. Raises ValueError for anything else."""
        try:
            values = json_within(line)
            pixels = values.pop("pixels")
            outcome = cls(**values)
            if pixels is None:
                return outcome
            counts = Confusion(**pixels.pop("counts"))
            for name in ("auc", "average_precision"):
                pixels[name] = math.nan if pixels[name] is None else pixels[name]
            for name in ("true_positive", "false_positive"):
                pixels[name] = tuple(pixels[name])
            return replace(outcome, pixels=PixelFigures(counts=counts, **pixels))
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"not a row of an evaluation: {error}") from error


def row_key(*parts: object) -> str:
    """Return the SHA-256 of everything that a row depends on."""
    return hashlib.sha256(json.dumps([str(part) for part in parts]).encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
