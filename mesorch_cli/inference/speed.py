"""How fast a network runs here, compared with the machine's best possible speed."""

import statistics
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
import torch

from mesorch_cli.errors import UsageError
from mesorch_cli.inference.backends.eager import DTYPES, TorchBackend, choose_device
from mesorch_cli.inference.backends.protocol import Backend
from mesorch_cli.inference.lanes import in_order
from mesorch_cli.inference.loading import Exported
from mesorch_cli.inference.operations import operations
from mesorch_cli.inference.settings import Precision
from mesorch_cli.network.localiser import Localiser
from mesorch_cli.network.member import SIDE_MULTIPLE

MATRIX_SIDES = (256, 512, 1024, 2048)  # of the matrix products for measuring the matrix rate
TRIES = 5  # of which the fastest counts
SLOW_S = 0.1  # if a product takes longer, larger ones are skipped: some CPUs emulate bf16 very slowly
COPIED_BYTES = 256 << 20  # of the copy for measuring the bandwidth


@dataclass(frozen=True)
class Workload:
    """What is timed: a network or an exported file by name, in a precision, with a number of tiles per call.

    lanes: calls at the same time, None for as many as an analysis makes there.
    """

    network: str
    precision: Precision
    tile_batch: int
    lanes: int | None = None

    def __post_init__(self) -> None:
        if self.lanes is not None and self.lanes < 1:
            raise UsageError(f"{self.lanes} lanes are too few. Expected 1 or more.")
        if self.tile_batch < 1:
            raise UsageError(f"A tile batch of {self.tile_batch} is too small. Expected 1 or more.")


@dataclass(frozen=True)
class Speed:
    """What a case needs. Seconds are per call of `tile_batch` tiles: median and quartiles over the rounds. A round is
    `lanes` calls at the same time, and its seconds are divided by them.

    floor_seconds: what no program on this machine can go below: the larger of operations over the measured matrix rate
    and bytes (tensors of the network, input, logits; each moved once) over the measured bandwidth. It and the
    operations are None for an exported file, whose graph is not looked into.
    """

    network: str
    backend: str
    precision: str
    device: str
    tile_batch: int
    lanes: int
    side: int
    seconds: float
    quartiles: tuple[float, float]
    tiles_per_second: float
    megapixels_per_second: float
    gigaoperations: float | None
    floor_seconds: float | None

    def to_dict(self) -> dict[str, object]:
        return asdict(self)


def _synchronised(device: torch.device) -> float:
    """Return the clock once the device has finished all its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
    return time.perf_counter()


def _fastest(device: torch.device, work: Callable[[], object]) -> float:
    work()
    seconds = []
    for _ in range(TRIES):
        started = _synchronised(device)
        work()
        seconds.append(_synchronised(device) - started)
    return min(seconds)


def matrix_rate(device: torch.device, precision: Precision) -> float:
    """Return the operations per second of a matrix product of the best size (multiplication and addition: two)."""
    rate = 0.0
    with torch.inference_mode():
        for side in MATRIX_SIDES:
            a = torch.rand(side, side, device=device).to(DTYPES.get(precision, torch.float32))
            seconds = _fastest(device, partial(torch.matmul, a, a))
            rate = max(rate, 2 * side**3 / seconds)
            if seconds > SLOW_S:
                break
    return rate


def bandwidth(device: torch.device) -> float:
    """Return bytes per second, read and written, of a copy."""
    source = torch.empty(COPIED_BYTES, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return 2 * COPIED_BYTES / _fastest(device, lambda: target.copy_(source))


def side_by_side(call: Callable[[], object], lanes: int) -> float:
    """Run a call `lanes` times at once, as an analysis does; returns the seconds of all divided by their number.

    Raises MemoryError where that does not fit.
    """

    def short() -> None:
        raise MemoryError(f"{lanes} calls at the same time")

    started = time.perf_counter()
    deque(in_order(lambda _: call(), range(lanes), lanes, short), maxlen=0)
    return (time.perf_counter() - started) / lanes


def measure(
    networks: dict[str, Localiser],
    cases: Sequence[Workload],
    *,
    device: str,
    side: int,
    rounds: int,
    files: Mapping[str, Exported] | None = None,
) -> Iterator[Speed]:
    """Time every case in interleaved rounds, so that a slow phase of the machine falls on all; yield them in order.

    files: exported files that cases name, beside the networks.
    A call goes the way of an analysis: tiles in memory in, logits in memory out. Raises UsageError for a side that
    is no multiple of 32, fewer than 2 rounds, or a precision that the device lacks.
    """
    if side < SIDE_MULTIPLE or side % SIDE_MULTIPLE:
        raise UsageError(f"Tiles of {side} pixels are impossible. Expected a multiple of {SIDE_MULTIPLE}.")
    if rounds < 2:
        raise UsageError(f"{rounds} rounds are too few. Expected 2 or more, as one figure has no spread.")
    exported = files or {}
    place = choose_device(device)
    backends: dict[tuple[str, Precision], Backend] = {}
    for case in cases:
        key = (case.network, case.precision)
        if key not in backends:
            own = exported.get(case.network)
            backends[key] = (
                TorchBackend(networks[case.network], device, case.precision)
                if own is None
                else own.start(device, case.precision)
            )
    rng = np.random.default_rng(0)
    for case in cases:
        backend = backends[case.network, case.precision]
        if backend.lanes == 1 and (case.lanes or 1) > 1:
            raise UsageError(
                f"{case.lanes} lanes for {case.network}: it runs one call at a time here, on {backend.device}. "
                "Expected 1."
            )
    tiles = rng.integers(0, 256, (max(case.tile_batch for case in cases), side, side, 3), dtype=np.uint8)
    seconds: dict[Workload, list[float]] = {case: [] for case in cases}
    for round_number in range(rounds + 1):
        for case in cases:
            backend = backends[case.network, case.precision]
            lanes = case.lanes or backend.lanes
            passed = side_by_side(partial(backend, tiles[: case.tile_batch], lanes), lanes)
            if round_number:  # the first round warms up
                seconds[case].append(passed)

    rates = {case.precision: matrix_rate(place, case.precision) for case in cases if case.network in networks}
    moved = bandwidth(place)
    counted = {name: operations(networks[name], side) for name in {case.network for case in cases} & set(networks)}
    for case in cases:
        low, middle, high = statistics.quantiles(seconds[case], n=4, method="inclusive")
        floor = gigaoperations = None
        if case.network in networks:
            held = sum(tensor.numel() for tensor in networks[case.network].state_dict().values())
            traffic = held * (4 if case.precision == "fp32" else 2) + case.tile_batch * side * side * 4 * 4
            done = counted[case.network] * case.tile_batch
            floor, gigaoperations = max(done / rates[case.precision], traffic / moved), done / 1e9
        backend = backends[case.network, case.precision]
        yield Speed(
            network=case.network,
            backend=backend.name,
            precision=case.precision,
            device=backend.device,
            tile_batch=case.tile_batch,
            lanes=case.lanes or backend.lanes,
            side=side,
            seconds=middle,
            quartiles=(low, high),
            tiles_per_second=case.tile_batch / middle,
            megapixels_per_second=case.tile_batch * side * side / 1e6 / middle,
            gigaoperations=gigaoperations,
            floor_seconds=floor,
        )
