"""Training: a run that was stopped ends where an unbroken one does, and a batch can be learnt by heart."""

import itertools
import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from skimage import data

from mesorch_cli.errors import InputError, UsageError
from mesorch_cli.network.config import MESORCH_S
from mesorch_cli.network.passport import Passport
from mesorch_cli.network.weights import load_weights
from mesorch_cli.training.checkpoint import load_checkpoint
from mesorch_cli.training.config import Schedule, TrainingConfig, read_config
from mesorch_cli.training.publish import publish
from mesorch_cli.training.samples import ForgedSamples, native_view, squashed_view
from mesorch_cli.training.trainer import Trainer, TrainingError


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for name in ("astronaut", "coffee", "chelsea"):
        picture = cv2.resize(getattr(data, name)(), (220, 200))
        cv2.imwrite(str(folder / f"{name}.png"), picture[:, :, ::-1])
    return folder


def config(photos: Path, **changes: object) -> TrainingConfig:
    source = [{"folder": str(photos)}]
    values: dict[str, object] = {
        "data": {"photos": source, "validation_photos": source, "working_side": 160, "validation_count": 2},
        "schedule": {"steps": 4, "warmup_steps": 1, "learning_rate": 1e-3},
        "side": 64,
        "batch": 4,
        "precision": "fp32",
        "threads": 1,
        "workers": 0,
        "checkpoint_every": 2,
        "validate_every": 100,
    }
    return TrainingConfig.model_validate(values | changes)


def test_a_stopped_run_ends_where_an_unbroken_one_does(tmp_path: Path, photos: Path) -> None:
    unbroken = Trainer(config(photos), tmp_path / "a")
    unbroken.run()

    stopped = Trainer(config(photos), tmp_path / "b")
    for images, masks in stopped.batches():
        stopped.train_step(images, masks)
        if stopped.step == 2:
            break
    stopped.save()
    stopped.train_step(images, masks)  # lost work after the last checkpoint
    resumed = Trainer(config(photos), tmp_path / "b")
    assert resumed.step == 2
    resumed.run()

    for (name, expected), found in zip(unbroken.ema.items(), resumed.ema.values(), strict=True):
        assert torch.equal(expected, found), name


def test_a_half_written_checkpoint_does_not_count(tmp_path: Path, photos: Path) -> None:
    trainer = Trainer(config(photos), tmp_path)
    path = trainer.save()
    (tmp_path / "checkpoint.pt.part").write_bytes(path.read_bytes()[:1000])  # killed while saving the next one
    assert Trainer(config(photos), tmp_path).step == 0
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match="no checkpoint"):
        load_checkpoint(path)


def test_one_batch_is_learnt_by_heart(tmp_path: Path, photos: Path) -> None:
    settings = config(photos, schedule={"steps": 200, "warmup_steps": 5, "learning_rate": 2e-3}, dice_weight=0.0)
    trainer = Trainer(settings, tmp_path)
    images, masks = next(iter(trainer.batches()))
    losses = [trainer.train_step(images, masks) for _ in range(90)]
    assert min(losses[-10:]) < 0.05


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path: Path, photos: Path) -> None:
    trainer = Trainer(config(photos), tmp_path)
    with pytest.raises(TrainingError, match="at step 0"):
        trainer.train_step(torch.full((2, 3, 64, 64), float("nan")), torch.zeros(2, 1, 64, 64))


def test_samples_depend_on_seed_and_index_alone(photos: Path) -> None:
    settings = config(photos).data
    first, second = (ForgedSamples(settings, side=64, seed=5, length=9, recipe=_recipe()) for _ in range(2))
    second[0]
    for left, right in zip(first[3], second[3], strict=True):
        assert torch.equal(left, right)
    assert not torch.equal(first[3][0], first[4][0])


def _recipe():  # type: ignore[no-untyped-def]
    from mesorch_cli.forge.recipe import ForgeRecipe

    return ForgeRecipe()


def test_views_keep_photo_and_mask_together() -> None:
    mask = np.zeros((100, 160), bool)
    mask[30:60, 90:130] = True
    pixels = np.repeat(mask[..., None] * np.uint8(255), 3, axis=2)
    for seed in range(10):
        view, view_mask = native_view(np.random.default_rng(seed), pixels, mask, 128)
        assert view.shape == (128, 128, 3)
        assert np.array_equal(view[..., 0] > 127, view_mask)
    view, view_mask = squashed_view(pixels, mask, 64)
    assert ((view[..., 0] > 127) == view_mask).mean() > 0.95


def test_the_schedule_rises_holds_and_falls() -> None:
    schedule = Schedule(steps=100, warmup_steps=10, decay_steps=20)
    factors = [schedule.factor(step) for step in range(100)]
    assert factors[0] == pytest.approx(0.1)
    assert factors[10:80] == [1.0] * 70
    assert all(later < earlier for earlier, later in itertools.pairwise(factors[81:]))
    assert 0 < factors[99] <= 0.05 + 1e-9


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense", "is not TOML"),
        ("[schedule]\nsteps = 5\n[data]\nphotos = []\nvalidation_photos = []\nphotoz = 1", "photoz"),
        ("side = 100\n[schedule]\nsteps = 500\n[data]\nphotos = []\nvalidation_photos = []", "side"),
    ],
)
def test_a_wrong_training_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "x.toml").write_text(text)
    with pytest.raises(UsageError, match=message):
        read_config(tmp_path / "x.toml")


def test_a_run_from_the_shell_writes_weights_that_load(tmp_path: Path, photos: Path) -> None:
    toml = f"""
side = 64
batch = 2
precision = "fp32"
threads = 1
workers = 0
validate_every = 2
[schedule]
steps = 2
warmup_steps = 1
[data]
working_side = 160
validation_count = 2
photos = [{{folder = {json.dumps(str(photos))}}}]
validation_photos = [{{folder = {json.dumps(str(photos))}}}]
"""
    (tmp_path / "run.toml").write_text(toml)
    command = [sys.executable, "-m", "mesorch_cli.training", str(tmp_path / "run.toml"), str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert lines[-1]["step"] == 2
    assert lines[-1]["validation"]["loss"] > 0

    passport = Passport(name="x", version="1", network=MESORCH_S, licence="none")
    publish(tmp_path / "run" / "checkpoint.pt", tmp_path / "x.safetensors", passport)
    assert load_weights(tmp_path / "x.safetensors").passport.name == "x"
    assert (tmp_path / "x.safetensors").stat().st_size < 25e6
