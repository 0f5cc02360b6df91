"""Shares of branches and scales on parts that were made by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesorch_cli.explanation.attribution import added_of, influences, limit_of, network_map, spread
from mesorch_cli.explanation.facts import LEAST_LIFT
from mesorch_cli.explanation.scales import NetworkScale, scales_of
from mesorch_cli.inference.parts import PartSamples
from mesorch_cli.network.config import MESORCH, MESORCH_P, MESORCH_S
from mesorch_cli.network.passport import Passport

SCALES = (NetworkScale("c3", "cnn", 16), NetworkScale("s1", "transformer", 4), NetworkScale("s2", "transformer", 8))
REGION = np.zeros((6, 8), bool)
REGION[1:3, 2:5] = True


def samples(lifts: tuple[float, ...], base: float = -2.0) -> PartSamples:
    products = np.full((len(lifts), 6, 8), base / len(lifts), np.float32)
    products[:, REGION] += np.array(lifts, np.float32)[:, None]
    weights = np.full_like(products, 1 / len(lifts))
    return PartSamples(1, 0, products / weights, weights, products, np.zeros((6, 6, 8), np.float32))


@given(st.tuples(*[st.floats(-5, 5, width=32)] * 3))
def test_lifts_add_up_and_shares_sum_to_one(lifts: tuple[float, float, float]) -> None:
    whole, branches, scales = influences(samples(lifts), SCALES, True, REGION, ~REGION)
    assert whole == pytest.approx(sum(lifts), abs=1e-3)
    assert branches["cnn"].lift == pytest.approx(lifts[0], abs=1e-3)
    assert branches["transformer"].lift == pytest.approx(lifts[1] + lifts[2], abs=1e-3)
    assert branches["transformer"].gate == pytest.approx(2 / 3, abs=1e-3)
    assert [scales[scale.name].lift for scale in SCALES] == pytest.approx(lifts, abs=1e-3)
    shares = [part.share for part in branches.values()]
    if sum(lifts) > LEAST_LIFT + 1e-3:
        assert sum(share for share in shares if share is not None) == pytest.approx(1, abs=1e-3)
    elif sum(lifts) < LEAST_LIFT - 1e-3:
        assert shares == [None, None]


def test_a_region_that_is_the_whole_photo_has_no_lift() -> None:
    whole, branches, _ = influences(samples((1, 2, 3)), SCALES, False, np.ones_like(REGION), np.zeros_like(REGION))
    assert whole is None
    assert all(part.share is None and part.gate is None for part in branches.values())


def test_what_the_network_alone_says_is_the_sigmoid_of_the_sum() -> None:
    found = network_map(samples((1.0, 2.0, 3.0)))
    assert found[REGION] == pytest.approx(1 / (1 + np.exp(-4.0)))
    assert found[~REGION] == pytest.approx(1 / (1 + np.exp(2.0)))


def test_what_was_not_seen_counts_for_nothing() -> None:
    made = samples((1.0, 0.0, 0.0))
    made.products[:, 5], made.maps[:, 5] = np.nan, np.nan
    assert np.isfinite(spread(made.maps[0]).mean)
    added = added_of(made)
    assert (added[:, 5] == 0).all()
    assert added[0, REGION] == pytest.approx(1.0)
    assert limit_of(added) == pytest.approx(1.0, abs=0.5)


def test_scales_have_the_strides_of_the_paper() -> None:
    def of(config: object) -> tuple[tuple[NetworkScale, ...], bool]:
        return scales_of(Passport(name="a", version="1", network=config, licence="test only"))  # type: ignore[arg-type]

    scales, gated = of(MESORCH)
    assert [(scale.name, scale.stride) for scale in scales] == [
        (f"{letter}{stage}", 4 * 2 ** (stage - 1)) for letter in "cs" for stage in (1, 2, 3, 4)
    ]
    assert gated
    assert not of(MESORCH_P)[1]
    assert [scale.stride for scale in of(MESORCH_S)[0] if scale.branch == "transformer"] == [8, 16, 32]
