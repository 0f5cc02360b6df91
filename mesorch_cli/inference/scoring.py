"""From the map to a score, and from the score to a verdict."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from mesorch_cli.inference.regions import Region
from mesorch_cli.network.rules import ScoreRule, ThresholdRule

MOST_PARTITIONED = 300_000_000  # values; a sorted copy of more would not fit into memory
PIECE = 10_000_000  # of those values at once
STEEPEST = 700.0  # logits beyond which an exponential overflows
LOGIT_BOUND = 1e-6  # scores are kept this far from 0 and 1 before their logit is taken
DISAGREEMENT_SHARE = 0.01  # of the photo: a region this large contradicts "no evidence found"


class Verdict(StrEnum):
    """What may be said about a photo. Never "authentic", as only the absence of evidence can be observed."""

    NO_EVIDENCE = "no evidence found"
    INCONCLUSIVE = "inconclusive"
    EVIDENCE = "evidence of manipulation"
    NOT_ANALYSED = "not analysed"


def pool(map_: NDArray[np.float32], rule: ScoreRule) -> float:
    """Return the mean of the largest `share` of all pixels of a map, or their maximum, 0..1."""
    if rule.pooling == "max":
        return float(map_.max())
    count = max(1, round(rule.share * map_.size))
    if map_.size > MOST_PARTITIONED:
        return _mean_of_largest(map_, count)
    largest = np.partition(map_, map_.size - count, axis=None)[-count:]
    return float(np.sort(largest).mean(dtype=np.float64))  # sorted: the sum must not depend on the partition's order


def image_score(map_: NDArray[np.float32], rule: ScoreRule, certainties: Sequence[float] = ()) -> float:
    """Return the raw image score, 0..1: the pooled map, or the certainty of a finding if that is larger.

    certainties: of the findings that count. A small copy hardly changes a pooled map, but is as significant as a large
    one.
    """
    return max([pool(map_, rule), *certainties])


def _mean_of_largest(map_: NDArray[np.float32], count: int) -> float:
    """Return the mean of the `count` largest of many values in 0..1 without a copy, by counting bit patterns.

    Non-negative floats are in the order of their bits. Two passes find the smallest value that counts.
    """
    flat = map_.reshape(-1)
    pieces = [flat[first : first + PIECE] for first in range(0, flat.size, PIECE)]
    high = np.zeros(1 << 16, np.int64)
    for piece in pieces:
        high += np.bincount(np.abs(piece).view(np.uint32) >> 16, minlength=1 << 16)
    above = np.cumsum(high[::-1])[::-1]  # how many have these or higher upper bits
    upper = int(np.flatnonzero(above >= count)[-1])
    low = np.zeros(1 << 16, np.int64)
    for piece in pieces:
        bits = np.abs(piece).view(np.uint32)
        low += np.bincount(bits[bits >> 16 == upper] & 0xFFFF, minlength=1 << 16)
    higher = int(above[upper + 1]) if upper + 1 < above.size else 0
    lower = int(np.flatnonzero(np.cumsum(low[::-1])[::-1] + higher >= count)[-1])
    smallest = np.array([upper << 16 | lower], np.uint32).view(np.float32)[0]
    total, taken = 0.0, 0
    for piece in pieces:
        larger = piece[piece > smallest]
        total, taken = total + float(larger.sum(dtype=np.float64)), taken + larger.size
    return (total + (count - taken) * float(smallest)) / count


def calibrate(score: float, rule: ScoreRule) -> float | None:
    """Return the calibrated probability of the passport, 0..1, or None where it has no calibration."""
    if rule.calibration is None:
        return None
    logit = float(logit_of_score(np.asarray(score, np.float64)))
    exponent = rule.calibration.slope * logit + rule.calibration.intercept
    return 1.0 / (1.0 + math.exp(-max(-STEEPEST, min(STEEPEST, exponent))))


def logit_of_score(score: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log(score / (1 - score)), scores kept LOGIT_BOUND away from 0 and 1."""
    bounded = np.clip(score, LOGIT_BOUND, 1.0 - LOGIT_BOUND)
    return np.asarray(np.log(bounded / (1.0 - bounded)), np.float64)


@dataclass(frozen=True)
class LikelihoodRatio:
    """How much more probable the score is for a tampered photo than for an authentic one, as log10, within bounds.

    The calibration photos support the bounds. A ratio at a bound may really be beyond it.
    """

    log10: float
    lower: float
    upper: float

    @property
    def value(self) -> float:
        return float(10.0**self.log10)


def likelihood_ratio(score: float, rule: ScoreRule) -> LikelihoodRatio | None:
    """Return the likelihood ratio of a raw score, or None where the calibration has none."""
    if rule.calibration is None or rule.calibration.ratios is None:
        return None
    ratios = rule.calibration.ratios
    return LikelihoodRatio(float(np.interp(score, ratios.scores, ratios.log10_ratios)), ratios.lower, ratios.upper)


def photo_threshold(map_: NDArray[np.float32], rule: ThresholdRule | None, same_for_all: float) -> float:
    """Return the value above which a pixel of this map counts as manipulated."""
    if rule is None:
        return same_for_all
    top = pool(map_, ScoreRule(pooling="top-mean", share=rule.top))
    return max(rule.floor, rule.share * top)


def judge(score: float, rule: ScoreRule) -> Verdict:
    """Return the verdict for a raw score."""
    if score >= rule.evidence_at:
        return Verdict.EVIDENCE
    return Verdict.INCONCLUSIVE if score >= rule.inconclusive_at else Verdict.NO_EVIDENCE


def disagreement(verdict: Verdict, regions: tuple[Region, ...]) -> bool:
    """Return whether score and map contradict each other: a large region without evidence, or the reverse.

    Weak regions are ignored, as most photos without evidence have some.
    """
    shares = [region.share for region in regions if not region.weak]
    if verdict is Verdict.NO_EVIDENCE:
        return max(shares, default=0.0) >= DISAGREEMENT_SHARE
    return verdict is Verdict.EVIDENCE and not shares
