"""Learning rates: the shape of the shipped weights' runs, and the published one to the step."""

import itertools
import math

import pytest

from mesorch_cli.training.schedule import Schedule


def test_the_flat_schedule_rises_holds_and_falls() -> None:
    schedule = Schedule(steps=100, warmup_steps=10, decay_steps=20)
    factors = [schedule.factor(step) for step in range(100)]
    assert factors[0] == pytest.approx(0.1)
    assert factors[10:80] == [1.0] * 70
    assert all(later < earlier for earlier, later in itertools.pairwise(factors[81:]))
    assert 0 < factors[99] <= 0.05 + 1e-9


def test_the_cosine_is_the_published_one() -> None:
    epochs, updates, rate, least = 150, 134, 1e-4, 5e-7
    schedule = Schedule(
        steps=epochs * updates, shape="cosine", warmup_steps=2 * updates, learning_rate=rate, least_rate=least
    )
    for step in (0, 1, 133, 267, 268, 5000, 20099):
        epoch = step / updates
        if epoch < 2:
            expected = rate * epoch / 2
        else:
            expected = least + (rate - least) * 0.5 * (1 + math.cos(math.pi * (epoch - 2) / (epochs - 2)))
        assert rate * schedule.factor(step) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    "values",
    [
        {"steps": 5, "warmup_steps": 6},
        {"steps": 5, "warmup_steps": 0, "shape": "cosine", "decay_steps": 1},
        {"steps": 5, "warmup_steps": 0, "least_rate": 1e-6},
        {"steps": 5, "warmup_steps": 0, "shape": "cosine", "learning_rate": 1e-6, "least_rate": 1e-3},
    ],
)
def test_nonsense_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="steps|least_rate"):
        Schedule.model_validate(values)
