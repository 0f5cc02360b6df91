"""The engine's result for one photo."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesorch_cli.inference.regions import Region
from mesorch_cli.inference.scoring import LikelihoodRatio, Verdict
from mesorch_cli.inference.witnesses.finding import Finding


@dataclass(frozen=True)
class Detection:
    """The result of one photo, in its stored raster.

    map: (H, W) float32, the probability 0..1 that a pixel was manipulated; None where nothing was analysed, next to 0
    where `covered` left a pixel out. score: raw image score 0..1, taken before the map's edges were moved. probability:
    the calibrated one of the photo, 0..1, None without a calibration. ratio: likelihood ratio with its bounds, None
    where the calibration has none. findings: of the witnesses besides the network; the map includes them. threshold:
    value of the map above which a pixel of this photo counts as manipulated, None where nothing was analysed. reason:
    why it was not analysed. flags: warnings for the reader of the result, sorted. covered: (H, W) bool, the coverage
    map: which pixels at least one scale analysed; None where nothing was. coverage: share of the pixels that at least
    one scale analysed, 0..1. tiles: network inputs, whole image included. tiles_left_out: those that the first look
    found to add nothing. scales: names of the scales that ran, coarse to fine.
    """

    verdict: Verdict
    reason: str | None = None
    map: NDArray[np.float32] | None = None
    score: float | None = None
    probability: float | None = None
    ratio: LikelihoodRatio | None = None
    regions: tuple[Region, ...] = ()
    findings: tuple[Finding, ...] = ()
    threshold: float | None = None
    flags: tuple[str, ...] = ()
    covered: NDArray[np.bool_] | None = None
    coverage: float = 0.0
    tiles: int = 0
    tiles_left_out: int = 0
    scales: tuple[str, ...] = ()


def not_analysed(reason: str, flags: tuple[str, ...] = (), tiles: int = 0) -> Detection:
    """Return the result of a photo that could not be analysed."""
    return Detection(Verdict.NOT_ANALYSED, reason=reason, flags=flags, tiles=tiles)
