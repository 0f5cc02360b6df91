"""Figures of a set: means over photos, order and processes do not matter, intervals hold what they say."""

import math
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from mesorch_cli.evaluation.comparison import compare
from mesorch_cli.evaluation.groups import groups
from mesorch_cli.evaluation.outcome import Outcome
from mesorch_cli.evaluation.processes import Processes
from mesorch_cli.evaluation.protocol import THRESHOLDS, Protocol
from mesorch_cli.evaluation.summary import FIGURES, Figure, summarise
from mesorch_cli.inference.scoring import Verdict
from tests.evaluation.outcomes import outcome

PROTOCOL = Protocol(permuted=True)


@pytest.fixture(scope="module")
def rows() -> list[Outcome]:
    forged = [outcome(seed, skill=0.05 + 0.02 * seed, protocol=PROTOCOL) for seed in range(12)]
    return forged + [outcome(100 + seed, tampered=False, skill=0.1, protocol=PROTOCOL) for seed in range(9)]


def figures(rows: list[Outcome], resamples: int = 200) -> dict[str, Figure]:
    return summarise(rows, PROTOCOL, threshold=0.5, evidence_at=0.99, resamples=resamples).figures


def test_figures_are_means_over_the_right_photos(rows: list[Outcome]) -> None:
    found = figures(rows)
    forged = [row for row in rows if row.tampered]
    assert found["f1"].value == pytest.approx(np.mean([row.pixels.counts.f1 for row in forged]), abs=1e-12)
    assert found["mcc"].value == pytest.approx(np.mean([row.pixels.counts.mcc for row in forged]), abs=1e-12)
    assert found["auc"].photos == 12
    best = max(np.mean([row.f1_by_threshold[place] for row in forged]) for place in range(THRESHOLDS.size))
    assert found["f1_best"].value == pytest.approx(best, abs=1e-12)
    assert found["permuted_f1"].value >= found["f1"].value
    clean = [row for row in rows if not row.tampered]
    area = np.mean([row.pixels.counts.false_positive / row.pixels.scored for row in clean])
    assert found["authentic_false_positive_area"].value == pytest.approx(area, abs=1e-12)
    assert found["authentic_false_positive_area"].photos == 9
    truth, score = [row.tampered for row in rows], [row.score for row in rows]
    assert found["image_auc"].value == pytest.approx(roc_auc_score(truth, score), abs=1e-12)
    called = [value >= 0.99 for value in score if value is not None]
    assert found["balanced_accuracy"].value == pytest.approx(balanced_accuracy_score(truth, called), abs=1e-12)


def test_a_full_set_has_every_figure_that_can_be_asked_for(rows: list[Outcome]) -> None:
    assert set(figures(rows)) == set(FIGURES)
    assert len(set(FIGURES)) == len(FIGURES)


def test_intervals_hold_the_value_and_are_repeatable(rows: list[Outcome]) -> None:
    found = figures(rows)
    for name in ("f1", "auc", "image_auc", "authentic_flagged", "eer"):
        assert found[name].low <= found[name].value <= found[name].high, name
    assert figures(rows) == found
    deviation = np.std([row.pixels.auc for row in rows if row.tampered]) / math.sqrt(12)
    width = figures(rows, 3000)["auc"].high - figures(rows, 3000)["auc"].low
    assert width == pytest.approx(2 * 1.96 * deviation, rel=0.15)  # the bootstrap of a mean is nearly normal


def test_the_order_of_photos_does_not_matter(rows: list[Outcome]) -> None:
    for name, figure in figures(rows[::-1], 0).items():
        assert figure.value == pytest.approx(figures(rows, 0)[name].value, abs=1e-12), name


@pytest.mark.parametrize("count", [2, 3, 5])
def test_processes_share_photos_without_loss_or_doubles(rows: list[Outcome], count: int) -> None:
    shares = [Processes(rank, count).share(rows) for rank in range(count)]
    assert sorted(row.photo for share in shares for row in share) == sorted(row.photo for row in rows)


def test_lost_photos_are_counted_beside_the_figures(rows: list[Outcome]) -> None:
    lost = [
        Outcome("a.jpg", "1", True, "failed", "damaged"),
        Outcome("b.jpg", "2", False, "not analysed", "featureless"),
        Outcome("c.jpg", "3", False, "not analysed", "featureless"),
    ]
    summary = summarise([*rows, *lost], PROTOCOL, threshold=0.5, evidence_at=0.9, unpaired=4, resamples=10)
    counts = summary.counts
    assert (counts.tampered, counts.authentic, counts.not_analysed, counts.failed, counts.unpaired) == (12, 9, 2, 1, 4)
    assert counts.reasons == {"damaged": 1, "featureless": 2}
    assert summary.figures["f1"].value == figures(rows)["f1"].value


def test_undefined_photos_are_left_out_and_counted(rows: list[Outcome]) -> None:
    full = Protocol().compare(np.full((4, 4), 0.7, np.float32), np.ones((4, 4), bool), 0.5)
    row = Outcome("full.png", "9", True, "analysed", verdict="inconclusive", score=0.5, pixels=full)
    found = summarise([*rows, row], Protocol(), threshold=0.5, evidence_at=0.9, resamples=0).figures
    assert (found["auc"].photos, found["auc"].undefined) == (12, 1)
    assert found["f1"].photos == 13
    assert found["auc"].value == pytest.approx(figures(rows)["auc"].value, abs=1e-12)


@pytest.mark.parametrize("kind", [True, False])
def test_a_set_of_one_class_has_the_figures_of_that_class(rows: list[Outcome], kind: bool) -> None:
    found = figures([row for row in rows if row.tampered is kind])
    assert "image_auc" not in found
    assert math.isnan(found["authentic_flagged"].value) is kind
    assert math.isnan(found["f1"].value) is not kind


def test_rows_survive_the_disk(rows: list[Outcome]) -> None:
    full = Protocol().compare(np.full((4, 4), 0.7, np.float32), np.ones((4, 4), bool), 0.5)
    for row in [*rows, Outcome("x\udcff.jpg", "1", True, "analysed", pixels=full)]:
        again = Outcome.from_line(row.to_line())
        assert repr(again) == repr(row)  # nan is not equal to itself
    for line in ("", "{}", "[]", rows[0].to_line()[:-30]):
        with pytest.raises(ValueError, match=r"."):
            Outcome.from_line(line)


def test_a_better_network_is_clearly_better_and_an_equal_one_is_not(rows: list[Outcome]) -> None:
    better = [outcome(seed, skill=0.5, protocol=PROTOCOL) for seed in range(12)] + rows[12:]
    gaps = {gap.figure: gap for gap in compare(better, rows, PROTOCOL, (0.9, 0.9), 300)}
    assert gaps["f1"].clear
    assert gaps["f1"].low > 0
    assert gaps["f1"].value == pytest.approx(gaps["f1"].first - gaps["f1"].second, abs=1e-12)
    same = {gap.figure: gap for gap in compare(rows, rows, PROTOCOL, (0.9, 0.9), 50)}
    assert all(gap.value == gap.low == gap.high == 0 and not gap.clear for gap in same.values())
    with pytest.raises(ValueError, match="not of the same photos"):
        compare(rows[:1], rows[1:2], PROTOCOL, (0.9, 0.9), 10)


def test_only_photos_of_both_are_compared(rows: list[Outcome]) -> None:
    failed = [replace(row, status="failed", pixels=None, score=None) for row in rows[:3]]
    gaps = compare(rows, failed + rows[3:], PROTOCOL, (0.9, 0.9), 10)
    assert {gap.photos for gap in gaps} == {len(rows) - 3}
    assert compare(rows[:3], failed, PROTOCOL, (0.9, 0.9), 10) == []


def test_groups_add_up(rows: list[Outcome]) -> None:
    found = groups(rows, PROTOCOL, Verdict.EVIDENCE.value)
    for by, total in (("kind", 21), ("tampered area", 12), ("JPEG quality", 21), ("long side", 21)):
        members = [group for group in found if group.by == by]
        assert sum(group.tampered + group.authentic for group in members) == total, by
    assert [group.name for group in found if group.by == "long side"] == ["below 512 px"]
    order = [group.name for group in found if group.by == "JPEG quality"]
    assert order == [name for name in ("below 60", "60 to 75", "75 to 85", "85 to 95", "95 and more") if name in order]
