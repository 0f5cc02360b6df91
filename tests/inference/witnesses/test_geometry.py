"""Outlines enclose what they outline, within the tolerance that they state; kept places are spread over all of them."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mesorch_cli.inference.witnesses.geometry import MOST_CORNERS, MOST_OUTLINES, outlined, spread_out

Shape = tuple[float, float, float, float, float]


@st.composite
def masks(draw: st.DrawFn) -> np.ndarray:
    """Return a mask of a few ellipses and boxes, down to single pixels and over the edge of the picture."""
    height, width = draw(st.integers(6, 90)), draw(st.integers(6, 90))
    mask = np.zeros((height, width), np.uint8)
    for _ in range(draw(st.integers(1, MOST_OUTLINES))):
        x, y = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
        across, along = draw(st.integers(0, 40)), draw(st.integers(0, 40))
        if draw(st.booleans()):
            cv2.ellipse(mask, (x, y), (across, along), draw(st.integers(0, 180)), 0, 360, 1, cv2.FILLED)
        else:
            mask[y : y + along + 1, x : x + across + 1] = 1
    return mask > 0


def comb() -> np.ndarray:
    """Return a mask with far more corners than are kept."""
    mask = np.zeros((60, 400), bool)
    mask[50:] = True
    mask[:, ::8] = True
    return mask


def noise() -> np.ndarray:
    """Return a mask of many ragged parts, of which the largest are outlined."""
    rough = np.random.default_rng(3).normal(size=(120, 160)).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(rough, (0, 0), 2) > 0.15)


def check(mask: np.ndarray, width: int, height: int) -> None:
    outlines, tolerance = outlined(mask, width, height)
    assert 1 <= len(outlines) <= MOST_OUTLINES
    assert all(len(corners) >= 3 for corners in outlines)
    assert sum(map(len, outlines)) <= MOST_CORNERS
    assert all(0 <= x <= width and 0 <= y <= height for corners in outlines for x, y in corners)
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    step = np.array([width / mask.shape[1], height / mask.shape[0]])
    polygons = [np.array(corners, np.float32).reshape(-1, 1, 2) for corners in outlines]
    outside = []
    for label in range(1, count):
        rows, columns = np.nonzero(labels == label)
        places = (np.stack([columns, rows], axis=1) + 0.5) * step
        away = [
            max(-cv2.pointPolygonTest(polygon, (float(x), float(y)), True) for x, y in places) for polygon in polygons
        ]
        outside.append(min(away))
    assert sum(distance <= tolerance for distance in outside) >= min(count - 1, len(outlines))
    if count - 1 <= MOST_OUTLINES:
        assert max(outside) <= tolerance
    middles = (np.argwhere(mask)[:, ::-1] + 0.5) * step
    for corner in (corner for corners in outlines for corner in corners):
        beyond = np.maximum(np.abs(middles - corner) - step / 2, 0)
        assert np.hypot(*beyond.T).min() <= tolerance


@given(masks(), st.integers(1, 4000), st.integers(1, 4000))
@hypothesis_settings(max_examples=60, deadline=None)
def test_outlines_enclose_a_mask_within_their_tolerance(mask: np.ndarray, width: int, height: int) -> None:
    check(mask, width, height)


@pytest.mark.parametrize("mask", [comb(), noise(), np.ones((5, 7), bool), np.eye(40, dtype=bool)])
def test_outlines_of_ragged_masks_keep_to_the_limits(mask: np.ndarray) -> None:
    check(mask, 3 * mask.shape[1], 3 * mask.shape[0])


def test_nothing_inside_is_under_the_outline() -> None:
    mask = np.zeros((60, 80), bool)
    mask[20:40, 30:60] = True
    (corners,), _ = outlined(mask, 800, 600)
    assert ({x for x, _ in corners}, {y for _, y in corners}) == ({295, 605}, {195, 405})
    drawn = cv2.polylines(np.zeros((600, 800), np.uint8), [np.array(corners, np.int32)], True, 1)
    assert not drawn[200:400, 300:600].any()
    assert drawn.any()


@given(
    st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=1, max_size=80),
    st.integers(1, 30),
    st.sampled_from([1.0, 3.0, 20.0]),
)
@hypothesis_settings(max_examples=80, deadline=None)
def test_kept_places_are_spread_over_all_places(where: list[tuple[int, int]], most: int, apart: float) -> None:
    places = np.array([complex(*place) for place in where])
    kept = spread_out(places, most, apart)
    assert 1 <= len(kept) <= most
    among = np.abs(places[kept][:, None] - places[kept][None, :])
    np.fill_diagonal(among, np.inf)
    furthest = np.abs(places[:, None] - places[kept][None, :]).min(axis=1).max()
    if len(kept) > 1:
        assert among.min() >= max(apart, furthest)
    if len(kept) < most:
        assert furthest < apart
    assert spread_out(places, max(1, most // 2), apart) == kept[: max(1, most // 2)]


def test_no_places_keep_none() -> None:
    assert spread_out(np.zeros(0, complex), 5, 1.0) == []
