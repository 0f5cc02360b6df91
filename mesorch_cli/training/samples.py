"""Forged samples on the fly: sample i is the same whatever process makes it, so a run can resume at any i."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from mesorch_cli.errors import InputError, UsageError
from mesorch_cli.forge.framing import framed
from mesorch_cli.forge.life import Life
from mesorch_cli.forge.recipe import Donor, ForgeRecipe, forge_photo
from mesorch_cli.network.normalise import normalise
from mesorch_cli.training.config import Data, Source

PHOTO_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
CROP_TRIES = 6
CROP_TAMPERED = (0.01, 0.7)  # share of a crop that should be tampered, where the photo allows it

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]


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

    def draw(self, rng: np.random.Generator) -> Path:
        """Return one file: a folder by its share, then any file of it."""
        files = self.folders[int(rng.choice(len(self.folders), p=self.shares))]
        return files[int(rng.integers(len(files)))]


def load_rgb(path: Path) -> Pixels:
    """Decode a photo of the pool to (H, W, 3) uint8 RGB; InputError names a file that cannot be decoded."""
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError) as error:
        raise InputError(f"Cannot decode {path} of the photo pool: {error}.", reason="unreadable") from error


def load_object(path: Path) -> Donor:
    """Decode a photo of the object pool with the mask of the same stem."""
    with Image.open(path.with_suffix(".png")) as image:
        mask = np.asarray(image.convert("L")) > 127
    return Donor(load_rgb(path), mask=mask)


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


class ForgedSamples(Dataset[tuple[Tensor, Tensor]]):
    """Item i: `views` samples of one forged photo, images (views, 3, side, side) and masks (views, 1, side, side).

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

    def host(self, rng: np.random.Generator) -> Donor:
        """Draw a host of at most `working_side` pixels a side: a photo, or one whose object is known."""
        if self.objects is not None and rng.random() < self.data.object_host_share:
            known = load_object(self.objects.draw(rng))
            life = Life(rng, known.pixels, known.plane)
        else:
            life = Life(rng, load_rgb(self.photos.draw(rng)))
        framed(life, self.data.working_side)
        return Donor.with_plane(life.pixels, life.plane)

    def donor(self, rng: np.random.Generator) -> Donor:
        """Draw a donor: an object with its mask, or any photo."""
        if self.objects is not None and rng.random() < self.data.object_share:
            return load_object(self.objects.draw(rng))
        life = Life(rng, load_rgb(self.photos.draw(rng)))
        framed(life, self.data.working_side)
        return Donor(life.pixels)

    def forged(self, index: int) -> tuple[Pixels, Mask, str]:
        """Return forged photo `index` with its mask, and what was done to it."""
        return self._forged(np.random.default_rng([self.seed, index]))

    def _forged(self, rng: np.random.Generator) -> tuple[Pixels, Mask, str]:
        forgery = forge_photo(rng, self.host(rng), self.donor(rng), self.recipe)
        return forgery.pixels, forgery.mask, forgery.operation

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        rng = np.random.default_rng([self.seed, index])
        pixels, mask, _ = self._forged(rng)
        images, masks = [], []
        for _ in range(self.data.views):
            if rng.random() < self.data.native_share:
                view, view_mask = native_view(rng, pixels, mask, self.side)
            else:
                view, view_mask = squashed_view(pixels, mask, self.side)
            if rng.random() < 0.5:
                view, view_mask = view[:, ::-1], view_mask[:, ::-1]
            images.append(normalise(np.ascontiguousarray(view)))
            masks.append(np.ascontiguousarray(view_mask, dtype=np.float32)[None])
        return torch.from_numpy(np.stack(images)), torch.from_numpy(np.stack(masks))


def collate(items: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Join the views of several forged photos into one batch."""
    return torch.cat([images for images, _ in items]), torch.cat([masks for _, masks in items])
