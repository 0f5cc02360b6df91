"""The making of one forgery: same seed same bytes, masks within bounds, everything written down."""

import json

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesorch_cli.errors import UsageError
from mesorch_cli.forge.recipe import LARGEST_AREA, OPERATIONS, SMALLEST_AREA, Donor, ForgeRecipe, forge_photo
from tests.forge.pictures import DONOR, HOST, disc

OBJECT = Donor(DONOR, mask=disc(240, 180, 120, 90, 60))


def only(operation: str, **changes: object) -> ForgeRecipe:
    shares = tuple(float(name == operation) for name in OPERATIONS)
    return ForgeRecipe(shares=shares, **changes)  # type: ignore[arg-type]


@given(st.integers(0, 2**31))
@settings(max_examples=25, deadline=None)
def test_same_seed_same_bytes(seed: int) -> None:
    first, second = (forge_photo(np.random.default_rng(seed), Donor(HOST), OBJECT) for _ in range(2))
    assert first.operation == second.operation
    assert np.array_equal(first.pixels, second.pixels)
    assert np.array_equal(first.mask, second.mask)
    assert (first.encoded, first.suffix) == (second.encoded, second.suffix)
    assert (first.parameters, first.history) == (second.parameters, second.history)
    assert first.pixels.shape[:2] == first.mask.shape
    assert first.pixels.dtype == np.uint8


@pytest.mark.parametrize("operation", [name for name in OPERATIONS if name != "authentic"])
@pytest.mark.parametrize("shape", [(97, 203), (300, 121)])
def test_every_operation_leaves_a_mask_within_bounds(operation: str, shape: tuple[int, int]) -> None:
    host = cv2.resize(HOST, shape[::-1])
    recipe = only(operation, area_range=(0.001, 0.6))
    made = [forge_photo(np.random.default_rng(seed), Donor(host), Donor(DONOR), recipe) for seed in range(16)]
    forged = [forgery for forgery in made if forgery.operation == operation]
    assert len(forged) >= 13  # the rest stayed authentic, and say so
    for forgery in forged:
        assert SMALLEST_AREA <= forgery.mask.mean() <= LARGEST_AREA
        json.dumps([forgery.parameters, forgery.host_history, forgery.donor_history, forgery.history])
    for forgery in made:
        assert forgery.wanted == operation
        assert forgery.mask.any() == (forgery.operation != "authentic")


def test_authentic_photos_live_but_are_not_forged() -> None:
    lives = [forge_photo(np.random.default_rng(seed), Donor(HOST), OBJECT, only("authentic")) for seed in range(20)]
    assert not any(forgery.mask.any() or forgery.parameters for forgery in lives)
    changed = [f.pixels.shape != HOST.shape or not np.array_equal(f.pixels, HOST) for f in lives]
    assert sum(changed) >= 15


def test_a_donor_lives_its_own_life_and_only_splices_have_one() -> None:
    splices = [forge_photo(np.random.default_rng(seed), Donor(HOST), OBJECT, only("splice")) for seed in range(12)]
    assert any(forgery.donor_history for forgery in splices)
    assert any(forgery.donor_history != forgery.host_history for forgery in splices)
    copies = [forge_photo(np.random.default_rng(seed), Donor(HOST), OBJECT, only("copy_move")) for seed in range(6)]
    assert not any(forgery.donor_history for forgery in copies)


def test_a_flat_photo_cannot_be_forged_invisibly() -> None:
    """A copy of white on white changes nothing: such a photo is authentic, whatever was wanted."""
    white = Donor(np.full((150, 150, 3), 255, np.uint8))
    made = [forge_photo(np.random.default_rng(seed), white, white, only("copy_move")) for seed in range(6)]
    for forgery in made:
        if not forgery.mask.any():
            assert forgery.operation == "authentic"
            assert forgery.wanted == "copy_move"
    assert any(forgery.operation == "authentic" for forgery in made)


def test_nonsense_is_refused() -> None:
    with pytest.raises(UsageError, match="summing to 1"):
        ForgeRecipe(shares=(0.5, 0.1, 0.1, 0.1, 0.1))
    with pytest.raises(UsageError, match="rising"):
        ForgeRecipe(area_range=(0.3, 0.1))
    with pytest.raises(UsageError, match="at most 0.9"):
        ForgeRecipe(area_range=(0.01, 0.95))
    with pytest.raises(UsageError, match="large objects"):
        ForgeRecipe(large_share=1.5)
    with pytest.raises(UsageError, match="at least 72"):
        forge_photo(np.random.default_rng(0), Donor(HOST[:60]), Donor(DONOR))
