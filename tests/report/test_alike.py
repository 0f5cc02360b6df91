"""Groups of photos that look alike, against every pair compared."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.csgraph import connected_components

from mesorch_cli.report.alike import FARTHEST, groups_of

seeds = st.integers(0, (1 << 63) - 1)


@st.composite
def clustered(draw: st.DrawFn) -> list[int]:
    """Fingerprints of which many lie near each other: a few bits of a few are flipped."""
    values = draw(st.lists(seeds, max_size=6))
    for _ in range(draw(st.integers(0, 20)) if values else 0):
        value = draw(st.sampled_from(values))
        for bit in draw(st.sets(st.integers(0, 62), max_size=FARTHEST + 2)):
            value ^= 1 << bit
        values.append(value)
    return values


@given(clustered())
def test_groups_are_those_of_comparing_every_pair(values: list[int]) -> None:
    near = np.array([[(one ^ other).bit_count() <= FARTHEST for other in values] for one in values], bool)
    labels = connected_components(near)[1] if values else []
    expected = {
        frozenset(np.flatnonzero(labels == label).tolist()) for label in set(labels) if (labels == label).sum() > 1
    }
    groups = groups_of((f"{index:03}".encode(), f"{value:016x}") for index, value in enumerate(values))
    found: dict[int, set[int]] = {}
    for path, group in groups.items():
        found.setdefault(group.number, set()).add(int(path))
    assert {frozenset(members) for members in found.values()} == expected
    assert all(group.size == len(found[group.number]) for group in groups.values())
    assert sorted(found) == list(range(1, len(found) + 1))
    firsts = [min(found[number]) for number in sorted(found)]
    assert firsts == sorted(firsts)


def test_photos_without_a_fingerprint_are_in_no_group() -> None:
    assert groups_of([(b"a", None), (b"b", None), (b"c", "0" * 16)]) == {}
