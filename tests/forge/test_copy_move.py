"""Copy-moves: what is pasted comes from the same photo, and the mask is that of the copies alone."""

import numpy as np

from mesorch_cli.forge.copy_move import copy_move
from tests.forge.pictures import AREAS, HOST, disc


def test_an_unchanged_copy_is_found_again_at_its_source() -> None:
    found = 0
    for seed in range(60):
        change = copy_move(np.random.default_rng(seed), HOST, None, AREAS)
        if change is None or len(change.parameters["copies"]) != 1:
            continue
        copy, source = change.parameters["copies"][0], change.parameters["source"]
        rows, columns = np.nonzero(change.mask)
        inside = rows.min() > 0 and columns.min() > 0
        if copy["transforms"] or copy["paste"]["edge"] != "hard" or not inside:
            continue
        down, across = copy["paste"]["y"] - source["y"], copy["paste"]["x"] - source["x"]
        assert np.array_equal(change.pixels[rows, columns], HOST[rows - down, columns - across])
        found += 1
    assert found


def test_copies_lie_off_their_source_and_the_source_stays() -> None:
    plane = disc(197, 203, 100, 60, 20)
    for seed in range(30):
        change = copy_move(np.random.default_rng(seed), HOST, plane, AREAS)
        if change is not None and change.parameters.get("object") == "mask":
            assert (change.mask & plane).sum() < 0.75 * plane.sum()
            corners = [(copy["paste"]["y"], copy["paste"]["x"]) for copy in change.parameters["copies"]]
            source = change.parameters["source"]
            assert (source["y"], source["x"]) not in corners


def test_there_can_be_several_copies() -> None:
    changes = [copy_move(np.random.default_rng(seed), HOST, None, (0.01, 0.1)) for seed in range(60)]
    counts = {len(change.parameters["copies"]) for change in changes if change is not None}
    assert counts == {1, 2, 3}
