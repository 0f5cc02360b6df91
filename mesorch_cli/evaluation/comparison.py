"""Two entrants on the same photos: the difference of a figure, and its uncertainty."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mesorch_cli.evaluation.outcome import Outcome
from mesorch_cli.evaluation.protocol import Protocol
from mesorch_cli.evaluation.study import Result
from mesorch_cli.evaluation.summary import INTERVAL, RESAMPLES, Rows, figure_samples

COMPARED = ("f1", "f1_best", "auc", "iou", "mcc", "image_auc", "balanced_accuracy", "authentic_flagged")


@dataclass(frozen=True)
class Difference:
    """The first's figure minus the second's, over the photos that both analysed, with a 95 % interval.

    The interval comes from a paired bootstrap, in which both figures use the same resampled photos.
    """

    figure: str
    first: float
    second: float
    value: float
    low: float
    high: float
    photos: int

    @property
    def clear(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Gap:
    """How much better one entrant is than another on one set. differences: first minus second."""

    dataset: str
    first: str
    second: str
    second_is_baseline: bool
    differences: tuple[Difference, ...]


def compare(
    first: Sequence[Outcome],
    second: Sequence[Outcome],
    protocol: Protocol,
    evidence_at: tuple[float | None, float | None],
    resamples: int = RESAMPLES,
) -> list[Difference]:
    """Return the differences of the COMPARED figures that both have.

    Both are of the same photos, in the order of their set. Photos that only one of the two analysed are left out.
    evidence_at: for the first and for the second, see `figure_samples`.
    """
    if [outcome.photo for outcome in first] != [outcome.photo for outcome in second]:
        raise ValueError("the results to compare are not of the same photos")
    pairs = [both for both in zip(first, second, strict=True) if both[0].status == both[1].status == "analysed"]
    if not pairs:
        return []
    own, other = Rows.of([pair[0] for pair in pairs], resamples), Rows.of([pair[1] for pair in pairs], resamples)
    own_samples, _ = figure_samples(own, protocol, evidence_at[0])
    other_samples, _ = figure_samples(other, protocol, evidence_at[1])
    result = []
    for name in COMPARED:
        if name not in own_samples or name not in other_samples:
            continue
        gaps = own_samples[name] - other_samples[name]
        finite = gaps[1:][np.isfinite(gaps[1:])]
        low, high = np.percentile(finite, INTERVAL) if finite.size else (math.nan, math.nan)
        result.append(
            Difference(
                name,
                float(own_samples[name][0]),
                float(other_samples[name][0]),
                float(gaps[0]),
                float(low),
                float(high),
                len(pairs),
            )
        )
    return result


def differences(results: Sequence[Result], protocol: Protocol, resamples: int = RESAMPLES) -> list[Gap]:
    """Compare every pair of networks, and every network with every baseline, on unperturbed photos."""
    plain = [result for result in results if result.perturbation is None]
    found = []
    for place, first in enumerate(plain):
        for second in plain[place + 1 :]:
            if first.dataset == second.dataset and not (first.is_baseline and second.is_baseline):
                limits = first.evidence_at, second.evidence_at
                gaps = compare(first.outcomes, second.outcomes, protocol, limits, resamples)
                found.append(Gap(first.dataset, first.entrant, second.entrant, second.is_baseline, tuple(gaps)))
    return found
