"""What is refused before a run starts: masks that cannot be read or do not fit, photos both trained and validated on."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from PIL import Image

from mesorch_cli.errors import InputError
from mesorch_cli.evaluation.datasets import Dataset, refusal
from mesorch_cli.evaluation.masks import MaskRule, read_mask, readings
from mesorch_cli.evidence.hashing import sha256_file

OnFile = Callable[[int, int], None]


def raster_size(path: Path) -> tuple[int, int]:
    """Return (width, height) from a file's header alone. Raises InputError where there is none to read."""
    try:
        with Image.open(path) as image:
            return image.size
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError(f"Cannot read {path}: {error}. Expected an image.", reason="unreadable") from error


def check_rasters(sets: Sequence[Dataset], masks: MaskRule, on_file: OnFile | None = None) -> dict[str, dict[str, int]]:
    """Refuse sets with a photo that cannot be read, or whose mask cannot or has another size; the first five are named.

    Returns by set how its masks were read, and how many each way.
    """
    read: dict[str, dict[str, int]] = {}
    total = sum(len(one.samples) for one in sets)
    done = 0
    for one in sets:
        unread: list[str] = []
        unlike: list[str] = []
        taken: list[str] = []
        for sample in one.samples:
            try:
                photo = mask = raster_size(sample.photo)
                if sample.mask is not None:
                    found = read_mask(sample.mask, masks)
                    taken.append(found.reading)
                    height, width = found.tampered.shape
                    mask = width, height
                if mask != photo:
                    sizes = f"mask {mask[0]} x {mask[1]}, photo {photo[0]} x {photo[1]}"
                    unlike.append(f"{sample.photo.name} ({sizes})")
            except InputError as error:
                unread.append(f"{sample.photo.name} ({error})")
            done += 1
            if on_file is not None:
                on_file(done, total)
        if unread:
            raise refusal(f"Files of {one.name} that cannot be read", unread, "Leave them out.")
        if unlike:
            raise refusal(f"Photos of {one.name} with a mask of another size", unlike, "Make the masks anew.")
        read[one.name] = readings(taken)
    return read


def check_apart(trained: Iterable[Path], validated: Iterable[Path]) -> None:
    """Refuse photos that are in both by the SHA-256 of their bytes; the first five are named.

    Files of different lengths differ, so only those of one length are read.
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
            f"{len(shared)} photos are both trained and validated on",
            shared,
            "Expected different ones: take them out of either, or the figures flatter.",
        )


def _length(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror}.", reason="unreadable") from error
