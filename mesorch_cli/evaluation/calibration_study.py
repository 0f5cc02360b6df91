"""Scores the photos of a calibration and writes the result."""

import hashlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from mesorch_cli import __version__
from mesorch_cli.errors import InputError, UsageError
from mesorch_cli.evaluation.calibration import (
    POOLINGS,
    HeldOut,
    Scored,
    fit_rule,
    limits,
    place_of,
    refuse_too_few,
)
from mesorch_cli.evaluation.datasets import files_of
from mesorch_cli.evidence.isolation.isolated_reader import process_reader
from mesorch_cli.inference.calibration_file import (
    CalibrationFile,
    PhotosPart,
    WeightsPart,
)
from mesorch_cli.inference.detector import Detector
from mesorch_cli.inference.recorded_settings import digest, score_values
from mesorch_cli.inference.scoring import image_score
from mesorch_cli.inference.settings import Settings
from mesorch_cli.inference.witnesses.registry import counted


def score_folders(
    detector: Detector,
    authentic: Path,
    tampered: Path,
    rate: float,
    on_photo: Callable[[int, int], None] | None = None,
) -> tuple[Scored, list[str]]:
    """Analyse the photos of two folders and pool their maps in every way. Also return a sentence for each lost photo.

    Raises InputError if the rate requires more photos (before the first analysis, if there are too few files);
    UsageError for a photo that is in both folders, and for a missing folder.
    """
    detector = detector.without_edges()  # the score is taken before they are moved
    files = [(path, True) for path in files_of(tampered)] + [(path, False) for path in files_of(authentic)]
    refuse_too_few(np.array([truth for _, truth in files], bool), rate)
    pooled: list[list[float]] = []
    truth: list[bool] = []
    seen: dict[str, tuple[Path, bool]] = {}
    lost: list[str] = []
    for done, (path, is_tampered) in enumerate(files, start=1):
        try:
            photo = process_reader().read(path)
            known = seen.get(photo.sha256)
            if known is not None and known[1] != is_tampered:
                raise UsageError(f"The same photo is in both folders: {known[0].name} and {path.name}. Remove one.")
            if known is not None:
                lost.append(f"{path.name}: the same bytes as {known[0].name}")
            elif not photo.decode.integrity.ok:
                lost.append(f"{path.name}: damaged")
            else:
                seen[photo.sha256] = (path, is_tampered)
                detection = detector.detect(photo.pixels, steps=photo.steps)
                if detection.map is None:
                    lost.append(f"{path.name}: not analysed: {detection.reason}")
                    seen.pop(photo.sha256)
                else:
                    certainties = counted(detection.findings)
                    pooled.append([image_score(detection.map, rule, certainties) for rule in POOLINGS])
                    truth.append(is_tampered)
        except InputError as error:
            lost.append(f"{path.name}: {error.reason}")
        if on_photo is not None:
            on_photo(done, len(files))
    refuse_too_few(np.array(truth, bool), rate)
    return Scored(np.asarray(pooled, np.float64), np.asarray(truth, bool), tuple(seen)), lost


def calibration_file(
    settings: Settings,
    weights: tuple[str, str],
    scored: Scored,
    figures: HeldOut,
    *,
    rates: tuple[float, float],
    pooling: int | None,
    name: str,
    lost: int,
) -> CalibrationFile:
    """Fit on all photos and return the file. weights: name and SHA-256. rates: for evidence and for inconclusive."""
    rule = fit_rule(scored, rates[0], rates[1], pooling, name)
    score = scored.scores[:, place_of(rule)]
    lines = sorted(
        f"{sha256} {'tampered' if truth else 'authentic'}"
        for sha256, truth in zip(scored.sha256, scored.truth, strict=True)
    )
    analysis = score_values(settings)
    held = {
        "auc": figures.auc,
        "expected_calibration_error": figures.expected_calibration_error,
        "brier": figures.brier,
        "cllr": figures.cllr,
        "cllr_min": figures.cllr_min,
        "flagged": figures.flagged,
        "found": figures.found,
    }
    return CalibrationFile(
        weights=WeightsPart(name=weights[0], sha256=weights[1]),
        analysis=analysis,
        analysis_sha256=digest(analysis),
        photos=PhotosPart(
            name=name,
            authentic=int(np.count_nonzero(~scored.truth)),
            tampered=int(np.count_nonzero(scored.truth)),
            not_analysed=lost,
            sha256=hashlib.sha256("\n".join(lines).encode()).hexdigest(),
        ),
        score=rule,
        limits=asdict(limits(score, scored.truth, rule, rates[0])),
        held_out={name: float(value) for name, value in held.items()},
        tool={"name": "mesorch", "version": __version__},
    )
