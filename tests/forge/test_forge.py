"""Forgeries: same seed same bytes, exact masks, no preference for the centre, histories that keep mask and photo together."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

from mesorch_cli.errors import UsageError
from mesorch_cli.forge import compositing, history
from mesorch_cli.forge.copy_move import copy_move
from mesorch_cli.forge.recipe import OPERATIONS, Donor, ForgeRecipe, forge_photo
from mesorch_cli.forge.removal import removal
from mesorch_cli.forge.retouch import KINDS, retouch, retouched
from mesorch_cli.forge.shapes import outline, place, region_box
from mesorch_cli.forge.splice import splice

AREAS = (0.005, 0.4)
HOST = cv2.resize(data.astronaut(), (203, 197))
DONOR = cv2.resize(data.coffee(), (180, 240))


def only(operation: str) -> ForgeRecipe:
    return ForgeRecipe(shares=tuple(float(name == operation) for name in OPERATIONS))  # type: ignore[arg-type]


@given(st.integers(0, 2**31))
@settings(max_examples=25, deadline=None)
def test_same_seed_same_bytes(seed: int) -> None:
    first, second = (forge_photo(np.random.default_rng(seed), Donor(HOST), Donor(DONOR)) for _ in range(2))
    assert first.operation == second.operation
    assert np.array_equal(first.pixels, second.pixels)
    assert np.array_equal(first.mask, second.mask)
    assert first.pixels.shape[:2] == first.mask.shape
    assert first.pixels.dtype == np.uint8


@pytest.mark.parametrize("operation", [name for name in OPERATIONS if name != "authentic"])
@pytest.mark.parametrize("shape", [(97, 203), (300, 121)])
def test_every_operation_leaves_a_mask_of_the_wanted_size(operation: str, shape: tuple[int, int]) -> None:
    host = cv2.resize(HOST, shape[::-1])
    made = [forge_photo(np.random.default_rng(seed), Donor(host), Donor(DONOR), only(operation)) for seed in range(25)]
    forged = [forgery for forgery in made if forgery.operation == operation]
    assert len(forged) >= 23  # the rest fell back to authentic, and say so
    for forgery in forged:
        assert 0 < forgery.mask.mean() < 0.75
    for forgery in made:
        assert forgery.mask.any() == (forgery.operation != "authentic")


def test_authentic_photos_live_but_are_not_forged() -> None:
    lives = [
        forge_photo(np.random.default_rng(seed), Donor(HOST), Donor(DONOR), only("authentic")) for seed in range(30)
    ]
    assert not any(forgery.mask.any() for forgery in lives)
    changed = [f.pixels.shape != HOST.shape or not np.array_equal(f.pixels, HOST) for f in lives]
    assert sum(changed) > 20


@given(st.integers(0, 2**31))
@settings(max_examples=60, deadline=None)
def test_pixels_outside_the_mask_are_the_hosts(seed: int) -> None:
    """Before the photo lives on. A thin tip that a feather has blurred below one half may leave a faint trace outside."""
    rng = np.random.default_rng(seed)
    reach = np.ones((25, 25), np.uint8)
    for made in (
        splice(rng, HOST, DONOR, None, AREAS),
        copy_move(rng, HOST, AREAS),
        removal(rng, HOST, AREAS),
        retouch(rng, HOST, AREAS),
    ):
        if made is None:
            continue
        pixels, mask = made
        near = cv2.dilate(mask.astype(np.uint8), reach) > 0
        changed = np.abs(pixels.astype(int) - HOST).max(axis=2)[~near]
        assert (changed > 0).sum() < 0.01 * mask.sum() + 10
        assert changed.max(initial=0) < 40
        assert not np.array_equal(pixels, HOST) or mask.sum() < 200


def test_a_hard_edge_changes_the_mask_and_nothing_else() -> None:
    rng = np.random.default_rng(1)
    patch, shape = np.full((40, 50, 3), 255, np.uint8), outline(rng, 40, 50)
    while True:
        made = compositing.paste(rng, HOST, patch, shape, 100, -10)
        assert made is not None
        pixels, mask = made
        if set(np.unique(np.abs(pixels.astype(int) - HOST)[~mask])) == {0}:
            break
    assert (pixels[mask] == 255).all()
    assert mask[100:140, :40].sum() == mask.sum() == shape[:, 10:].sum()


def test_objects_with_masks_are_cut_out_along_them() -> None:
    red = np.zeros((120, 120, 3), np.uint8)
    red[..., 0] = 255
    disc = np.hypot(*(np.indices((120, 120)) - 60)) < 40
    for seed in range(12):
        made = splice(np.random.default_rng(seed), HOST, red, disc, AREAS)
        assert made is not None
        height, width = np.ptp(np.nonzero(made[1]), axis=1) + 1
        assert made[1].sum() < 0.95 * height * width or min(height, width) < 20  # a disc, or cut by the border


def test_places_do_not_prefer_the_centre() -> None:
    rng = np.random.default_rng(0)
    centres = np.array([place(rng, 400, 600, 80, 90) for _ in range(3000)]) + np.array([40, 45])
    assert abs(centres[:, 0].mean() - 200) < 8
    assert abs(centres[:, 1].mean() - 300) < 12
    # uniform: a quarter of the places lies in the outer quarter of the reachable range along an axis
    outer = np.abs(centres[:, 1] - 300) > 0.75 * (600 - 90) / 2
    assert outer.mean() > 0.22
    assert (centres[:, 1] - 45 < 0).any()


def test_areas_spread_over_the_whole_range() -> None:
    rng = np.random.default_rng(0)
    areas = np.array([np.prod(region_box(rng, 700, 900, (0.002, 0.45))) for _ in range(2000)]) / (700 * 900)
    assert (areas < 0.006).mean() > 0.03
    assert (areas > 0.3).mean() > 0.03
    assert 0.02 < np.median(areas) < 0.12


@given(st.integers(0, 2**31))
@settings(max_examples=40, deadline=None)
def test_a_life_keeps_mask_and_photo_together(seed: int) -> None:
    """A bright square marks the mask: wherever the photo goes, the square must stay under the mask."""
    pixels, mask = np.full((150, 210, 3), 60, np.uint8), np.zeros((150, 210), bool)
    mask[40:90, 70:150] = True
    pixels[mask] = 220
    lived, kept = history.live_after(np.random.default_rng(seed), pixels, mask)
    assert lived.shape[:2] == kept.shape
    bright = lived.mean(axis=2) > 140
    assert (bright == kept).mean() > 0.97


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_retouching_changes_something(kind: str) -> None:
    part = np.ascontiguousarray(HOST[40:120, 60:140])
    changed = retouched(np.random.default_rng(3), part, kind)
    assert changed.shape == part.shape
    assert np.abs(changed.astype(int) - part).mean() > 0.5


def test_nonsense_is_refused() -> None:
    with pytest.raises(UsageError, match="summing to 1"):
        ForgeRecipe(shares=(0.5, 0.1, 0.1, 0.1, 0.1))
    with pytest.raises(UsageError, match="rising"):
        ForgeRecipe(area_range=(0.3, 0.1))
    with pytest.raises(UsageError, match="at least 72"):
        forge_photo(np.random.default_rng(0), Donor(HOST[:60]), Donor(DONOR))
