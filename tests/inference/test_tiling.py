"""Geometry: even cover, last tile inside, weights that never vanish."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesorch_cli.errors import UsageError
from mesorch_cli.inference.tiling import WINDOW_FLOOR, Plan, starts, window
from mesorch_cli.network.member import SIDE_MULTIPLE

sides = st.integers(1, 16).map(lambda n: n * SIDE_MULTIPLE)
overlaps = st.floats(0.0, 0.75)


@given(st.integers(1, 20_000), sides, overlaps)
@settings(max_examples=400, deadline=None)
def test_starts_cover_evenly_and_end_inside(length: int, side: int, overlap: float) -> None:
    first = starts(length, side, overlap)
    tile = min(side, length)
    assert first[0] == 0
    assert first[-1] + tile == length
    steps = np.diff(first)
    assert (steps > 0).all()
    assert (steps <= tile).all()
    if steps.size:
        assert steps.max() - steps.min() <= 1
        # at least the wanted overlap, up to the rounding of starts to whole pixels
        assert side - steps.max() >= int(overlap * side) - 1
        # and no more tiles than that needs
        assert (len(first) - 2) * max(1, int(side * (1 - overlap))) < length - side


@given(st.integers(1, 700), st.integers(1, 700), sides, overlaps)
@settings(max_examples=200, deadline=None)
def test_every_pixel_is_covered_with_weight(height: int, width: int, side: int, overlap: float) -> None:
    plan = Plan(height, width, side, overlap)
    weight = np.zeros((height, width))
    tiles = list(plan)
    assert len(tiles) == len(plan)
    for tile in tiles:
        assert weight[tile.rows, tile.columns].shape == plan.weights.shape
        weight[tile.rows, tile.columns] += plan.weights
    assert weight.min() >= WINDOW_FLOOR**2 * 0.99
    assert plan.padded_height % SIDE_MULTIPLE == plan.padded_width % SIDE_MULTIPLE == 0
    assert 0 <= plan.padded_height - plan.tile_height < SIDE_MULTIPLE
    finished = [plan.finished_rows(row) for row in range(len(plan.ys))]
    assert finished[-1] == height
    assert all(done <= later for done, later in zip(finished, plan.ys[1:], strict=False))


def test_one_tile_is_no_tiling() -> None:
    assert (Plan(512, 300, 512, 0.25).weights == 1).all()


@given(st.integers(1, 512))
@settings(deadline=None)
def test_window_is_symmetric_and_has_a_floor(side: int) -> None:
    weights = window(side)
    np.testing.assert_allclose(weights, weights[::-1], atol=1e-6)
    assert weights.min() >= WINDOW_FLOOR
    assert weights.max() <= 1.0


@pytest.mark.parametrize(
    ("values", "message"),
    [((0, 5, 64, 0.1), "0 x 5"), ((5, 5, 60, 0.1), "multiple of 32"), ((5, 5, 64, 0.9), "overlap of 0.9")],
)
def test_nonsense_is_refused(values: tuple[int, int, int, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Plan(*values)
