"""`mesorch train` from outside: killed, interrupted and shared runs end where an unbroken one does."""

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from typer.testing import CliRunner, Result

from mesorch_cli.cli.app import app
from mesorch_cli.network.weights import load_weights
from mesorch_cli.training.checkpoint import load_checkpoint
from mesorch_cli.training.config import read_config
from mesorch_cli.training.start import build_network
from tests.training.runs import losses, make_pairs, make_photos, metrics, start, values, write_toml

STEPS = 5
PATIENCE = 300.0  # seconds in which a process must have come to a point; it never waits for nothing


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_photos(tmp_path_factory.mktemp("photos"))


def train(*words: str) -> Result:
    return CliRunner().invoke(app, ["train", *words])


def wait_for(condition: Path, process: subprocess.Popen[str]) -> None:
    limit = time.monotonic() + PATIENCE
    while not condition.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit, condition
        time.sleep(0.001)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> Path:
    """A training file of forged samples and files, saved after every step and validated after the second."""
    root = tmp_path_factory.mktemp("file")
    make_pairs(root / "pairs", ("one", "two"))
    content = values(photos, checkpoint_every=1, validate_every=2, schedule={"steps": STEPS, "warmup_steps": 1})
    data = content["data"]
    assert isinstance(data, dict)
    content["data"] = data | {"files": [{"path": str(root / "pairs")}], "forged_share": 0.5}
    return write_toml(root / "run.toml", content)


@pytest.fixture(scope="module")
def unbroken(file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unbroken") / "run"
    result = train(str(file), "-o", str(folder), "--json")
    assert result.exit_code == 0, result.stderr
    assert f"step {STEPS} of {STEPS}, loss " in result.stderr, "plain lines where there is no terminal"
    line = json.loads(result.stdout)
    assert (line["schema"], line["steps"]) == ("mesorch.training/1", STEPS)
    assert line["weights"] == str(folder / "best.safetensors")
    return folder


def half_written(folder: Path) -> list[Path]:
    """Return checkpoints that are being written, or were when their run was killed."""
    return list(folder.glob(".checkpoint.pt.*.part"))


def test_killed_while_saving_and_interrupted_a_run_ends_where_an_unbroken_one_does(
    file: Path, unbroken: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    killed = start(str(file), "-o", str(folder), "--no-tensorboard")
    wait_for(folder / "checkpoint.pt", killed)
    while not half_written(folder) and killed.poll() is None:  # until the next one is being written
        time.sleep(0.0005)
    killed.kill()
    killed.communicate()
    assert half_written(folder), "it was killed while saving"
    at_kill = load_checkpoint(folder / "checkpoint.pt").step
    assert 1 <= at_kill < STEPS

    interrupted = start(str(file), "-o", str(folder), "--no-tensorboard")
    known = len(losses(folder))
    while len(losses(folder)) in (known, at_kill) and interrupted.poll() is None:
        time.sleep(0.01)
    interrupted.send_signal(signal.SIGINT)
    _, errors = interrupted.communicate()
    saved = load_checkpoint(folder / "checkpoint.pt").step
    if saved < STEPS:
        assert interrupted.returncode == 130, errors
        assert f"saved after step {saved} of {STEPS}" in errors
    assert len(losses(folder)) == saved

    result = train(str(file), "-o", str(folder), "--no-tensorboard")
    assert result.exit_code == 0, result.stderr
    name, sha256, steps = result.stdout.split("\t")
    assert (Path(name), int(steps)) == (folder / "best.safetensors", STEPS)
    assert load_weights(folder / "best.safetensors").sha256 == sha256

    expected, found = (load_checkpoint(one / "checkpoint.pt") for one in (unbroken, folder))
    for first, second in ((expected.model, found.model), (expected.ema, found.ema)):
        assert [name for name, tensor in first.items() if not torch.equal(tensor, second[name])] == []
    assert not half_written(folder)
    assert losses(folder) == losses(unbroken)
    assert (folder / "best.safetensors").read_bytes() == (unbroken / "best.safetensors").read_bytes()


def test_a_run_leaves_its_course_its_card_and_weights_that_detect_takes(
    unbroken: Path, photos: Path, tmp_path: Path
) -> None:
    lines = metrics(unbroken)
    assert [line["step"] for line in lines if "loss" in line] == list(range(1, STEPS + 1))
    assert [line["step"] for line in lines if "validation" in line] == [2, 4, STEPS]
    events = EventAccumulator(str(unbroken / "tensorboard")).Reload()
    assert [event.step for event in events.Scalars("train/loss")] == list(range(1, STEPS + 1))
    assert any(name.startswith("validation/") for name in events.Tags()["scalars"])

    passport = load_weights(unbroken / "best.safetensors").passport
    best = max((line for line in lines if "validation" in line), key=lambda line: chosen(line, passport.training))
    assert passport.version == f"step-{best['step']}"
    assert passport.input.side == 64
    assert passport.training["legs"][0]["config"]["batch"] == 4  # type: ignore[index,call-overload]
    assert passport.version in (unbroken / "best.md").read_text()

    photo = photos / "validation" / "chelsea.png"
    result = CliRunner().invoke(
        app, ["detect", str(photo), "--weights", str(unbroken / "best.safetensors"), "-o", str(tmp_path), "--json"]
    )
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["analysis"]["scales"] == ["whole"]


def chosen(line: dict[str, object], training: dict[str, object]) -> float:
    (figures,) = line["validation"].values()  # type: ignore[attr-defined]
    return float(figures[training["chosen_by"]])


def test_a_finished_run_says_so_again_and_a_second_one_is_refused_its_folder(file: Path, unbroken: Path) -> None:
    before = (unbroken / "best.safetensors").stat().st_mtime_ns
    result = train(str(file), "-o", str(unbroken), "--no-tensorboard")
    assert result.exit_code == 0
    assert result.stdout.endswith(f"\t{STEPS}\n")
    assert (unbroken / "best.safetensors").stat().st_mtime_ns == before
    result = train(str(file), "-o", str(unbroken), "--no-resume")
    assert result.exit_code == 2
    assert "already holds a run" in result.stderr


def test_two_processes_take_the_steps_of_one(photos: Path, tmp_path: Path) -> None:
    # Batch norms of each process would see their own half, and drop-path would draw otherwise; both are held still.
    content = values(photos, batch_norm="frozen", drop_path=0.0, schedule={"steps": 3, "warmup_steps": 1})
    file = write_toml(tmp_path / "run.toml", content)
    shared = start(str(file), "-o", str(tmp_path / "two"), "--no-tensorboard", processes=2)
    result = train(str(file), "-o", str(tmp_path / "one"), "--no-tensorboard")
    assert result.exit_code == 0, result.stderr
    output, errors = shared.communicate()
    assert shared.returncode == 0, errors
    assert output.endswith("\t3\n")
    assert ", 2 processes" in errors
    assert losses(tmp_path / "two") == pytest.approx(losses(tmp_path / "one"), rel=1e-5)
    one, two = (load_checkpoint(tmp_path / name / "checkpoint.pt") for name in ("one", "two"))
    # Adam moves every element by about the learning rate, also where the gradient is nothing but rounding; so what is
    # compared is how far a tensor is apart, beside how far it moved.
    begun = build_network(read_config(file)).state_dict()
    for name, tensor in one.model.items():
        if tensor.is_floating_point():
            apart, moved = (tensor - two.model[name]).norm(), (tensor - begun[name]).norm()
            assert apart <= 0.01 * moved, name
    first, second = (
        next(line["validation"] for line in metrics(tmp_path / name) if "validation" in line) for name in ("one", "two")
    )
    assert first.keys() == second.keys()  # type: ignore[attr-defined]


def test_a_loss_that_explodes_ends_with_its_step_and_files(photos: Path, tmp_path: Path) -> None:
    content = values(photos, schedule={"steps": 9, "warmup_steps": 0, "learning_rate": 1e30}, batch_norm="frozen")
    file = write_toml(tmp_path / "run.toml", content)
    result = train(str(file), "-o", str(tmp_path / "run"), "--no-tensorboard", "--quiet")
    assert result.exit_code == 6
    assert "at step 2" in result.stderr
    assert str(photos / "train") in result.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--precision", "fp16"], "'fp16' is not one of"),
        (["--device", "cuda:7"], "There is no device"),
        (["--accumulate", "3"], "2 items"),
        (["--threads", "2000"], "The command line, at threads"),
        (["--workers", "300"], "The command line, at workers"),
    ],
)
def test_what_this_machine_or_file_cannot_do_is_said(
    file: Path, tmp_path: Path, words: list[str], message: str
) -> None:
    result = train(str(file), "-o", str(tmp_path / "run"), *words)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not (tmp_path / "run").exists()
