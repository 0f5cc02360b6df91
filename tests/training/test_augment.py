"""The published augmentations: each against its definition, written anew here, and the chain's shares by counting."""

from collections import Counter

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

from mesorch_cli.training import augment


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return cv2.resize(data.astronaut(), (90, 70), interpolation=cv2.INTER_AREA)


@pytest.fixture(scope="module")
def mask() -> np.ndarray:
    found = np.zeros((70, 90), bool)
    found[20:41, 30:77] = True
    return found


def test_scaling_rounds_down_and_keeps_photo_and_mask_together(photo: np.ndarray, mask: np.ndarray) -> None:
    pixels, scaled_mask = augment.scaled(photo, mask, 1.19)
    assert pixels.shape == (int(70 * 1.19), int(90 * 1.19), 3)
    assert scaled_mask.shape == pixels.shape[:2]
    # nearest: output pixel i is input pixel floor(i * in / out)
    rows, columns = (
        np.floor(np.arange(new) * old / new).astype(int) for new, old in zip((83, 107), (70, 90), strict=True)
    )
    assert np.array_equal(scaled_mask, mask[np.ix_(rows, columns)])


def test_tone_is_contrast_then_brightness_cut_off(photo: np.ndarray) -> None:
    expected = np.floor(np.clip(photo.astype(np.float64) * 1.07 - 0.04 * 255, 0, 255))
    assert np.abs(augment.toned(photo, 1.07, -0.04).astype(int) - expected).max() <= 1  # float32 at whole numbers
    assert np.array_equal(augment.toned(photo, 1.0, 0.0), photo)


def test_jpeg_sees_red_as_blue(photo: np.ndarray) -> None:
    _, data_ = cv2.imencode(".jpg", photo, [cv2.IMWRITE_JPEG_QUALITY, 70])
    assert np.array_equal(augment.compressed(photo, 70), cv2.imdecode(data_, cv2.IMREAD_UNCHANGED))
    assert np.abs(augment.compressed(photo, 95).astype(int) - photo).mean() < 5


def test_blur_kernels_and_their_weights(photo: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    counts = Counter(augment.drawn_kernel(rng) for _ in range(5000))
    assert set(counts) == {3, 5, 7}
    assert counts[3] / 5000 == pytest.approx(0.2, abs=0.03)
    assert counts[7] / 5000 == pytest.approx(0.4, abs=0.03)
    side = 5
    weights = np.array([1, 4, 6, 4, 1]) / 16  # OpenCV's own table for small kernels without a deviation
    kernel = np.outer(weights, weights)
    padded = np.pad(photo[..., 1].astype(float), 2, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side))
    expected = np.einsum("hwij,ij->hw", windows, kernel)
    assert np.abs(augment.blurred(photo, side)[..., 1] - expected).max() <= 0.51


@given(seed=st.integers(0, 2**32), height=st.integers(2, 120), width=st.integers(2, 120))
@settings(max_examples=60, deadline=None)
def test_copy_move_pastes_a_window_of_the_same_photo(seed: int, height: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    # every pixel is unlike every other one, so that the paste can be traced
    pixels = np.arange(height * width * 3).reshape(height, width, 3) % 251
    pixels = (pixels + np.arange(width)[:, None]).astype(np.uint8)
    before = np.zeros((height, width), bool)
    after, mask = augment.copy_moved(rng, pixels, before)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    window = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    assert mask[window].all()
    assert mask.sum() == mask[window].size
    assert max(1, int(0.05 * height)) <= len(rows) <= max(1, int(0.8 * height))
    assert max(1, int(0.05 * width)) <= len(columns) <= max(1, int(0.8 * width))
    assert np.array_equal(after[~mask], pixels[~mask])
    assert not before.any()
    pasted = after[window]
    places = np.lib.stride_tricks.sliding_window_view(pixels, pasted.shape)[..., 0, :, :, :]
    assert (places == pasted).all(axis=(-3, -2, -1)).any()


def test_windows_reach_every_border() -> None:
    rng = np.random.default_rng(1)
    places = [augment.drawn_place(rng, (20, 20), 8, 8) for _ in range(2000)]
    for axis in (0, 1):
        assert {place[axis].start for place in places} == set(range(13))


def test_inpainting_changes_its_window_alone(photo: np.ndarray, mask: np.ndarray) -> None:
    seen = set()
    for seed in range(8):
        pixels, found = augment.inpainted(np.random.default_rng(seed), photo, mask)
        hole = found & ~mask
        assert np.array_equal(pixels[~found], photo[~found])
        assert (found | ~mask).all(), "the mask before is kept"
        seen.add(bool((pixels != photo).any() and hole.any()))
    assert True in seen


def test_the_chain_keeps_the_raster_and_forges_a_fifth() -> None:
    blank = np.full((40, 60, 3), 90, np.uint8)
    empty = np.zeros((40, 60), bool)
    rng = np.random.default_rng(3)
    forged, sizes = 0, set()
    rounds = 1500
    for _ in range(rounds):
        pixels, mask = augment.published(rng, blank, empty)
        assert pixels.shape[:2] == mask.shape
        assert pixels.dtype == np.uint8
        forged += bool(mask.any())
        sizes.add(max(mask.shape))
    assert forged / rounds == pytest.approx(0.19, abs=0.04)
    assert min(sizes) >= int(60 * 0.8)
    assert max(sizes) <= int(60 * 1.2)
    assert len(sizes) > 15


def test_flips_and_turns_move_photo_and_mask_alike() -> None:
    """A bright spot under the mask stays under it, whatever else the chain does."""
    pixels = np.full((64, 64, 3), 20, np.uint8)
    mask = np.zeros((64, 64), bool)
    mask[4:20, 8:30] = True
    pixels[mask] = 220
    rng = np.random.default_rng(5)
    corners = set()
    for _ in range(60):
        found, found_mask = augment.published(rng, pixels, mask)
        plain = found_mask.mean() < 0.1  # no window was forged beside it
        if plain:
            assert ((found[..., 1] > 120) == found_mask).mean() > 0.9
            rows, columns = np.nonzero(found_mask)
            corners.add((rows.mean() < found_mask.shape[0] / 2, columns.mean() < found_mask.shape[1] / 2))
    assert len(corners) == 4
