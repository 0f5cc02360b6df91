"""Two results of the same set: photos are compared with themselves, whatever they are called."""

from dataclasses import replace

from mesorch_cli.evaluation.comparison import compare
from mesorch_cli.evaluation.protocol import Protocol
from tests.evaluation.outcomes import outcome

LIMITS = (0.99, 0.99)
ROWS = [outcome(seed) for seed in range(6)] + [outcome(100 + seed, tampered=False) for seed in range(6)]
NAMESAKES = [replace(row, photo=f"{place % 3}.jpg") for place, row in enumerate(ROWS)]  # in folders of their own


def test_namesakes_are_told_apart() -> None:
    found = compare(NAMESAKES, NAMESAKES, Protocol(), LIMITS, 50)
    assert len(found) > 3
    for one in found:
        assert (one.value, one.low, one.high, one.photos) == (0.0, 0.0, 0.0, 12), one.figure
    named = compare(ROWS, ROWS, Protocol(), LIMITS, 50)
    assert [(one.figure, one.first) for one in found] == [(one.figure, one.first) for one in named]


def test_a_namesake_that_failed_leaves_the_others_where_they_are() -> None:
    failed = [replace(NAMESAKES[0], status="failed", pixels=None, score=None), *NAMESAKES[1:]]
    found = compare(NAMESAKES, failed, Protocol(), LIMITS, 50)
    assert {(one.value, one.photos) for one in found} == {(0.0, 11)}
