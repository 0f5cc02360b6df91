"""Photos for forgeries and training. Each is checked fully when it is first read, and later only decoded."""

from dataclasses import replace
from pathlib import Path

from mesorch_cli.errors import InputError
from mesorch_cli.evidence.isolation.isolated_reader import process_reader
from mesorch_cli.evidence.photo import Photo, ReadOptions

WHOLE = ReadOptions()

Stamp = tuple[int, int]


class SoundPhotos:
    """Reads photos and remembers the intact ones, which are only decoded when they are read again.

    A file whose length or time of change differs is checked again.
    """

    def __init__(self) -> None:
        self._sound: dict[Path, Stamp] = {}

    def read(self, path: Path, options: ReadOptions = WHOLE) -> Photo:
        """Return a photo from this process's reader. InputError names a damaged or unreadable file."""
        stamp = _stamp(path)
        known = stamp is not None and self._sound.get(path) == stamp
        photo = process_reader().read(path, options=replace(options, checks=not known))
        if not photo.decode.integrity.ok:
            raise InputError(
                f"{str(path)!r} is damaged ({photo.decode.integrity.findings[0]}). Expected an intact photo: leave it "
                "out.",
                reason="damaged",
            )
        if stamp is not None:
            self._sound[path] = stamp
        return photo


def _stamp(path: Path) -> Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None  # the reader reports what is wrong
    return found.st_size, found.st_mtime_ns
