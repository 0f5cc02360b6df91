"""Removals: nothing of the hole is left, and what fills it is of the photo around."""

import cv2
import numpy as np
import pytest

from mesorch_cli.forge.filling import by_blocks, diffused, one_patch
from mesorch_cli.forge.removal import removal
from tests.forge.pictures import AREAS, HOST, disc

GREEN = np.zeros((160, 160, 3), np.uint8)
GREEN[..., 1] = 150 + (np.indices((160, 160)).sum(axis=0) % 7 * 5)[...]
HOLE = disc(50, 44, 25, 22, 20)


@pytest.mark.parametrize("fill", [diffused, one_patch, by_blocks])
def test_a_red_disc_vanishes_from_a_green_photo(fill: object) -> None:
    host = GREEN.copy()
    host[60:110, 50:94][HOLE] = (255, 0, 0)
    grown = cv2.dilate(HOLE.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    for seed in range(5):
        filled = fill(np.random.default_rng(seed), host, grown, 60, 50)  # type: ignore[operator]
        assert filled is not None
        pixels, how = filled
        assert pixels.shape == (50, 44, 3)
        assert how["filling"]
        assert pixels[grown][:, 1].mean() > 120
        assert pixels[grown][:, 0].mean() < 60


def test_blocks_by_example_repeat_a_regular_pattern() -> None:
    """A hole in stripes is filled with stripes, not with their mean."""
    stripes = np.repeat(np.repeat((np.indices((160, 160))[1] // 4 % 2 * 200).astype(np.uint8)[..., None], 3, 2), 1, 0)
    filled = by_blocks(np.random.default_rng(1), stripes, HOLE, 60, 50)
    assert filled is not None
    inside = filled[0][HOLE][:, 0]
    assert ((inside < 40) | (inside > 160)).mean() > 0.7


def test_no_room_for_examples_gives_nothing() -> None:
    hole = np.ones((60, 60), bool)
    assert by_blocks(np.random.default_rng(0), HOST[:60, :60].copy(), hole, 0, 0) is None
    assert one_patch(np.random.default_rng(0), HOST[:60, :60].copy(), hole, 0, 0) is None


def test_an_object_goes_with_a_little_around_it() -> None:
    plane = disc(197, 203, 90, 100, 25)
    removed = [removal(np.random.default_rng(seed), HOST, plane, AREAS) for seed in range(40)]
    objects = [change for change in removed if change is not None and change.parameters.get("object") == "mask"]
    assert len(objects) >= 8
    for change in objects:
        assert change.mask[plane].mean() > 0.9
        assert change.mask.sum() < 2.2 * plane.sum()
