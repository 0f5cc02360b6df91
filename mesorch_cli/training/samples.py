"""Forged samples on the fly: sample i is the same whatever process makes it, so a run can resume at any i."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from mesorch_cli.errors import InputError, UsageError
from mesorch_cli.evaluation.masks import read_mask
from mesorch_cli.forge.framing import framed
from mesorch_cli.forge.life import Life
from mesorch_cli.forge.recipe import Donor, ForgeRecipe, Forgery, forge_photo
from mesorch_cli.network.normalise import normalise
from mesorch_cli.training.config import Data, Source

PHOTO_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
CROP_TRIES = 6
CROP_TAMPERED = (0.01, 0.7)  # share of a crop that should be tampered, where the photo allows it

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]


class Batch(NamedTuple):
    """Samples: images (B, 3, H, W) and masks (B, 1, H, W), float32; names: for each, what it was made of."""

    images: Tensor
    masks: Tensor
    names: tuple[str, ...]


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
            files = sorted(path for path in source.folder.rglob("*") if path.suffix.lower() in PHOTO_SUFFIXES)
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


def load_rgb(path: Path) -> Pixels:
    """Decode a photo of the pool to (H, W, 3) uint8 RGB; InputError names a file that cannot be decoded."""
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError(
            f"Cannot decode {path}: {error}. Expected a whole photo; leave it out.", reason="unreadable"
        ) from error


def load_object(path: Path) -> Donor:
    """Decode a photo of the object pool with the mask of the same stem."""
    return Donor(load_rgb(path), mask=read_mask(path.with_suffix(".png")).tampered)


def native_view(rng: np.random.Generator, pixels: Pixels, mask: Mask, side: int) -> tuple[Pixels, Mask]:
    """Return a side x side window at native resolution, with some tampered pixels where there are any."""
    height, width = mask.shape
    if height < side or width < side:
        pad = ((0, max(0, side - height)), (0, max(0, side - width)))
        pixels, mask = np.pad(pixels, (*pad, (0, 0)), "reflect"), np.pad(mask, pad, "reflect")
        height, width = mask.shape
    y = x = 0
    for _ in range(CROP_TRIES):
        y, x = int(rng.integers(0, height - side + 1)), int(rng.integers(0, width - side + 1))
        share = mask[y : y + side, x : x + side].mean()
        if CROP_TAMPERED[0] <= share <= CROP_TAMPERED[1]:
            break
    return pixels[y : y + side, x : x + side], mask[y : y + side, x : x + side]


def squashed_view(pixels: Pixels, mask: Mask, side: int) -> tuple[Pixels, Mask]:
    """Return the whole photo squashed to side x side, as the whole-image pass of the engine does it."""
    small = cv2.resize(pixels, (side, side), interpolation=cv2.INTER_LINEAR)
    small_mask = cv2.resize(mask.astype(np.uint8), (side, side), interpolation=cv2.INTER_NEAREST)
    return small.astype(np.uint8), small_mask > 0


def drawn_view(
    rng: np.random.Generator, pixels: Pixels, mask: Mask, *, native_share: float, side: int
) -> tuple[Pixels, Mask]:
    """Return a native window or the squashed photo, by their shares."""
    if rng.random() < native_share:
        return native_view(rng, pixels, mask, side)
    return squashed_view(pixels, mask, side)


def as_batch(views: Sequence[tuple[Pixels, Mask]], names: Sequence[str]) -> Batch:
    """Return views of one size as normalised tensors."""
    images = [normalise(np.ascontiguousarray(pixels)) for pixels, _ in views]
    masks = [np.ascontiguousarray(mask, dtype=np.float32)[None] for _, mask in views]
    return Batch(torch.from_numpy(np.stack(images)), torch.from_numpy(np.stack(masks)), tuple(names))


class ForgedSamples(Dataset[Batch]):
    """Item i: `views` samples of one forged photo.

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

    def __len__(self) -> int:
        return self.length

    @property
    def files(self) -> list[Path]:
        """Return every photo that may be drawn."""
        return self.photos.files + (self.objects.files if self.objects else [])

    def host(self, rng: np.random.Generator) -> tuple[Donor, Path]:
        """Draw a host of at most `working_side` pixels a side: a photo, or one whose object is known."""
        if self.objects is not None and rng.random() < self.data.object_host_share:
            path = self.objects.draw(rng)
            known = load_object(path)
            life = Life(rng, known.pixels, known.plane)
        else:
            path = self.photos.draw(rng)
            life = Life(rng, load_rgb(path))
        framed(life, self.data.working_side)
        return Donor.with_plane(life.pixels, life.plane), path

    def donor(self, rng: np.random.Generator) -> tuple[Donor, Path]:
        """Draw a donor: an object with its mask, or any photo."""
        if self.objects is not None and rng.random() < self.data.object_share:
            path = self.objects.draw(rng)
            return load_object(path), path
        path = self.photos.draw(rng)
        life = Life(rng, load_rgb(path))
        framed(life, self.data.working_side)
        return Donor(life.pixels), path

    def forged(self, index: int) -> tuple[Pixels, Mask, str]:
        """Return forged photo `index` with its mask, and what was done to it."""
        forgery, _ = self.forgery(np.random.default_rng([self.seed, index]))
        return forgery.pixels, forgery.mask, forgery.operation

    def forgery(self, rng: np.random.Generator) -> tuple[Forgery, str]:
        """Make a forged photo; returns it, and its operation and sources in words."""
        host, host_path = self.host(rng)
        donor, donor_path = self.donor(rng)
        forgery = forge_photo(rng, host, donor, self.recipe)
        return forgery, f"{forgery.operation} of {host_path} with {donor_path}"

    def __getitem__(self, index: int) -> Batch:
        rng = np.random.default_rng([self.seed, index])
        forgery, name = self.forgery(rng)
        views = []
        for _ in range(self.data.views):
            view, mask = drawn_view(
                rng, forgery.pixels, forgery.mask, native_share=self.data.native_share, side=self.side
            )
            views.append((view[:, ::-1], mask[:, ::-1]) if rng.random() < 0.5 else (view, mask))
        return as_batch(views, [name] * len(views))
