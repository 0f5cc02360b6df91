"""Probes: one region, edited by known means; outside of it nothing changes before the file is saved."""

import cv2
import numpy as np
import pytest
from skimage import data

from mesorch_cli.errors import InputError, UsageError
from mesorch_cli.forge.encoding import decoded
from mesorch_cli.forge.probe import (
    FOREIGN,
    IN_PLACE,
    KINDS,
    NOTHING,
    SAVINGS,
    ProbeSettings,
    donor_of,
    edited,
    host_of,
    probes,
    region_of,
)

SETTINGS = ProbeSettings(seed=4, longest=240)


@pytest.fixture(scope="module")
def host() -> np.ndarray:
    return host_of(data.astronaut(), SETTINGS)


@pytest.fixture(scope="module")
def donor(host: np.ndarray) -> np.ndarray:
    found = donor_of(cv2.resize(data.coffee(), (900, 600)), host)
    assert found is not None
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_changes_outside_the_region(kind: str, host: np.ndarray, donor: np.ndarray) -> None:
    mask = region_of(host, SETTINGS, 0)
    changed = edited(kind, host, donor, mask, np.random.default_rng(0))
    assert 0.01 < mask.mean() < 0.3
    assert np.array_equal(changed[~mask], host[~mask])
    assert (changed[mask] != host[mask]).any() == (kind != NOTHING)
    if kind == FOREIGN:
        assert np.array_equal(changed[mask], donor[mask])


def test_the_same_seed_gives_the_same_bytes(host: np.ndarray, donor: np.ndarray) -> None:
    first, second = (list(probes(host, donor, SETTINGS, 3)) for _ in range(2))
    assert [one.data for one in first] == [one.data for one in second]
    assert [(one.kind, one.saving) for one in first] == [(kind, saving) for kind in KINDS for saving in SAVINGS]
    assert not np.array_equal(region_of(host, SETTINGS, 3), region_of(host, SETTINGS, 4))
    for one in first:
        pixels = decoded(one.data)
        assert pixels.shape[:2] == one.mask.shape
        assert one.mask.any()


def test_the_edits_do_what_their_names_say(host: np.ndarray, donor: np.ndarray) -> None:
    mask = np.ones(host.shape[:2], bool)
    noisy = {
        kind: edited(kind, host, donor, mask, np.random.default_rng(1)).astype(int) - host
        for kind in ("noise 3", "noise 8")
    }
    assert noisy["noise 3"].std() == pytest.approx(3, rel=0.25)
    assert noisy["noise 8"].std() == pytest.approx(8, rel=0.25)
    for kind, sigma in (("blur .8", 0.8), ("blur 2", 2.0)):
        soft = edited(kind, host, donor, mask, np.random.default_rng(1))
        expected = cv2.GaussianBlur(host, (0, 0), sigma)
        assert np.abs(soft[20:-20, 20:-20].astype(int) - expected[20:-20, 20:-20]).mean() < 1.5
    assert set(IN_PLACE) < set(KINDS)


def test_what_cannot_be_probed_is_named() -> None:
    with pytest.raises(InputError, match="100 x 100 pixels leaves 80 x 80"):
        host_of(np.zeros((100, 100, 3), np.uint8), SETTINGS)
    assert donor_of(np.zeros((60, 60, 3), np.uint8), np.zeros((240, 240, 3), np.uint8)) is None
    for wrong in ({"seed": -1}, {"seed": 0, "longest": 10}, {"seed": 0, "area_range": (0.5, 0.2)}):
        with pytest.raises(UsageError):
            ProbeSettings(**wrong)
