"""The pools that hosts and donors are drawn from: folders of photos and of objects, each with its share."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mesorch_cli.errors import InputError
from mesorch_cli.forge.photos import SoundPhotos
from mesorch_cli.forge.sources import NAMED, ObjectFolder, PhotoFolder, Source

MOST_REFUSED = 20  # files drawn in vain, one after another


@dataclass(frozen=True)
class Refused:
    """A file that was drawn and could not be used: where it is, its path below its folder, a short reason, a sentence."""

    file: Path
    path: str
    reason: str
    sentence: str


@dataclass(frozen=True)
class Pool:
    """Folders of one kind and how often each is drawn; the shares sum to 1. Within a folder, all files are drawn alike."""

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
        """Return the pool without cut-outs, which cannot be hosts; None where nothing is left."""
        kept = [
            (folder.photos_alone() if isinstance(folder, ObjectFolder) else folder, share)
            for folder, share in zip(self.folders, self.shares, strict=True)
        ]
        kept = [(folder, share) for folder, share in kept if folder.paths]
        return Pool.of([folder for folder, _ in kept], [share for _, share in kept]) if kept else None

    def every_other(self, first: int) -> "Pool":
        """Return a pool of every other file of each folder, from the file `first` (0 or 1) on."""
        return replace(self, folders=tuple(replace(one, paths=one.paths[first::2]) for one in self.folders))

    def draw(self, rng: np.random.Generator, photos: SoundPhotos, refused: list[Refused]) -> Source:
        """Draw a file and read it, another where that fails: which one depends on the stream and the files alone.

        Files that cannot be used are added to `refused`. Raises InputError where too many in a row cannot.
        """
        for _ in range(MOST_REFUSED):
            # A single folder takes nothing from the stream.
            at = int(rng.choice(len(self.folders), p=self.shares)) if len(self.folders) > 1 else 0
            folder = self.folders[at]
            path = folder.paths[int(rng.integers(len(folder.paths)))]
            try:
                return folder.read(path, photos)
            except InputError as error:
                refused.append(Refused(folder.root / path, path, error.reason, str(error)))
        roots = ", ".join(repr(str(folder.root)) for folder in self.folders[:NAMED])
        raise InputError(
            f"{MOST_REFUSED} files drawn from {roots} in a row cannot be used; the last: {refused[-1].sentence}",
            reason="no usable photo",
        )


@dataclass(frozen=True)
class Pools:
    """What forgeries are made from: pristine photos, and objects with masks where there are any."""

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
