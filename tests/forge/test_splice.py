"""Splices: objects keep their outline, label maps give their parts, cut-outs their own opacity."""

import numpy as np

from mesorch_cli.forge.splice import splice
from tests.forge.pictures import AREAS, HOST, disc, square

RED = np.zeros((120, 120, 3), np.uint8)
RED[..., 0] = 255


def test_an_object_is_cut_out_along_its_mask() -> None:
    object_mask = disc(120, 120, 60, 60, 40)
    for seed in range(20):
        change = splice(np.random.default_rng(seed), HOST, RED, object_mask, AREAS)
        assert change is not None
        parts = change.parameters["parts"]
        rows, columns = np.nonzero(change.mask)
        inside = rows.min() > 0 and columns.min() > 0 and rows.max() < 196 and columns.max() < 202
        if len(parts) == 1 and inside and change.mask.sum() > 500:
            box = (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
            assert 0.6 < change.mask.sum() / box < 0.92  # a disc has pi / 4 of its box


def test_only_labelled_pixels_are_taken() -> None:
    """Two labels, red and green, on blue: no blue comes along but for the soft edge."""
    pixels = np.zeros((120, 120, 3), np.uint8)
    pixels[..., 2] = 255
    labels = np.zeros((120, 120), np.int32)
    for value, channel, where in ((3, 0, np.s_[10:60, 10:60]), (8, 1, np.s_[70:110, 60:115])):
        labels[where] = value
        pixels[where] = 0
        pixels[where][..., channel] = 255
    grey = np.full_like(HOST, 128)
    seen = set()
    for seed in range(25):
        change = splice(np.random.default_rng(seed), grey, pixels, labels, AREAS)
        if change is None:
            continue
        seen |= {part["label"] for part in change.parameters["parts"]}
        plain = not any(step["step"] == "light" for part in change.parameters["parts"] for step in part["transforms"])
        hard = all(part["paste"]["edge"] == "hard" for part in change.parameters["parts"])
        if plain and hard:
            core = change.pixels[change.mask].astype(int)
            assert (core[:, 2] < 200).mean() > 0.85
    assert seen == {3, 8}


def test_a_cut_out_keeps_its_own_opacity() -> None:
    alpha = np.zeros((60, 60), np.uint8)
    alpha[15:45, 15:45] = 128  # half transparent all over, as glass
    alpha[25:35, 25:35] = 255
    white, black = np.full((60, 60, 3), 255, np.uint8), np.zeros_like(HOST)
    found = 0
    for seed in range(40):
        change = splice(np.random.default_rng(seed), black, white, alpha, (0.02, 0.1))
        parts = [] if change is None else change.parameters["parts"]
        matched = any(step["step"] == "light" for part in parts for step in part["transforms"])
        if change is not None and not matched and {part["paste"]["edge"] for part in parts} == {"own"}:
            found += 1
            levels = change.pixels[change.mask].mean(axis=1)
            assert ((levels > 110) & (levels < 146)).mean() > 0.3
    assert found


def test_nothing_to_take_gives_nothing() -> None:
    rng = np.random.default_rng(0)
    assert splice(rng, HOST, RED, np.zeros((120, 120), bool), AREAS) is None
    assert splice(rng, HOST, RED, square(120, 120, np.s_[0:3], np.s_[0:3]), AREAS) is None


def test_areas_spread_and_large_objects_can_be_asked_for() -> None:
    object_mask = disc(120, 120, 60, 60, 55)
    shares = [
        [
            0.0 if change is None else float(change.mask.mean())
            for change in (
                splice(np.random.default_rng(seed), HOST, RED, object_mask, AREAS, large) for seed in range(60)
            )
        ]
        for large in (0.0, 1.0)
    ]
    assert np.median(shares[0]) < np.median(shares[1])
    assert min(shares[0]) < 0.02
    assert max(shares[0]) > 0.15
