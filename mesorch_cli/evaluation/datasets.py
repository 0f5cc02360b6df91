"""Sets of photos with masks in the usual forms: folders, lists, tables.

A set pairs photos with masks by file stem, never by order, as a wrong pair would silently give a wrong figure. Files
that do not pair are refused by name or, on request, counted and named beside the figures.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mesorch_cli.bounds import json_within
from mesorch_cli.errors import InputError, UsageError
from mesorch_cli.evaluation.lists import AUTHENTIC, read_rows
from mesorch_cli.evidence.side_files import side_file
from mesorch_cli.texts import read_text

LAYOUTS = (("Tp", "Gt", "Au"), ("image", "mask", "authentic"))
MASK_ENDINGS = ("", "_gt", "_mask", "_edgemask")  # what data sets append to a photo's stem to name its mask
MANIFEST = "manifest.jsonl"  # in a folder of forged photos: what was done to each
NAMED = 5  # how many faulty files are named


@dataclass(frozen=True)
class Sample:
    """A photo and its mask. No mask means authentic. kind: what was done to it, if the set says so."""

    photo: Path
    mask: Path | None
    kind: str | None = None


@dataclass(frozen=True)
class Dataset:
    """Named samples in a fixed order. unpaired: sentences on files that were left out."""

    name: str
    samples: tuple[Sample, ...]
    unpaired: tuple[str, ...] = ()

    @property
    def tampered(self) -> tuple[Sample, ...]:
        return tuple(sample for sample in self.samples if sample.mask is not None)

    @property
    def authentic(self) -> tuple[Sample, ...]:
        return tuple(sample for sample in self.samples if sample.mask is None)


def refusal(what: str, names: Sequence[str], remedy: str) -> InputError:
    """Return an error that names the first few files."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return InputError(f"{what}: {', '.join(names[:NAMED])}{more}. {remedy}", reason="unpaired")


def files_of(folder: Path) -> list[Path]:
    """Return the files of a folder by name, without hidden and system files. UsageError if it is not a folder."""
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder. Expected one with photos or masks.")
    files = (path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    return sorted(path for path in files if side_file(path.name, b"") is None)


def read_folders(
    images: Path, masks: Path | None, authentic: Path | None, name: str | None = None, *, strict: bool = True
) -> Dataset:
    """Pair the photos of `images` with the files of `masks` by stem, and add the photos of `authentic`.

    With `strict`, raises InputError for a photo without a mask, a mask without a photo, and two photos with one mask.
    Otherwise these are left out and named in `unpaired`. Raises UsageError for a missing folder.
    """
    samples: list[Sample] = []
    unpaired: list[str] = []
    if masks is not None:
        pairs, lonely, spare, shared = _paired(files_of(images), files_of(masks))
        if strict and shared:
            raise refusal(f"Several photos of {images} share a mask", shared, "Give each its own stem.")
        if strict and lonely:
            raise refusal(f"Photos of {images} without a mask in {masks}", lonely, "Add the masks or move them away.")
        if strict and spare:
            raise refusal(f"Masks of {masks} without a photo in {images}", spare, "Add the photos or move them away.")
        samples += pairs
        unpaired += [f"{name}: shares its mask with another photo" for name in shared]
        unpaired += [f"{name}: photo without a mask" for name in lonely]
        unpaired += [f"{name}: mask without a photo" for name in spare]
    if authentic is not None:
        samples += [Sample(photo, None, AUTHENTIC) for photo in files_of(authentic)]
    if not samples:
        raise UsageError(f"No photos in {images}. Expected photos and masks.")
    return Dataset(name or images.name, tuple(samples), tuple(unpaired))


def _paired(photos: list[Path], masks: list[Path]) -> tuple[list[Sample], list[str], list[str], list[str]]:
    """Return pairs by stem, and the names of photos without a mask, masks without a photo, photos sharing a mask."""
    by_stem: dict[str, Path] = {path.stem: path for path in masks}
    takers: dict[Path, list[Path]] = {}
    lonely = []
    for photo in photos:
        mask = next((by_stem[photo.stem + end] for end in MASK_ENDINGS if photo.stem + end in by_stem), None)
        if mask is None:
            lonely.append(photo.name)
        else:
            takers.setdefault(mask, []).append(photo)
    pairs = [Sample(found[0], mask) for mask, found in takers.items() if len(found) == 1]
    shared = [photo.name for found in takers.values() if len(found) > 1 for photo in found]
    return pairs, lonely, [path.name for path in masks if path not in takers], shared


def _kinds(folder: Path) -> dict[str, str]:
    """Return the operation by stem from the manifest of forged photos; empty without a manifest."""
    manifest = folder / MANIFEST
    if not manifest.is_file():
        return {}
    kinds = {}
    for line in read_text(manifest).splitlines():
        try:
            item = json_within(line)
            kinds.update({Path(name).stem: str(item["operation"]) for name in item["files"]})
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{manifest} has an invalid line: {line[:60]!r} ({error}). Make the set again.") from error
    return kinds


def read_dataset(path: Path, *, strict: bool = True) -> Dataset:
    """Read a set.

    It is a folder with `Tp` and `Gt` (and `Au`) or `image` and `mask` (and `authentic`), a JSON list of [photo, mask or
    "Negative"], or a CSV with the columns photo and mask (empty: authentic), and kind if wanted. Paths in a list are
    relative to the list. `strict`: see `read_folders`; it applies to missing files of a list, too. Raises UsageError
    for anything else, InputError for files that are missing or do not pair.
    """
    if path.is_dir():
        for tampered, masks, authentic in LAYOUTS:
            if (path / tampered).is_dir():
                aside = path / authentic
                authentic_folder = aside if aside.is_dir() else None
                found = read_folders(path / tampered, path / masks, authentic_folder, path.name, strict=strict)
                kinds = _kinds(path)
                named = (replace(sample, kind=kinds.get(sample.photo.stem, sample.kind)) for sample in found.samples)
                return replace(found, samples=tuple(named))
        expected = " or ".join(f"{tampered}/ and {masks}/" for tampered, masks, _ in LAYOUTS)
        raise UsageError(
            f"{str(path)!r} contains no set. Expected {expected} in it. You can also give a .json list, a .csv table, or "
            "--images and --masks."
        )
    if not path.is_file():
        raise UsageError(f"{path} does not exist. Expected a folder, a .json list or a .csv table.")
    rows = read_rows(path)
    if rows is None:
        raise UsageError(f"{path} is not a set. Expected a folder, a .json list or a .csv table.")
    samples = [
        Sample(path.parent / row.photo, None if row.authentic else path.parent / row.mask, row.kind) for row in rows
    ]
    if not samples:
        raise UsageError(f"{path} lists no photos.")
    missing = {
        sample: [str(file) for file in (sample.photo, sample.mask) if file and not is_there(file)] for sample in samples
    }
    gone = [name for names in missing.values() for name in names]
    if strict and gone:
        raise refusal(f"Files that {path} lists but that do not exist", gone, "Correct the list.")
    there = tuple(sample for sample in samples if not missing[sample])
    if not there:
        raise UsageError(f"{path} lists no existing file. First entry: {gone[0]}. Paths are relative to the list.")
    return Dataset(path.stem, there, tuple(f"{name}: listed, but not there" for name in gone))


def is_there(path: Path) -> bool:
    """Return whether a file exists, which one with too long a name does not."""
    try:
        return path.is_file()
    except OSError:
        return False
