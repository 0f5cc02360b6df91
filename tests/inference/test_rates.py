"""The rates beside a verdict: counts from the passport, with exact intervals."""

import math
from dataclasses import replace

import pytest

from mesorch_cli.inference.loading import open_weights
from mesorch_cli.inference.rates import measured_rates
from mesorch_cli.inference.scoring import Verdict
from mesorch_cli.inference.settings import Overrides, Settings
from mesorch_cli.network.passport import Passport


@pytest.fixture(scope="module")
def passport() -> Passport:
    return open_weights(None, None).weights.passport


def test_rates_come_from_sets_that_the_limits_were_not_fitted_on(passport: Passport) -> None:
    rates = measured_rates(passport, Settings.from_passport(passport), Verdict.EVIDENCE)
    assert {rate.set for rate in rates} == set(passport.figures) - {"fit"}
    for rate in rates:
        figures = passport.figures[rate.set]
        assert isinstance(figures, dict)
        assert rate.photos == figures[rate.truth]
        assert round(rate.called / rate.photos, 3) == figures[f"{rate.truth}_evidence"]  # as the figure was rounded
        assert 0 <= rate.lowest <= rate.called / rate.photos <= rate.highest <= 1


def test_every_photo_of_a_set_is_called_one_thing(passport: Passport) -> None:
    settings = Settings.from_passport(passport)
    suspect = measured_rates(passport, settings, Verdict.INCONCLUSIVE)
    cleared = measured_rates(passport, settings, Verdict.NO_EVIDENCE)
    for one, other in zip(suspect, cleared, strict=True):
        assert one.called + other.called == one.photos


@pytest.mark.parametrize("overrides", [Overrides(scales="whole"), Overrides(copies=False), Overrides(overlap=0.5)])
def test_other_settings_were_not_measured(passport: Passport, overrides: Overrides) -> None:
    assert measured_rates(passport, Settings.from_passport(passport, overrides), Verdict.EVIDENCE) == ()


@pytest.mark.parametrize("overrides", [Overrides(tile_batch=3), Overrides(threshold=0.5)])
def test_what_no_score_depends_on_changes_no_rate(passport: Passport, overrides: Overrides) -> None:
    assert measured_rates(passport, Settings.from_passport(passport, overrides), Verdict.EVIDENCE)


def test_other_limits_were_not_measured(passport: Passport) -> None:
    settings = Settings.from_passport(passport)
    stricter = replace(settings, score=settings.score.model_copy(update={"evidence_at": 0.95}))
    assert measured_rates(passport, stricter, Verdict.EVIDENCE) == ()


def test_nothing_is_said_of_a_photo_that_was_not_analysed(passport: Passport) -> None:
    assert measured_rates(passport, Settings.from_passport(passport), Verdict.NOT_ANALYSED) == ()


@pytest.mark.parametrize(
    "figures", [{}, {"realdev": 3}, {"realdev": {"authentic": -1}}, {"realdev": {"authentic": math.pi}}]
)
def test_figures_of_something_else_are_no_rates(passport: Passport, figures: dict[str, object]) -> None:
    other = passport.model_copy(update={"figures": figures})
    assert measured_rates(other, Settings.from_passport(other), Verdict.EVIDENCE) == ()
