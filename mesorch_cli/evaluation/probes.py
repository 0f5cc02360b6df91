"""The figures of probes: pixel AUC by edit and saving, for pairs and for objects, with intervals over photos."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mesorch_cli.errors import InputError
from mesorch_cli.evaluation.outcome import Outcome
from mesorch_cli.evaluation.summary import RESAMPLES, Figure, Rows, interval

LEAST_PHOTOS = 3  # fewer give no meaningful interval


@dataclass(frozen=True)
class Probed:
    """One analysed probe: what was done in the region, how the file was saved, and its row."""

    kind: str
    saving: str
    photo: int
    outcome: Outcome


@dataclass(frozen=True)
class Cell:
    """The mean pixel AUC for one kind of edit and one way of saving."""

    kind: str
    saving: str
    auc: Figure


def mean_figure(values: Sequence[float], resamples: int = RESAMPLES) -> Figure:
    """Return the mean of one value per photo, with its bootstrap interval. nan values are left out and counted."""
    # The rows are placeholders, so that resampling is the same as for every other figure.
    rows = Rows.of([Outcome(str(place), "", True, "analysed") for place in range(len(values))], resamples)
    array = np.asarray(values, np.float64)
    usable = int(np.count_nonzero(np.isfinite(array)))
    if not usable:
        return Figure(math.nan, math.nan, math.nan, 0, len(values))
    return Figure(*interval(rows.mean(array, rows.truth)), photos=usable, undefined=len(values) - usable)


def auc_of(outcome: Outcome) -> float:
    """Return the AUC of a row; nan without a comparison."""
    return math.nan if outcome.pixels is None else outcome.pixels.auc


def unprobed(probed: Sequence[Probed]) -> set[int]:
    """Return the numbers of the photos of which at least one probe could not be analysed. No figure counts them."""
    return {one.photo for one in probed if math.isnan(auc_of(one.outcome))}


def edit_cells(
    probed: Sequence[Probed], means: Mapping[str, Sequence[str]] | None = None, resamples: int = RESAMPLES
) -> list[Cell]:
    """Return a cell for every kind and saving, over the photos with all probes analysed.

    means: further rows, each a mean over several kinds per photo. Raises InputError if fewer than LEAST_PHOTOS photos
    are left.
    """
    whole = {one.photo for one in probed} - unprobed(probed)
    require_photos(len(whole), "photos of which every probe could be analysed")
    by_place = {(one.kind, one.saving, one.photo): auc_of(one.outcome) for one in probed}
    photos = sorted(whole)
    cells = []
    rows = {kind: [kind] for kind in dict.fromkeys(one.kind for one in probed)} | dict(means or {})
    for name, kinds in rows.items():
        for saving in dict.fromkeys(one.saving for one in probed):
            values = [float(np.mean([by_place[kind, saving, photo] for kind in kinds])) for photo in photos]
            cells.append(Cell(name, saving, mean_figure(values, resamples)))
    return cells


def require_photos(count: int, what: str) -> None:
    """Raise InputError for fewer than LEAST_PHOTOS."""
    if count < LEAST_PHOTOS:
        raise InputError(
            f"{count} {what}. Expected at least {LEAST_PHOTOS}: add more photos, or larger ones.",
            reason="too few photos",
        )


def object_figure(outcomes: Sequence[Outcome], resamples: int = RESAMPLES) -> Figure:
    """Return the mean AUC of authentic photos' maps for the masks of their objects. .5 is best.

    Raises InputError for too few photos.
    """
    require_photos(sum(row.status == "analysed" for row in outcomes), "photos with objects could be analysed")
    return mean_figure([auc_of(row) for row in outcomes], resamples)
