"""The picture for a written report: bounded, with photo, map and numbered outlines, and a scale that never moves."""

import cv2
import numpy as np
import pytest

from mesorch_cli.evidence.orientation import Box
from mesorch_cli.inference.regions import find_regions
from mesorch_cli.report import overlay, panel
from mesorch_cli.report.joins import Join, legend_of
from mesorch_cli.report.outlines import INK, INSIDE_OPACITY, JOINED, LINK_OPACITY, join, number


def drawn(pixels: np.ndarray, probability: np.ndarray, threshold: float = 0.1, orientation: int = 1) -> np.ndarray:
    regions, _ = find_regions(probability, threshold)
    data = panel.panel(pixels, probability, threshold, regions, orientation)
    assert data == panel.panel(pixels, probability, threshold, regions, orientation)
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (400, 600, 3), dtype=np.uint8)


def test_photo_map_and_outlines_stand_beside_each_other(noise: np.ndarray) -> None:
    probability = np.zeros((400, 600), np.float32)
    probability[100:200, 300:400] = 0.9
    picture = drawn(noise, probability)
    top, step = overlay.MARGIN + panel.TITLE, 600 + panel.GAP
    parts = [picture[top : top + 400, overlay.MARGIN + at * step :][:, :600] for at in range(3)]
    np.testing.assert_array_equal(parts[0], noise[..., ::-1])
    np.testing.assert_array_equal(parts[1], overlay.colours(probability))
    changed = (parts[2] != parts[0]).any(axis=2)
    assert changed[100:200, 298:303].any(axis=1).all(), "outlined"
    assert not changed[105:195, 305:395].any(), "and nothing drawn within"
    changed[60:205, 290:410] = False
    assert not changed.any(), "nor elsewhere"


@pytest.mark.parametrize("shape", [(16, 16), (20, 3000), (3000, 20), (64, 5000), (3000, 4000)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_any_photo_gives_a_panel_of_bounded_size(shape: tuple[int, int], dtype: type) -> None:
    pixels = np.full((*shape, 3), np.iinfo(dtype).max // 2, dtype)
    picture = drawn(pixels, np.full(shape, 0.4, np.float32), orientation=6)
    assert max(picture.shape) <= 3 * (panel.LONGEST_PART + panel.GAP) + 200
    assert min(picture.shape[:2]) >= 150
    assert (picture == 127).all(axis=2).any()


def test_parts_that_match_are_framed_and_joined() -> None:
    """In the panel's third part and in the overlay, and nothing is drawn elsewhere."""
    boxes = [Box(50, 60, 100, 80), Box(400, 200, 100, 80)]
    ground, probability = np.full((400, 600, 3), 90, np.uint8), np.zeros((400, 600), np.float32)
    joins = [Join((), tuple(boxes), (), ((100, 100), (450, 240)), "places", "points")]
    data = panel.panel(ground, probability, 0.1, (), 1, joins)
    sheet = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    top, left = overlay.MARGIN + panel.TITLE, overlay.MARGIN + 2 * (600 + panel.GAP)
    third = sheet[top : top + 400, left : left + 600]
    for x, y in ((50, 100), (149, 100), (100, 60), (100, 139), (400, 240), (450, 279), (275, 170)):
        near = third[y - 1 : y + 2, x - 1 : x + 2].astype(int)
        assert np.abs(near - JOINED).max(axis=2).min() < 80, (x, y)  # the line has smooth edges
    changed = (third != 90).any(axis=2)
    assert not changed[300:].any()
    assert not changed[:, 505:].any()
    data = overlay.overlay(ground, probability, 0.1, joins)
    shown = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[overlay.MARGIN :, overlay.MARGIN :]
    assert (shown[99:102, 49:52] == JOINED).all(axis=2).any()


def test_outlines_are_drawn_round_their_places_and_thin_lines_let_the_photo_through() -> None:
    first = ((200, 100), (800, 100), (800, 500), (200, 500))
    second = tuple((x + 1400, y + 1200) for x, y in first)
    links = tuple(((x, y), (x + 1400.0, y + 1200.0)) for x, y in ((300.5, 200.0), (700.0, 400.0), (400.0, 450.2)))
    joins = [Join((first, second), (), links, (), "places", "points")]
    ground = np.random.default_rng(1).integers(0, 256, (1000, 1500, 3), dtype=np.uint8)
    picture = ground.copy()
    join(picture, joins, 3000, 2000)
    for x, y in ((100, 150), (400, 150), (250, 50), (800, 750), (1100, 750), (950, 650)):
        assert (picture[y - 1 : y + 2, x - 1 : x + 2] == JOINED).all(axis=2).any(), (x, y)
    changed = (picture != ground).any(axis=2)
    inside = np.s_[56:244, 106:394]  # of the first outline, where its line is no longer
    assert 0 < changed[inside].mean() < 0.05
    between = np.s_[260:590, 410:690]
    assert 0 < changed[between].mean() < 0.05
    for shown, opacity in ((inside, INSIDE_OPACITY), (between, LINK_OPACITY)):
        through = (picture[shown] - np.array(JOINED) * opacity) / (1 - opacity)
        whole = changed[shown] & (np.abs(through - ground[shown]).max(axis=2) <= 2)  # the line at its full strength
        assert whole.sum() > 100
        assert np.abs(picture[shown] - ground[shown].astype(float)).max() <= 255 * opacity + 1
    for at in (0.0, 0.3, 0.6, 1.0):
        for start, end in links:
            x, y = (round((a + at * (b - a)) / 2 - 0.5) for a, b in zip(start, end, strict=True))
            assert changed[y - 1 : y + 2, x - 1 : x + 2].any(), (x, y)
    assert not changed[:, 1206:].any()
    assert not changed[:44].any()
    assert not changed[856:].any()


def test_a_legend_names_what_is_drawn_once() -> None:
    made = [Join((), (), links, (), "places", "some points") for links in ((), (((1.0, 2.0), (3.0, 4.0)),))]
    assert legend_of(made) == "places; thin lines: some points"
    assert legend_of(made[:1]) == "places"
    assert legend_of([]) == ""


def test_only_strong_regions_get_a_number_and_it_stays_in_the_picture() -> None:
    probability = np.zeros((300, 300), np.float32)
    probability[:80, :80] = 0.9
    probability[200:, 200:] = 0.15
    regions, _ = find_regions(probability, 0.1)
    assert [region.weak for region in regions] == [False, True]
    ground = np.full((300, 300, 3), 90, np.uint8)
    picture = ground.copy()
    number(picture, regions, 300, 300)
    ys, xs = np.nonzero((picture != ground).any(axis=2))
    assert (picture[ys, xs] == INK).all(axis=1).any()
    assert ys.size > 50
    assert ys.max() < 60
    assert xs.max() < 60
