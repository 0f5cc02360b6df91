"""Samples cut from items of the forge. Sample i is the same in every process, so a run can resume at any i."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from mesorch_cli.forge.item import ItemSettings, Made, forge_item
from mesorch_cli.forge.photos import SoundPhotos
from mesorch_cli.forge.pools import Pool, Pools
from mesorch_cli.forge.recipe import ForgeRecipe
from mesorch_cli.forge.sources import ObjectFolder, PhotoFolder
from mesorch_cli.network.normalise import normalise
from mesorch_cli.training.config import Data, Source

VIEWS = 3  # part of the seed, so that drawing views leaves the forge's stream alone
CROP_TRIES = 6
CROP_TAMPERED = (0.01, 0.7)  # share of a crop that should be tampered, if the photo allows it

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]


class Batch(NamedTuple):
    """Samples: images (B, 3, H, W) and masks (B, 1, H, W), float32; names: the source of each.

    twins: int64 (B,), the offset (negative: backwards) to the twin of each sample, 0 without one. A twin is the same
    view of the same photo, forged and unedited. The offsets survive the joining of batches. refused: sentences on
    photos that could not be used and were replaced.
    """

    images: Tensor
    masks: Tensor
    names: tuple[str, ...]
    twins: Tensor
    refused: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """Where a view is taken, and whether it is mirrored left to right.

    It is a side x side window at native resolution at `corner` (y, x), or without a corner the whole photo squashed.
    """

    side: int
    corner: tuple[int, int] | None
    mirrored: bool = False

    def seen(self, pixels: Pixels, mask: Mask) -> tuple[Pixels, Mask]:
        """Return this view of a photo. The same place shows the same part of both twins."""
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
    """Draw by share a native window, with tampered pixels if there are any, or the squashed photo."""
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
    """Return how much a photo must be padded after its last row and column to hold a window."""
    height, width = mask.shape
    return (0, max(0, side - height)), (0, max(0, side - width))


def squashed_view(pixels: Pixels, mask: Mask, side: int) -> tuple[Pixels, Mask]:
    """Return the whole photo squashed to side x side, as in the engine's whole-image pass."""
    small = cv2.resize(pixels, (side, side), interpolation=cv2.INTER_LINEAR)
    small_mask = cv2.resize(mask.astype(np.uint8), (side, side), interpolation=cv2.INTER_NEAREST)
    return small.astype(np.uint8), small_mask > 0


def drawn_view(
    rng: np.random.Generator, pixels: Pixels, mask: Mask, *, native_share: float, side: int
) -> tuple[Pixels, Mask]:
    """Return a native window or the squashed photo, drawn by share."""
    return drawn_place(rng, mask, native_share=native_share, side=side).seen(pixels, mask)


def as_batch(views: Sequence[tuple[Pixels, Mask]], names: Sequence[str], twins: Sequence[int] | None = None) -> Batch:
    """Return views of one size as normalised tensors. twins: see Batch, none by default."""
    images = [normalise(np.ascontiguousarray(pixels)) for pixels, _ in views]
    masks = [np.ascontiguousarray(mask, dtype=np.float32)[None] for _, mask in views]
    offsets = torch.tensor([0] * len(views) if twins is None else list(twins), dtype=torch.int64)
    return Batch(torch.from_numpy(np.stack(images)), torch.from_numpy(np.stack(masks)), tuple(names), offsets)


def forge_pools(photos: Sequence[Source], objects: Sequence[Source]) -> Pools:
    """Return the forge's pools for the folders of a training file. Raises UsageError for an empty folder."""
    return Pools(
        Pool.of([PhotoFolder.of(one.folder) for one in photos], [one.share for one in photos]),
        Pool.of([ObjectFolder.of(one.folder) for one in objects], [one.share for one in objects]) if objects else None,
    )


class ForgedSamples(Dataset[Batch]):
    """Item i: `views` samples of item i of the forge. For `twin_share` of the items, half of them show its twin.

    All randomness comes from (seed, i). With `validation`, the pools of validation sources are used.
    """

    def __init__(
        self, data: Data, *, side: int, seed: int, length: int, recipe: ForgeRecipe, validation: bool = False
    ) -> None:
        photos, objects = (
            (data.validation_photos, data.validation_objects) if validation else (data.photos, data.objects)
        )
        self.data = data
        self.side = side
        self.length = length
        self.settings = ItemSettings(
            seed,
            longest=data.working_side,
            object_share=data.object_share,
            object_host_share=data.object_host_share,
            recipe=recipe,
        )
        self.pools = forge_pools(photos, objects)
        self.photos = SoundPhotos()
        self._told: set[Path] = set()  # drawn files that could not be used

    def __len__(self) -> int:
        return self.length

    @property
    def files(self) -> list[Path]:
        """Return every photo that may be drawn."""
        return self.pools.files

    def made(self, index: int, *, with_twin: bool = False) -> Made:
        """Return item `index` of the forge, and its twin if wanted."""
        return forge_item(self.pools, self.settings, index, self.photos, with_twin=with_twin)

    def __getitem__(self, index: int) -> Batch:
        rng = np.random.default_rng([self.settings.seed, index, VIEWS])
        paired = self.paired(rng)
        made = self.made(index, with_twin=paired)
        batch = self._batch(rng, made)
        new = [one for one in made.drawn.refused if one.file not in self._told]
        self._told.update(one.file for one in new)
        return batch._replace(refused=tuple(dict.fromkeys(one.sentence for one in new)))

    def paired(self, rng: np.random.Generator) -> bool:
        """Draw whether half of an item's views show its twin, which takes at least two views."""
        return self.data.views > 1 and bool(rng.random() < self.data.twin_share)

    def _batch(self, rng: np.random.Generator, made: Made) -> Batch:
        """Cut the views of an item from its forgery and its twin."""
        forgery, twin, count = made.forgery, made.twin, self.data.views
        name = f"{forgery.operation} of {made.drawn.host.file} with {made.drawn.donor.file}"
        paired = twin is not None and twin is not forgery  # an authentic photo is its own twin
        half = count // 2 if paired else 0
        places = [self._place(rng, forgery.mask) for _ in range(count - half)]
        views = [place.seen(forgery.pixels, forgery.mask) for place in places]
        if twin is None or not paired:
            return as_batch(views, [name] * count)
        # With an odd number of views, the last forged one has no twin.
        others = [place.seen(twin.pixels, twin.mask) for place in places[:half]]
        names = [name] * len(views) + [f"unedited twin of {name}"] * half
        offsets = [len(views)] * half + [0] * (len(views) - half) + [-len(views)] * half
        return as_batch(views + others, names, offsets)

    def _place(self, rng: np.random.Generator, mask: Mask) -> Place:
        place = drawn_place(rng, mask, native_share=self.data.native_share, side=self.side)
        return replace(place, mirrored=bool(rng.random() < 0.5))
