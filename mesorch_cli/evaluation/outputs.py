"""The files of an evaluation: JSON, a table of photos, plots, and the contact sheet."""

import csv
import io
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mesorch_cli.evaluation import contact, plots
from mesorch_cli.evaluation.baselines import BASELINES
from mesorch_cli.evaluation.comparison import Gap
from mesorch_cli.evaluation.groups import groups
from mesorch_cli.evaluation.outcome import Outcome
from mesorch_cli.evaluation.protocol import Protocol
from mesorch_cli.evaluation.study import Result, strip_path
from mesorch_cli.files.writing import write_below
from mesorch_cli.inference.scoring import Verdict
from mesorch_cli.report.names import harmless_cell

SCHEMA = "mesorch.evaluation/1"
CASES = 6  # best and worst photos on the contact sheet
SHOWN_UNDER_PERTURBATION = ("f1", "auc", "image_auc")
COLUMNS = (
    "weights",
    "set",
    "perturbation",
    "photo",
    "kind",
    "status",
    "reason",
    "tampered",
    "tampered_share",
    "width",
    "height",
    "format",
    "quality",
    "verdict",
    "score",
    "f1",
    "iou",
    "mcc",
    "precision",
    "recall",
    "accuracy",
    "auc",
    "average_precision",
    "false_positive_rate",
)


def as_json(result: Result, protocol: Protocol, resave: str | None, gaps: Sequence[Gap] = ()) -> dict[str, Any]:
    """Return a result as JSON values, with null for nan. gaps: all differences of the evaluation."""
    summary = result.summary
    baseline = {"name": result.entrant, "about": BASELINES[result.entrant].about} if result.is_baseline else None
    return {
        "schema": SCHEMA,
        "weights": None if result.is_baseline else {"name": result.entrant, "sha256": result.weights_sha256},
        "baseline": baseline,
        "set": result.dataset,
        "perturbation": None if result.perturbation is None else str(result.perturbation),
        "resave": resave,
        "protocol": asdict(protocol),
        "threshold": summary.threshold,
        "best_threshold": _number(summary.best_threshold),
        "evidence_at": result.evidence_at,
        "masks": result.masks,
        "warnings": list(result.warnings),
        "counts": asdict(summary.counts),
        "figures": {
            name: {key: _number(value) for key, value in asdict(figure).items()}
            for name, figure in summary.figures.items()
        },
        "groups": [
            {key: _number(value) for key, value in asdict(group).items()}
            for group in groups(result.outcomes, protocol, None if result.is_baseline else Verdict.EVIDENCE.value)
        ],
        "paired": [
            {"less": gap.second} | {key: _number(value) for key, value in asdict(difference).items()}
            for gap in gaps
            if (gap.dataset, gap.first) == (result.dataset, result.entrant) and result.perturbation is None
            for difference in gap.differences
        ],
    }


def photo_table(results: Iterable[Result], protocol: Protocol) -> str:
    """Return a CSV (RFC 4180) with a line per photo and pass. No cell is a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for result in results:
        for outcome in result.outcomes:
            writer.writerow([_cell(value) for value in _values(result, outcome, protocol)])
    return text.getvalue()


def _values(result: Result, outcome: Outcome, protocol: Protocol) -> list[object]:
    pixels = outcome.pixels
    figures: list[object] = [None] * 9
    if pixels is not None:
        counts = pixels.counts
        figures = [
            protocol.f1(counts),
            protocol.iou(counts),
            counts.mcc,
            counts.precision,
            counts.recall,
            counts.accuracy,
            pixels.auc,
            pixels.average_precision,
            counts.false_positive_rate,
        ]
        if result.is_baseline:  # it has no threshold
            figures = [None] * 6 + [pixels.auc, pixels.average_precision, None]
    return [
        result.entrant,
        result.dataset,
        result.perturbation,
        outcome.photo,
        outcome.kind,
        outcome.status,
        outcome.reason,
        int(outcome.tampered),
        outcome.tampered_share,
        outcome.width or None,
        outcome.height or None,
        outcome.format,
        outcome.quality,
        outcome.verdict,
        outcome.score,
        *figures,
    ]


def _cell(value: object) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return text if isinstance(value, float) else harmless_cell(text)


def pictures(results: Sequence[Result], folder: Path) -> dict[str, bytes]:
    """Return the plots and the contact sheet by file name, without empty ones."""
    made: dict[str, bytes] = {}
    for dataset in dict.fromkeys(result.dataset for result in results):
        own = [result for result in results if result.dataset == dataset]
        plain = [result for result in own if result.perturbation is None]
        named = [(result.entrant, result.outcomes) for result in plain]
        networks = [result for result in plain if not result.is_baseline]
        deciding = [(result.entrant, result.outcomes) for result in networks]
        if all(result.summary.counts.tampered for result in plain):
            made[f"{dataset}-pixel-roc.png"] = plots.pixel_roc(named)
            made[f"{dataset}-pixel-precision-recall.png"] = plots.pixel_precision_recall(named)
            made[f"{dataset}-f1-over-threshold.png"] = plots.f1_over_threshold(
                [(result.entrant, result.outcomes, result.summary.threshold) for result in plain]
            )
            made[f"{dataset}-f1-over-area.png"] = plots.f1_over_area(deciding)
            if all(result.summary.counts.authentic for result in networks):
                made[f"{dataset}-image-roc.png"] = plots.image_roc(deciding)
                made[f"{dataset}-reliability.png"] = plots.score_reliability(deciding)
            for result in networks:
                made[f"{dataset}-{result.entrant}-cases.png"] = contact.sheet(*cases(result, folder))
        made |= _perturbation_plots(dataset, own)
    return made


def cases(result: Result, folder: Path) -> tuple[list[contact.SheetEntry], list[contact.SheetEntry]]:
    """Return the tampered photos with the largest and the smallest F1, the same number of each."""
    rows = [row for row in result.outcomes if row.tampered and row.pixels and strip_path(folder, row).is_file()]
    rows.sort(key=lambda row: (-(row.pixels.counts.f1 if row.pixels else 0.0), row.photo))
    count = min(CASES, (len(rows) + 1) // 2)
    made = [
        contact.SheetEntry(
            strip_path(folder, row),
            f"{row.photo}: F1 {row.pixels.counts.f1:.2f}, AUC {row.pixels.auc:.2f}, {row.verdict}"
            if row.pixels
            else "",
        )
        for row in rows
    ]
    return made[:count], made[len(made) - count :][::-1]


def _perturbation_plots(dataset: str, results: Sequence[Result]) -> dict[str, bytes]:
    made = {}
    names = dict.fromkeys(result.perturbation.name for result in results if result.perturbation is not None)
    for name in names:
        lines = []
        for entrant in dict.fromkeys(result.entrant for result in results):
            points = [
                result
                for result in results
                if result.entrant == entrant and result.perturbation is not None and result.perturbation.name == name
            ]
            points.sort(key=lambda result: result.perturbation.level if result.perturbation else 0.0)
            for figure in SHOWN_UNDER_PERTURBATION:
                values = [point.summary.figures[figure].value for point in points if figure in point.summary.figures]
                levels = [point.perturbation.level for point in points if point.perturbation]
                if len(values) == len(levels):
                    lines.append((f"{entrant}: {figure}", levels, values))
        made[f"{dataset}-{name}.png"] = plots.curves(f"{dataset}: {name}", "level", "figure", lines)
    return made


def write(folder: Path, files: dict[str, bytes]) -> None:
    """Write files into a folder, each completely or not at all. Raises OutputError if that fails."""
    for name, data in files.items():
        write_below(folder, name, data)


def json_lines(values: Iterable[dict[str, Any]]) -> bytes:
    """Return one line of JSON for each value."""
    return "".join(json.dumps(value, allow_nan=False) + "\n" for value in values).encode()


def _number(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
