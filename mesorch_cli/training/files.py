"""Samples from files: photos with masks from data sets, drawn by shares and augmented as published."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from torch.utils.data import Dataset as TorchDataset

from mesorch_cli.evaluation.balanced import read_sets
from mesorch_cli.evaluation.datasets import Dataset, Sample
from mesorch_cli.evaluation.masks import MaskRule, read_mask
from mesorch_cli.evidence.photo import eight_bits
from mesorch_cli.forge.photos import SoundPhotos
from mesorch_cli.training.augment import AUGMENTATIONS, Mask, Pixels
from mesorch_cli.training.config import Data, FileSet
from mesorch_cli.training.samples import Batch, as_batch, drawn_view

FILES = 1  # part of the seed, so that the stream of file samples is separate from that of forged ones


def read_shared(files: Sequence[FileSet]) -> tuple[tuple[Dataset, ...], tuple[float, ...]]:
    """Read every set that a training file names. Return them with their shares, which sum to 1.

    Raises UsageError for an invalid set, InputError with the first five names for files that do not pair.
    """
    sets: list[Dataset] = []
    shares: list[float] = []
    for one in files:
        found = read_sets(one.path)
        sets += found
        shares += [one.share / len(found)] * len(found)
    return tuple(sets), tuple(share / sum(shares) for share in shares)


def load_pair(sample: Sample, masks: MaskRule, photos: SoundPhotos) -> tuple[Pixels, Mask]:
    """Decode a photo and its mask, which is empty for an authentic photo. InputError names an unreadable file."""
    pixels = eight_bits(photos.read(sample.photo).pixels)
    if sample.mask is None:
        return pixels, np.zeros(pixels.shape[:2], bool)
    return pixels, read_mask(sample.mask, masks).tampered


class FileSamples(TorchDataset[Batch]):
    """Item i: `views` samples, each from a different photo. All randomness comes from (seed, i)."""

    def __init__(self, data: Data, *, side: int, seed: int, length: int) -> None:
        self.data = data
        self.side = side
        self.seed = seed
        self.length = length
        self.sets, self.shares = read_shared(data.files)
        self._sound = SoundPhotos()

    def __len__(self) -> int:
        return self.length

    @property
    def files(self) -> list[Path]:
        """Return every photo that may be drawn."""
        return [sample.photo for one in self.sets for sample in one.samples]

    def draw(self, rng: np.random.Generator) -> Sample:
        """Draw one pair: a set by its share, then any of its pairs."""
        samples = self.sets[int(rng.choice(len(self.sets), p=self.shares))].samples
        return samples[int(rng.integers(len(samples)))]

    def __getitem__(self, index: int) -> Batch:
        rng = np.random.default_rng([self.seed, index, FILES])
        augment = AUGMENTATIONS[self.data.augment]
        views, names = [], []
        for _ in range(self.data.views):
            sample = self.draw(rng)
            pixels, mask = augment(rng, *load_pair(sample, self.data.masks, self._sound))
            views.append(drawn_view(rng, pixels, mask, native_share=self.data.native_share, side=self.side))
            names.append(str(sample.photo))
        return as_batch(views, names)
