"""Retouching: every kind changes something; letters and logos have soft edges."""

import numpy as np
import pytest

from mesorch_cli.forge.lettering import logo_patch, text_patch
from mesorch_cli.forge.retouch import FILTERS, KINDS, retouch, retouched
from tests.forge.pictures import AREAS, HOST, disc


@pytest.mark.parametrize("kind", FILTERS)
def test_every_filter_changes_something(kind: str) -> None:
    part = np.ascontiguousarray(HOST[40:120, 60:140])
    for seed in range(4):
        changed, parameters = retouched(np.random.default_rng(seed), part, kind)
        assert changed.shape == part.shape
        assert changed.dtype == np.uint8
        assert np.abs(changed.astype(int) - part).mean() > 0.5
        assert parameters


def test_a_warp_leaves_the_border_of_its_box() -> None:
    part = np.ascontiguousarray(HOST[40:120, 60:140])
    warped, _ = retouched(np.random.default_rng(5), part, "warp")
    moved = np.abs(warped.astype(int) - part).max(axis=2)
    assert moved[[0, -1]].mean() < 0.2 * moved[20:60, 20:60].mean()


def test_all_kinds_are_drawn() -> None:
    changes = [retouch(np.random.default_rng(seed), HOST, None, AREAS) for seed in range(120)]
    assert {change.parameters["kind"] for change in changes if change is not None} == set(KINDS)


@pytest.mark.parametrize("make", [text_patch, logo_patch])
def test_letters_and_logos_cover_a_part_of_their_box_with_soft_edges(make: object) -> None:
    for seed in range(8):
        patch, parameters = make(np.random.default_rng(seed), 40, 120)  # type: ignore[operator]
        covered = float((patch.opacity > 0.3).mean())
        assert 0.02 < covered < 0.95
        assert ((patch.opacity > 0.05) & (patch.opacity < 0.95 * patch.opacity.max())).any()
        assert parameters.get("text") or parameters["logo"]


def test_a_known_object_is_retouched_as_a_whole() -> None:
    plane = disc(197, 203, 90, 100, 25)
    objects = [
        change
        for change in (retouch(np.random.default_rng(seed), HOST, plane, AREAS) for seed in range(90))
        if change is not None and change.parameters.get("shape") == "object"
    ]
    assert len(objects) >= 8
    for change in objects:
        assert change.mask[plane].mean() > 0.75
        assert change.mask.sum() < 1.6 * plane.sum()
