"""The rates beside a verdict in a few words: of the photos that it would mislead about."""

import pytest

from mesorch_cli.report.rates import percent, short_of

EVIDENCE, BOTH, NOTHING = (
    ["evidence of manipulation"],
    ["inconclusive", "evidence of manipulation"],
    ["no evidence found"],
)


def rates(verdicts: list[str]) -> list[dict[str, object]]:
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
    assert short_of({"rates": rates(verdicts)}) == said


def test_nothing_measured_says_nothing() -> None:
    assert short_of({}) == short_of({"rates": []}) == ""


@pytest.mark.parametrize(
    ("share", "said"), [(0, "0 %"), (0.0003, "< 0.1 %"), (0.0009, "0.1 %"), (0.05, "5.0 %"), (0.5, "50 %")]
)
def test_a_small_share_is_not_called_nothing(share: float, said: str) -> None:
    assert percent(share) == said
