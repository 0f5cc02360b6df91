"""Validation: photos forged once and kept, figures as `evaluate` counts them, and the best chosen by them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mesorch_cli.cli.app import app
from mesorch_cli.errors import UsageError
from mesorch_cli.training.result import WEIGHTS
from mesorch_cli.training.run_log import RunLog
from mesorch_cli.training.trainer import Trainer
from mesorch_cli.training.validation import Measured, Validator, keep_forged, kept_folder
from tests.training.runs import config, make_pairs, metrics


def test_photos_are_forged_once_and_the_same_each_time(tmp_path: Path, photos: Path) -> None:
    settings = config(photos)
    for name in ("a", "b"):
        keep_forged(settings, tmp_path / name)
    first, second = (kept_folder(settings, tmp_path / name) for name in ("a", "b"))
    files = sorted(path.relative_to(first) for path in first.rglob("*.*"))
    assert len([path for path in files if path.parts[0] in ("Tp", "Au")]) == 3
    assert all((first / path).read_bytes() == (second / path).read_bytes() for path in files)
    stamp = (first / files[0]).stat().st_mtime_ns
    keep_forged(settings, tmp_path / "a")
    assert (first / files[0]).stat().st_mtime_ns == stamp
    assert kept_folder(config(photos, seed=1), tmp_path / "a") != first


def test_figures_are_those_of_evaluate(tmp_path: Path, photos: Path) -> None:
    make_pairs(tmp_path / "valid", ("one", "two"))
    data = {"photos": [{"folder": str(photos / "train")}], "validation_sets": [str(tmp_path / "valid")]}
    trainer = Trainer(config(photos, data=data, validation={"scales": "whole,native"}), tmp_path)
    trainer.step = 1
    figures = trainer.validate().measured.figures["valid"]
    words = ["--weights", str(tmp_path / WEIGHTS), "--threshold", "0.5", "--bootstrap", "0", "--json"]
    result = CliRunner().invoke(app, ["evaluate", str(tmp_path / "valid"), *words])
    assert result.exit_code == 0, result.stderr
    expected = json.loads(result.stdout)["figures"]
    for name in ("f1", "f1_best", "auc", "iou"):
        assert figures[name] == pytest.approx(expected[name]["value"], abs=1e-9), name


def test_the_best_on_validation_stays(tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = Trainer(config(photos), tmp_path)
    keep_forged(trainer.config, tmp_path)
    trainer.step = 1
    real = trainer.validate().measured
    versions = []
    for step, chosen in ((2, 0.5), (3, 0.4), (4, 0.6)):
        trainer.step = step
        trainer.best = 0.45 if step == 2 else trainer.best
        measured: Measured = replace(real, chosen=chosen)
        monkeypatch.setattr(Validator, "measure", lambda *_, measured=measured: measured)
        versions.append((trainer.validate().best, (tmp_path / "best.md").read_text().splitlines()[0]))
    assert versions == [
        (True, "# mesorch-s step-2"),
        (False, "# mesorch-s step-2"),
        (True, "# mesorch-s step-4"),
    ]


def test_a_set_without_tampered_photos_is_refused(tmp_path: Path, photos: Path) -> None:
    (tmp_path / "clean.json").write_text(json.dumps([[str(photos / "validation" / "rocket.png"), "Negative"]]))
    data = {"photos": [{"folder": str(photos / "train")}], "validation_sets": [str(tmp_path / "clean.json")]}
    trainer = Trainer(config(photos, data=data), tmp_path)
    with pytest.raises(UsageError, match="None of the .* is tampered"):
        trainer.validate()


def test_a_journal_takes_back_what_comes_after_the_checkpoint(tmp_path: Path) -> None:
    with RunLog(tmp_path, 0, 0, tensorboard=False) as run_log:
        for step in range(1, 5):
            run_log.step(step, {"loss": float(step)})
            if step in (2, 3):
                run_log.validation(step, {"set": {"f1": float("nan")}})
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 5, "lo')  # killed here
    with RunLog(tmp_path, 3, 2, tensorboard=False) as run_log:
        run_log.step(4, {"loss": 9.0})
    found = metrics(tmp_path)
    assert [line["step"] for line in found] == [1, 2, 2, 3, 4]
    assert found[2] == {"step": 2, "validation": {"set": {"f1": None}}}
    assert found[-1]["loss"] == 9.0


def test_a_folder_belongs_to_one_run_at_a_time(tmp_path: Path) -> None:
    with RunLog(tmp_path, 0, 0, tensorboard=False) as run_log:
        run_log.step(1, {"loss": 1.0})
        with pytest.raises(UsageError, match="Another run is using"):
            RunLog(tmp_path, 0, 0, tensorboard=False)
    assert len(metrics(tmp_path)) == 1
    RunLog(tmp_path, 1, 0, tensorboard=False).__exit__()
