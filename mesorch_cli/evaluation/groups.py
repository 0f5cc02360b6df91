"""The same figures for groups of photos: by what was done to them, their size, and how they were saved."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mesorch_cli.evaluation.outcome import Outcome
from mesorch_cli.evaluation.protocol import Protocol
from mesorch_cli.evaluation.summary import pixel_values, rank_values

AREA_EDGES = (0.01, 0.05, 0.2)  # share of the photo that is tampered
QUALITY_EDGES = (60, 75, 85, 95)  # estimated JPEG quality
SIDE_EDGES = (512, 1024, 2048, 4096)  # long side in pixels


@dataclass(frozen=True)
class Group:
    """A group of photos: means over tampered ones, share called evidence among authentic ones; nan if none."""

    by: str
    name: str
    tampered: int
    authentic: int
    f1: float
    auc: float
    authentic_flagged: float


def _binned(value: float, edges: Sequence[float], unit: str = "", percent: bool = False) -> str:
    def text(number: float) -> str:
        return f"{number:.1%}" if percent else f"{number:g}{unit}"

    place = int(np.searchsorted(edges, value, side="right"))
    if place == 0:
        return f"below {text(edges[0])}"
    if place == len(edges):
        return f"{text(edges[-1])} and more"
    return f"{text(edges[place - 1])} to {text(edges[place])}"


def _quality(outcome: Outcome) -> str:
    return "no JPEG" if outcome.quality is None else _binned(outcome.quality, QUALITY_EDGES)


def _area(outcome: Outcome) -> str | None:
    return _binned(outcome.tampered_share, AREA_EDGES, percent=True) if outcome.tampered else None


GROUPINGS: dict[str, Callable[[Outcome], str | None]] = {
    "kind": lambda outcome: outcome.kind,
    "tampered area": _area,
    "JPEG quality": _quality,
    "long side": lambda outcome: _binned(max(outcome.width, outcome.height), SIDE_EDGES, " px"),
    "format": lambda outcome: outcome.format,
}


def groups(outcomes: Sequence[Outcome], protocol: Protocol, evidence: str | None) -> list[Group]:
    """Return all groups in a fixed order. A grouping that applies to no photo is left out.

    evidence: the verdict that authentic photos should not get; None for a baseline, which makes no decisions.
    """
    analysed = [outcome for outcome in outcomes if outcome.status == "analysed"]
    values = rank_values(analysed) if evidence is None else pixel_values(analysed, protocol)
    result = []
    for by, name_of in GROUPINGS.items():
        names = [name_of(outcome) for outcome in analysed]
        order = sorted({name for name in names if name is not None}, key=_sort_key)
        for name in order:
            places = [place for place, found in enumerate(names) if found == name]
            tampered = [place for place in places if analysed[place].tampered]
            authentic = [place for place in places if not analysed[place].tampered]
            flagged = [] if evidence is None else [analysed[place].verdict == evidence for place in authentic]
            result.append(
                Group(
                    by,
                    name,
                    len(tampered),
                    len(authentic),
                    _mean(values["f1"][tampered]) if "f1" in values else math.nan,
                    _mean(values["auc"][tampered]),
                    float(np.mean(flagged)) if flagged else math.nan,
                )
            )
    return result


def _sort_key(name: str) -> tuple[float, str]:
    words = name.replace("%", "").split()
    numbers = [float(word) for word in words if word.replace(".", "").isdigit()]
    return ((numbers[0] - (0.5 if name.startswith("below") else 0)) if numbers else -1.0, name)


def _mean(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else math.nan
