"""What holds for every operation: the mask is exact, same seed same photo, objects are used where they are known."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesorch_cli.forge.background import background
from mesorch_cli.forge.compositing import Change
from mesorch_cli.forge.copy_move import copy_move
from mesorch_cli.forge.in_place import in_place
from mesorch_cli.forge.removal import removal
from mesorch_cli.forge.retouch import retouch
from mesorch_cli.forge.splice import splice
from tests.forge.pictures import AREAS, DONOR, HOST, disc

Operation = Callable[[np.random.Generator], Change | None]
SILHOUETTE = disc(40, 30, 20, 15, 14)
PLANE = disc(197, 203, 90, 100, 25)
OPERATIONS: dict[str, Operation] = {
    "splice": lambda rng: splice(rng, HOST, DONOR, None, AREAS),
    "splice of an object": lambda rng: splice(rng, HOST, DONOR, disc(240, 180, 100, 90, 50), AREAS, 0.5),
    "copy-move": lambda rng: copy_move(rng, HOST, None, AREAS, SILHOUETTE),
    "copy-move of an object": lambda rng: copy_move(rng, HOST, PLANE, AREAS),
    "removal": lambda rng: removal(rng, HOST, None, AREAS, SILHOUETTE),
    "removal of an object": lambda rng: removal(rng, HOST, PLANE, AREAS),
    "in place": lambda rng: in_place(rng, HOST, None, AREAS, SILHOUETTE),
    "in place, objects known": lambda rng: in_place(rng, HOST, PLANE, AREAS),
    "background": lambda rng: background(rng, HOST, DONOR, None),
    "background of an object": lambda rng: background(rng, HOST, DONOR, disc(197, 203, 90, 100, 50)),
    "retouch": lambda rng: retouch(rng, HOST, None, AREAS, SILHOUETTE),
    "retouch of an object": lambda rng: retouch(rng, HOST, PLANE, AREAS),
}


@pytest.mark.parametrize("name", OPERATIONS)
@given(seed=st.integers(0, 2**31))
@settings(max_examples=20, deadline=None)
def test_outside_the_mask_every_pixel_is_the_hosts(name: str, seed: int) -> None:
    before = HOST.copy()
    change = OPERATIONS[name](np.random.default_rng(seed))
    assert np.array_equal(before, HOST), "the host itself was written to"
    if change is not None:
        assert change.pixels.shape == HOST.shape
        assert change.pixels.dtype == np.uint8
        assert change.mask.dtype == bool
        assert np.array_equal(change.pixels[~change.mask], HOST[~change.mask])


@pytest.mark.parametrize("name", OPERATIONS)
def test_most_draws_come_out_and_change_the_photo(name: str) -> None:
    changes = [OPERATIONS[name](np.random.default_rng(seed)) for seed in range(20)]
    made = [change for change in changes if change is not None]
    assert len(made) >= 15
    assert sum(not np.array_equal(change.pixels, HOST) for change in made) >= len(made) - 1


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_same_generator_gives_the_same_change(name: str) -> None:
    for seed in range(4):
        first, second = (OPERATIONS[name](np.random.default_rng(seed)) for _ in range(2))
        assert (first is None) == (second is None)
        if first is not None and second is not None:
            assert first.parameters == second.parameters
            assert np.array_equal(first.pixels, second.pixels)
            assert np.array_equal(first.mask, second.mask)
