"""What the rest of the tool needs to know about a witness. Each witness states it once, in its own package."""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Generic, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from mesorch_cli.evidence.photo import Pixels
from mesorch_cli.inference.witnesses.block_statistics import BlockStatistics
from mesorch_cli.inference.witnesses.finding import Finding

Rule = TypeVar("Rule")
Seen = TypeVar("Seen")
Map = NDArray[np.float32]


@dataclass(frozen=True)
class Material:
    """The material of a photo for witnesses.

    pixels: (H, W, 3) RGB, 8 or 16 bits. steps: the (8, 8) steps of brightness of the JPEG that the pixels were decoded
    from (see `Photo.steps`), None for other photos.
    """

    pixels: Pixels
    steps: NDArray[np.int64] | None
    _measuring: Lock = field(default_factory=Lock, repr=False, compare=False)
    _measured: list[BlockStatistics] = field(default_factory=list, repr=False, compare=False)

    @property
    def blocks(self) -> BlockStatistics:
        """The photo's blocks. They are measured once, by the first witness that asks; the others wait for it."""
        with self._measuring:
            if not self._measured:
                self._measured.append(BlockStatistics.of(self.pixels))
            return self._measured[0]


@dataclass(frozen=True)
class Words:
    """The words for a witness's findings, which terminal, page and PDF all use.

    title: heading over the findings. short: name of one finding, for a narrow column. sentence: what one finding says, as a
    format string over the measures and, already in words, the certainty and the places by their role. explanation: what
    such a finding means and what it does not. drawn, linked: for the legend of a drawing, what the outlined places are and
    what the thin lines between them join.
    """

    title: str
    short: str
    sentence: str
    explanation: str
    drawn: str
    linked: str


@dataclass(frozen=True)
class Witness(Generic[Rule, Seen]):
    """A witness. `Rule` is the type of its rule in a passport, `Seen` the type of its observations.

    name: of its rule in the passport, of its setting and its option, and of its findings in a record. needs: parts of
    `Material` without which it does not look. counts_as: in words, what its certainty is, where the image score is at least
    that; None where the score does not count it.

    look: runs beside the network, in another thread. conclude: judges the observations (None if there are none) with
    the photo's map (H, W), which it may change in place and receives after the earlier witnesses.
    """

    name: str
    needs: tuple[Literal["pixels", "steps"], ...]
    counts_as: str | None
    words: Words
    look: Callable[[Material, Rule], Seen]
    conclude: Callable[[Seen, Map, Rule], tuple[Finding, ...]]

    def can_look(self, material: Material) -> bool:
        """Return whether a photo has what the witness needs."""
        return all(getattr(material, part) is not None for part in self.needs)


AnyWitness = Witness[Any, Any]
