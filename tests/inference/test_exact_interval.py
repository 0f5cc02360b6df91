"""The exact interval of a rate, against SciPy."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.special import betainc, betaincinv
from scipy.stats import binom, binomtest

from mesorch_cli.inference.exact_interval import beta_probability, beta_quantile, exact_interval


def counts(most: int) -> st.SearchStrategy[tuple[int, int]]:
    return st.integers(1, most).flatmap(lambda photos: st.tuples(st.integers(0, photos), st.just(photos)))


@given(counts(500))
def test_the_interval_is_scipys_exact_one(called: tuple[int, int]) -> None:
    oracle = binomtest(*called).proportion_ci(method="exact")
    assert exact_interval(*called) == pytest.approx((oracle.low, oracle.high), abs=1e-12)


@given(counts(10**9))
@example((500_000_000, 10**9))
@example((10**9 - 1, 10**9))
def test_it_holds_for_as_many_photos_as_a_passport_may_state(called: tuple[int, int]) -> None:
    count, photos = called
    lowest, highest = exact_interval(count, photos)
    assert lowest == pytest.approx(betaincinv(count, photos - count + 1, 0.025) if count else 0.0, rel=1e-7, abs=1e-10)
    upper = betaincinv(count + 1, photos - count, 0.975) if count < photos else 1.0
    assert highest == pytest.approx(upper, rel=1e-7, abs=1e-10)


@given(st.floats(0.01, 0.99), st.floats(0.5, 200), st.floats(0.5, 200))
def test_the_beta_distribution_is_scipys(x: float, a: float, b: float) -> None:
    assert beta_probability(x, a, b) == pytest.approx(betainc(a, b, x), abs=1e-12)
    assert beta_probability(beta_quantile(x, a, b), a, b) == pytest.approx(x, abs=1e-10)


def test_no_photo_called_leaves_the_rate_open_above() -> None:
    lowest, highest = exact_interval(0, 120)
    assert lowest == 0.0
    assert binom.cdf(0, 120, highest) == pytest.approx(0.025)


@pytest.mark.parametrize("called", [(0, 0), (-1, 5), (6, 5)])
def test_counts_that_are_none_are_refused(called: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="expected a share"):
        exact_interval(*called)
