"""The words on a photo that is unlike the measured ones: only where it is unlike all, and in measured terms."""

from typing import Any, get_args

import pytest

from mesorch_cli.inference.domain import Measure
from mesorch_cli.report import domain, rates
from mesorch_cli.report.for_your_report import sentences_of
from mesorch_cli.report.pages import row_of
from tests.report import made
from tests.report.test_rates import BANNED

SMALL = {"measure": "shorter side", "value": 212, "lowest": 300, "highest": 1024, "known": []}
CAMERA = {
    "measure": "history",
    "value": "as a camera wrote it",
    "lowest": None,
    "highest": None,
    "known": ["saved again"],
}


def result(**outside: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a result with rates of these sets, each with where the photo is outside of it."""
    return made.record("a/x.jpg", 0.99)["result"] | {
        "rates": [
            {
                "set": name,
                "truth": "authentic",
                "verdicts": ["evidence of manipulation"],
                "called": 1,
                "photos": 90,
                "lowest": 0.0,
                "highest": 0.06,
            }
            for name in outside
        ],
        "domain": [{"set": name, "photos": 90, "outside": found} for name, found in outside.items()],
    }


def test_a_photo_unlike_all_sets_is_told_in_one_sentence_with_both_values() -> None:
    told = domain.sentence_of(result(web=[SMALL], lab=[SMALL | {"lowest": 400}]))
    assert "its shorter side is 212 pixels (web: 300 to 1,024; lab: 400 to 1,024)" in told
    assert told.count(".") == 1
    assert domain.short_of(result(web=[SMALL])) == domain.OUTSIDE


def test_sets_that_say_the_same_are_named_together() -> None:
    told = domain.sentence_of(result(web=[CAMERA], lab=[CAMERA]))
    assert "its file looks as a camera wrote it (web and lab: saved again)" in told


def test_reasons_beyond_the_most_are_counted() -> None:
    told = domain.sentence_of(result(web=[SMALL, CAMERA]), most=1)
    assert "212 pixels" in told
    assert "camera" not in told
    assert told.endswith("; and 1 more.")


def test_a_photo_like_one_set_is_told_only_beside_the_other() -> None:
    mixed = result(web=[], lab=[SMALL])
    web, lab = rates.lines_of(mixed)
    assert domain.sentence_of(mixed) == ""
    assert "unlike" not in web
    assert lab.endswith("The photo is unlike those of this set: its shorter side is 212 pixels (theirs: 300 to 1,024).")
    assert domain.short_of(mixed) == "like web"


def test_a_set_that_the_weights_do_not_describe_may_be_like_it() -> None:
    unknown = result(web=[SMALL], lab=[SMALL])
    unknown["domain"].pop()
    assert domain.sentence_of(unknown) == ""
    assert "unlike" in rates.lines_of(unknown)[0]
    assert domain.short_of(unknown) == ""


@pytest.mark.parametrize("changes", [{}, {"domain": []}, {"domain": [], "rates": []}])
def test_records_of_earlier_versions_say_nothing(changes: dict[str, Any]) -> None:
    old = made.record("a/x.jpg", 0.99)["result"] | changes
    assert (domain.sentence_of(old), domain.short_of(old), domain.outside_all(old)) == ("", "", False)


def test_the_sentences_for_a_report_have_it_and_claim_nothing_of_the_photo() -> None:
    record = made.record("a/x.jpg", 0.99)
    record["result"] = result(web=[SMALL, CAMERA])
    told = domain.sentence_of(record["result"])
    assert any(told in paragraph for paragraph in sentences_of(record))
    assert not BANNED.search(told)
    assert not BANNED.search(domain.OUTSIDE)


def test_the_list_flags_it() -> None:
    record = made.record("a/x.jpg", 0.99)
    assert domain.OUTSIDE not in row_of(made.entry("a/x.jpg", record)).flags
    record["result"] |= result(web=[SMALL])
    assert domain.OUTSIDE in row_of(made.entry("a/x.jpg", record)).flags


def test_every_measure_has_words() -> None:
    assert tuple(domain.IS) == get_args(Measure)
