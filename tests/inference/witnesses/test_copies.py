"""Copies within a photo: found where they are, told apart from what is merely alike, and put on the map."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from skimage import data

from mesorch_cli.errors import UsageError
from mesorch_cli.inference.detector import Detector
from mesorch_cli.inference.scoring import pool
from mesorch_cli.inference.witnesses.copies.likeness import Windows, correlation
from mesorch_cli.inference.witnesses.copies.movements import TOLERANCE, moved_places
from mesorch_cli.inference.witnesses.copies.search import LONGEST, Copy, find_copies, looked_at
from mesorch_cli.inference.witnesses.copies.witness import certainty_of, mark_copies
from mesorch_cli.inference.witnesses.finding import Finding
from mesorch_cli.inference.witnesses.geometry import MOST_LINKS
from tests.inference.networks import WHOLE, Pixelwise, settings
from tests.inference.witnesses.copied import FAR, PART, RULE, photo, saved, with_copy


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    return float((first & second).sum() / (first | second).sum())


@pytest.mark.parametrize("sides", [(1, 700), (2, 1280), (10, 900), (16, 9000), (9000, 16)])
def test_a_photo_that_is_hardly_wider_than_a_line_has_no_copies(sides: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*sides, 3), dtype=np.uint8)
    assert find_copies(pixels) == []


@pytest.mark.parametrize(("turn", "scale"), [(0, 1.0), (25, 1.0), (-120, 1.1), (0, 0.8), (180, 1.3)])
@pytest.mark.parametrize("quality", [None, 80])
def test_a_copy_is_found_with_its_movement(turn: float, scale: float, quality: int | None) -> None:
    pixels, placed = with_copy(turn, scale)
    if quality is not None:
        pixels = saved(pixels, quality)
    copies = [copy for copy in find_copies(pixels) if certainty_of(copy.features, RULE) > 0.5]
    assert len(copies) == 1
    best = copies[0]
    original = np.zeros_like(placed)
    original[PART] = True
    forward = overlap(best.counterpart, placed) > overlap(best.part, placed)
    pasted, source = (best.counterpart, best.part) if forward else (best.part, best.counterpart)
    assert overlap(pasted, placed) > 0.5
    assert overlap(source, original) > 0.5
    assert best.features.returned
    assert (best.scale if forward else 1 / best.scale) == pytest.approx(scale, rel=0.03)
    # turns are clockwise in the raster, OpenCV's are the other way
    found = best.turn_degrees if forward else -best.turn_degrees
    assert abs((found + turn + 180) % 360 - 180) < 2


@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea", "rocket"])
def test_photos_without_a_copy_have_none(name: str) -> None:
    pixels = np.ascontiguousarray(getattr(data, name)())
    assert [copy for copy in find_copies(pixels) if certainty_of(copy.features, RULE) > 0.5] == []


@pytest.mark.parametrize("pixels", [np.zeros((64, 64, 3), np.uint8), np.full((5, 700, 3), 90, np.uint8)])
def test_pictures_without_points_have_no_copies(pixels: np.ndarray) -> None:
    assert find_copies(pixels) == []


@pytest.mark.parametrize(("turn", "scale", "quality"), [(0, 1.0, None), (25, 1.0, 85), (-120, 1.1, 85), (0, 0.8, 85)])
def test_a_small_copy_in_a_small_photo_is_found_at_twice_the_size(
    turn: float, scale: float, quality: int | None
) -> None:
    large, placed_large = with_copy(turn, scale)
    pixels = cv2.resize(large, (160, 160), interpolation=cv2.INTER_AREA).astype(np.uint8)
    placed = cv2.resize(placed_large.astype(np.uint8), (160, 160), interpolation=cv2.INTER_AREA) > 0
    if quality is not None:
        pixels = saved(pixels, quality)
    sure = RULE.model_copy(update={"least": 0.9})
    flat = np.full(placed.shape, 0.1, np.float32)
    assert mark_copies(find_copies(pixels), flat, sure) == ()
    (found,) = mark_copies(find_copies(pixels, doubled_below=640), flat, sure)
    raised = flat > 0.2
    assert (raised & placed).sum() > 0.6 * placed.sum()
    # in the photo's own pixels, not those of the picture that was looked at
    rows, columns = np.flatnonzero(placed.any(axis=1)), np.flatnonzero(placed.any(axis=0))
    ends = [
        max(abs(box.x - columns[0]), abs(box.y - rows[0]), abs(box.width - columns.size), abs(box.height - rows.size))
        for _, box in found.places
    ]
    assert min(ends) <= 8


@given(st.integers(40, 2000), st.integers(40, 2000), st.sampled_from([0, 320, 640]))
@hypothesis_settings(max_examples=25, deadline=None)
def test_only_small_photos_are_looked_at_twice_as_large(height: int, width: int, doubled_below: int) -> None:
    pixels = np.zeros((height, width, 3), np.uint8)
    seen = looked_at(pixels, doubled_below)
    longest = max(height, width)
    if longest < doubled_below:
        assert seen.shape == (2 * height, 2 * width)
    else:
        assert seen.shape == looked_at(pixels).shape
        assert max(seen.shape) == min(longest, LONGEST)


def test_large_and_deep_photos_are_looked_at_smaller_and_in_8_bits() -> None:
    deep = np.arange(2000 * 900 * 3, dtype=np.uint64).reshape(2000, 900, 3).astype(np.uint16)
    grey = looked_at(deep)
    assert grey.shape == (LONGEST, round(900 * LONGEST / 2000))
    assert grey.dtype == np.uint8
    steps = np.repeat(np.arange(256, dtype=np.uint16)[None, :, None] * 257, 3, axis=2)
    np.testing.assert_array_equal(looked_at(np.repeat(steps, 8, axis=0))[0], np.arange(256))


@given(st.integers(0, 2**32 - 1))
@hypothesis_settings(max_examples=25, deadline=None)
def test_correlation_equals_numpys(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first = rng.normal(100, 20, (24, 27)).astype(np.float32)
    second = (0.6 * first + rng.normal(0, 15, first.shape)).astype(np.float32)
    ours = correlation(Windows.of(first, 9, 1.0), Windows.of(second, 9, 1.0))
    for y, x in ((4, 4), (12, 13), (19, 22)):
        window = np.s_[y - 4 : y + 5, x - 4 : x + 5]
        assert ours[y, x] == pytest.approx(np.corrcoef(first[window].ravel(), second[window].ravel())[0, 1], abs=2e-3)


def test_correlation_says_nothing_of_flat_places() -> None:
    flat = np.full((20, 20), 80, np.float32)
    windows = Windows.of(flat, 9, 1.0)
    assert not correlation(windows, windows).any()


@pytest.mark.parametrize("pasted_logit", [-1.0, 0.0, 1.0])
def test_the_network_decides_which_part_was_pasted(pasted_logit: float) -> None:
    pixels, placed = with_copy()
    logits = np.where(placed, pasted_logit, -1.0)
    before = (1 / (1 + np.exp(-logits))).astype(np.float32)
    after = before.copy()
    (copy,) = mark_copies(find_copies(pixels), after, RULE)
    places = dict(copy.places)
    if pasted_logit > -1.0:
        # where the copy lies, within the width of the windows that are compared
        assert abs(places["part"].x - FAR[1]) < 15
        assert abs(places["part"].y - FAR[0]) < 15
        assert copy.measures["part_pasted"] == pytest.approx(1 / (1 + np.exp(-(pasted_logit + 1.0))), abs=0.03)
        assert after[placed].mean() > after[PART].mean()
    else:
        assert copy.measures["part_pasted"] == pytest.approx(0.5, abs=0.01)
        assert after[placed].mean() == pytest.approx(after[PART].mean(), abs=0.03)
    assert (after >= before).all()
    far_away = np.ones_like(placed)
    for box in places.values():
        far_away[box.y : box.y + box.height, box.x : box.x + box.width] = False
    np.testing.assert_array_equal(after[far_away], before[far_away])


def test_the_map_of_a_larger_photo_is_raised_at_its_own_pixels() -> None:
    pixels, placed = with_copy()
    large = cv2.resize(pixels, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    flat = np.full(large.shape[:2], 0.1, np.float32)
    findings = mark_copies(find_copies(large), flat, RULE)
    assert len(findings) == 1
    raised = flat > 0.2
    truth = cv2.resize(placed.astype(np.uint8), None, fx=4, fy=4, interpolation=cv2.INTER_NEAREST) > 0
    assert (raised & truth).sum() > 0.6 * truth.sum()


def only(pixels: np.ndarray, map_: np.ndarray, doubled_below: int = 0) -> tuple[Copy, Finding]:
    """Return the one certain copy of a photo and its finding."""
    (copy,) = [one for one in find_copies(pixels, doubled_below) if certainty_of(one.features, RULE) > RULE.least]
    (finding,) = mark_copies([copy], map_, RULE)
    return copy, finding


@pytest.mark.parametrize(
    ("turn", "scale", "size", "doubled_below", "pasted_logit"),
    [(0, 1.0, 4.0, 0, 0.0), (25, 1.0, 1.0, 0, -2.0), (-120, 1.1, 0.75, 640, 0.0), (180, 1.3, 0.75, 640, -2.0)],
)
def test_every_link_is_a_true_match_and_outlines_have_the_parts_extent(
    turn: float, scale: float, size: float, doubled_below: int, pasted_logit: float
) -> None:
    pixels, placed = with_copy(turn, scale)
    pixels = cv2.resize(pixels, None, fx=size, fy=size, interpolation=cv2.INTER_CUBIC).astype(np.uint8)
    height, width = pixels.shape[:2]
    placed = cv2.resize(placed.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) > 0
    map_ = (1 / (1 + np.exp(-np.where(placed, pasted_logit, -1.0)))).astype(np.float32)
    copy, finding = only(pixels, map_, doubled_below)
    geometry = finding.geometry
    assert geometry is not None
    assert 8 <= len(geometry.links) <= MOST_LINKS
    step = np.array([width / copy.part.shape[1], height / copy.part.shape[0]])
    rounding = 0.1 / step.min()
    swapped = finding.places[0][1].x != int(np.flatnonzero(copy.part.any(axis=0))[0] * step[0])
    sides = [(copy.part, copy.source), (copy.counterpart, copy.target)]
    links = np.array(geometry.links)
    ends = []
    for (role, corners), (mask, places), at in zip(
        geometry.outlines, reversed(sides) if swapped else sides, (0, 1), strict=True
    ):
        assert role == ("part", "counterpart")[at]
        rows, columns = np.nonzero(mask)
        polygon = np.array(corners, np.float32)
        for values, pixels_of, size_of in zip(polygon.T, (columns, rows), step, strict=True):
            assert abs(values.min() - pixels_of.min() * size_of) <= geometry.tolerance
            assert abs(values.max() - (pixels_of.max() + 1) * size_of) <= geometry.tolerance
        assert all(cv2.pointPolygonTest(polygon, (float(x), float(y)), True) >= 0 for x, y in links[:, at])
        searched = links[:, at] / step - 0.5
        ends.append(searched[:, 0] + 1j * searched[:, 1])
        if at == 0:
            among = np.abs(ends[0][:, None] - places[None, :])
            assert among.min(axis=0).max() <= closest(ends[0]) + 3 * rounding, "spread over all that agree"
    start, end = reversed(ends) if swapped else ends
    error = np.abs(moved_places(copy.matrix, start) - end)
    assert error.max() < TOLERANCE + (1 + scale) * 2 * rounding


def closest(places: np.ndarray) -> float:
    """Return the smallest distance between two of (n,) complex places."""
    among = np.abs(places[:, None] - places[None, :])
    np.fill_diagonal(among, np.inf)
    return float(among.min())


@pytest.mark.parametrize(("turn", "scale"), [(25, 1.0), (-120, 1.1)])
def test_the_links_alone_give_the_movement_that_the_measures_state(turn: float, scale: float) -> None:
    pixels, placed = with_copy(turn, scale)
    _, finding = only(pixels, np.where(placed, 0.5, 0.1).astype(np.float32))
    assert finding.geometry is not None
    links = np.array(finding.geometry.links)
    starts, ends = (np.ascontiguousarray(links[:, at], np.float32) for at in (0, 1))
    matrix, _ = cv2.estimateAffinePartial2D(ends, starts)  # from the counterpart to the part
    assert np.hypot(matrix[0, 0], matrix[1, 0]) == pytest.approx(finding.measures["scale"], rel=0.02)
    found = np.rad2deg(np.arctan2(matrix[1, 0], matrix[0, 0]))
    assert abs((found - finding.measures["turn_degrees"] + 180) % 360 - 180) < 1


def test_the_engine_reports_copies_and_counts_them_in_the_score() -> None:
    pixels, _ = with_copy()
    quiet = Pixelwise(lambda images: np.full((len(images), 1, *images.shape[2:]), -3.0, np.float32))
    without = Detector(quiet, settings()).detect(pixels)
    searched = Detector(quiet, settings(copies=RULE)).detect(pixels)
    assert without.findings == ()
    (copy,) = searched.findings
    assert copy.witness == "copies"
    assert searched.map is not None
    assert without.score is not None
    assert searched.score == max(copy.certainty, pool(searched.map, settings().score)) > without.score
    again = Detector(quiet, settings(copies=RULE)).detect(pixels)
    assert again.findings == searched.findings
    assert np.array_equal(again.map, searched.map)  # type: ignore[arg-type]


def test_a_photo_without_a_copy_keeps_its_map() -> None:
    pixels = photo()
    plain = Detector(Pixelwise(), settings()).detect(pixels)
    searched = Detector(Pixelwise(), settings(copies=RULE)).detect(pixels)
    assert np.array_equal(plain.map, searched.map)  # type: ignore[arg-type]
    assert plain.score == searched.score


def test_the_reference_analysis_knows_no_copies() -> None:
    with pytest.raises(UsageError, match="Leave --copies out"):
        settings(scales=(WHOLE,), reference=True, copies=RULE)
