"""The loop: runs that stop end where unbroken ones do, a batch can be learnt by heart, what cannot go on says so."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from mesorch_cli.errors import InputError, UsageError
from mesorch_cli.network.config import MESORCH_S
from mesorch_cli.network.mesorch import Mesorch
from mesorch_cli.network.passport import Passport
from mesorch_cli.network.weights import load_weights, save_weights
from mesorch_cli.training.checkpoint import load_checkpoint
from mesorch_cli.training.config import read_config
from mesorch_cli.training.publish import publish
from mesorch_cli.training.samples import Batch, drawn_place, squashed_view
from mesorch_cli.training.trainer import StepReport, Trainer, TrainingError
from tests.training.runs import config, values, write_toml


def assert_same(first: dict[str, Tensor], second: dict[str, Tensor]) -> None:
    assert list(first) == list(second)
    unlike = [name for name, tensor in first.items() if not torch.equal(tensor, second[name])]
    assert unlike == []


@pytest.fixture
def batch() -> Batch:
    torch.manual_seed(0)
    masks = torch.zeros(4, 1, 64, 64)
    masks[0, :, 8:40, 8:40] = masks[1, :, 30:60, :] = masks[3, :, :, 50:] = 1
    images = torch.randn(4, 3, 64, 64) * (1 - 0.7 * masks)
    return Batch(images, masks, ("a.jpg", "b.jpg", "c.jpg", "d.jpg"), torch.zeros(4, dtype=torch.int64))


def test_lost_work_after_the_last_checkpoint_is_done_again(tmp_path: Path, photos: Path) -> None:
    unbroken = Trainer(config(photos), tmp_path / "a")
    unbroken.run()

    stopped = Trainer(config(photos), tmp_path / "b")
    for passes in stopped.batches():
        stopped.train_step(passes)
        if stopped.step == 2:
            stopped.save()
        if stopped.step == 3:
            break  # killed here
    resumed = Trainer(config(photos), tmp_path / "b")
    assert resumed.step == 2
    reports: list[StepReport] = []
    resumed.run(reports.append)
    assert [report.step for report in reports] == [3, 4]

    assert_same(unbroken.ema, resumed.ema)
    assert_same(unbroken.network.state_dict(), resumed.network.state_dict())
    first, second = ((tmp_path / name / "best.safetensors").read_bytes() for name in "ab")
    assert first == second
    assert (tmp_path / "a" / "best.md").read_text() == (tmp_path / "b" / "best.md").read_text()


def test_passes_of_a_step_make_the_step_of_the_whole_batch(tmp_path: Path, photos: Path) -> None:
    same = {"batch_norm": "frozen", "drop_path": 0.0}
    whole = Trainer(config(photos, **same), tmp_path / "whole")
    parts = Trainer(config(photos, **same, accumulate=2), tmp_path / "parts")
    for one, two in zip(whole.batches(), parts.batches(), strict=True):
        assert (len(one), len(two)) == (1, 2)
        assert torch.equal(one[0].images, torch.cat([part.images for part in two]))
        loss, norm, _ = whole.train_step(one)
        assert parts.train_step(two)[:2] == pytest.approx((loss, norm), rel=1e-4)


def test_a_half_written_checkpoint_does_not_count(tmp_path: Path, photos: Path) -> None:
    trainer = Trainer(config(photos), tmp_path)
    trainer.save()
    path = tmp_path / "checkpoint.pt"
    left = tmp_path / ".checkpoint.pt.0123456789abcdef.part"
    left.write_bytes(path.read_bytes()[:1000])  # killed while saving the next one
    assert load_checkpoint(path).step == 0
    trainer.save()
    assert not left.exists()
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match="not a checkpoint"):
        Trainer(config(photos), tmp_path)


def test_a_checkpoint_of_the_first_version_goes_on_and_is_published(tmp_path: Path, photos: Path) -> None:
    trainer = Trainer(config(photos), tmp_path)
    trainer.train_step(next(trainer.batches()))
    old = {
        "model": trainer.network.state_dict(),
        "ema": trainer.ema,
        "optimizer": trainer.optimizer.state_dict(),
        "step": 1,
        "torch_rng": torch.get_rng_state(),
    }
    torch.save(old, tmp_path / "checkpoint.pt")
    resumed = Trainer(config(photos), tmp_path)
    assert resumed.step == 1
    assert_same(resumed.ema, trainer.ema)
    passport = Passport(name="x", version="1", network=MESORCH_S, licence="none")
    publish(tmp_path / "checkpoint.pt", tmp_path / "x.safetensors", passport)
    assert load_weights(tmp_path / "x.safetensors").passport.name == "x"
    assert (tmp_path / "x.safetensors").stat().st_size < 25e6


def test_one_batch_is_learnt_by_heart(tmp_path: Path, photos: Path, batch: Batch) -> None:
    settings = config(
        photos, schedule={"steps": 200, "warmup_steps": 3, "learning_rate": 3e-3}, dice_weight=0.0, drop_path=0.0
    )
    trainer = Trainer(settings, tmp_path)
    losses = [trainer.train_step([batch])[0] for _ in range(40)]
    assert max(losses[-5:]) < 0.05


@pytest.mark.parametrize("spoilt", ["loss", "gradient"])
def test_a_loss_that_is_not_finite_stops_with_step_and_files(
    tmp_path: Path, photos: Path, batch: Batch, spoilt: str
) -> None:
    trainer = Trainer(config(photos, accumulate=2), tmp_path)
    trainer.step = 2
    before = {name: tensor.clone() for name, tensor in trainer.network.named_parameters()}
    passes = [
        Batch(batch.images[:2], batch.masks[:2], batch.names[:2], batch.twins[:2]),
        Batch(*(part[2:] for part in batch)),
    ]
    if spoilt == "loss":
        passes[1].images[1, 0, 5, 5] = float("inf")
        expected = "step 3.*c.jpg; d.jpg\\."
    else:
        trainer.network.heads["c1"].weight.register_hook(lambda gradient: gradient * float("nan"))  # type: ignore[operator]
        expected = "norm nan at step 3.*a.jpg; b.jpg; c.jpg; d.jpg"
    with pytest.raises(TrainingError, match=expected):
        trainer.train_step(passes)
    assert_same(before, dict(trainer.network.named_parameters()))


def test_frozen_norms_keep_their_statistics_and_drop_path_can_be_none(
    tmp_path: Path, photos: Path, batch: Batch
) -> None:
    trainer = Trainer(config(photos, batch_norm="frozen", drop_path=0.0), tmp_path)
    before = {name: tensor.clone() for name, tensor in trainer.network.named_buffers()}
    trainer.train_step([batch])
    assert_same(before, dict(trainer.network.named_buffers()))
    own = Trainer(config(photos, drop_path=0.0), tmp_path / "own")
    own.train_step([batch])
    moved = [name for name, tensor in own.network.named_buffers() if not torch.equal(before[name], tensor)]
    assert moved


def test_synced_norms_are_refused_on_a_cpu(tmp_path: Path, photos: Path) -> None:
    with pytest.raises(UsageError, match="needs GPUs"):
        Trainer(config(photos, batch_norm="synced"), tmp_path)


def test_another_training_file_makes_a_new_leg_with_its_own_rates(tmp_path: Path, photos: Path) -> None:
    Trainer(config(photos), tmp_path).save()
    slower = {"steps": 4, "warmup_steps": 1, "learning_rate": 1e-5}
    resumed = Trainer(config(photos, schedule=slower), tmp_path)
    assert resumed.changed == ["schedule.learning_rate"]
    assert {group["rate"] for group in resumed.optimizer.param_groups} == {1e-5}
    resumed.save()
    assert [leg["from_step"] for leg in load_checkpoint(tmp_path / "checkpoint.pt").legs] == [0, 0]


def test_a_run_starts_from_weights_of_the_same_network_only(tmp_path: Path, photos: Path, tiny_weights: Path) -> None:
    started = Trainer(config(photos, initial=str(tiny_weights)), tmp_path)
    assert_same(started.network.state_dict(), load_weights(tiny_weights).network.state_dict())
    small = replace(MESORCH_S, name="small", scales=("c1", "s1"), gate_width=None)
    passport = Passport(name="small", version="1", network=small, licence="none")
    save_weights(tmp_path / "small.safetensors", Mesorch(small).state_dict(), passport)
    with pytest.raises(UsageError, match="does not fit mesorch-s: .* tensors missing"):
        Trainer(config(photos, initial=str(tmp_path / "small.safetensors")), tmp_path / "other")


def test_views_keep_photo_and_mask_together() -> None:
    mask = np.zeros((100, 160), bool)
    mask[30:60, 90:130] = True
    pixels = np.repeat(mask[..., None] * np.uint8(255), 3, axis=2)
    for seed in range(10):
        view, view_mask = drawn_place(np.random.default_rng(seed), mask, native_share=1.0, side=128).seen(pixels, mask)
        assert view.shape == (128, 128, 3)
        assert np.array_equal(view[..., 0] > 127, view_mask)
    view, view_mask = squashed_view(pixels, mask, 64)
    assert ((view[..., 0] > 127) == view_mask).mean() > 0.95


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"side": 100}, "side"),
        ({"batch": 3}, "not a multiple of the 2 views"),
        ({"nonsense": 1}, "nonsense"),
        ({"validation": {"scales": "wholes"}}, "Unknown scale 'wholes'"),
        ({"validation": {"levels": "wholes"}}, "Unknown scale 'wholes'"),  # the key of earlier versions
    ],
)
def test_a_wrong_training_file_is_named(tmp_path: Path, photos: Path, change: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_config(write_toml(tmp_path / "x.toml", values(photos) | change))


def test_what_is_no_training_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text("nonsense")
    with pytest.raises(UsageError, match="is not TOML"):
        read_config(tmp_path / "x.toml")
    with pytest.raises(UsageError, match="There is no training file"):
        read_config(tmp_path / "y.toml")


def test_drop_path_rates_keep_their_order(photos: Path, tmp_path: Path) -> None:
    published, halved = Mesorch(MESORCH_S), Trainer(config(photos, drop_path=0.05), tmp_path).network
    rates = [
        [module.drop_prob for module in network.transformer.modules() if hasattr(module, "drop_prob")]
        for network in (published, halved)
    ]
    assert max(rates[0]) == pytest.approx(0.1)
    assert rates[1] == pytest.approx([rate / 2 for rate in rates[0]])
