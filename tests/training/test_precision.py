"""`fastest` is measured once: a run that goes on keeps what it began with, and processes that share a run do not guess."""

from pathlib import Path

import pytest
import torch

from mesorch_cli.training import precision
from mesorch_cli.training.precision import settled, step_seconds
from mesorch_cli.training.trainer import Trainer
from tests.training.runs import config

CPU = torch.device("cpu")


@pytest.mark.parametrize(("bf16", "chosen"), [(0.1, "bf16"), (0.9, "fp32"), (10.7, "fp32")])
def test_the_faster_arithmetic_is_taken_where_it_is_worth_it(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bf16: float, chosen: str
) -> None:
    monkeypatch.setattr(precision, "step_seconds", lambda name, _: bf16 if name == "bf16" else 1.0)
    assert settled(config(photos, precision="fastest"), tmp_path, CPU).precision == chosen
    assert settled(config(photos, precision="fastest"), tmp_path, CPU, processes=2).precision == "fp32"


@pytest.mark.parametrize("stated", ["fp32", "bf16"])
def test_what_the_file_states_is_not_measured(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stated: str
) -> None:
    monkeypatch.delattr(precision, "step_seconds")
    assert settled(config(photos, precision=stated), tmp_path, CPU).precision == stated


def test_both_are_really_run() -> None:
    assert step_seconds("bf16", CPU) > 0
    assert step_seconds("fp32", CPU) > 0


def test_a_run_goes_on_as_it_began(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = config(photos, precision="fastest")
    monkeypatch.setattr(precision, "step_seconds", lambda name, _: 1.0 if name == "fp32" else 9.0)
    first = Trainer(wanted, tmp_path)
    first.save()
    assert first.legs[-1]["config"]["precision"] == "fp32"
    monkeypatch.setattr(precision, "step_seconds", lambda name, _: 9.0 if name == "fp32" else 1.0)
    assert settled(wanted, tmp_path, CPU).precision == "fp32"
