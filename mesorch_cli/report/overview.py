"""The overview of a case besides its lists: counts, method, the histogram of scores, the rows for the filter."""

from dataclasses import dataclass
from typing import Any

from mesorch_cli.inference.recorded_settings import options_named
from mesorch_cli.report.entry import ANALYSED, FAILED, NOT_ANALYSED
from mesorch_cli.report.pages import Row
from mesorch_cli.report.sections import PAGE
from mesorch_cli.report.statements import flat, text_of
from mesorch_cli.report.triage import BINS, Triage
from mesorch_cli.report.wording import limits_of, reason_meaning

LEFT, RIGHT, TOP, BASE = 10, 410, 12, 120  # of the drawings, in their units
STEP = (RIGHT - LEFT) / BINS
RUNTIMES = {"torch": "PyTorch", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO"}
WHOLE = [1, 1]  # the share of a selection without shares
KINDS = ("none", "open", "evidence")

Facts = dict[str, Any]  # case.json, as parsed


@dataclass(frozen=True)
class Counts:
    """found = analysed + not_analysed + failed + waiting; evidence, open (inconclusive) and none are the analysed.

    gone: files among these that are no longer in the evidence folder.
    """

    found: int
    waiting: int
    analysed: int
    not_analysed: int
    failed: int
    evidence: int
    open: int
    none: int
    duplicates: int
    gone: int


def counts_of(facts: Facts, triage: Triage) -> Counts:
    """Count the entries of the report. Only the number of waiting files comes from the case's facts."""
    waiting = int(facts["counts"].get("waiting", 0))
    verdicts = triage.by_verdict
    return Counts(
        found=len(triage) + waiting,
        waiting=waiting,
        analysed=triage.by_status[ANALYSED],
        not_analysed=triage.by_status[NOT_ANALYSED],
        failed=triage.by_status[FAILED],
        evidence=verdicts["evidence of manipulation"],
        open=verdicts["inconclusive"],
        none=verdicts["no evidence found"],
        duplicates=triage.duplicates,
        gone=int(facts["counts"].get("gone", 0)),
    )


def mismatch_of(facts: Facts, counts: Counts) -> str | None:
    """Return a sentence on facts that contradict the records; None if they agree."""
    told = facts["counts"]
    wrong = [
        f"{name.replace('_', ' ')} {told[name]:,}, here {value:,}"
        for name, value in vars(counts).items()
        if name in ("found", "analysed", "not_analysed", "failed") and name in told and told[name] != value
    ]
    if not wrong:
        return None
    return f"case.json and the records differ: {'; '.join(wrong)}. Give the command that made the case again."


def overview(facts: Facts, triage: Triage) -> dict[str, Any]:
    """Return the values for the overview's template besides the lists."""
    counts = counts_of(facts, triage)
    reasons = [
        {"status": status, "reason": reason, "count": count, "meaning": reason_meaning(reason)}
        for (status, reason), count in sorted(triage.by_reason.items(), key=lambda item: (-item[1], item[0]))
    ]
    return {
        "counts": counts,
        "mismatch": mismatch_of(facts, counts),
        "reasons": reasons,
        "method": method_of(facts, triage),
        "everything": settings_of(facts),
        "histogram": histogram_of(triage, limits_of(facts["settings"])),
        "unlisted": facts["unlisted"],
        "elsewhere": [(name, f"{count:,}") for name, count in facts["others"].items()],
    }


def method_of(facts: Facts, triage: Triage) -> list[tuple[str, str]]:
    """Return the rows of the case and its method."""
    settings, weights, tool = options_named(facts["settings"]), facts["weights"], facts["tool"]
    named = " ".join(filter(None, (weights.get("name"), weights.get("version"))))
    runtimes = [f"{label} {tool[name]}" for name, label in RUNTIMES.items() if tool.get(name)]
    rows = [
        ("weights", f"{named}, licence {weights.get('licence', 'not stated')}"),
        ("SHA-256 of the weights", weights.get("sha256", "")),
        ("SHA-256 of the settings", facts["settings_sha256"]),
        ("tool", ", ".join(filter(None, (f"mesorch {tool.get('version', '')}", *runtimes, tool.get("platform"))))),
    ]
    limits = limits_of(settings)
    if limits is not None:
        rows.append(
            (
                "limits of the score",
                f"below {limits[0]:g} no evidence found, from {limits[1]:g} evidence of manipulation, inconclusive "
                "between",
            )
        )
    threshold = settings.get("threshold")
    if settings.get("photo_threshold"):
        rows.append(("threshold of the map", "set for each photo; its page has it"))
    elif isinstance(threshold, int | float):
        rows.append(("threshold of the map", f"{threshold:.4g}"))
    rows.append(("selection", _selection(facts["selection"])))
    if triage.first is not None and triage.last is not None:
        rows.append(("first analysis", triage.first))
        rows.append(("last analysis", triage.last))
    return rows


def settings_of(facts: Facts) -> list[tuple[str, str]]:
    """Return everything that the case says of its settings and versions."""
    return list(flat({name: facts[name] for name in ("settings", "selection", "weights", "tool")}))


def _selection(selection: dict[str, Any]) -> str:
    told = [f"{name} {text_of(value)}" for name, value in selection.items() if value not in (None, [], "", {}, WHOLE)]
    return "; ".join(told) or "all photos of the folder"


def position(score: float) -> float:
    """Return the position of a score on the drawings' axis."""
    return round(LEFT + (RIGHT - LEFT) * score, 1)


def histogram_of(triage: Triage, limits: tuple[float, float] | None) -> dict[str, Any]:
    """Return the bars of the histogram, with a sentence of the same content."""
    highest = max(triage.bins)
    bars = []
    for index, count in enumerate(triage.bins):
        height = round((BASE - TOP) * count / highest, 1) if count else 0.0
        middle = (index + 0.5) / BINS
        kind = "none" if limits is None else KINDS[(middle >= limits[0]) + (middle >= limits[1])]
        if count:
            bars.append(
                {
                    "x": LEFT + index * STEP,
                    "y": round(BASE - max(height, 1.0), 1),
                    "height": max(height, 1.0),
                    "kind": kind,
                }
            )
    told = "; ".join(f"{index / BINS:.2f} to {(index + 1) / BINS:.2f}: {n}" for index, n in enumerate(triage.bins) if n)
    return {
        "bars": bars,
        "highest": highest,
        "words": f"Files by score. {told}" if told else "No file has a score.",
        "ticks": [(position(value), f"{value:g}") for value in (0, 0.25, 0.5, 0.75, 1)],
        "limits": [] if limits is None else [(position(value), f"{value:g}") for value in dict.fromkeys(limits)],
    }


def gauge_of(score: float | None, limits: tuple[float, float] | None) -> dict[str, Any] | None:
    """Return a score's position between the limits; None without a score or limits."""
    if score is None or limits is None:
        return None
    low, high = limits
    return {
        "x": position(score),
        "low": f"{low:g}",
        "high": f"{high:g}",
        "low_x": position(low),
        "high_x": position(high),
    }


def data_of(row: Row) -> list[Any]:
    """Return a row as the filter's script takes it: name, folder, thumbnail (1: in that folder), kind, score, photo,
    regions or reason, flags, what the file says of AI, map (as the thumbnail), notes, which others it looks like, their
    group, and the share of the largest region.
    """
    folder = row.page.removesuffix(PAGE)
    pictures = [
        1 if picture == f"{folder}{name}.jpg" else picture or 0
        for picture, name in ((row.thumbnail, "thumbnail"), (row.map, "thumbnail_map"))
    ]
    text = row.regions if row.reason is None else row.reason
    return [
        *(
            row.name,
            folder,
            pictures[0],
            row.kind,
            row.score,
            row.photo,
            text,
            list(row.flags),
            row.declared,
            pictures[1],
        ),
        *(list(row.notes), row.alike, row.group, row.largest),
    ]
