"""The rates beside a verdict, and the sentences for a report, as people read them."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesorch_cli.inference.screen_rule import LIKE_A_SCREEN
from mesorch_cli.report import rates
from mesorch_cli.report.for_your_report import NO_PHOTO, SAID, sentences_of
from mesorch_cli.report.numbers import share_text

ROOT = Path(__file__).parents[2]
BANNED = re.compile(r"\b(authentic|genuine|original|proves?|proven|fake|forgery)\b", re.IGNORECASE)


@pytest.fixture(params=["authentic", "copy_move", "removal", "splice"])
def record(request: pytest.FixtureRequest) -> dict:
    told = json.loads((ROOT / "examples" / "expected" / f"{request.param}.json").read_text())
    return told | {"tool": {"name": "mesorch", "version": "1.2.3"}}


def test_every_rate_of_a_record_is_told_with_its_counts(record: dict) -> None:
    told = " ".join(rates.lines_of(record["result"]))
    assert record["result"]["rates"]
    for rate in record["result"]["rates"]:
        assert f"In the set “{rate['set']}”" in told
        assert f"{rate['called']} of {rate['photos']} {rate['truth']} photos (" in told
        assert rates.percent(rate["highest"]) in told


def test_the_sentences_name_the_file_and_its_hash(record: dict) -> None:
    text = " ".join(sentences_of(record))
    assert record["input"]["path"] in text
    assert record["input"]["sha256"] in text
    assert record["weights"]["sha256"] in text


def test_the_sentences_claim_nothing_of_the_photo_itself(record: dict) -> None:
    said = [paragraph for paragraph in sentences_of(record) if not paragraph.startswith(("In the set", "The file "))]
    assert said
    assert not [paragraph for paragraph in said if BANNED.search(paragraph)]


def test_a_photo_without_a_result_has_a_sentence_too(record: dict) -> None:
    result = record["result"] | {
        "verdict": "not analysed",
        "score": None,
        "reason": "damaged",
        "regions": [],
        "rates": [],
    }
    assert "(damaged)" in sentences_of(record | {"result": result})[1]


def test_a_screenshot_has_sentences_of_its_own(record: dict) -> None:
    result = record["result"] | {"verdict": "inconclusive", "flags": [LIKE_A_SCREEN], "rates": []}
    said = sentences_of(record | {"result": result})
    assert "looks like a screenshot" in said[1]
    assert not any("limit" in paragraph for paragraph in said)  # its score is compared with none
    assert not [paragraph for paragraph in said[1:] if BANNED.search(paragraph)]


def test_the_page_on_wording_has_the_sentences_of_the_code() -> None:
    page = re.sub(r"\n> ", " ", (ROOT / "docs" / "report-wording.md").read_text())
    for sentence in (*SAID.values(), NO_PHOTO):
        pattern = re.sub(r"\\\{\w+\\\}", r"[\\w.]+", re.escape(sentence))
        assert re.search(pattern, page), sentence


@given(st.floats(0, 1))
def test_only_a_whole_number_is_told_as_one(value: float) -> None:
    text = share_text(value)
    assert (text == "1.000") == (value == 1)
    assert (text == "0.000") == (value == 0)


@pytest.mark.parametrize(
    ("share", "text"), [(0.0, "0 %"), (0.0301, "3.0 %"), (0.0994, "9.9 %"), (0.0996, "10 %"), (1.0, "100 %")]
)
def test_small_rates_have_a_decimal(share: float, text: str) -> None:
    assert rates.percent(share) == text


EVIDENCE, BOTH, NOTHING = (
    ["evidence of manipulation"],
    ["inconclusive", "evidence of manipulation"],
    ["no evidence found"],
)


def measured(verdicts: list[str]) -> list[dict[str, object]]:
    told = {"set": "held-out", "verdicts": verdicts, "lowest": 0.01, "highest": 0.2}
    return [
        told | {"truth": "authentic", "called": 3, "photos": 120},
        told | {"truth": "tampered", "called": 16, "photos": 100},
    ]


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        (EVIDENCE, "authentic photos with this verdict: 3 of 120 (held-out; 95 % interval 1.0 % to 20 %)"),
        (
            BOTH,
            "authentic photos with this verdict or a stronger one: 3 of 120 (held-out; 95 % interval 1.0 % to 20 %)",
        ),
        (NOTHING, "tampered photos with this verdict: 16 of 100 (held-out; 95 % interval 1.0 % to 20 %)"),
    ],
)
def test_the_rate_is_of_the_photos_that_the_verdict_misleads_about(verdicts: list[str], said: str) -> None:
    assert rates.short_of({"rates": measured(verdicts)}) == said


def test_nothing_measured_says_nothing() -> None:
    assert rates.short_of({}) == rates.short_of({"rates": []}) == ""


@pytest.mark.parametrize(
    ("share", "said"), [(0, "0 %"), (0.0003, "< 0.1 %"), (0.0009, "0.1 %"), (0.05, "5.0 %"), (0.5, "50 %")]
)
def test_a_small_share_is_not_called_nothing(share: float, said: str) -> None:
    assert rates.percent(share) == said
