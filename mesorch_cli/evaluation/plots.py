"""Curves as PNG files of one style, without shared state."""

import io
import math
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mesorch_cli.errors import UsageError
from mesorch_cli.evaluation.detection_curve import detection_curve
from mesorch_cli.evaluation.likelihood import class_weights
from mesorch_cli.evaluation.outcome import Outcome
from mesorch_cli.evaluation.protocol import THRESHOLDS
from mesorch_cli.extras import install_hint

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = (6.4, 4.8)  # inches at DPI
DPI = 110
COLOURS = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#e69f00",
    "#56b4e9",
)  # need no red and green
STYLES = ("-", "--", "-.", ":")
BINS = 10  # of a reliability curve

Named = Sequence[tuple[str, Sequence[Outcome]]]
Draw = Callable[["Axes"], None]


def require_plots() -> None:
    """Raise UsageError if matplotlib is missing, before photos are analysed for hours and not after."""
    if find_spec("matplotlib") is None:
        raise UsageError(f"Plots need matplotlib: {install_hint('plots')}, or give --no-plots.")


def draw(title: str, x_label: str, y_label: str, paint: Draw, *, unit_square: bool = True) -> bytes:
    """Return a PNG with axes that `paint` fills. Without matplotlib, UsageError names the extra."""
    require_plots()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE, dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set(title=title, xlabel=x_label, ylabel=y_label)
    axes.grid(visible=True, alpha=0.3)
    if unit_square:
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
    paint(axes)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="best", fontsize=8)
    data = io.BytesIO()
    figure.savefig(data, format="png", metadata={"Software": None})  # the same curves give the same bytes
    return data.getvalue()


def colour(place: int) -> str:
    """Return the colour of the n-th curve."""
    return COLOURS[place % len(COLOURS)]


def stroke(place: int) -> str:
    """Return the line style of the n-th curve, as curves must not differ by colour alone."""
    return STYLES[place % len(STYLES)]


def pixel_roc(named: Named) -> bytes:
    """Mean true-positive rate over tampered photos against their mean false-positive rate, per threshold."""

    def paint(axes: "Axes") -> None:
        axes.plot([0, 1], [0, 1], color="0.6", linewidth=0.8)
        for place, (name, outcomes) in enumerate(named):
            found = _mean_rates(outcomes)
            if found is None:
                continue
            true, false = found
            axes.plot(false, true, label=name, color=colour(place), linestyle=stroke(place))

    return draw("Pixels: ROC, mean over tampered photos", "false-positive rate", "true-positive rate", paint)


def pixel_precision_recall(named: Named) -> bytes:
    """Precision against recall, per threshold, pooled over tampered photos of equal weight."""

    def paint(axes: "Axes") -> None:
        for place, (name, outcomes) in enumerate(named):
            rows = [one.pixels for one in outcomes if one.tampered and one.pixels is not None]
            true = np.mean([np.asarray(one.true_positive) / one.scored for one in rows], axis=0)
            false = np.mean([np.asarray(one.false_positive) / one.scored for one in rows], axis=0)
            share = float(np.mean([one.tampered / one.scored for one in rows]))
            found = true + false
            kept = found > 0
            axes.plot(
                true[kept] / share, true[kept] / found[kept], label=name, color=colour(place), linestyle=stroke(place)
            )
            axes.axhline(share, color="0.6", linewidth=0.8)

    return draw("Pixels: precision and recall, photos of equal weight", "recall", "precision", paint)


def f1_over_threshold(named: Sequence[tuple[str, Sequence[Outcome], float | None]]) -> bytes:
    """Mean F1 of tampered photos over a common threshold. The threshold in use, if any, is marked."""

    def paint(axes: "Axes") -> None:
        for place, (name, outcomes, threshold) in enumerate(named):
            curve = np.nanmean([one.f1_by_threshold for one in outcomes if one.tampered and one.pixels], axis=0)
            axes.plot(THRESHOLDS, curve, label=name, color=colour(place), linestyle=stroke(place))
            if threshold is not None:
                axes.axvline(threshold, color=colour(place), linewidth=0.8, linestyle=":")

    return draw("F1 over the threshold (in use: dotted)", "threshold", "mean F1 of tampered photos", paint)


def f1_over_area(named: Named) -> bytes:
    """F1 of every tampered photo over its tampered share, on a logarithmic axis."""

    def paint(axes: "Axes") -> None:
        for place, (name, outcomes) in enumerate(named):
            rows = [one for one in outcomes if one.tampered and one.pixels is not None]
            axes.scatter(
                [one.tampered_share for one in rows],
                [one.pixels.counts.f1 for one in rows if one.pixels],
                s=14,
                alpha=0.7,
                label=name,
                color=colour(place),
                marker="o^sv"[place % 4],
            )
        axes.set(xscale="log", ylim=(-0.02, 1.02))

    return draw("F1 over the tampered area", "tampered share of the photo", "F1", paint, unit_square=False)


def image_roc(named: Named) -> bytes:
    """ROC of the image score: tampered against authentic photos."""

    def paint(axes: "Axes") -> None:
        axes.plot([0, 1], [0, 1], color="0.6", linewidth=0.8)
        for place, (name, outcomes) in enumerate(named):
            rows = [one for one in outcomes if one.score is not None]
            curve = detection_curve(
                np.array([one.score for one in rows], float), np.array([one.tampered for one in rows])
            )
            axes.plot(
                curve.false_positive_rate,
                curve.true_positive_rate,
                label=f"{name}, AUC {curve.auc:.3f}",
                color=colour(place),
                linestyle=stroke(place),
            )

    return draw("Photos: ROC of the image score", "authentic called tampered", "tampered called tampered", paint)


def reliability(named: Sequence[tuple[str, NDArray[np.float64], NDArray[np.bool_]]], title: str, x_label: str) -> bytes:
    """Share of tampered photos over a stated probability, in BINS bins, both classes of equal weight.

    The size of a dot shows its share of the weight.
    """

    def paint(axes: "Axes") -> None:
        axes.plot([0, 1], [0, 1], color="0.6", linewidth=0.8)
        for place, (name, stated, truth) in enumerate(named):
            weights = class_weights(truth)
            bins = np.minimum((stated * BINS).astype(int), BINS - 1)
            mass = np.bincount(bins, weights, BINS)
            kept = mass > 0
            x = np.bincount(bins, weights * stated, BINS)[kept] / mass[kept]
            y = np.bincount(bins, weights * truth, BINS)[kept] / mass[kept]
            axes.plot(x, y, linewidth=1, color=colour(place), linestyle=stroke(place))
            axes.scatter(x, y, s=12 + 140 * mass[kept], label=name, color=colour(place))

    return draw(title, x_label, "share of tampered photos, classes of equal weight", paint)


def score_reliability(named: Named) -> bytes:
    """Reliability of raw scores, which shows how far they are from probabilities."""
    rows = [
        (
            name,
            np.array([one.score for one in outcomes if one.score is not None], np.float64),
            np.array([one.tampered for one in outcomes if one.score is not None], bool),
        )
        for name, outcomes in named
    ]
    return reliability(rows, "Photos: raw score against the share that is tampered", "image score")


def curves(
    title: str, x_label: str, y_label: str, lines: Sequence[tuple[str, Sequence[float], Sequence[float]]]
) -> bytes:
    """Lines with dots over an axis from 0: how a figure falls as a perturbation grows."""

    def paint(axes: "Axes") -> None:
        for place, (name, x, y) in enumerate(lines):
            axes.plot(x, y, marker="o", markersize=4, label=name, color=colour(place), linestyle=stroke(place))
        highest = max((value for _, _, y in lines for value in y if math.isfinite(value)), default=1.0)
        axes.set(ylim=(0, 1.08 * highest if highest > 0 else 1))

    return draw(title, x_label, y_label, paint, unit_square=False)


def _mean_rates(outcomes: Sequence[Outcome]) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return both mean rates by threshold, None if no photo has pixels of both kinds."""
    rows = [
        one.pixels
        for one in outcomes
        if one.tampered and one.pixels is not None and one.pixels.tampered < one.pixels.scored
    ]
    if not rows:
        return None
    true = np.mean([np.asarray(one.true_positive) / one.tampered for one in rows], axis=0)
    false = np.mean([np.asarray(one.false_positive) / (one.scored - one.tampered) for one in rows], axis=0)
    ends = (np.ones(1), np.zeros(1))
    return np.concatenate([ends[0], true, ends[1]]), np.concatenate([ends[0], false, ends[1]])
