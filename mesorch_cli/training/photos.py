"""Photos of a training set as pixels: by the reader of all commands, each checked in full when it is first seen."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mesorch_cli.errors import InputError
from mesorch_cli.evidence.isolation.isolated_reader import process_reader
from mesorch_cli.evidence.photo import ReadOptions
from mesorch_cli.inference.backends.protocol import eight_bits

AT_ONCE = 4  # files that are checked side by side before a run
KNOWN = ReadOptions(checks=False)

Pixels = NDArray[np.uint8]
Stamp = tuple[int, int]
Found = TypeVar("Found")
Asked = TypeVar("Asked")


class SoundPhotos:
    """Reads photos, and remembers which ones were found whole: these are only decoded when they are drawn again.

    A file whose length or time of change is another than then is checked anew.
    """

    def __init__(self) -> None:
        self._sound: dict[Path, Stamp] = {}

    def read(self, path: Path) -> Pixels:
        """Return (H, W, 3) uint8 RGB, as `evaluate` sees it. InputError names a file that cannot be read or is damaged."""
        stamp = _stamp(path)
        known = stamp is not None and self._sound.get(path) == stamp
        photo = process_reader().read(path, options=KNOWN if known else ReadOptions())
        if not photo.decode.integrity.ok:
            raise InputError(
                f"{str(path)!r} is damaged ({photo.decode.integrity.findings[0]}); expected a whole photo. Leave it out.",
                reason="damaged",
            )
        if stamp is not None:
            self._sound[path] = stamp
        return eight_bits(photo.pixels)


def side_by_side(work: Callable[[Asked], Found], asked: Iterable[Asked]) -> Iterator[Found]:
    """Yield what `work` gives for each, in order; a few are under way at once, each read by a worker of its own."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from pool.map(work, asked)


def _stamp(path: Path) -> Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None  # the reader says what is wrong
    return found.st_size, found.st_mtime_ns
