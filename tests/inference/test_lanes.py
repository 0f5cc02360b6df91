"""Calls side by side: every item once, results in order, and what a lack of memory changes."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mesorch_cli.errors import WeightsError
from mesorch_cli.inference.backends import TorchBackend
from mesorch_cli.inference.backends.runtimes import failed_run
from mesorch_cli.inference.detector import Detector
from mesorch_cli.inference.lanes import in_order
from mesorch_cli.network.weights import load_weights
from tests.inference.networks import NATIVE, WHOLE, Pixelwise, noise
from tests.inference.networks import settings as of


class Watched:
    """A function that knows how many of its calls run at the same time."""

    def __init__(self, function: Callable[[int], int]) -> None:
        self.function = function
        self.running = self.most = 0
        self.threads: set[str] = set()
        self._lock = threading.Lock()

    def __call__(self, item: int) -> int:
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
            self.threads.add(threading.current_thread().name)
        try:
            return self.function(item)
        finally:
            with self._lock:
                self.running -= 1


def never() -> None:
    raise AssertionError("memory was not short")


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 3), max_size=30), st.integers(1, 5))
def test_results_come_in_order_whatever_takes_longest(items: list[int], lanes: int) -> None:
    def slow(item: int) -> int:
        time.sleep(item / 2000)
        return item + 1

    watched = Watched(slow)
    assert list(in_order(watched, items, lanes, never)) == [item + 1 for item in items]
    assert watched.most <= lanes


def test_lanes_run_side_by_side_and_one_lane_runs_here() -> None:
    together = threading.Barrier(3)
    watched = Watched(lambda item: together.wait(20) * 0 + item)  # passes only when three wait at the same time
    assert list(in_order(watched, range(6), 3, never)) == list(range(6))
    here = Watched(lambda item: item)
    assert list(in_order(here, range(4), 1, never)) == list(range(4))
    assert here.threads == {threading.current_thread().name}


def test_items_are_taken_as_results_are_asked_for() -> None:
    taken: list[int] = []

    def items() -> object:
        for item in range(100):
            taken.append(item)
            yield item

    results = in_order(lambda item: item, items(), 2, never)  # type: ignore[arg-type]
    assert next(results) == 0
    assert len(taken) == 3
    results.close()  # type: ignore[attr-defined]
    assert len(taken) == 3


def test_an_error_reaches_the_caller_at_its_place() -> None:
    results = in_order(lambda item: 6 // item, [3, 2, 0, 1], 2, never)
    assert (next(results), next(results)) == (2, 3)
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_where_memory_is_short_items_run_alone_from_then_on() -> None:
    said: list[str] = []
    tries = {2: 0, 3: 0}

    def hungry(item: int) -> int:
        if item in tries:
            tries[item] += 1
            if tries[item] == 1:
                raise MemoryError(f"no room for {item} beside another")
            assert watched.running == 1, "the second try is alone"
        return item

    watched = Watched(hungry)
    results = in_order(watched, range(40), 2, lambda: said.append("short"))
    assert [next(results) for _ in range(5)] == list(range(5))
    assert said == ["short"]
    assert tries == {2: 2, 3: 2}
    watched.most = 0
    assert list(results) == list(range(5, 40))
    assert watched.most == 1


def test_what_does_not_fit_alone_is_an_error() -> None:
    def hungry(item: int) -> int:
        raise MemoryError(f"no room for {item}")

    said: list[str] = []
    with pytest.raises(MemoryError, match="no room for 0"):
        list(in_order(hungry, range(4), 2, lambda: said.append("short")))
    assert said == ["short"]


class Wide(Pixelwise):
    """A network for several calls at the same time, that remembers how many it was told of."""

    def __init__(self, lanes: int) -> None:
        super().__init__()
        self.lanes = lanes
        self.told: set[int] = set()

    def __call__(self, tiles: np.ndarray, at_once: int = 1) -> np.ndarray:
        self.told.add(at_once)
        return super().__call__(tiles)


@pytest.mark.parametrize("lanes", [2, 3, 8])
def test_lanes_change_no_result(lanes: int) -> None:
    pixels = noise(200, 260)
    pixels[:70, :70] = 90  # a tile with nothing in it
    chosen = of(scales=(WHOLE, NATIVE), tile_batch=1)
    one, several = Wide(1), Wide(lanes)
    progress: list[int] = []
    expected = Detector(one, chosen).detect(pixels)
    found = Detector(several, chosen).detect(pixels, lambda done, _: progress.append(done))
    assert found.map is not None
    assert np.array_equal(found.map, expected.map)
    assert (found.score, found.flags, found.tiles) == (expected.score, expected.flags, expected.tiles)
    assert progress == list(range(1, found.tiles + 1))
    assert (one.told, several.told) == ({1}, {lanes})


def test_there_are_no_more_lanes_than_tiles() -> None:
    network = Wide(8)
    Detector(network, of(scales=(WHOLE,))).detect(noise(64, 64))
    assert network.told == {1}


@pytest.fixture
def four_threads() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("four_threads")
def test_pytorch_gives_the_same_bits_with_four_lanes_as_with_one_thread(tiny_weights: Path) -> None:
    network = load_weights(tiny_weights).network
    several = TorchBackend(network, "cpu")
    assert several.lanes == 4
    torch.set_num_threads(1)
    one = TorchBackend(network, "cpu")
    assert one.lanes == 1
    pixels, chosen = noise(200, 260), of(scales=(WHOLE, NATIVE))
    expected, found = Detector(one, chosen).detect(pixels), Detector(several, chosen).detect(pixels)
    assert found.map is not None
    assert found.tiles >= 4  # a thread for each tile, however many threads there are
    assert np.array_equal(found.map, expected.map)


@pytest.mark.usefixtures("four_threads")
def test_a_call_alone_has_all_threads_and_calls_beside_it_their_share(
    tiny_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = TorchBackend(load_weights(tiny_weights).network, "cpu")
    used: list[int] = []
    network = backend._network
    monkeypatch.setattr(backend, "_network", lambda batch: (used.append(torch.get_num_threads()), network(batch))[1])
    for at_once in (1, 2, 4, 8):
        backend(noise(64, 64)[None], at_once)
    assert used == [4, 2, 1, 1]


@pytest.mark.parametrize(
    ("message", "memory"),
    [
        ("x" * 300 + " Failed to allocate memory for requested buffer of size 6291456", True),
        ("Non-zero status code: std::bad_alloc", True),
        ("CUDA out of memory", True),
        ("Got invalid dimensions for input", False),
    ],
)
def test_a_lack_of_memory_is_told_from_a_file_that_is_no_good(message: str, memory: bool) -> None:
    error = failed_run(Path("x.onnx"), RuntimeError(message))
    assert isinstance(error, MemoryError if memory else WeightsError)
    assert len(str(error)) < 500
