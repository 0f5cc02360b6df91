"""A look at sets before anything is measured on them: what is missing, broken, doubled, or gives itself away."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mesorch_cli.errors import InputError
from mesorch_cli.evaluation.datasets import Dataset, Sample
from mesorch_cli.evaluation.leaks import FileFacts, Leak, leaks
from mesorch_cli.evidence.photo import Photo
from mesorch_cli.evidence.reader import read_photo

GREY_SHARE = 0.0  # of a mask's pixels that may be neither black nor white


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with one file (or group of files) of a set."""

    dataset: str
    what: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class Inspection:
    """What a look at one or several sets showed. figures of a set with a notable leak say nothing about pictures."""

    photos: int
    findings: tuple[Finding, ...]
    leaks: dict[str, tuple[Leak, ...]]

    @property
    def ok(self) -> bool:
        return not self.findings and not any(leak.notable for found in self.leaks.values() for leak in found)


def inspect(datasets: Sequence[Dataset], on_photo: Callable[[int, int], None] | None = None) -> Inspection:
    """Read every file of the sets and say what is wrong with them; nothing is analysed."""
    total = sum(len(dataset.samples) for dataset in datasets)
    findings: list[Finding] = []
    places: dict[str, list[tuple[str, Sample]]] = defaultdict(list)
    leaking: dict[str, tuple[Leak, ...]] = {}
    done = 0
    for dataset in datasets:
        findings += [
            Finding(dataset.name, what, (name,))
            for name, _, what in (line.partition(": ") for line in dataset.unpaired)
        ]
        facts: list[FileFacts] = []
        tampered: list[bool] = []
        for sample in dataset.samples:
            photo, found = _looked_at(dataset.name, sample)
            findings += found
            if photo is not None:
                facts.append(FileFacts.of(photo))
                tampered.append(sample.mask is not None)
                places[photo.sha256].append((dataset.name, sample))
            done += 1
            if on_photo is not None:
                on_photo(done, total)
        leaking[dataset.name] = tuple(leaks(facts, tampered))
    for same in places.values():
        if len(same) > 1:
            names = sorted({name for name, _ in same})
            what = "the same photo twice" if len(names) == 1 else "the same photo in several sets"
            findings.append(
                Finding(" and ".join(names), what, tuple(f"{name}/{sample.photo.name}" for name, sample in same))
            )
    return Inspection(done, tuple(findings), leaking)


def _looked_at(dataset: str, sample: Sample) -> tuple[Photo | None, list[Finding]]:
    try:
        photo = read_photo(sample.photo)
    except InputError as error:
        return None, [Finding(dataset, f"photo: {error.reason}", (sample.photo.name,))]
    findings = []
    if not photo.decode.integrity.ok:
        findings.append(Finding(dataset, f"photo: {photo.decode.integrity.findings[0]}", (sample.photo.name,)))
    if sample.mask is not None:
        findings += _mask_findings(dataset, sample, photo)
    return photo, findings


def _mask_findings(dataset: str, sample: Sample, photo: Photo) -> list[Finding]:
    assert sample.mask is not None
    names = (sample.mask.name,)
    try:
        mask = read_photo(sample.mask)
    except InputError as error:
        return [Finding(dataset, f"mask: {error.reason}", names)]
    findings = []
    if mask.pixels.shape != photo.pixels.shape:
        own, other = mask.decode, photo.decode
        findings.append(
            Finding(dataset, f"mask of {own.width} x {own.height} for {other.width} x {other.height}", names)
        )
    white = np.iinfo(mask.pixels.dtype).max
    grey = float(((mask.pixels > 0) & (mask.pixels < white)).any(axis=2).mean())
    if grey > GREY_SHARE:
        findings.append(Finding(dataset, f"mask not binary: {grey:.1%} of its pixels are grey", names))
    if not (mask.pixels > white // 2).any():
        findings.append(Finding(dataset, "mask empty: counts as authentic", names))
    elif (mask.pixels > white // 2).all():
        findings.append(Finding(dataset, "mask full: no AUC", names))
    return findings
