"""Movements that many pairs of similar points share: a shift, a rotation with scaling, or an affine map.

Every pair proposes a movement by the positions, angles and sizes of its points. The pairs that agree with each proposal
are counted, for all proposals at once, so nothing is drawn at random.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesorch_cli.inference.witnesses.copies.keypoints import Keypoints

MOST_PAIRS = 1500
LEAST_PAIRS = 4  # fewer agree by chance
MOST_MOVEMENTS = 8
TOLERANCE = 2.5  # pixels
DRIFT = 0.06  # pixels per pixel of distance: the angle and size of one point are not exact
SIZE_TOLERANCE, ANGLE_TOLERANCE = 0.4, 0.35  # of log size, of radians
CELL = 3.0  # pixels; points in one cell count once
OUTLYING = 3.0  # times the distance from the middle that three in four keep to; the corner of a square lies at 1.4
ROUNDS = 4  # of fitting and selecting
AFFINE_FROM = 8  # pairs; fewer get a similarity
SCALES, STRETCH = (0.3, 3.3), 2.0  # singular values of a movement that are taken for real, and their largest quotient


@dataclass(frozen=True)
class Movement:
    """matrix: 2 x 3, takes (x, y, 1) to the counterpart's (x, y). source, target: (n,) complex places that agree."""

    matrix: NDArray[np.float64]
    source: NDArray[np.complex128]
    target: NDArray[np.complex128]

    @property
    def matches(self) -> int:
        """The number of different places that agree."""
        return distinct(self.source)


def moved_places(matrix: NDArray[np.float64], places: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Return where a 2 x 3 matrix takes complex places."""
    x, y = matrix[:, :2] @ np.stack([places.real, places.imag]) + matrix[:, 2:]
    return np.asarray(x + 1j * y)


def distinct(places: NDArray[np.complex128]) -> int:
    """Return how many cells of CELL pixels the places lie in."""
    return len(np.unique(np.round(places / CELL)))


def shared_movements(points: Keypoints, pairs: NDArray[np.intp]) -> Iterator[Movement]:
    """Yield movements, the one with the most places first. A pair belongs to only one."""
    pairs = nearest(points, pairs)
    source = points.place[pairs[:, 0]].astype(np.complex128)
    target = points.place[pairs[:, 1]].astype(np.complex128)
    growth = np.log(points.size[pairs[:, 1]] / points.size[pairs[:, 0]])
    turn = points.angle[pairs[:, 1]] - points.angle[pairs[:, 0]]
    agreeing = np.concatenate([_shifts(source, target, growth, turn), _turns(source, target, growth, turn)])
    free = np.ones(len(pairs), bool)
    for _ in range(MOST_MOVEMENTS):
        votes = (agreeing & free).sum(axis=1)
        if not len(votes) or votes.max() < LEAST_PAIRS:
            return
        row = int(votes.argmax())
        chosen, proposal = agreeing[row] & free, row % len(pairs)  # shifts come before rotations
        alike = free & (np.abs(growth - growth[proposal]) < SIZE_TOLERANCE)
        alike &= _wrapped(turn - turn[proposal]) < ANGLE_TOLERANCE
        movement = _fitted(source, target, chosen, alike)
        free &= ~chosen
        if movement is not None:
            free[np.isin(source, movement.source) & np.isin(target, movement.target)] = False
            yield movement


def nearest(points: Keypoints, pairs: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the pairs that look most alike, at most MOST_PAIRS, in their order."""
    if len(pairs) <= MOST_PAIRS:
        return pairs
    likeness = np.einsum("ij,ij->i", points.descriptors[pairs[:, 0]], points.descriptors[pairs[:, 1]])
    return pairs[np.sort(np.argsort(-likeness, kind="stable")[:MOST_PAIRS])]


def _wrapped(angle: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.asarray(np.abs((angle + np.pi) % (2 * np.pi) - np.pi))


def _shifts(
    source: NDArray[np.complex128],
    target: NDArray[np.complex128],
    growth: NDArray[np.floating],
    turn: NDArray[np.floating],
) -> NDArray[np.bool_]:
    """Return (proposals, pairs): which pairs agree with the shift that each pair proposes."""
    plain = (np.abs(growth) < SIZE_TOLERANCE) & (_wrapped(turn) < ANGLE_TOLERANCE)
    shift = target - source
    return np.asarray((np.abs(shift[:, None] - shift[None, :]) < TOLERANCE) & plain[:, None] & plain[None, :])


def _turns(
    source: NDArray[np.complex128],
    target: NDArray[np.complex128],
    growth: NDArray[np.floating],
    turn: NDArray[np.floating],
) -> NDArray[np.bool_]:
    """Return (proposals, pairs): which pairs agree with the turn and scaling that each pair proposes."""
    factor = np.exp(growth + 1j * turn)
    offset = source[None, :] - source[:, None]
    error = np.abs(target[None, :] - (target[:, None] + factor[:, None] * offset))
    agree = error < TOLERANCE + DRIFT * np.abs(offset)
    agree &= np.abs(growth[None, :] - growth[:, None]) < SIZE_TOLERANCE
    return np.asarray(agree & (_wrapped(turn[None, :] - turn[:, None]) < ANGLE_TOLERANCE))


def _fitted(
    source: NDArray[np.complex128],
    target: NDArray[np.complex128],
    chosen: NDArray[np.bool_],
    alike: NDArray[np.bool_],
) -> Movement | None:
    """Fit a movement to the chosen pairs, select the similar pairs that it maps correctly, and fit again.

    A distant pair can bend the fit until it agrees, so such pairs are left out each time.
    """
    right = _together(source, chosen)
    for _ in range(ROUNDS):
        matrix = _least_squares(source[right], target[right])
        right = _together(source, alike & (np.abs(moved_places(matrix, source) - target) < TOLERANCE))
        if distinct(source[right]) < LEAST_PAIRS:
            return None
    matrix = _least_squares(source[right], target[right])
    largest, smallest = np.linalg.svd(matrix[:, :2], compute_uv=False)
    if smallest < SCALES[0] or largest > SCALES[1] or largest > STRETCH * smallest:
        return None
    return Movement(matrix, source[right], target[right])


def _together(places: NDArray[np.complex128], chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the chosen without those that lie OUTLYING times as far from their middle as three in four of them."""
    if not chosen.any():
        return chosen
    middle = np.median(places[chosen].real) + 1j * np.median(places[chosen].imag)
    distance = np.abs(places - middle)
    return np.asarray(chosen & (distance <= OUTLYING * np.quantile(distance[chosen], 0.75)))


def _least_squares(source: NDArray[np.complex128], target: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Return the affine map, or with few pairs the similarity, that moves source to target best."""
    if len(source) >= AFFINE_FROM:
        places = np.stack([source.real, source.imag, np.ones(len(source))], axis=1)
        solution, *_ = np.linalg.lstsq(places, np.stack([target.real, target.imag], axis=1), rcond=None)
        return np.asarray(solution.T, np.float64)
    centred = source - source.mean()
    spread = float((np.abs(centred) ** 2).sum())
    factor = (np.conj(centred) * (target - target.mean())).sum() / spread if spread > 0 else 1.0 + 0j
    offset = target.mean() - factor * source.mean()
    return np.array([[factor.real, -factor.imag, offset.real], [factor.imag, factor.real, offset.imag]])
