"""Shapes and places: areas as asked for, no preference for the centre, outlines that follow edges."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mesorch_cli.forge.segments import segmented
from mesorch_cli.forge.shapes import drawn_area, place, region, snapped, window_of
from tests.forge.pictures import disc, square


@given(st.integers(0, 2**31), st.floats(0.005, 0.4), st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_region_has_about_the_area_that_was_asked_for(seed: int, share: float, like_an_object: bool) -> None:
    silhouette = disc(40, 40, 20, 20, 19) if like_an_object else None
    mask, kind = region(np.random.default_rng(seed), 400, 600, share, silhouette)
    assert kind
    assert mask.shape[0] <= 400
    assert mask.shape[1] <= 600
    assert 0.3 * share < mask.sum() / (400 * 600) < 1.3 * share + 0.002


def test_areas_reach_from_end_to_end_of_the_range() -> None:
    rng = np.random.default_rng(0)
    areas = np.array([drawn_area(rng, (0.001, 0.6)) for _ in range(3000)])
    assert 0.001 <= areas.min() < 0.0015
    assert 0.5 < areas.max() <= 0.6
    assert 0.04 < np.median(areas) < 0.05
    assert (areas < 0.01).mean() > 0.2


def test_places_do_not_prefer_the_centre() -> None:
    rng = np.random.default_rng(0)
    centres = np.array([place(rng, 400, 600, (80, 90)) for _ in range(3000)]) + np.array([40, 45])
    assert abs(centres[:, 0].mean() - 200) < 8
    assert abs(centres[:, 1].mean() - 300) < 12
    # uniform: a quarter of the places lies in the outer quarter of the reachable range along an axis
    outer = np.abs(centres[:, 1] - 300) > 0.75 * (600 - 90) / 2
    assert outer.mean() > 0.25
    assert (centres[:, 1] - 45 < 0).any()


def test_large_regions_do_not_all_cover_the_centre() -> None:
    rng = np.random.default_rng(0)
    corners = np.array([place(rng, 400, 400, (280, 280)) for _ in range(1000)])
    covers = ((corners < 200) & (corners + 280 > 200)).all(axis=1)
    assert covers.mean() < 0.97


def test_an_object_cut_by_its_photo_stays_at_the_border() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        y, _ = place(rng, 400, 600, (100, 80), {"bottom"})
        assert y + 100 >= 400
        _, x = place(rng, 400, 600, (100, 80), {"left"})
        assert x <= 0


def test_an_outline_snaps_to_an_edge_nearby() -> None:
    pixels = np.full((100, 100, 3), 30, np.uint8)
    pixels[20:80, 20:80] = 220
    found = snapped(pixels, square(100, 100, np.s_[25:84], np.s_[17:77]))
    truth = square(100, 100, np.s_[20:80], np.s_[20:80])
    assert (found & truth).sum() / (found | truth).sum() > 0.9


def test_a_region_that_reaches_the_border_keeps_it() -> None:
    pixels = np.full((100, 140, 3), 30, np.uint8)
    pixels[:50] = 220
    found = snapped(pixels, square(100, 140, np.s_[:54], np.s_[:]))
    assert found[:40].all()
    assert not found[60:].any()
    assert found[0].all()


def test_a_thing_that_stands_out_is_found() -> None:
    rng = np.random.default_rng(0)
    pixels = np.clip(rng.normal(90, 6, (200, 240, 3)), 0, 255).astype(np.uint8)
    truth = disc(200, 240, 100, 120, 45)
    pixels[truth] = np.clip(rng.normal((210, 60, 50), 6, (int(truth.sum()), 3)), 0, 255).astype(np.uint8)
    masks = [segmented(np.random.default_rng(seed), pixels, (0.5, 0.95)) for seed in range(20)]
    good = [mask for mask in masks if mask is not None and (mask & truth).sum() / (mask | truth).sum() > 0.85]
    assert len(good) >= 6
    again = segmented(np.random.default_rng(0), pixels, (0.5, 0.95))
    assert (masks[0] is None) == (again is None)
    assert again is None or np.array_equal(masks[0], again)


def test_a_window_is_the_smallest_box() -> None:
    assert window_of(np.zeros((5, 5), bool)) is None
    assert window_of(square(20, 30, np.s_[4:9], np.s_[10:12])) == (slice(4, 9), slice(10, 12))
    assert window_of(square(20, 30, np.s_[4:9], np.s_[10:12]), 5) == (slice(0, 14), slice(5, 17))
