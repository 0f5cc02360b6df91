"""Inspects sets before anything is measured: what is missing, broken or duplicated, and which properties leak."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mesorch_cli.errors import InputError
from mesorch_cli.evaluation.datasets import Dataset, Sample
from mesorch_cli.evaluation.leaks import FileFacts, Leak, leaks
from mesorch_cli.evaluation.masks import GROUPS, MaskRule, read_mask, readings
from mesorch_cli.evidence.isolation.isolated_reader import process_reader
from mesorch_cli.evidence.photo import Photo


@dataclass(frozen=True)
class Finding:
    """One fault of a file (or group of files) of a set."""

    dataset: str
    what: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class Inspection:
    """The result of inspecting sets. Figures of a set with a notable leak say nothing about pictures.

    masks: for each set, how its masks were read, with counts.
    """

    photos: int
    findings: tuple[Finding, ...]
    leaks: dict[str, tuple[Leak, ...]]
    masks: dict[str, dict[str, int]]

    @property
    def ok(self) -> bool:
        return not self.findings and not any(leak.notable for found in self.leaks.values() for leak in found)


def inspect(
    datasets: Sequence[Dataset], on_photo: Callable[[int, int], None] | None = None, masks: MaskRule | None = None
) -> Inspection:
    """Read every file of the sets and report what is wrong. Nothing is analysed."""
    total = sum(len(dataset.samples) for dataset in datasets)
    findings: list[Finding] = []
    places: dict[str, list[tuple[str, Sample]]] = defaultdict(list)
    leaking: dict[str, tuple[Leak, ...]] = {}
    read: dict[str, dict[str, int]] = {}
    done = 0
    for dataset in datasets:
        findings += [
            Finding(dataset.name, what, (name,))
            for name, _, what in (line.partition(": ") for line in dataset.unpaired)
        ]
        facts: list[FileFacts] = []
        tampered: list[bool] = []
        taken: list[str | None] = []
        for sample in dataset.samples:
            photo, reading, found = _looked_at(dataset.name, sample, masks or MaskRule())
            taken.append(reading)
            findings += found
            if photo is not None:
                facts.append(FileFacts.of(photo))
                tampered.append(sample.mask is not None)
                places[photo.sha256].append((dataset.name, sample))
            done += 1
            if on_photo is not None:
                on_photo(done, total)
        leaking[dataset.name] = tuple(leaks(facts, tampered))
        read[dataset.name] = readings(taken)
    for same in places.values():
        if len(same) > 1:
            names = sorted({name for name, _ in same})
            what = "the same photo twice" if len(names) == 1 else "the same photo in several sets"
            findings.append(
                Finding(" and ".join(names), what, tuple(f"{name}/{sample.photo.name}" for name, sample in same))
            )
    return Inspection(done, tuple(findings), leaking, read)


def _looked_at(dataset: str, sample: Sample, masks: MaskRule) -> tuple[Photo | None, str | None, list[Finding]]:
    """Return the photo, how its mask was read, and the faults of either."""
    try:
        photo = process_reader().read(sample.photo)
    except InputError as error:
        return None, None, [Finding(dataset, f"photo: {error.reason}", (sample.photo.name,))]
    findings = []
    if not photo.decode.integrity.ok:
        findings.append(Finding(dataset, f"photo: {photo.decode.integrity.findings[0]}", (sample.photo.name,)))
    if sample.mask is None:
        return photo, None, findings
    names = (sample.mask.name,)
    try:
        mask = read_mask(sample.mask, masks)
    except InputError as error:
        return photo, None, [*findings, Finding(dataset, error.reason, names)]
    height, width = mask.tampered.shape
    if (height, width) != photo.pixels.shape[:2]:
        sizes = f"mask of {width} x {height} for {photo.decode.width} x {photo.decode.height}"
        findings.append(Finding(dataset, sizes, names))
    if mask.reading.endswith(GROUPS):
        findings.append(Finding(dataset, f"mask not binary: {GROUPS}", names))
    if mask.tampered.all():
        findings.append(Finding(dataset, "mask full: no AUC", names))
    return photo, mask.reading, findings
