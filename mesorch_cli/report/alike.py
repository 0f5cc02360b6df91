"""Photos that look alike, by their fingerprints: the same photo recompressed or resized, and frames of one scene."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FARTHEST = 6  # bits of 63 in which fingerprints that look alike differ at most
BANDS, BAND_BITS = 7, 9  # one more than FARTHEST: two such fingerprints agree in at least one band


@dataclass(frozen=True)
class Likeness:
    """A group of photos that look alike. number: from 1 on, in the order of their first paths. size: how many."""

    number: int
    size: int


def groups_of(fingerprints: Iterable[tuple[bytes, str | None]]) -> dict[bytes, Likeness]:
    """Return the group of every path that has one. fingerprints: by path, None for a photo without.

    Two photos belong together if a chain of photos leads from one to the other, each at most FARTHEST bits from the next.
    """
    found = sorted((path, int(digits, 16)) for path, digits in fingerprints if digits is not None)
    values, which = np.unique(np.array([value for _, value in found], np.uint64), return_inverse=True)
    chains = _chained(values)
    members: dict[int, list[bytes]] = {}
    for (path, _), index in zip(found, which.tolist(), strict=True):
        members.setdefault(chains[index], []).append(path)
    groups = [paths for paths in members.values() if len(paths) > 1]  # in the order of their first paths
    return {path: Likeness(number, len(paths)) for number, paths in enumerate(groups, start=1) for path in paths}


def _chained(values: NDArray[np.uint64]) -> list[int]:
    """Return for each of different fingerprints a number that those of one chain share."""
    parent = list(range(len(values)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    for band in range(BANDS):
        keys = values >> np.uint64(band * BAND_BITS) & np.uint64((1 << BAND_BITS) - 1)
        order = np.argsort(keys, kind="stable")
        for bucket in np.split(order, np.flatnonzero(np.diff(keys[order])) + 1):
            for at, one in enumerate(bucket.tolist()):
                others = bucket[at + 1 :]
                near = others[np.bitwise_count(values[others] ^ values[one]) <= FARTHEST]
                for other in near.tolist():
                    parent[root(other)] = root(one)
    return [root(index) for index in range(len(values))]
