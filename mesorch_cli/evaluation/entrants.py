"""The entrants of an evaluation: networks with their settings, and baselines, behind one interface."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mesorch_cli.evaluation.baselines import Baseline
from mesorch_cli.evidence.photo import Pixels, eight_bits
from mesorch_cli.inference.detector import Detector

# Rows keep counts at one threshold. A baseline has none, so no figure uses its counts.
BASELINE_THRESHOLD = 0.5


@dataclass(frozen=True)
class Answer:
    """An entrant's answer for one photo.

    map: (H, W) float32 in 0..1, None with a reason if there is no answer. threshold: above it, a pixel of this photo
    counts as tampered. verdict, score: None for a baseline.
    """

    map: NDArray[np.float32] | None
    threshold: float | None = None
    verdict: str | None = None
    score: float | None = None
    reason: str | None = None


class Entrant(Protocol):
    """Anything that turns photos into maps and is measured.

    name: in tables. weights_sha256: None for a baseline. identity: everything besides the photo that its answers depend
    on; rows of another identity are not reused. threshold: the one for all photos, None if there is none. evidence_at:
    the score from which a photo is called evidence; None for a baseline, which makes no decisions.
    """

    @property
    def name(self) -> str: ...

    @property
    def weights_sha256(self) -> str | None: ...

    @property
    def identity(self) -> tuple[object, ...]: ...

    @property
    def threshold(self) -> float | None: ...

    @property
    def evidence_at(self) -> float | None: ...

    def answer(self, pixels: Pixels, steps: NDArray[np.int64] | None) -> Answer:
        """Analyse (H, W, 3) RGB pixels; steps: see `Detector.detect`."""
        ...


@dataclass(frozen=True)
class NetworkEntrant:
    """A network to be measured: its name in tables, the hash of its weights, and its engine."""

    name: str
    weights_sha256: str
    detector: Detector

    @property
    def identity(self) -> tuple[object, ...]:
        backend = self.detector.backend
        return self.weights_sha256, self.detector.settings, backend.name, backend.device

    @property
    def threshold(self) -> float | None:
        settings = self.detector.settings
        return settings.threshold if settings.photo_threshold is None else None

    @property
    def evidence_at(self) -> float | None:
        return self.detector.settings.score.evidence_at

    def answer(self, pixels: Pixels, steps: NDArray[np.int64] | None) -> Answer:
        found = self.detector.detect(pixels, steps=steps)
        return Answer(found.map, found.threshold, found.verdict.value, found.score, found.reason)


@dataclass(frozen=True)
class BaselineEntrant:
    """A baseline to be measured."""

    baseline: Baseline
    weights_sha256: None = None
    threshold: None = None
    evidence_at: None = None

    @property
    def name(self) -> str:
        return self.baseline.name

    @property
    def identity(self) -> tuple[object, ...]:
        return "baseline", self.baseline.name, self.baseline.version

    def answer(self, pixels: Pixels, steps: NDArray[np.int64] | None) -> Answer:  # noqa: ARG002 - they ignore steps
        return Answer(self.baseline.map_of(eight_bits(pixels)), BASELINE_THRESHOLD)
