"""Figures of probes: only photos of which every probe was analysed count."""

from dataclasses import replace

from mesorch_cli.evaluation.probes import Probed, edit_cells, unprobed
from tests.evaluation.outcomes import outcome


def test_a_photo_with_a_probe_that_failed_is_named_and_counted_nowhere() -> None:
    whole, failed = outcome(1), replace(outcome(2), status="failed", pixels=None, score=None)
    rows = {0: whole, 1: whole, 2: whole, 3: failed}
    probed = [Probed("blur", "png", place, row) for place, row in rows.items()]
    probed += [Probed("noise", "png", place, whole) for place in rows]
    assert unprobed(probed) == {3}
    assert [cell.auc.photos for cell in edit_cells(probed, resamples=10)] == [3, 3]
