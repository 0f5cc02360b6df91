"""An analysis repeated from its record: identical, within tolerance, or different, and because of what."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from pydantic import ValidationError

from mesorch_cli.case.case_file import FILE_NAME, read_case
from mesorch_cli.case.examine import Composed
from mesorch_cli.case.journal import Journal
from mesorch_cli.case.record import Record
from mesorch_cli.errors import UsageError
from mesorch_cli.evidence import ReadOptions
from mesorch_cli.evidence.photo import MAX_PIXELS, page_read

SCORE_TOLERANCE = (
    0.001  # other threads, processors and devices move the last bits of logits, and so a score by far less
)
PIXEL_TOLERANCE = 0.02  # of the map, in probability, at any pixel
HEATMAP = "heatmap.png"
LEVELS = 65535  # of the heat map's 16 bits


class Answer(StrEnum):
    """What a repetition says of a record."""

    IDENTICAL = "identical"
    WITHIN_TOLERANCE = "within tolerance"
    DIFFERENT = "different"


@dataclass(frozen=True)
class Comparison:
    """The answer, what is different in the results, and what is different in what they depend on."""

    answer: Answer
    differences: tuple[str, ...]
    causes: tuple[str, ...]


def read_record(path: Path) -> Record:
    """Read a record. Raises UsageError for a file that is none."""
    try:
        return Record.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError(f"Cannot read the record {str(path)!r}: {error.strerror}. Expected a record.json.") from error
    except ValidationError as error:
        first: Any = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the whole file"
        raise UsageError(
            f"{str(path)!r} is no record of this version, at {place}: {first['msg']}. Expected mesorch.record/1."
        ) from error


def input_of(record_path: Path, record: Record) -> Path:
    """Return where a record's input should lie: below the evidence of its case, else where the record says."""
    for case in record_path.absolute().parents:
        if (case / FILE_NAME).is_file():
            place = record_path.absolute().parent.relative_to(case).as_posix()
            with Journal(case, read_only=True) as journal:
                row = next((row for row in journal.rows() if row.place == place), None)
            if row is not None:
                return Path(read_case(case).evidence) / row.path
    return Path(record.input.path)


def reading_of(record: Record) -> ReadOptions:
    """Return how to read a record's file again: the page that was asked for, a second decoder where there was one, and a
    limit of pixels that lets through what was read then."""
    decode = record.decode
    if decode is None:
        return ReadOptions(provenance=True)
    asked = page_read(decode.page, decode.pages) in decode.conversions
    return ReadOptions(
        max_pixels=max(MAX_PIXELS, decode.width * decode.height),
        page=decode.page if asked else None,
        compare_decoders=decode.comparison is not None,
        provenance=True,
        exiftool="exiftool" in record.metadata,
    )


def compared(record: Record, record_path: Path, again: Composed) -> Comparison:
    """Compare a record, and the heat map beside it where there is one, with the repetition of its analysis."""
    now = again.record
    differences = list(_differences(record, now))
    causes = list(_causes(record, now))
    old_sums = {artefact.role: artefact.sha256 for artefact in record.artefacts}
    new_sums = {artefact.role: artefact.sha256 for artefact in now.artefacts}
    changed = sorted(role for role in old_sums if old_sums[role] != new_sums.get(role))
    if not differences and not changed:
        return Comparison(Answer.IDENTICAL, (), tuple(causes))
    if changed:
        differences.append(f"pictures: {', '.join(changed)}")
    near = _near(record, now)
    distance = _map_distance(record_path.with_name(HEATMAP), again.pictures.get(HEATMAP))
    if distance is not None:
        differences.append(f"map: at most {distance:.6f} at any pixel")
        near = near and distance <= PIXEL_TOLERANCE
    return Comparison(Answer.WITHIN_TOLERANCE if near else Answer.DIFFERENT, tuple(differences), tuple(causes))


def _differences(record: Record, now: Record) -> list[str]:
    found = []
    for part in ("input", "decode", "result"):
        before, after = (_plain(getattr(one, part)) for one in (record, now))
        if part == "input":
            before, after = ({name: one.get(name) for name in ("size", "sha256")} for one in (before, after))
        if part == "result":
            for one in (before, after):
                one["flags"] = [flag for flag in one["flags"] if not flag.startswith("same bytes as ")]
        found += [
            f"{part}.{name}: {_short(before.get(name))}, now {_short(after.get(name))}"
            for name in before | after
            if before.get(name) != after.get(name)
        ]
    return found


def _causes(record: Record, now: Record) -> list[str]:
    pairs: list[tuple[str, Any, Any]] = [
        ("input", record.input.sha256, now.input.sha256),
        ("weights", record.weights.sha256, now.weights.sha256),
    ]
    pairs += [("settings " + name, *pair) for name, pair in _unequal(record.settings, now.settings).items()]
    pairs += [("version of " + name, *pair) for name, pair in _unequal(record.tool, now.tool).items()]
    if record.analysis is not None and now.analysis is not None:
        pairs += [(name, getattr(record.analysis, name), getattr(now.analysis, name)) for name in ("device", "backend")]
    renamed = {"version of platform": "platform", "version of threads": "threads"}
    return [
        f"{renamed.get(name, name)}: {_short(before)}, now {_short(after)}"
        for name, before, after in pairs
        if before != after
    ]


def _unequal(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    names = sorted((before.keys() | after.keys()) - {"weights"})
    return {name: (before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)}


def _near(record: Record, now: Record) -> bool:
    before, after = record.result, now.result
    if (before.verdict, before.reason) != (after.verdict, after.reason) or record.input.sha256 != now.input.sha256:
        return False
    if before.score is None or after.score is None:
        return before.score == after.score
    return abs(before.score - after.score) <= SCORE_TOLERANCE


def _map_distance(path: Path, now: bytes | None) -> float | None:
    """Return the largest difference of two heat maps, 0..1; None unless both are there, of one size."""
    try:
        before = path.read_bytes()
    except OSError:
        return None
    if not before or not now:
        return None
    first, second = (cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) for data in (before, now))
    if first is None or second is None or first.shape != second.shape:
        return None
    return float(np.abs(first.astype(np.int64) - second.astype(np.int64)).max()) / LEVELS


def _plain(part: Any) -> dict[str, Any]:
    return {} if part is None else part.model_dump(mode="json")


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."
