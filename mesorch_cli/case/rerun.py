"""Repeats an analysis from its record: identical, within tolerance or different, with the causes."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from pydantic import ValidationError

from mesorch_cli.case.batch import SAME_BYTES
from mesorch_cli.case.case_file import FILE_NAME
from mesorch_cli.case.opening import opened_to_read
from mesorch_cli.errors import InputError, UsageError
from mesorch_cli.evidence.isolation.isolated_reader import process_reader
from mesorch_cli.evidence.photo import MAX_PIXELS, ReadOptions, page_read
from mesorch_cli.examination.outputs import LARGEST_RECORD
from mesorch_cli.examination.record import Record
from mesorch_cli.examination.stages import CHANGED, Composed
from mesorch_cli.files.reading import read, read_below
from mesorch_cli.validation import first_problem

# Other threads, processors and devices change the last bits of logits, which moves score and map far less than this.
SCORE_TOLERANCE = 0.001
PIXEL_TOLERANCE = 0.02  # of the map, at any pixel
BOX_TOLERANCE_PX = 4  # of a region's edges, if the map differs in the last bits
PROBABILITY_TOLERANCE = 0.02  # of the probability calculated from the score
RATIO_TOLERANCE = 0.05  # of the logarithm (base 10) of the likelihood ratio
HEATMAP, HEATMAP_ROLE = "heatmap.png", "heatmap"
LEVELS = 65535  # of the heat map's 16 bits
LARGEST_MAP = 1 << 30  # bytes of a heat map that is read
PNG_HEAD = 29  # bytes up to the end of a PNG's width, height, bits and kind
MOST_PIXELS = 4_000_000_000  # that a record may request; larger photos need `detect` with --max-pixels
GEOMETRY_DRAWN = "outlines and links of findings, which the record does not have and the pictures now show"
OF_THE_MACHINE = (
    ("decode", "isolation"),
    ("metadata", "exiftool"),
)  # kernel and installed programs decide these


class Answer(StrEnum):
    """The outcome of a repetition."""

    IDENTICAL = "identical"
    WITHIN_TOLERANCE = "within tolerance"
    DIFFERENT = "different"


@dataclass(frozen=True)
class Comparison:
    """The answer, the differences in the results, and the differences in what the results depend on."""

    answer: Answer
    differences: tuple[str, ...]
    causes: tuple[str, ...]


def read_record(path: Path) -> Record:
    """Read a record. Raises UsageError for any other file."""
    try:
        return Record.model_validate_json(read(path, LARGEST_RECORD))
    except OSError as error:
        raise UsageError(f"Cannot read the record {str(path)!r}: {error.strerror}. Expected a record.json.") from error
    except ValidationError as error:
        raise UsageError(
            f"{str(path)!r} is no record of this version, {first_problem(error)}. Expected mesorch.record/2 or /1."
        ) from error


def input_of(record_path: Path, record: Record) -> Path:
    """Return where a record's input should be: below the evidence of its case, otherwise where the record says."""
    for case in record_path.absolute().parents:
        if (case / FILE_NAME).is_file():
            place = record_path.absolute().parent.relative_to(case).as_posix()
            with opened_to_read(case) as (case_file, journal):
                row = next((row for row in journal.rows() if row.place == place), None)
            if row is not None:
                return Path(case_file.evidence) / row.path
    return Path(record.input.path)


def reading_of(record: Record) -> ReadOptions:
    """Return how to read a record's file again.

    The page, the use of a second decoder and a sufficient limit of pixels are the same as before.
    """
    decode = record.decode
    if decode is None:
        return ReadOptions(provenance=True)
    asked = page_read(decode.page, decode.pages) in decode.conversions
    return ReadOptions(
        max_pixels=max(MAX_PIXELS, min(decode.width * decode.height, MOST_PIXELS)),
        page=decode.page if asked else None,
        compare_decoders=decode.comparison is not None,
        provenance=True,
        exiftool="exiftool" in record.metadata,
    )


def compared(record: Record, record_path: Path, again: Composed) -> Comparison:
    """Compare a record, and the heat map beside it if there is one, with the repeated analysis."""
    now = _as_earlier(record, again.record)
    differences = list(_differences(record, now))
    causes = list(_causes(record, now))
    if now.result.findings != again.record.result.findings:
        causes.append(GEOMETRY_DRAWN)
    old_sums = {artefact.role: artefact.sha256 for artefact in record.artefacts}
    new_sums = {artefact.role: artefact.sha256 for artefact in now.artefacts}
    changed = sorted(role for role in old_sums if old_sums[role] != new_sums.get(role))
    if not differences and not changed:
        return Comparison(Answer.IDENTICAL, (), tuple(causes))
    if changed:
        differences.append(f"pictures: {', '.join(changed)}")
    near = not _beyond_tolerance(record, now, same_map=HEATMAP_ROLE not in changed)
    distance = _map_distance(record_path.with_name(HEATMAP), again.pictures.get(HEATMAP))
    if distance is not None:
        differences.append(f"map: at most {distance:.6f} at any pixel")
        near = near and distance <= PIXEL_TOLERANCE
    return Comparison(Answer.WITHIN_TOLERANCE if near else Answer.DIFFERENT, tuple(differences), tuple(causes))


def _as_earlier(record: Record, now: Record) -> Record:
    """Return a repetition without what the version of the record did not write.

    Rates and domain follow from verdict, weights and file; geometry only says more of findings that are compared anyway.
    """
    changes: dict[str, Any] = {name: [] for name in ("rates", "domain") if not getattr(record.result, name)}
    if not any(finding.geometry for finding in record.result.findings):
        changes["findings"] = [finding.model_copy(update={"geometry": None}) for finding in now.result.findings]
    metadata = now.metadata
    if isinstance(told := metadata.get("jpeg"), dict) and isinstance(before := record.metadata.get("jpeg"), dict):
        # Since 0.7.2. They follow from the bytes, which are compared.
        unwritten = {"stores", "tables"} - before.keys()
        metadata = metadata | {"jpeg": {name: value for name, value in told.items() if name not in unwritten}}
    return now.model_copy(update={"result": now.result.model_copy(update=changes), "metadata": metadata})


def _differences(record: Record, now: Record) -> list[str]:
    found = []
    both = zip(_compared_parts(record).items(), _compared_parts(now).values(), strict=True)
    for (part, before), after in both:
        found += [
            f"{part}.{name}: {_short(before.get(name))}, now {_short(after.get(name))}"
            for name in before | after
            if before.get(name) != after.get(name)
        ]
    return found


def _compared_parts(record: Record) -> dict[str, dict[str, Any]]:
    """Return what must be the same in a repetition: the bytes, their decoding, their metadata, and the result."""
    parts = {part: _plain(getattr(record, part)) for part in ("input", "decode", "metadata", "result")}
    parts["input"] = {name: parts["input"].get(name) for name in ("size", "sha256")}
    parts["result"]["flags"] = [
        flag for flag in parts["result"]["flags"] if flag != CHANGED and not flag.startswith(SAME_BYTES)
    ]
    for part, name in OF_THE_MACHINE:
        parts[part].pop(name, None)
    said = [] if record.declared is None else record.declared.statements
    parts["declared"] = {
        "statements": [_plain(one) for one in said if not one.where.startswith("C2PA")]
    }  # of a library
    return parts


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


def _beyond_tolerance(record: Record, now: Record, *, same_map: bool) -> bool:
    """Return whether anything differs by more than another machine explains.

    Score and map may move slightly, and so may values calculated from them. Everything else must be equal. same_map:
    the heat map is the same to the last bit, so its regions must be, too.
    """
    before, after = record.result, now.result
    return (
        _steady(record) != _steady(now)
        or not _close(before.score, after.score, SCORE_TOLERANCE)
        or not _close(before.probability, after.probability, PROBABILITY_TOLERANCE)
        or not _close(_log_ratio(record), _log_ratio(now), RATIO_TOLERANCE)
        or not _same_regions(record, now, same_map)
    )


def _steady(record: Record) -> dict[str, Any]:
    """Return what no machine changes: input, decoding and result, without anything that the map's last bits affect."""
    moving = {"score", "probability", "likelihood_ratio", "regions"}
    parts = _compared_parts(record)
    parts["result"] = {name: value for name, value in parts["result"].items() if name not in moving}
    ratio = record.result.likelihood_ratio
    parts["bounds"] = {} if ratio is None else {"lowest": ratio.lowest, "highest": ratio.highest}
    return parts


def _log_ratio(record: Record) -> float | None:
    ratio = record.result.likelihood_ratio
    return None if ratio is None else math.log10(ratio.value)


def _close(before: float | None, after: float | None, tolerance: float) -> bool:
    if before is None or after is None:
        return before == after
    return abs(before - after) <= tolerance


def _same_regions(record: Record, now: Record, same_map: bool) -> bool:
    before, after = record.result.regions, now.result.regions
    if same_map or len(before) != len(after):
        return before == after
    sides, means = ("x", "y", "width", "height"), ("share", "mean", "peak")
    return all(
        all(abs(getattr(one, side) - getattr(other, side)) <= BOX_TOLERANCE_PX for side in sides)
        and all(_close(getattr(one, name), getattr(other, name), PIXEL_TOLERANCE) for name in means)
        for one, other in zip(before, after, strict=True)
    )


def _map_distance(path: Path, now: bytes | None) -> float | None:
    """Return the largest difference between two heat maps, 0..1; None unless both exist and have one size."""
    try:
        before = read_below(path.parent, path.name, LARGEST_MAP)
    except OSError:
        return None
    if not before or not now or before[:PNG_HEAD] != now[:PNG_HEAD]:  # another size, which shows without decoding
        return None
    try:  # like a photo, it may come from anyone
        first = process_reader().read(HEATMAP, data=before, options=ReadOptions(checks=False)).pixels[..., 0]
    except InputError:
        return None
    second = cv2.imdecode(np.frombuffer(now, np.uint8), cv2.IMREAD_UNCHANGED)
    if second is None or first.shape != second.shape or first.dtype != second.dtype:
        return None
    return float(np.abs(first.astype(np.int64) - second.astype(np.int64)).max()) / LEVELS


def _plain(part: Any) -> dict[str, Any]:
    if isinstance(part, dict):
        return dict(part)
    return {} if part is None else part.model_dump(mode="json")


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."
