"""Checks before a run: unreadable or unsuitable masks, and photos in both training and validation, are refused."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mesorch_cli.errors import InputError
from mesorch_cli.evaluation.datasets import Dataset, Sample, refusal
from mesorch_cli.evaluation.masks import MaskRule, read_mask, readings
from mesorch_cli.files.hashing import sha256_file
from mesorch_cli.forge.photos import SoundPhotos
from mesorch_cli.training.photos import side_by_side

OnFile = Callable[[int, int], None]


@dataclass(frozen=True)
class _Seen:
    """A photo and its mask: (width, height) of each, and how the mask was read."""

    photo: tuple[int, int]
    mask: tuple[int, ...] | None
    reading: str | None


def check_rasters(sets: Sequence[Dataset], masks: MaskRule, on_file: OnFile | None = None) -> dict[str, dict[str, int]]:
    """Refuse sets with unreadable or damaged photos, and with masks that are unreadable or of another size.

    The first five are named. Returns for each set how its masks were read, with counts.
    """
    read: dict[str, dict[str, int]] = {}
    total = sum(len(one.samples) for one in sets)
    done = 0
    photos = SoundPhotos()

    def looked_at(sample: Sample) -> _Seen | InputError:
        try:
            height, width = photos.read(sample.photo).pixels.shape[:2]
            mask = None if sample.mask is None else read_mask(sample.mask, masks)
        except InputError as error:
            return error
        return _Seen((width, height), mask.tampered.shape[::-1] if mask else None, mask.reading if mask else None)

    for one in sets:
        unread: list[str] = []
        unlike: list[str] = []
        taken: list[str | None] = []
        for sample, seen in zip(one.samples, side_by_side(looked_at, one.samples), strict=True):
            if isinstance(seen, InputError):
                unread.append(f"{sample.photo.name} ({seen})")
            else:
                taken.append(seen.reading)
                if seen.mask is not None and seen.mask != seen.photo:
                    sizes = f"mask {seen.mask[0]} x {seen.mask[1]}, photo {seen.photo[0]} x {seen.photo[1]}"
                    unlike.append(f"{sample.photo.name} ({sizes})")
            done += 1
            if on_file is not None:
                on_file(done, total)
        if unread:
            raise refusal(f"Files of {one.name} that cannot be read", unread, "Leave them out.")
        if unlike:
            raise refusal(f"Photos of {one.name} with a mask of another size", unlike, "Make the masks again.")
        read[one.name] = readings(taken)
    return read


def check_apart(trained: Iterable[Path], validated: Iterable[Path]) -> None:
    """Refuse photos that are in both, by the SHA-256 of their bytes. The first five are named.

    Files of different lengths differ, so only files of equal length are read.
    """
    by_length: dict[int, list[Path]] = defaultdict(list)
    for path in trained:
        by_length[_length(path)].append(path)
    known: dict[Path, str] = {}
    shared = []
    for path in validated:
        rivals = by_length.get(_length(path), [])
        if not rivals:
            continue
        digest = sha256_file(path)
        for rival in rivals:
            if rival not in known:
                known[rival] = sha256_file(rival)
            if known[rival] == digest:
                shared.append(f"{path} is {rival}" if path.resolve() != rival.resolve() else str(path))
                break
    if shared:
        raise refusal(
            f"{len(shared)} photos are used for both training and validation",
            shared,
            "Expected different photos: remove them from one of the two, or the figures flatter.",
        )


def _length(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror}.", reason="unreadable") from error
