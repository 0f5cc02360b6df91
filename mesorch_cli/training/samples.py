"""Forged samples on the fly: sample i is the same whatever process makes it, so a run can resume at any i."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, TypeVar

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from mesorch_cli.errors import InputError, UsageError
from mesorch_cli.evaluation.masks import read_mask
from mesorch_cli.forge.framing import framed
from mesorch_cli.forge.life import Life
from mesorch_cli.forge.recipe import Donor, ForgeRecipe, Forgery, forge_photo, forge_twins
from mesorch_cli.network.normalise import normalise
from mesorch_cli.training.config import Data, Source
from mesorch_cli.training.photos import SoundPhotos

PHOTO_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
MOST_REFUSED = 20  # photos drawn in vain, one after another
CROP_TRIES = 6
CROP_TAMPERED = (0.01, 0.7)  # share of a crop that should be tampered, where the photo allows it

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Read = TypeVar("Read")


class Batch(NamedTuple):
    """Samples: images (B, 3, H, W) and masks (B, 1, H, W), float32; names: for each, what it was made of.

    twins: int64 (B,), how many samples further on (or, negative, back) the twin of each lies, 0 for those without one:
    the same view of the same photo, forged and as it would be unedited. It survives the joining of batches.
    refused: sentences on photos that were drawn and could not be used; others were drawn for them.
    """

    images: Tensor
    masks: Tensor
    names: tuple[str, ...]
    twins: Tensor
    refused: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pool:
    """Files of several folders, drawn by the folders' shares."""

    folders: tuple[tuple[Path, ...], ...]
    shares: tuple[float, ...]

    @classmethod
    def of(cls, sources: Sequence[Source], *, with_masks: bool) -> "Pool":
        """List the photos of each source; UsageError if one has none."""
        folders = []
        for source in sources:
            found = (path for path in source.folder.rglob("*") if path.suffix.lower() in PHOTO_SUFFIXES)
            files = sorted(path for path in found if not path.name.startswith("._"))  # side files of macOS
            if with_masks:
                files = [path for path in files if path.suffix == ".jpg" and path.with_suffix(".png").exists()]
            if not files:
                raise UsageError(f"No {'photos with masks' if with_masks else 'photos'} in {source.folder}.")
            folders.append(tuple(files))
        total = sum(source.share for source in sources)
        return cls(tuple(folders), tuple(source.share / total for source in sources))

    @property
    def files(self) -> list[Path]:
        return [path for folder in self.folders for path in folder]

    def draw(self, rng: np.random.Generator) -> Path:
        """Return one file: a folder by its share, then any file of it."""
        files = self.folders[int(rng.choice(len(self.folders), p=self.shares))]
        return files[int(rng.integers(len(files)))]


@dataclass(frozen=True)
class Place:
    """Where a view is taken: a side x side window at native resolution whose corner is `corner` (y, x), or the whole photo
    squashed to that size where there is none; mirrored left to right or not.
    """

    side: int
    corner: tuple[int, int] | None
    mirrored: bool = False

    def seen(self, pixels: Pixels, mask: Mask) -> tuple[Pixels, Mask]:
        """Return this view of a photo; the same place of twins shows the same part of both."""
        if self.corner is None:
            pixels, mask = squashed_view(pixels, mask, self.side)
        else:
            pad = _missing(mask, self.side)
            if any(after for _, after in pad):
                pixels, mask = np.pad(pixels, (*pad, (0, 0)), "reflect"), np.pad(mask, pad, "reflect")
            window = np.s_[self.corner[0] : self.corner[0] + self.side, self.corner[1] : self.corner[1] + self.side]
            pixels, mask = pixels[window], mask[window]
        return (pixels[:, ::-1], mask[:, ::-1]) if self.mirrored else (pixels, mask)


def drawn_place(rng: np.random.Generator, mask: Mask, *, native_share: float, side: int) -> Place:
    """Draw a native window, with some tampered pixels where there are any, or the squashed photo, by their shares."""
    if rng.random() >= native_share:
        return Place(side, None)
    height, width = mask.shape
    pad = _missing(mask, side)
    if any(after for _, after in pad):
        mask = np.pad(mask, pad, "reflect")
        height, width = mask.shape
    y = x = 0
    for _ in range(CROP_TRIES):
        y, x = int(rng.integers(0, height - side + 1)), int(rng.integers(0, width - side + 1))
        share = mask[y : y + side, x : x + side].mean()
        if CROP_TAMPERED[0] <= share <= CROP_TAMPERED[1]:
            break
    return Place(side, (y, x))


def _missing(mask: Mask, side: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return by how much a photo must be padded, after its last row and column, to hold a window."""
    height, width = mask.shape
    return (0, max(0, side - height)), (0, max(0, side - width))


def squashed_view(pixels: Pixels, mask: Mask, side: int) -> tuple[Pixels, Mask]:
    """Return the whole photo squashed to side x side, as the whole-image pass of the engine does it."""
    small = cv2.resize(pixels, (side, side), interpolation=cv2.INTER_LINEAR)
    small_mask = cv2.resize(mask.astype(np.uint8), (side, side), interpolation=cv2.INTER_NEAREST)
    return small.astype(np.uint8), small_mask > 0


def drawn_view(
    rng: np.random.Generator, pixels: Pixels, mask: Mask, *, native_share: float, side: int
) -> tuple[Pixels, Mask]:
    """Return a native window or the squashed photo, by their shares."""
    return drawn_place(rng, mask, native_share=native_share, side=side).seen(pixels, mask)


def as_batch(views: Sequence[tuple[Pixels, Mask]], names: Sequence[str], twins: Sequence[int] | None = None) -> Batch:
    """Return views of one size as normalised tensors; twins: see Batch, none where not given."""
    images = [normalise(np.ascontiguousarray(pixels)) for pixels, _ in views]
    masks = [np.ascontiguousarray(mask, dtype=np.float32)[None] for _, mask in views]
    offsets = torch.tensor([0] * len(views) if twins is None else list(twins), dtype=torch.int64)
    return Batch(torch.from_numpy(np.stack(images)), torch.from_numpy(np.stack(masks)), tuple(names), offsets)


class ForgedSamples(Dataset[Batch]):
    """Item i: `views` samples of one forged photo; for `twin_share` of them, half of the views are its unedited twin's.

    Everything random comes from (seed, i). With `validation`, the pools of validation sources are used.
    """

    def __init__(
        self, data: Data, *, side: int, seed: int, length: int, recipe: ForgeRecipe, validation: bool = False
    ) -> None:
        photos, objects = (
            (data.validation_photos, data.validation_objects) if validation else (data.photos, data.objects)
        )
        self.data = data
        self.side = side
        self.seed = seed
        self.length = length
        self.recipe = recipe
        self.photos = Pool.of(photos, with_masks=False)
        self.objects = Pool.of(objects, with_masks=True) if objects else None
        self.refused: dict[Path, str] = {}  # why each could not be used, of those that were drawn
        self._sound = SoundPhotos()

    def __len__(self) -> int:
        return self.length

    @property
    def files(self) -> list[Path]:
        """Return every photo that may be drawn."""
        return self.photos.files + (self.objects.files if self.objects else [])

    def host(self, rng: np.random.Generator) -> tuple[Donor, Path]:
        """Draw a host of at most `working_side` pixels a side: a photo, or one whose object is known."""
        if self.objects is not None and rng.random() < self.data.object_host_share:
            known, path = self._drawn(rng, self.objects, self._object)
            life = Life(rng, known.pixels, known.plane)
        else:
            pixels, path = self._drawn(rng, self.photos, self._sound.read)
            life = Life(rng, pixels)
        framed(life, self.data.working_side)
        return Donor.with_plane(life.pixels, life.plane), path

    def donor(self, rng: np.random.Generator) -> tuple[Donor, Path]:
        """Draw a donor: an object with its mask, or any photo."""
        if self.objects is not None and rng.random() < self.data.object_share:
            return self._drawn(rng, self.objects, self._object)
        pixels, path = self._drawn(rng, self.photos, self._sound.read)
        life = Life(rng, pixels)
        framed(life, self.data.working_side)
        return Donor(life.pixels), path

    def _object(self, path: Path) -> Donor:
        """Read a photo of the object pool with the mask of the same stem."""
        return Donor(self._sound.read(path), mask=read_mask(path.with_suffix(".png")).tampered)

    def _drawn(self, rng: np.random.Generator, pool: Pool, read: Callable[[Path], Read]) -> tuple[Read, Path]:
        """Draw a file and read it, another where that fails: which one depends on the stream and the files alone."""
        last: InputError | None = None
        for _ in range(MOST_REFUSED):
            path = pool.draw(rng)
            try:
                return read(path), path
            except InputError as error:
                self.refused[path] = str(error)
                last = error
        raise InputError(
            f"{MOST_REFUSED} photos drawn in a row cannot be used; the last: {last}", reason="no usable photo"
        )

    def forged(self, index: int) -> tuple[Pixels, Mask, str]:
        """Return forged photo `index` with its mask, and what was done to it."""
        forgery, _ = self.forgery(np.random.default_rng([self.seed, index]))
        return forgery.pixels, forgery.mask, forgery.operation

    def forgery(self, rng: np.random.Generator) -> tuple[Forgery, str]:
        """Make a forged photo; returns it, and its operation and sources in words."""
        host, donor, sources = self.sources(rng)
        forgery = forge_photo(rng, host, donor, self.recipe)
        return forgery, f"{forgery.operation} of {sources}"

    def twins(self, rng: np.random.Generator) -> tuple[Forgery, Forgery, str]:
        """Make a forged photo as `forgery` does, and its twin (itself, where it is authentic)."""
        host, donor, sources = self.sources(rng)
        forgery, twin = forge_twins(rng, host, donor, self.recipe)
        return forgery, twin, f"{forgery.operation} of {sources}"

    def __getitem__(self, index: int) -> Batch:
        known = len(self.refused)
        batch = self._item(index)
        return batch._replace(refused=tuple(list(self.refused.values())[known:]))

    def _item(self, index: int) -> Batch:
        rng = np.random.default_rng([self.seed, index])
        count = self.data.views
        if self.paired(rng):
            forgery, twin, name = self.twins(rng)
        else:
            forgery, name = self.forgery(rng)
            twin = forgery
        paired = twin is not forgery  # an authentic photo is its own twin
        half = count // 2 if paired else count
        places = [self._place(rng, forgery.mask) for _ in range(count - half if paired else count)]
        views = [place.seen(forgery.pixels, forgery.mask) for place in places]
        if not paired:
            return as_batch(views, [name] * count)
        # Of an odd number of views, the last forged one has no twin.
        others = [place.seen(twin.pixels, twin.mask) for place in places[:half]]
        names = [name] * len(views) + [f"unedited twin of {name}"] * half
        offsets = [len(views)] * half + [0] * (len(views) - half) + [-len(views)] * half
        return as_batch(views + others, names, offsets)

    def paired(self, rng: np.random.Generator) -> bool:
        """Draw whether half of an item's views are its twin's; a single view has no room for one."""
        return self.data.views > 1 and bool(rng.random() < self.data.twin_share)

    def _place(self, rng: np.random.Generator, mask: Mask) -> Place:
        place = drawn_place(rng, mask, native_share=self.data.native_share, side=self.side)
        return replace(place, mirrored=bool(rng.random() < 0.5))

    def sources(self, rng: np.random.Generator) -> tuple[Donor, Donor, str]:
        """Draw a host and a donor; returns them, and their paths in words."""
        host, host_path = self.host(rng)
        donor, donor_path = self.donor(rng)
        return host, donor, f"{host_path} with {donor_path}"
