"""Patches: transforms move pixels and opacity together and say what they did."""

import cv2
import numpy as np
import pytest

from mesorch_cli.errors import UsageError
from mesorch_cli.forge.donors import Donor, cut_out, picked_object, silhouette_of
from mesorch_cli.forge.patch import Patch, flipped, rotated, scaled, tilted
from tests.forge.pictures import HOST, disc, square

RING = np.ones((9, 9), np.uint8)


def bright_disc() -> Patch:
    mask = disc(80, 100, 40, 50, 25)
    return Patch.of(np.where(mask[..., None], np.uint8(240), np.uint8(10)).repeat(3, axis=2), mask)


@pytest.mark.parametrize(
    "transform",
    [
        lambda rng, patch: scaled(rng, patch, 0.6),
        lambda rng, patch: scaled(rng, patch, 1.7),
        lambda _, patch: flipped(patch),
        lambda rng, patch: rotated(rng, patch, 33.0),
        lambda rng, patch: tilted(rng, patch, 0.15),
    ],
)
def test_pixels_and_opacity_stay_together(transform: object) -> None:
    for seed in range(4):
        patch, step = transform(np.random.default_rng(seed), bright_disc())  # type: ignore[operator]
        opaque, bright = patch.opacity > 0.5, patch.pixels[..., 0] > 125
        assert bright[opaque].mean() > 0.97
        assert not bright[cv2.dilate(opaque.astype(np.uint8), RING) > opaque].mean() > 0.3
        assert patch.opacity.min() >= 0
        assert patch.opacity.max() <= 1
        assert step["step"]


def test_a_flip_mirrors_and_knows_which_side_was_cut() -> None:
    patch, _ = flipped(Patch(HOST, np.ones(HOST.shape[:2], np.float32), frozenset({"left", "top"})))
    assert np.array_equal(patch.pixels, HOST[:, ::-1])
    assert patch.cut == {"right", "top"}


def test_a_cut_out_knows_which_sides_its_photo_cut() -> None:
    patch = cut_out(HOST, square(197, 203, np.s_[150:197], np.s_[60:100]).astype(np.float32))
    assert patch is not None
    assert patch.cut == {"bottom"}
    assert cut_out(HOST, np.zeros(HOST.shape[:2], np.float32)) is None


def test_label_maps_give_parts_and_groups() -> None:
    labels = np.zeros((100, 100), np.int32)
    labels[10:40, 10:40], labels[40:60, 10:40] = 1, 2  # touch: a group
    labels[70:95, 60:95] = 1
    sizes = set()
    for seed in range(60):
        picked = picked_object(np.random.default_rng(seed), labels)
        assert picked is not None
        sizes.add(int(picked[0].sum()))
    assert sizes == {900, 600, 875, 1500}
    assert picked_object(np.random.default_rng(0), np.zeros((50, 50), np.int32)) is None


def test_a_silhouette_fills_its_box() -> None:
    shape = silhouette_of(np.random.default_rng(0), disc(100, 100, 50, 40, 20))
    assert shape is not None
    assert shape.shape == (39, 39)
    assert silhouette_of(np.random.default_rng(0), None) is None


def test_planes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UsageError, match="same size"):
        Donor(HOST, mask=np.ones((10, 10), bool))
    both = np.ones(HOST.shape[:2], bool)
    with pytest.raises(UsageError, match="2 planes"):
        Donor(HOST, mask=both, labels=both.astype(np.int32))
    with pytest.raises(ValueError, match="differ in size"):
        Patch(HOST, np.ones((3, 3), np.float32))
