"""Twins: the same host after the same later life, one edited and one not."""

import numpy as np
import pytest

from mesorch_cli.forge.recipe import OPERATIONS, Donor, ForgeRecipe, draft_photo, forge_photo, forge_twins
from tests.forge.pictures import DONOR, HOST, disc

KNOWN = Donor(HOST, mask=disc(*HOST.shape[:2], 90, 100, 40))
OBJECT = Donor(DONOR, mask=disc(240, 180, 120, 90, 60))
SEEDS = range(40)


def only(operation: str) -> ForgeRecipe:
    return ForgeRecipe(shares=tuple(float(name == operation) for name in OPERATIONS))


@pytest.mark.parametrize("operation", [name for name in OPERATIONS if name != "authentic"])
def test_before_the_last_life_nothing_outside_the_mask_differs(operation: str) -> None:
    for seed in range(8):
        draft = draft_photo(np.random.default_rng(seed), KNOWN, OBJECT, only(operation))
        outside = ~draft.change.mask
        assert np.array_equal(draft.change.pixels[outside], draft.before.pixels[outside])
        if draft.objects is not None:
            assert draft.objects.shape == draft.change.mask.shape


def test_twins_share_their_life_and_size_and_the_first_is_what_is_forged_alone() -> None:
    kept = edited = 0
    for seed in SEEDS:
        forgery, twin = forge_twins(np.random.default_rng(seed), KNOWN, OBJECT)
        alone = forge_photo(np.random.default_rng(seed), KNOWN, OBJECT)
        assert np.array_equal(forgery.pixels, alone.pixels)
        assert np.array_equal(forgery.mask, alone.mask)
        assert forgery.encoded == alone.encoded
        assert (forgery.host_history, forgery.history) == (twin.host_history, twin.history)
        assert forgery.pixels.shape == twin.pixels.shape
        assert (twin.operation, twin.mask.any()) == ("authentic", False)
        assert (twin.encoded is None) == (forgery.encoded is None)
        if forgery.operation == "authentic":
            assert np.array_equal(forgery.pixels, twin.pixels)
            continue
        edited += 1
        inside = np.abs(forgery.pixels.astype(np.int16) - twin.pixels)[forgery.mask].mean()
        outside = np.abs(forgery.pixels.astype(np.int16) - twin.pixels)[~forgery.mask].mean()
        assert outside < inside
        if not forgery.history:  # kept as it was
            kept += 1
            assert np.array_equal(forgery.pixels[~forgery.mask], twin.pixels[~forgery.mask])
            assert not np.array_equal(forgery.pixels, twin.pixels)
    assert edited > 20
    assert kept > 0


def test_same_seed_same_twins() -> None:
    for seed in range(6):
        first, second = (forge_twins(np.random.default_rng(seed), KNOWN, OBJECT)[1] for _ in range(2))
        assert np.array_equal(first.pixels, second.pixels)
        assert first.encoded == second.encoded
