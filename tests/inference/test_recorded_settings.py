"""Settings as records and calibrations have them: the way there and back, and what a calibration holds for."""

import inspect
import json
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

import pytest

from mesorch_cli.cli.batch import batch
from mesorch_cli.cli.calibrate import calibrate
from mesorch_cli.cli.detect import detect
from mesorch_cli.cli.evaluate import evaluate
from mesorch_cli.inference.recorded_settings import (
    accepts_damaged,
    different,
    digest,
    run_values,
    score_values,
    settings_from,
)
from mesorch_cli.inference.settings import ADDED_LATER, Overrides, Settings
from mesorch_cli.network.rules import EdgeRule
from tests.inference.networks import WHOLE, settings

EXPECTED = sorted((Path(__file__).parents[2] / "examples" / "expected").glob("*.json"))


@pytest.mark.parametrize("path", EXPECTED, ids=lambda path: path.stem)
def test_the_settings_of_a_record_come_back_to_the_byte(path: Path) -> None:
    record = json.loads(path.read_text())
    values = record["settings"]
    found = settings_from(values)
    again = run_values(found, values["weights"], accepts_damaged(values))
    assert json.dumps(again) == json.dumps(values)  # in the same order, too
    assert digest(again) == record["settings_sha256"]


def test_a_calibration_holds_whatever_the_threshold() -> None:
    made = settings()
    values = score_values(made)
    edges = EdgeRule(long_side=640, radius=8, smoothness=1e-3)
    assert different(values, replace(made, threshold=0.9, tile_batch=3, edges=edges)) == []
    assert different(values, replace(made, overlap=0.5, scales=(WHOLE,))) == ["overlap", "scales"]


def test_a_setting_that_an_earlier_version_did_not_know_was_at_its_default() -> None:
    made = settings()
    values = {name: value for name, value in score_values(made).items() if name != "quantisation"}
    assert different(values, made) == []


def test_a_setting_that_is_added_later_changes_no_digest_until_it_is_set() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Later(Settings):
        warmth: float | None = field(default=None, metadata=ADDED_LATER)

    now = settings()
    values = {one.name: getattr(now, one.name) for one in fields(now)}
    assert digest(score_values(Later(**values))) == digest(score_values(now))
    assert score_values(Later(**values, warmth=0.5)) == score_values(now) | {"warmth": 0.5}


@pytest.mark.parametrize("command", [detect, batch, evaluate, calibrate])
def test_every_command_that_analyses_has_an_option_for_every_override(command: object) -> None:
    names = {one.name for one in fields(Overrides)}
    if command is calibrate:
        names -= {"threshold", "edges"}  # no score depends on them
    parameters = inspect.signature(command).parameters  # type: ignore[arg-type]
    assert names <= parameters.keys()
    assert all(parameters[name].default is None for name in names)
    assert "overrides" not in parameters


def test_what_can_be_asked_is_named_as_what_comes_of_it() -> None:
    assert {one.name for one in fields(Overrides)} <= {one.name for one in fields(Settings)}
