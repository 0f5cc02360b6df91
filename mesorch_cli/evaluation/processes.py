"""Processes that share a set, as `torchrun` starts them. Each takes every n-th photo, and one joins the rows."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from mesorch_cli.errors import UsageError

Item = TypeVar("Item")


@dataclass(frozen=True)
class Processes:
    """This process among `count`. Its `rank` is 0 to count - 1, and rank 0 reports."""

    rank: int = 0
    count: int = 1

    @classmethod
    def from_environment(cls) -> "Processes":
        """Return what RANK and WORLD_SIZE say, or a single process without them. UsageError if they are invalid."""
        try:
            rank, count = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
        except ValueError as error:
            raise UsageError(f"RANK or WORLD_SIZE is not a number: {error}. Start with torchrun.") from error
        if not 0 <= rank < count:
            raise UsageError(f"RANK {rank} of WORLD_SIZE {count}: expected 0 to {count - 1}. Start with torchrun.")
        return cls(rank, count)

    @property
    def reports(self) -> bool:
        return self.rank == 0

    def share(self, items: Sequence[Item]) -> Sequence[Item]:
        """Return every count-th item from this rank on, so that the processes together have each item exactly once."""
        return items[self.rank :: self.count]

    def joined(self, own: list[Item]) -> list[Item]:
        """Return the items of all processes in their original order. Every process must call this and gets them."""
        if self.count == 1:
            return own
        from torch import distributed

        parts: list[list[Item] | None] = [None] * self.count
        distributed.all_gather_object(parts, own)
        longest = max(len(part or []) for part in parts)
        return [part[place] for place in range(longest) for part in parts if part is not None and place < len(part)]

    def __enter__(self) -> "Processes":
        if self.count > 1:
            from torch import distributed

            distributed.init_process_group("gloo")
        return self

    def __exit__(self, *_: object) -> None:
        if self.count > 1:
            from torch import distributed

            distributed.destroy_process_group()
