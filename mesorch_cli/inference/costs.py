"""What each part of a network costs on this machine: multiply-adds and time of one tile, in the inference form."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Self

import torch
from torch import Tensor, nn

from mesorch_cli.errors import UsageError
from mesorch_cli.inference.operations import counter
from mesorch_cli.network import frequency
from mesorch_cli.network.families import family_of
from mesorch_cli.network.localiser import Localiser
from mesorch_cli.network.member import SIDE_MULTIPLE

VIEWS, REST, WHOLE = "frequency views", "everything else", "whole network"


@dataclass(frozen=True)
class Cost:
    """A part of a network: millions of multiply-adds, and seconds (median and quartiles over the rounds), for one tile.

    The seconds are those of the processor, summed over its threads: other programs on the machine change them little.

    share, time_share: of the whole network, 0..1. Only products count as multiply-adds: of convolutions, matrices and
    attention. "everything else" is what remains of the whole: sums, activations between parts, the resize.
    """

    network: str
    part: str
    side: int
    megamacs: float
    share: float
    seconds: float
    quartiles: tuple[float, float]
    time_share: float

    def to_dict(self) -> dict[str, object]:
        return asdict(self)


class _Watch:
    """What a reading, of a clock or a counter, grew by in each part, added up over its modules and calls."""

    def __init__(
        self, network: nn.Module, parts: Mapping[str, tuple[str, ...]], reading: Callable[[], float] = time.process_time
    ) -> None:
        self.grown = dict.fromkeys(parts, 0.0)
        self._reading, self._before = reading, 0.0
        modules = dict(network.named_modules())
        self._hooks = []
        for part, paths in parts.items():
            for path in paths:
                self._hooks.append(modules[path].register_forward_pre_hook(self._start))
                self._hooks.append(modules[path].register_forward_hook(partial(self._stop, part)))

    def _start(self, *_: object) -> None:
        self._before = self._reading()

    def _stop(self, part: str, *_: object) -> None:
        self.grown[part] += self._reading() - self._before

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for hook in self._hooks:
            hook.remove()


def costs(name: str, network: Localiser, *, side: int, rounds: int) -> list[Cost]:
    """Return the parts of a network in the order of the forward pass, then views, the rest and the whole. On the CPU.

    Raises UsageError for a side that is no multiple of 32, and for fewer than 2 rounds.
    """
    if side < SIDE_MULTIPLE or side % SIDE_MULTIPLE:
        raise UsageError(f"Tiles of {side} pixels are impossible. Expected a multiple of {SIDE_MULTIPLE}.")
    if rounds < 2:
        raise UsageError(f"{rounds} rounds are too few. Expected 2 or more, as one figure has no spread.")
    family = family_of(network.config)
    folded = family.fold(network)
    parts = family.parts(network)
    torch.manual_seed(0)
    image = torch.randn(1, 3, side, side).contiguous(memory_format=torch.channels_last)
    operations = _operations(folded, parts, image)
    seconds: dict[str, list[float]] = {part: [] for part in (*parts, VIEWS, REST, WHOLE)}
    with torch.inference_mode():
        for round_number in range(rounds + 1):
            views = _timed(frequency.split, image)
            with _Watch(folded, parts) as watch:
                whole = _timed(folded, image)
            rest = whole - views - sum(watch.grown.values())
            for part, taken in (watch.grown | {VIEWS: views, REST: rest, WHOLE: whole}).items():
                if round_number:  # the first round warms up
                    seconds[part].append(taken)
    middle = {part: statistics.median(taken) for part, taken in seconds.items()}
    quarters = {part: statistics.quantiles(taken, n=4, method="inclusive") for part, taken in seconds.items()}
    return [
        Cost(
            network=name,
            part=part,
            side=side,
            megamacs=operations[part] / 2e6,
            share=operations[part] / operations[WHOLE],
            seconds=middle[part],
            quartiles=(quarters[part][0], quarters[part][2]),
            time_share=middle[part] / middle[WHOLE],
        )
        for part in seconds
    ]


def _operations(network: nn.Module, parts: Mapping[str, tuple[str, ...]], image: Tensor) -> dict[str, float]:
    """Return multiplications and additions of products by part, of the views, of the rest and of the whole."""
    views, whole = counter(), counter()
    with torch.inference_mode():
        with views:
            frequency.split(image)
        with _Watch(network, parts, whole.get_total_flops) as watch, whole:
            network(image)
    rest = whole.get_total_flops() - views.get_total_flops() - sum(watch.grown.values())
    return watch.grown | {VIEWS: views.get_total_flops(), REST: rest, WHOLE: whole.get_total_flops()}


def _timed(run: Callable[[Tensor], object], image: Tensor) -> float:
    started = time.process_time()
    run(image)
    return time.process_time() - started
