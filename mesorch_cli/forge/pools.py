"""The pools from which hosts and donors are drawn: folders of photos and of objects, each with its share."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mesorch_cli.errors import InputError
from mesorch_cli.forge.photos import SoundPhotos
from mesorch_cli.forge.sources import NAMED, ObjectFolder, PhotoFolder, Source

MOST_REFUSED = 20  # files drawn in a row without success


@dataclass(frozen=True)
class Refused:
    """A drawn file that could not be used: its location, its path below its folder, a short reason, and a sentence."""

    file: Path
    path: str
    reason: str
    sentence: str


@dataclass(frozen=True)
class Pool:
    """Folders of one kind with shares that sum to 1. Within a folder, files are drawn uniformly."""

    folders: tuple[PhotoFolder | ObjectFolder, ...]
    shares: tuple[float, ...]

    @classmethod
    def of(cls, folders: Sequence[PhotoFolder | ObjectFolder], shares: Sequence[float] | None = None) -> "Pool":
        """Return a pool of folders with these relative shares, or with equal ones."""
        given = [1.0] * len(folders) if shares is None else list(shares)
        return cls(tuple(folders), tuple(share / sum(given) for share in given))

    @property
    def files(self) -> list[Path]:
        """Return every photo that may be drawn."""
        return [folder.root / path for folder in self.folders for path in folder.paths]

    @property
    def whole_photos(self) -> "Pool | None":
        """Return the pool without cut-outs, which cannot be hosts; None if nothing is left."""
        kept = [
            (folder.photos_alone() if isinstance(folder, ObjectFolder) else folder, share)
            for folder, share in zip(self.folders, self.shares, strict=True)
        ]
        kept = [(folder, share) for folder, share in kept if folder.paths]
        return Pool.of([folder for folder, _ in kept], [share for _, share in kept]) if kept else None

    def every_other(self, first: int) -> "Pool":
        """Return a pool of every second file of each folder, starting with file `first` (0 or 1)."""
        return replace(self, folders=tuple(replace(one, paths=one.paths[first::2]) for one in self.folders))

    def draw(self, rng: np.random.Generator, photos: SoundPhotos, refused: list[Refused]) -> Source:
        """Draw and read a file, or another if that fails. The choice depends only on the stream and the files.

        Unusable files are added to `refused`. Raises InputError if there are too many in a row.
        """
        for _ in range(MOST_REFUSED):
            # A single folder uses nothing from the stream.
            at = int(rng.choice(len(self.folders), p=self.shares)) if len(self.folders) > 1 else 0
            folder = self.folders[at]
            path = folder.paths[int(rng.integers(len(folder.paths)))]
            try:
                return folder.read(path, photos)
            except InputError as error:
                refused.append(Refused(folder.root / path, path, error.reason, str(error)))
        roots = ", ".join(repr(str(folder.root)) for folder in self.folders[:NAMED])
        raise InputError(
            f"{MOST_REFUSED} files in a row from {roots} cannot be used. The last one: {refused[-1].sentence}",
            reason="no usable photo",
        )


@dataclass(frozen=True)
class Pools:
    """The sources of forgeries: pristine photos, and objects with masks if there are any."""

    photos: Pool
    objects: Pool | None = None

    @classmethod
    def of(cls, photos: PhotoFolder, objects: ObjectFolder | None = None) -> "Pools":
        """Return the pools of one folder of photos and at most one of objects."""
        return cls(Pool.of([photos]), None if objects is None else Pool.of([objects]))

    @property
    def folders(self) -> tuple[PhotoFolder | ObjectFolder, ...]:
        return self.photos.folders + (self.objects.folders if self.objects else ())

    @property
    def files(self) -> list[Path]:
        """Return every photo that may be drawn."""
        return self.photos.files + (self.objects.files if self.objects else [])
