"""Figures of a set from its rows, each with an interval over photos."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mesorch_cli.evaluation.detection_curve import detection_curve
from mesorch_cli.evaluation.metrics import Confusion
from mesorch_cli.evaluation.outcome import Outcome
from mesorch_cli.evaluation.protocol import THRESHOLDS, Protocol
from mesorch_cli.inference.exact_interval import exact_interval
from mesorch_cli.inference.scoring import Verdict

RESAMPLES = 1000
SEED = 20260101  # of the bootstrap, so that the same rows give the same intervals
INTERVAL = (2.5, 97.5)  # percentiles

IMAGE_FIGURES = ("image_auc", "image_average_precision", "balanced_accuracy", "eer", "tpr_at_fpr_1", "tpr_at_fpr_5")
COUNT_FIGURES = ("f1", "iou", "mcc", "precision", "recall", "accuracy")
RANK_FIGURES = ("auc", "average_precision")
DECISION_FIGURES = (
    "authentic_flagged", "authentic_not_cleared", "authentic_false_positive_area", "tampered_flagged",
)  # fmt: skip
# Every figure that a set can have. One without authentic photos, for example, has fewer.
FIGURES = (
    *COUNT_FIGURES, *RANK_FIGURES, "permuted_f1", *(f"{name}_best" for name in COUNT_FIGURES),
    *DECISION_FIGURES, *IMAGE_FIGURES,
)  # fmt: skip
SHARES_OF_PHOTOS = ("authentic_flagged", "authentic_not_cleared", "tampered_flagged")

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Figure:
    """A figure of a set: its value, its 95 % interval, and over how many photos it is taken.

    The interval is exact (Clopper-Pearson) for shares of photos, and a bootstrap over photos for everything else.

    undefined: photos left out because the figure is undefined for them. Values are nan if there are none.
    """

    value: float
    low: float
    high: float
    photos: int
    undefined: int = 0


@dataclass(frozen=True)
class Counts:
    """How many photos of a set were analysed, and how many not."""

    tampered: int
    authentic: int
    not_analysed: int
    failed: int
    unpaired: int
    reasons: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Summary:
    """Figures of one set by one entrant under one protocol.

    threshold: None if it is set for each photo, or if there is none. best_threshold: the common threshold with the
    largest mean F1.
    """

    counts: Counts
    figures: dict[str, Figure]
    threshold: float | None
    best_threshold: float


@dataclass(frozen=True)
class Rows:
    """The analysed rows of a set as columns, and weights that resample them.

    weights: (R, N) how often each photo counts. The first row, all ones, is the set itself.
    """

    outcomes: tuple[Outcome, ...]
    weights: Floats

    @classmethod
    def of(cls, outcomes: Sequence[Outcome], resamples: int = RESAMPLES) -> "Rows":
        """Resample tampered and authentic photos separately, keeping their numbers."""
        analysed = tuple(outcome for outcome in outcomes if outcome.status == "analysed")
        rng = np.random.default_rng(SEED)
        weights = np.ones((1 + resamples, len(analysed)))
        truth = np.array([outcome.tampered for outcome in analysed], bool)
        for places in (np.flatnonzero(truth), np.flatnonzero(~truth)):
            if places.size:
                shares = np.full(places.size, 1 / places.size)
                weights[1:, places] = rng.multinomial(places.size, shares, size=resamples)
        return cls(analysed, weights)

    @property
    def truth(self) -> NDArray[np.bool_]:
        return np.array([outcome.tampered for outcome in self.outcomes], bool)

    @property
    def scores(self) -> Floats:
        return np.array([outcome.score for outcome in self.outcomes], np.float64)

    def mean(self, values: Floats, chosen: NDArray[np.bool_]) -> Floats:
        """Return the weighted means (R,) of the finite values (N,) over the chosen photos; nan if none is finite."""
        usable = chosen & np.isfinite(values)
        weight = self.weights[:, usable]
        total = weight.sum(axis=1)
        sums = weight @ values[usable]
        means: Floats = np.full(total.shape, math.nan)
        np.divide(sums, total, out=means, where=total > 0)
        return means


def count_values(counts: Sequence[Confusion | None], protocol: Protocol) -> dict[str, Floats]:
    """Return the figures of decisions, (N,) by name; nan where undefined."""
    values: dict[str, Callable[[Confusion], float]] = {
        "f1": protocol.f1,
        "iou": protocol.iou,
        "mcc": lambda one: one.mcc,
        "precision": lambda one: one.precision,
        "recall": lambda one: one.recall,
        "accuracy": lambda one: one.accuracy,
    }
    return {
        name: np.array([math.nan if one is None else value(one) for one in counts], np.float64)
        for name, value in values.items()
    }


def rank_values(outcomes: Sequence[Outcome]) -> dict[str, Floats]:
    """Return the pixel figures of each photo that need no threshold, (N,) by name."""
    return {name: _of_pixels(outcomes, name) for name in RANK_FIGURES}


def pixel_values(outcomes: Sequence[Outcome], protocol: Protocol) -> dict[str, Floats]:
    """Return the pixel figures of each photo at the threshold, and the rank-based ones, (N,) by name."""
    pixels = [outcome.pixels for outcome in outcomes]
    values = count_values([None if one is None else one.counts for one in pixels], protocol) | rank_values(outcomes)
    if protocol.permuted:
        values["permuted_f1"] = _of_pixels(outcomes, "permuted_f1")
    return values


def _of_pixels(outcomes: Sequence[Outcome], name: str) -> Floats:
    return np.array([math.nan if one.pixels is None else getattr(one.pixels, name) for one in outcomes], np.float64)


def best_threshold(outcomes: Sequence[Outcome]) -> int | None:
    """Return the place in THRESHOLDS where the mean F1 of the tampered photos is largest; None without any."""
    curves = [outcome.f1_by_threshold for outcome in outcomes if outcome.tampered and outcome.status == "analysed"]
    return int(np.nanmean(np.stack(curves), axis=0).argmax()) if curves else None


def figure_samples(
    rows: Rows, protocol: Protocol, evidence_at: float | None
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Return every figure (R,), first the set's own value, then resampled ones, and the values (N,) it averages.

    evidence_at: None for a baseline, which gets only figures that need no decision.
    """
    truth = rows.truth
    each = rank_values(rows.outcomes) if evidence_at is None else pixel_values(rows.outcomes, protocol)
    place = best_threshold(rows.outcomes)
    if place is not None:
        at_best = count_values([row.counts_at(place) for row in rows.outcomes], protocol)
        each |= {f"{name}_best": values for name, values in at_best.items()}
    samples = {name: rows.mean(values, truth) for name, values in each.items()}
    if place is not None:
        curves = np.stack([row.f1_by_threshold for row in rows.outcomes if row.tampered])
        weight = rows.weights[:, truth]
        # Each resample chooses its own best threshold, as a different set would.
        samples["f1_best"][1:] = (weight @ np.nan_to_num(curves) / weight.sum(axis=1, keepdims=True)).max(axis=1)[1:]
    if evidence_at is not None:
        decided = _decision_values(rows)
        each |= decided
        samples |= {f"authentic_{name}": rows.mean(values, ~truth) for name, values in decided.items()}
        samples["tampered_flagged"] = rows.mean(decided["flagged"], truth)
        if truth.any() and not truth.all():
            samples |= _image_samples(rows, evidence_at)
    return samples, each


def _decision_values(rows: Rows) -> dict[str, Floats]:
    """Return the decisions on each photo, (N,) by name."""
    verdicts = np.array([row.verdict for row in rows.outcomes])
    area = [row.pixels.counts.false_positive_rate if row.pixels else math.nan for row in rows.outcomes]
    return {
        "flagged": (verdicts == Verdict.EVIDENCE.value).astype(np.float64),
        "not_cleared": (verdicts != Verdict.NO_EVIDENCE.value).astype(np.float64),
        "false_positive_area": np.array(area, np.float64),
    }


def _image_samples(rows: Rows, evidence_at: float) -> dict[str, Floats]:
    truth, scores = rows.truth, rows.scores
    found = {name: np.empty(rows.weights.shape[0]) for name in IMAGE_FIGURES}
    flagged = scores >= evidence_at
    for place, weight in enumerate(rows.weights):
        curve = detection_curve(scores, truth, weight)
        values = (
            curve.auc,
            curve.average_precision,
            (
                weight[truth & flagged].sum() / weight[truth].sum()
                + weight[~truth & ~flagged].sum() / weight[~truth].sum()
            )
            / 2,
            curve.equal_error_rate,
            curve.true_positive_rate_at(0.01),
            curve.true_positive_rate_at(0.05),
        )
        for name, value in zip(IMAGE_FIGURES, values, strict=True):
            found[name][place] = value
    return found


def counted(share: float, photos: int) -> tuple[float, float, float]:
    """Return a share of photos and its exact interval: of a share of none, every resample would be none again."""
    return (share, *exact_interval(round(share * photos), photos)) if photos else (share, math.nan, math.nan)


def interval(samples: Floats) -> tuple[float, float, float]:
    """Return the set's own value and the percentile interval of its resamples."""
    finite = samples[1:][np.isfinite(samples[1:])]
    if not finite.size:
        return float(samples[0]), math.nan, math.nan
    low, high = np.percentile(finite, INTERVAL)
    return float(samples[0]), float(low), float(high)


def summarise(
    outcomes: Sequence[Outcome],
    protocol: Protocol,
    *,
    threshold: float | None,
    evidence_at: float | None,
    unpaired: int = 0,
    resamples: int = RESAMPLES,
) -> Summary:
    """Return a set's figures. evidence_at: the score from which a photo is called evidence; None for a baseline."""
    rows = Rows.of(outcomes, resamples)
    truth = rows.truth
    samples, each = figure_samples(rows, protocol, evidence_at)
    figures = {}
    for name, values in samples.items():
        over = ~truth if name.startswith("authentic_") else np.ones_like(truth) if name in IMAGE_FIGURES else truth
        own = each.get(name)
        undefined = 0 if own is None else int(np.count_nonzero(over & ~np.isfinite(own)))
        photos = int(np.count_nonzero(over)) - undefined
        bounds = counted(float(values[0]), photos) if name in SHARES_OF_PHOTOS else interval(values)
        figures[name] = Figure(*bounds, photos=photos, undefined=undefined)
    place = best_threshold(rows.outcomes)
    best = math.nan if place is None else float(THRESHOLDS[place])
    return Summary(_counts(outcomes, unpaired), figures, threshold, best)


def _counts(outcomes: Sequence[Outcome], unpaired: int) -> Counts:
    analysed = [outcome for outcome in outcomes if outcome.status == "analysed"]
    reasons = Counter(outcome.reason or "" for outcome in outcomes if outcome.status != "analysed")
    return Counts(
        tampered=sum(outcome.tampered for outcome in analysed),
        authentic=sum(not outcome.tampered for outcome in analysed),
        not_analysed=sum(outcome.status == "not analysed" for outcome in outcomes),
        failed=sum(outcome.status == "failed" for outcome in outcomes),
        unpaired=unpaired,
        reasons=dict(sorted(reasons.items())),
    )
