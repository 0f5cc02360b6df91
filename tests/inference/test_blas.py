"""NumPy's own threads, while a photo is analysed."""

import sys

import numpy as np
import pytest
from numpy.typing import NDArray
from threadpoolctl import threadpool_info, threadpool_limits

from mesorch_cli.inference import blas
from mesorch_cli.inference.detector import Detector
from tests.inference.networks import Pixelwise, noise, settings

pytestmark = pytest.mark.skipif(sys.platform == "darwin", reason="NumPy's wheels for macOS use Accelerate")

THREADS = 2  # set first, as a machine may have one core


def numpy_threads() -> set[int]:
    """Return how many threads the OpenBLAS of the wheels of NumPy and SciPy uses."""
    found = {pool["num_threads"] for pool in threadpool_info() if pool.get("prefix") == blas.WHEELS}
    assert found, "NumPy brings no OpenBLAS of this name: the limit would have no effect"
    return found


def test_products_take_one_thread_during_an_analysis_and_as_many_as_before_after_it() -> None:
    seen = []

    def answer(images: NDArray[np.float32]) -> NDArray[np.float32]:
        seen.append(numpy_threads())
        return images.mean(axis=1, keepdims=True)

    with threadpool_limits(THREADS):
        Detector(Pixelwise(answer), settings()).detect(noise(64, 64))
        assert seen == [{1}]
        assert numpy_threads() == {THREADS}


def test_a_failure_gives_the_threads_back() -> None:
    with threadpool_limits(THREADS):
        with pytest.raises(RuntimeError, match="within"), blas.one_thread():
            raise RuntimeError("within")
        assert numpy_threads() == {THREADS}


def test_the_limit_lasts_until_the_last_of_those_who_need_it_is_done() -> None:
    with threadpool_limits(THREADS):
        first, second = blas.one_thread(), blas.one_thread()
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert numpy_threads() == {1}
        second.__exit__(None, None, None)
        assert numpy_threads() == {THREADS}
