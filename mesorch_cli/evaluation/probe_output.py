"""The files of a probing: JSON, and tables in Markdown for a model card."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from mesorch_cli.evaluation.probe_pairs import PairFigures
from mesorch_cli.evaluation.probes import Cell
from mesorch_cli.evaluation.summary import Figure

SCHEMA = "mesorch.probes/1"


@dataclass(frozen=True)
class Probing:
    """What was measured. weights: name, version and SHA-256. left_out: photos that could not be used, with reasons."""

    weights: dict[str, str]
    settings: dict[str, Any]
    cells: Sequence[Cell] = ()
    pairs: PairFigures | None = None
    objects: dict[str, Figure] = field(default_factory=dict)
    left_out: Sequence[tuple[str, str]] = ()


def as_json(probing: Probing) -> dict[str, Any]:
    """Return a probing as JSON values, with null for nan."""
    pairs = probing.pairs
    return {
        "schema": SCHEMA,
        "weights": probing.weights,
        "settings": probing.settings,
        "edits": [{"kind": cell.kind, "saving": cell.saving, "auc": _figure(cell.auc)} for cell in probing.cells],
        "pairs": None
        if pairs is None
        else {
            "pairs": pairs.pairs,
            "forgery_scores_higher": pairs.higher,
            "figures": {name: _figure(figure) for name, figure in pairs.figures.items()},
        },
        "objects": {name: _figure(figure) for name, figure in probing.objects.items()},
        "left_out": [{"photo": photo, "reason": reason} for photo, reason in probing.left_out],
    }


def tables(probing: Probing) -> list[tuple[str, list[str], list[list[str]]]]:
    """Return (title, columns, rows) of every table that is not empty."""
    found = []
    if probing.cells:
        savings = list(dict.fromkeys(cell.saving for cell in probing.cells))
        by_place = {(cell.kind, cell.saving): text(cell.auc) for cell in probing.cells}
        rows = [
            [kind, *(by_place[kind, saving] for saving in savings)]
            for kind in dict.fromkeys(cell.kind for cell in probing.cells)
        ]
        title = f"Edits of one region, mean pixel AUC over {probing.cells[0].auc.photos} photos"
        found.append((title, ["edit", *savings], rows))
    if probing.pairs is not None:
        pairs = probing.pairs
        rows = [
            [title, *(text(pairs.figures[f"{name} {figure}"]) for name in ("forgery", "original"))]
            for title, figure in (("mean inside", "inside"), ("mean outside", "outside"), ("pixel AUC", "auc"))
        ]
        title = f"{pairs.pairs} pairs, maps against the forgery's mask; the forgery scores higher in {pairs.higher}"
        found.append((title, ["map", "forgery", "original"], rows))
    if probing.objects:
        rows = [[name, str(figure.photos), text(figure)] for name, figure in probing.objects.items()]
        found.append(("Objects in authentic photos: .5 is best", ["set", "photos", "pixel AUC"], rows))
    return found


def markdown(probing: Probing) -> str:
    """Return all tables as Markdown, below a line that names the weights."""
    weights = probing.weights
    parts = [f"Weights {weights['name']} {weights['version']}, SHA-256 `{weights['sha256']}`.\n"]
    for title, columns, rows in tables(probing):
        lines = [f"{title}:", "", _line(columns), _line(["---"] * len(columns)), *(_line(row) for row in rows)]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def text(figure: Figure) -> str:
    """Return a figure with its interval, if it has one."""
    if math.isnan(figure.value):
        return "none"
    return f"{figure.value:.3f}" + ("" if math.isnan(figure.low) else f" [{figure.low:.3f}, {figure.high:.3f}]")


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _figure(figure: Figure) -> dict[str, Any]:
    return {key: value if math.isfinite(value) else None for key, value in asdict(figure).items()}
