"""Pictures of a calibration: reliability and Tippett plot of held-out photos."""

from typing import TYPE_CHECKING

import numpy as np

from mesorch_cli.evaluation.calibration import HeldOut
from mesorch_cli.evaluation.plots import colour, draw, reliability, stroke

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def pictures(stem: str, figures: HeldOut) -> dict[str, bytes]:
    """Return the plots by file name."""
    title = f"Reliability, held out: ECE {figures.expected_calibration_error:.3f}, Brier {figures.brier:.3f}"
    return {
        f"{stem}-reliability.png": reliability(
            [("photos", figures.stated, figures.truth)], title, "stated probability (even prior)"
        ),
        f"{stem}-tippett.png": tippett(figures),
    }


def tippett(figures: HeldOut) -> bytes:
    """Share of photos of each class over the least log10 ratio: how often evidence misleads, and how strongly."""

    def paint(axes: "Axes") -> None:
        for place, (name, truth) in enumerate((("tampered", True), ("authentic", False))):
            ratio = np.sort(figures.ratio[figures.truth == truth])
            share = 1 - np.arange(ratio.size) / ratio.size
            axes.step(ratio, share, where="post", label=name, color=colour(place), linestyle=stroke(place))
        axes.axvline(0, color="0.6", linewidth=0.8)
        axes.set(ylim=(-0.01, 1.01))

    title = f"Tippett plot, held out: Cllr {figures.cllr:.3f}, at best {figures.cllr_min:.3f}"
    return draw(title, "log10 likelihood ratio", "share with at least this ratio", paint, unit_square=False)
