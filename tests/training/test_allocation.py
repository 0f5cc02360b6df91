"""Freed memory stays with a training process, so that the next step does not have to get it again page by page."""

import os
import subprocess
import sys

import pytest

from mesorch_cli.training import allocation

SAYS_FAULTS = """
import resource
import sys

import numpy as np

from mesorch_cli.training.allocation import keep_freed_memory

kept = keep_freed_memory() if sys.argv[1] == "keep" else False
faults = []
for _ in range(12):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    blocks = [np.ones(4_000_000, np.float32) for _ in range(4)]  # 4 x 16 MB, all of it touched
    del blocks
    faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
print(kept, sum(faults[2:]))
"""


def said(how: str) -> tuple[str, int]:
    """Return what a process says: whether it keeps memory, and its page faults in ten rounds of the same allocations."""
    environment = os.environ | {"NUMPY_MADVISE_HUGEPAGE": "0"}  # else a fault may stand for 2 MB
    run = subprocess.run(
        [sys.executable, "-c", SAYS_FAULTS, how], capture_output=True, text=True, check=True, env=environment
    )
    kept, faults = run.stdout.split()
    return kept, int(faults)


@pytest.fixture(scope="module")
def has_mallopt() -> bool:
    return said("keep")[0] == "True"


def test_a_process_that_keeps_memory_does_not_get_it_again(has_mallopt: bool) -> None:
    if not has_mallopt:
        pytest.skip("the C library is not glibc")
    _, without = said("leave")
    _, kept = said("keep")
    assert without > 1000  # else this test shows nothing
    assert kept < without / 20


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocation.ctypes, "CDLL", lambda _: object())  # has no mallopt
    assert allocation.keep_freed_memory() is False


def test_another_system_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocation.sys, "platform", "darwin")
    assert allocation.keep_freed_memory() is False
