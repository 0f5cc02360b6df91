"""`mesorch calibrate` from outside, and `detect` with what it wrote."""

import json
import shutil
from pathlib import Path

import cv2
import jsonschema
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from mesorch_cli.cli.app import app
from mesorch_cli.evaluation.calibration import FEWEST
from mesorch_cli.examination.record import record_schema
from mesorch_cli.network import store
from mesorch_cli.network.rules import EdgeRule
from mesorch_cli.network.weights import read_file, save_weights


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two folders of photos that even random weights tell apart: rough and smooth."""
    root = tmp_path_factory.mktemp("known")
    rng = np.random.default_rng(0)
    for name, blur in (("rough", 0.0), ("smooth", 6.0)):
        (root / name).mkdir()
        for number in range(FEWEST):
            photo = rng.integers(0, 256, (64, 80, 3), dtype=np.uint8)
            photo = cv2.GaussianBlur(photo, (0, 0), blur) if blur else photo
            assert cv2.imwrite(str(root / name / f"{number}.png"), photo)
    return root / "rough", root / "smooth"


@pytest.fixture(scope="module")
def made(
    folders: tuple[Path, Path], tiny_weights: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, tuple[Path, Path]]:
    """A calibration, and the folders as (authentic, tampered): of the two ways round only one has a meaning."""
    target = tmp_path_factory.mktemp("calibration") / "calibration.json"
    ways = [(folders[0], folders[1]), (folders[1], folders[0])]
    results = [
        run(
            "calibrate",
            "--authentic",
            one,
            "--tampered",
            other,
            "--fpr",
            0.2,
            "-w",
            tiny_weights,
            "-o",
            target,
            "-q",
            "--keep-pooling",
        )
        for one, other in ways
    ]
    codes = [result.exit_code for result in results]
    assert sorted(codes) == [0, 3], [result.stderr for result in results]
    assert "nothing to calibrate" in results[codes.index(3)].stderr
    return target, ways[codes.index(0)]


def test_a_calibration_says_what_it_rests_on(made: tuple[Path, tuple[Path, Path]]) -> None:
    target, _ = made
    values = json.loads(target.read_text())
    assert values["schema"] == "mesorch.calibration/1"
    assert values["photos"]["authentic"] == values["photos"]["tampered"] == FEWEST
    assert values["limits"]["flagged"] <= 0.2 * FEWEST
    assert 0 <= values["held_out"]["cllr_min"] <= values["held_out"]["cllr"]
    for name in ("calibration-reliability.png", "calibration-tippett.png"):
        assert cv2.imread(str(target.with_name(name))) is not None


def test_a_calibration_rests_on_the_scores_that_detect_gives_though_the_edges_of_the_map_are_moved_later(
    made: tuple[Path, tuple[Path, Path]], tiny_weights: Path, tmp_path: Path
) -> None:
    target, (authentic, tampered) = made
    passport, tensors, _ = read_file(tiny_weights)
    edges = EdgeRule(long_side=64, radius=4, smoothness=1e-3)
    inference = passport.inference.model_copy(update={"edges": edges})
    moving = tmp_path / "moving.safetensors"
    store.record_sum(moving, save_weights(moving, tensors, passport.model_copy(update={"inference": inference})))
    words = ("calibrate", "--authentic", authentic, "--tampered", tampered, "--fpr", 0.2, "--keep-pooling", "-q")
    result = run(*words, "-w", moving, "-o", tmp_path / "moving.json")
    assert result.exit_code == 0, result.stderr
    assert json.loads((tmp_path / "moving.json").read_text())["score"] == json.loads(target.read_text())["score"]


def test_detect_reports_probability_and_ratio(made: tuple[Path, tuple[Path, Path]], tiny_weights: Path) -> None:
    target, (authentic, tampered) = made
    found = {}
    for kind, folder in (("authentic", authentic), ("tampered", tampered)):
        words = ("detect", folder / "3.png", "-w", tiny_weights, "--calibration", target, "--json", "--no-artefacts")
        result = run(*words)
        assert result.exit_code == 0, result.stderr
        record = json.loads(result.stdout)
        jsonschema.validate(record, record_schema())
        found[kind] = record["result"]
        ratio = found[kind]["likelihood_ratio"]
        assert ratio["lowest"] <= ratio["value"] <= ratio["highest"]
        assert found[kind]["calibration"]["authentic"] == FEWEST
    assert found["tampered"]["probability"] > 0.5 > found["authentic"]["probability"]
    assert found["tampered"]["likelihood_ratio"]["value"] > 1 > found["authentic"]["likelihood_ratio"]["value"]
    plain = json.loads(run("detect", tampered / "3.png", "-w", tiny_weights, "--json", "--no-artefacts").stdout)
    assert plain["result"]["probability"] is plain["result"]["likelihood_ratio"] is None


def test_a_calibration_of_other_weights_or_settings_is_refused(
    made: tuple[Path, tuple[Path, Path]], tiny_weights: Path, tmp_path: Path
) -> None:
    target, (authentic, _) = made
    words = ("detect", authentic / "3.png", "-w", tiny_weights, "--no-artefacts", "--calibration")
    other = run(*words, target, "--scales", "whole")
    assert other.exit_code == 2
    assert "other settings: scales" in other.stderr
    values = json.loads(target.read_text())
    changed = tmp_path / "changed.json"
    changed.write_text(json.dumps(values | {"weights": {"name": "x", "sha256": "0" * 64}}))
    assert "is for the weights x" in run(*words, changed).stderr
    changed.write_text(json.dumps(values | {"schema": "mesorch.calibration/9"}))
    assert run(*words, changed).exit_code == 2
    ratios = values["score"]["calibration"]["ratios"]
    ratios["scores"] = ratios["scores"][::-1]
    changed.write_text(json.dumps(values))
    refused = run(*words, changed)
    assert refused.exit_code == 2
    assert "scores do not rise" in refused.stderr
    assert run(*words, tmp_path / "none.json").exit_code == 2


def test_too_few_photos_are_refused_with_the_number_needed(
    folders: tuple[Path, Path], tiny_weights: Path, tmp_path: Path
) -> None:
    words = ("calibrate", "--authentic", folders[0], "--tampered", folders[1], "-w", tiny_weights)
    result = run(*words, "-o", tmp_path / "c.json")
    assert result.exit_code == 3
    assert "at least 59 authentic" in result.stderr
    assert not (tmp_path / "c.json").exists()


def test_a_photo_of_both_classes_is_refused(folders: tuple[Path, Path], tiny_weights: Path, tmp_path: Path) -> None:
    words = ("calibrate", "--authentic", folders[0], "--tampered", folders[0], "-w", tiny_weights, "--fpr", 0.2)
    result = run(*words, "-o", tmp_path / "c.json", "-q")
    assert result.exit_code == 2
    assert "The same photo is in both folders" in result.stderr
    assert run(*words, "--inconclusive-fpr", 0.1).exit_code == 2


def test_lost_photos_are_said_and_shown_by_the_code(
    made: tuple[Path, tuple[Path, Path]], tiny_weights: Path, tmp_path: Path
) -> None:
    _, (authentic, tampered) = made
    shutil.copytree(authentic, tmp_path / "authentic")
    (tmp_path / "authentic" / "half.png").write_bytes((authentic / "0.png").read_bytes()[:900])
    target = tmp_path / "c.json"
    words = ("calibrate", "--authentic", tmp_path / "authentic", "--tampered", tampered, "--fpr", 0.2, "--no-plots")
    result = run(*words, "-w", tiny_weights, "-o", target, "-q", "--keep-pooling")
    assert result.exit_code == 3
    assert "not counted: " in result.stderr
    assert json.loads(target.read_text())["photos"]["authentic"] == FEWEST


def test_plots_that_cannot_be_drawn_are_said_before_any_photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mesorch_cli.evaluation.plots.find_spec", lambda _: None)
    for name in ("image", "mask"):
        (tmp_path / name).mkdir()
        assert cv2.imwrite(str(tmp_path / name / "0.png"), np.full((64, 64, 3), 255, np.uint8))
    for words in (
        ("calibrate", "--authentic", tmp_path, "--tampered", tmp_path, "-o", tmp_path / "c.json"),
        ("evaluate", "--images", tmp_path / "image", "--masks", tmp_path / "mask", "-o", tmp_path / "out"),
    ):
        result = run(*words)
        assert result.exit_code == 2
        assert ".[plots]" in result.stderr
