"""Movements of matched points: recovered among strays, whatever the shift, turn and size."""

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mesorch_cli.inference.witnesses.copies.keypoints import (
    MOST_POINTS,
    Keypoints,
    counterparts,
    find_keypoints,
    spread,
)
from mesorch_cli.inference.witnesses.copies.movements import LEAST_PAIRS, distinct, shared_movements
from tests.inference.witnesses.copied import photo


def matched(
    rng: np.random.Generator, factor: complex, shift: complex, count: int, strays: int
) -> tuple[Keypoints, np.ndarray]:
    """Return points of which `count` pairs obey x -> factor x + shift, sizes and angles included, and all pairs."""
    source = rng.uniform(0, 120, count) + 1j * rng.uniform(0, 120, count)
    target = factor * source + shift
    lost = rng.uniform(0, 900, 2 * strays) + 1j * rng.uniform(0, 900, 2 * strays)
    size = rng.uniform(3, 12, count)
    angle = rng.uniform(-np.pi, np.pi, count)
    place = np.concatenate([source, target, lost])
    sizes = np.concatenate([size, size * abs(factor), rng.uniform(3, 12, 2 * strays)])
    angles = np.concatenate([angle, angle + np.angle(factor), rng.uniform(-np.pi, np.pi, 2 * strays)])
    points = Keypoints(
        place.astype(np.complex64),
        sizes.astype(np.float32),
        angles.astype(np.float32),
        np.ones((len(place), 128), np.float32) / np.sqrt(128).astype(np.float32),
    )
    right = np.stack([np.arange(count), count + np.arange(count)], axis=1)
    wrong = 2 * count + rng.permutation(2 * strays).reshape(-1, 2)
    return points, np.concatenate([right, wrong])


@given(st.integers(0, 2**32 - 1), st.floats(-3.1, 3.1), st.floats(0.5, 2.0), st.integers(8, 40), st.integers(0, 40))
@example(seed=193, turn=1.0, scale=0.5, count=11, strays=17)  # a stray far off, let in by the tolerance of one point
@example(seed=302, turn=0.1213, scale=0.7957, count=11, strays=34)  # strays that outnumber the pairs left out
@example(seed=12256106, turn=0.953125, scale=0.8125, count=29, strays=37)  # a stray far off that the fit bends to
@settings(max_examples=60, deadline=None)
def test_a_movement_is_recovered_among_strays(seed: int, turn: float, scale: float, count: int, strays: int) -> None:
    rng = np.random.default_rng(seed)
    factor, shift = scale * np.exp(1j * turn), 400 + 300j
    points, pairs = matched(rng, factor, shift, count, strays)
    first = next(shared_movements(points, pairs))
    assert first.matches >= distinct(points.place[:count].astype(complex)) - 2
    corners = np.array([[0, 0, 1], [120, 0, 1], [0, 120, 1], [120, 120, 1]], float).T
    moved = first.matrix @ corners
    expected = factor * (corners[0] + 1j * corners[1]) + shift
    assert np.abs(moved[0] + 1j * moved[1] - expected).max() < 3.0


def test_too_few_pairs_move_nothing() -> None:
    points, pairs = matched(np.random.default_rng(1), 1.0, 300, LEAST_PAIRS - 1, 0)
    assert list(shared_movements(points, pairs)) == []


def test_no_pairs_no_movements() -> None:
    points, _ = matched(np.random.default_rng(1), 1.0, 300, 5, 0)
    assert list(shared_movements(points, np.zeros((0, 2), np.intp))) == []


def test_points_are_kept_evenly_over_the_picture() -> None:
    import cv2

    rng = np.random.default_rng(0)
    # a crowd of strong points in one corner must not cost the rest its weak ones
    crowd = [cv2.KeyPoint(float(x), float(y), 5.0, 0.0, 1.0) for x, y in rng.uniform(0, 100, (2 * MOST_POINTS, 2))]
    rest = [cv2.KeyPoint(float(x), float(y), 5.0, 0.0, 0.01) for x, y in rng.uniform(100, 1000, (500, 2))]
    kept = spread(crowd + rest, (1000, 1000))
    assert len(kept) <= MOST_POINTS
    assert (kept >= len(crowd)).sum() > 450
    assert np.array_equal(kept, np.sort(kept))


def test_counterparts_lie_apart_and_are_other_points() -> None:
    grey = np.ascontiguousarray(photo()[:, :, 1])
    twice = np.concatenate([grey, grey], axis=1)
    points = find_keypoints(twice)
    pairs = counterparts(points, 40.0)
    steps = points.place[pairs[:, 1]] - points.place[pairs[:, 0]]
    assert (np.abs(steps) >= 40.0).all()
    right = np.abs(np.abs(steps.real) - grey.shape[1]) + np.abs(steps.imag) < 2
    assert right.mean() > 0.9
    assert right.sum() > 300
