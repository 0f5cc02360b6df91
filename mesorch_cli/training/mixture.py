"""The samples of a run: forged ones and ones from files, by given shares, divided among processes and passes.

The samples of a step depend only on the training file, not on the number of processes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Dataset

from mesorch_cli.errors import UsageError
from mesorch_cli.training.config import TrainingConfig
from mesorch_cli.training.files import FileSamples
from mesorch_cli.training.samples import Batch, ForgedSamples

MIXING = 2  # part of the seed, so that the choice between kinds leaves the streams of both alone


class Samples(Dataset[Batch]):
    """Item i of a run, of either kind. All randomness comes from (seed, i)."""

    def __init__(self, config: TrainingConfig) -> None:
        data = config.data
        self.seed = config.seed
        self.length = config.schedule.steps * (config.batch // data.views)
        self.share_forged = data.share_forged
        self.forged = self.from_files = None
        if data.photos:
            self.forged = ForgedSamples(
                data, side=config.side, seed=config.seed, length=self.length, recipe=data.recipe
            )
        if data.files:
            self.from_files = FileSamples(data, side=config.side, seed=config.seed, length=self.length)

    def __len__(self) -> int:
        return self.length

    @property
    def files(self) -> list[Path]:
        """Return every photo that may be drawn, of either kind."""
        return [path for kind in (self.forged, self.from_files) if kind is not None for path in kind.files]

    def is_forged(self, index: int) -> bool:
        """Return the kind of item `index`."""
        if self.from_files is None or self.forged is None:
            return self.forged is not None
        return bool(np.random.default_rng([self.seed, index, MIXING]).random() < self.share_forged)

    def __getitem__(self, index: int) -> Batch:
        kind = self.forged if self.is_forged(index) else self.from_files
        assert kind is not None
        return kind[index]


@dataclass(frozen=True)
class Division:
    """How the items of a step are divided: one block per process, and in it one block per pass.

    Raises UsageError if they do not divide evenly.
    """

    items: int
    processes: int = 1
    rank: int = 0
    passes: int = 1

    def __post_init__(self) -> None:
        if self.items % (self.processes * self.passes):
            raise UsageError(
                f"A step has {self.items} items (batch / views) for {self.processes} processes with {self.passes} "
                "passes each. Expected the same number for every pass: change batch, accumulate or --devices."
            )

    def passes_of(self, step: int) -> Iterator[range]:
        """Yield the items of each pass of this process in a step."""
        size = self.items // (self.processes * self.passes)
        first = step * self.items + self.rank * size * self.passes
        for number in range(self.passes):
            yield range(first + number * size, first + (number + 1) * size)


@dataclass(frozen=True)
class PassItems:
    """The items of every pass from step `first` to the end, in the order in which the loader draws them."""

    division: Division
    first: int
    steps: int

    def __iter__(self) -> Iterator[list[int]]:
        for step in range(self.first, self.steps):
            for items in self.division.passes_of(step):
                yield list(items)

    def __len__(self) -> int:
        return (self.steps - self.first) * self.division.passes


def collate(items: list[Batch]) -> Batch:
    """Join the samples of several items."""
    return Batch(
        torch.cat([item.images for item in items]),
        torch.cat([item.masks for item in items]),
        tuple(name for item in items for name in item.names),
        torch.cat([item.twins for item in items]),
        tuple(sentence for item in items for sentence in item.refused),
    )
