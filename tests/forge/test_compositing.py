"""Pasting: every edge in its own way, gradient-domain edges as an exact solver finds them, light moved and not copied."""

import cv2
import numpy as np
import pytest

from mesorch_cli.forge.compositing import EDGES, Change, gradient_domain, light_matched, paste, touched_share
from mesorch_cli.forge.patch import Patch
from tests.forge.pictures import DONOR, HOST, disc

SHAPE = disc(60, 60, 30, 30, 22)
WHITE = Patch.of(np.full((60, 60, 3), 255, np.uint8), SHAPE)


def pasted(edge: str, y: int = 70, x: int = 80, seed: int = 0) -> Change:
    change = paste(np.random.default_rng(seed), np.full_like(HOST, 40), WHITE, y, x, edge)
    assert change is not None
    return change


def test_a_hard_edge_has_two_levels() -> None:
    change = pasted("hard")
    assert set(np.unique(change.pixels)) == {40, 255}
    assert np.array_equal(change.mask[70:130, 80:140], SHAPE)


@pytest.mark.parametrize("edge", ["soft", "feathered"])
def test_soft_edges_rise_from_the_host_to_the_patch(edge: str) -> None:
    for seed in range(6):
        change = pasted(edge, seed=seed)
        line = change.pixels[100, 80:111, 0].astype(int)
        assert (np.diff(line) >= 0).all()
        assert line[0] == 40
        assert line[-1] == 255
        assert 40 < line[np.flatnonzero(line > 40)[0]] < 255
        if edge == "feathered":
            assert not (change.mask[70:130, 80:140] & ~SHAPE).any()  # inwards only


def test_a_patch_over_the_border_is_clipped_and_one_outside_is_none() -> None:
    change = pasted("hard", y=-20, x=170)
    assert change.mask.sum() == SHAPE[20:, :33].sum()
    assert paste(np.random.default_rng(0), HOST, WHITE, 400, 20) is None
    assert paste(np.random.default_rng(0), HOST, WHITE, -58, 20) is None


def test_edges_are_drawn_as_their_shares_say() -> None:
    rng = np.random.default_rng(0)
    changes = [paste(rng, HOST, WHITE, 70, 80) for _ in range(300)]
    edges = [change.parameters["edge"] for change in changes if change is not None]
    for edge, share in EDGES.items():
        assert abs(edges.count(edge) / 300 - share) < 0.1


def test_the_gradient_domain_meets_the_host_as_an_exact_solution_does() -> None:
    """Against the Poisson equation solved directly, as a linear system, on a small patch."""
    host, donor = HOST[60:110, 60:110].copy(), DONOR[60:100, 60:100].copy()
    mask = disc(40, 40, 20, 20, 15)
    found = gradient_domain(host, donor, mask, 5, 5)
    number = np.full((50, 50), -1)
    number[5:45, 5:45][mask] = np.arange(mask.sum())
    matrix, right = np.zeros((mask.sum(), mask.sum())), np.zeros((mask.sum(), 3))
    padded = host.astype(float)
    padded[5:45, 5:45] = donor
    for y, x in zip(*np.nonzero(number >= 0), strict=True):
        row = number[y, x]
        for beside in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
            matrix[row, row] += 1
            if number[beside] >= 0:
                matrix[row, number[beside]] -= 1
            else:
                right[row] += host[beside].astype(float) - padded[beside]
    exact = donor[mask] + np.linalg.solve(matrix, right)
    assert np.abs(found[mask].astype(float) - np.clip(exact, 0, 255)).mean() < 9
    plain = np.abs(donor[mask].astype(float) - np.clip(exact, 0, 255)).mean()
    assert np.abs(found[mask].astype(float) - np.clip(exact, 0, 255)).mean() < 0.3 * plain


def test_light_moves_towards_the_surroundings_without_reaching_them() -> None:
    dark = Patch.of(np.full((40, 40, 3), 60, np.uint8), np.ones((40, 40), bool))
    for seed in range(5):
        matched, step = light_matched(np.random.default_rng(seed), dark, np.full((50, 50, 3), 200, np.uint8))
        assert 60 < matched.pixels.mean() < 150
        assert step["step"] == "light"


def test_touched_share_counts_what_can_be_seen() -> None:
    mask = disc(197, 203, 90, 100, 25)
    assert touched_share(HOST, Change(HOST, mask, {})) == 0.0
    changed = HOST.copy()
    changed[mask] = cv2.bitwise_not(HOST)[mask]
    assert touched_share(HOST, Change(changed, mask, {})) > 0.9
    assert touched_share(HOST, Change(changed, np.zeros_like(mask), {})) == 0.0
