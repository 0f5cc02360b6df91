"""Sets of photos with masks, as researchers keep them: folders, lists, tables.

A set pairs photos with masks by the stem of their names, never by their order. What does not pair is refused by name: a
wrong pair would give a wrong figure without a word.
"""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mesorch_cli.errors import InputError, UsageError
from mesorch_cli.evidence.hashing import sha256_file

LAYOUTS = (("Tp", "Gt", "Au"), ("image", "mask", "authentic"))
MASK_ENDINGS = ("", "_gt", "_mask", "_edgemask")  # what data sets hang on a photo's stem to name its mask
NEGATIVE = "Negative"  # in place of a mask: the photo is authentic
NAMED = 5  # of what is wrong, the first so many are named


@dataclass(frozen=True)
class Sample:
    """A photo and its mask; no mask means authentic."""

    photo: Path
    mask: Path | None


@dataclass(frozen=True)
class Dataset:
    """Samples under one name, in a fixed order."""

    name: str
    samples: tuple[Sample, ...]

    @property
    def tampered(self) -> tuple[Sample, ...]:
        return tuple(sample for sample in self.samples if sample.mask is not None)

    @property
    def authentic(self) -> tuple[Sample, ...]:
        return tuple(sample for sample in self.samples if sample.mask is None)


def refusal(what: str, names: Sequence[str], remedy: str) -> InputError:
    """Return the error that names the first few."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return InputError(f"{what}: {', '.join(names[:NAMED])}{more}. {remedy}", reason="unpaired")


def files_of(folder: Path) -> list[Path]:
    """Return the files of a folder, hidden ones left out, by name; UsageError if it is no folder."""
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder. Expected one with photos or masks.")
    return sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))


def read_folders(images: Path, masks: Path | None, authentic: Path | None, name: str | None = None) -> Dataset:
    """Pair the photos of `images` with the files of `masks` by stem, and add the photos of `authentic`.

    Raises InputError for a photo without a mask, a mask without a photo, or two photos that would share one; UsageError for a
    folder that is not there.
    """
    samples: list[Sample] = []
    if masks is not None:
        by_stem: dict[str, Path] = {path.stem: path for path in files_of(masks)}
        used: dict[Path, Path] = {}
        lonely = []
        for photo in files_of(images):
            mask = next((by_stem[photo.stem + end] for end in MASK_ENDINGS if photo.stem + end in by_stem), None)
            if mask is None:
                lonely.append(photo.name)
            elif mask in used:
                raise refusal(
                    f"The photos of {images} share one mask", [used[mask].name, photo.name], "Give each its own stem."
                )
            else:
                used[mask] = photo
                samples.append(Sample(photo, mask))
        if lonely:
            raise refusal(f"Photos of {images} without a mask in {masks}", lonely, "Add the masks or move them away.")
        if extra := [path.name for path in by_stem.values() if path not in used]:
            raise refusal(f"Masks of {masks} without a photo in {images}", extra, "Add the photos or move them away.")
    if authentic is not None:
        samples += [Sample(photo, None) for photo in files_of(authentic)]
    if not samples:
        raise UsageError(f"No photos in {images}. Expected photos and masks.")
    return Dataset(name or images.name, tuple(samples))


def read_dataset(path: Path) -> Dataset:
    """Read a set: a folder with `Tp` and `Gt` (and `Au`) or `image` and `mask` (and `authentic`), a JSON list of
    [photo, mask or "Negative"], or a CSV with the columns photo and mask (empty: authentic).

    Paths in a list are relative to the list. Raises UsageError for what is none of these, InputError for files that are
    missing or do not pair.
    """
    if path.is_dir():
        for tampered, masks, authentic in LAYOUTS:
            if (path / tampered).is_dir():
                aside = path / authentic
                return read_folders(path / tampered, path / masks, aside if aside.is_dir() else None, path.name)
        expected = " or ".join(f"{tampered}/ and {masks}/" for tampered, masks, _ in LAYOUTS)
        raise UsageError(f"{path} holds no set. Expected {expected} in it; or use --images and --masks.")
    if not path.is_file():
        raise UsageError(f"{path} does not exist. Expected a folder, a .json list or a .csv table.")
    rows = {".json": _json_rows, ".csv": _csv_rows}.get(path.suffix.lower())
    if rows is None:
        raise UsageError(f"{path} is no set. Expected a folder, a .json list or a .csv table.")
    samples = [
        Sample(path.parent / photo, None if mask in ("", NEGATIVE) else path.parent / mask)
        for photo, mask in rows(path)
    ]
    if not samples:
        raise UsageError(f"{path} lists no photos.")
    files = [file for sample in samples for file in (sample.photo, sample.mask) if file is not None]
    if missing := [str(file) for file in files if not file.is_file()]:
        raise refusal(f"Files that {path} lists and that are not there", missing, "Correct the list.")
    return Dataset(path.stem, tuple(samples))


def _json_rows(path: Path) -> list[tuple[str, str]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UsageError(f"{path} is no JSON: {error}.") from error
    if not isinstance(content, list):
        raise UsageError(f"{path} holds a {type(content).__name__}. Expected a list of [photo, mask] pairs.")
    for row in content:
        if not (isinstance(row, list) and len(row) == 2 and all(isinstance(part, str) for part in row)):
            raise UsageError(f'{path} has the entry {json.dumps(row)[:80]}. Expected [photo, mask or "{NEGATIVE}"].')
    return [(row[0], row[1]) for row in content]


def _csv_rows(path: Path) -> list[tuple[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        table = csv.DictReader(file)
        if not {"photo", "mask"} <= set(table.fieldnames or ()):
            raise UsageError(f"{path} has the columns {table.fieldnames}. Expected photo and mask.")
        return [(row["photo"] or "", row["mask"] or "") for row in table]


def shared_photos(first: Dataset, second: Dataset) -> list[str]:
    """Return the names of photos of `second` whose bytes are also in `first`."""
    known = {sha256_file(sample.photo) for sample in first.samples}
    return [sample.photo.name for sample in second.samples if sha256_file(sample.photo) in known]
