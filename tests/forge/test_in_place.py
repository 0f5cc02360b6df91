"""Edits in place: another life for a region, of every kind and strength, with nothing foreign in it."""

import json

import cv2
import numpy as np
import pytest

from mesorch_cli.errors import UsageError
from mesorch_cli.forge.donors import picked_object
from mesorch_cli.forge.in_place import KINDS, applied, apply, in_place
from tests.forge.pictures import HOST, disc

OWN = disc(*HOST.shape[:2], 90, 100, 40)


def gap(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.abs(first.astype(np.int16) - second).mean())


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_barely_there_at_no_strength_and_clear_at_full(kind: str) -> None:
    changes = []
    for strength in (0.0, 1.0):
        done = [apply(kind, strength, HOST, np.random.default_rng(seed)) for seed in range(8)]
        assert all(one.shape == HOST.shape and one.dtype == np.uint8 for one in done)
        assert np.array_equal(done[0], apply(kind, strength, HOST, np.random.default_rng(0)))
        changes.append(np.mean([gap(one, HOST) for one in done]))
    assert 0 < changes[0] < 8
    assert changes[0] < changes[1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_takes_parts_of_any_size_and_writes_down_what_it_did(kind: str) -> None:
    for shape in ((5, 7), (33, 8), (64, 301)):
        part = cv2.resize(HOST, shape[::-1])
        done, step = applied(kind, 0.5, part, np.random.default_rng(2))
        assert done.shape == part.shape
        assert json.loads(json.dumps(step))["kind"] == kind


def blockiness(pixels: np.ndarray, shift: int) -> float:
    """Return how much larger the steps between columns are at every eighth column, from `shift`, than elsewhere."""
    steps = np.abs(np.diff(pixels[..., 1].astype(np.int16), axis=1)).mean(axis=0)
    at = np.arange(len(steps)) % 8 == (7 + shift) % 8
    return float(steps[at].mean() / steps[~at].mean())


def test_jpeg_lives_lie_on_the_grid_or_off_it() -> None:
    picture = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8), (0, 0), 2)
    assert blockiness(apply("jpeg", 1, picture, np.random.default_rng(1)), 0) > 1.15
    for seed in range(6):
        done, step = applied("jpeg off the grid", 1, picture, np.random.default_rng(seed))
        shift = step["shift"]
        assert (shift["y"], shift["x"]) != (0, 0)
        if shift["x"]:
            assert blockiness(done, 8 - shift["x"]) > 1.15 > blockiness(done, 0)
    assert {one["quality"] for one in applied("jpeg", 0.6, picture, np.random.default_rng(3))[1]["saves"]} == {62}


@pytest.mark.parametrize(("kind", "strength"), [("melt", 0.5), ("jpeg", -0.1), ("noise", 1.5)])
def test_nonsense_is_refused(kind: str, strength: float) -> None:
    with pytest.raises(UsageError, match="Expected one of jpeg"):
        apply(kind, strength, HOST, np.random.default_rng(0))


@pytest.mark.parametrize(
    "plane", [None, OWN, np.where(OWN, 3, 0).astype(np.int32), np.where(OWN, 255, 0).astype(np.uint8)]
)
def test_a_region_is_the_photos_own_and_stays_where_it_was(plane: np.ndarray | None) -> None:
    shapes = set()
    for seed in range(24):
        change = in_place(np.random.default_rng(seed), HOST, plane, (0.01, 0.5))
        if change is None:
            continue
        shapes.add(change.parameters["shape"])
        assert np.array_equal(change.pixels[~change.mask], HOST[~change.mask])
        blurred = [
            cv2.GaussianBlur(one, (0, 0), 6).astype(np.float32)[change.mask].ravel() for one in (HOST, change.pixels)
        ]
        assert np.corrcoef(*blurred)[0, 1] > 0.75  # the same things are still to be seen
        if change.parameters["shape"] == "object":
            assert (change.mask & OWN).sum() > 0.9 * OWN.sum()
        if change.parameters["shape"] == "background":
            assert (change.mask & OWN).sum() < 0.25 * OWN.sum()
        json.dumps(change.parameters)
    if plane is not None:
        assert {"object", "background"} < shapes
        assert picked_object(np.random.default_rng(0), plane) is not None
