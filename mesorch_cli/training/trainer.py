"""The training loop: forged batches, AdamW, an average of the weights, checkpoints that resume exactly."""

import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset

from mesorch_cli.errors import MesorchError
from mesorch_cli.evaluation.metrics import pixel_auc
from mesorch_cli.forge.recipe import ForgeRecipe
from mesorch_cli.network.backbones import EfficientNetLiteStages
from mesorch_cli.network.config import CONFIGS
from mesorch_cli.network.mesorch import Mesorch
from mesorch_cli.network.weights import read_file
from mesorch_cli.training.checkpoint import FILE_NAME, Checkpoint, load_checkpoint, save_checkpoint
from mesorch_cli.training.config import TrainingConfig
from mesorch_cli.training.loss import localisation_loss
from mesorch_cli.training.pretrained import load_lite0
from mesorch_cli.training.samples import ForgedSamples, collate

VALIDATION_SEED_OFFSET = 1_000_003  # apart from every seed of training samples


class TrainingError(MesorchError):
    """A run that cannot go on: the loss is not finite."""


@dataclass(frozen=True)
class Progress:
    """What is known after a step: steps done, mean loss since the last report, samples per second, validation figures."""

    step: int
    loss: float
    learning_rate: float
    samples_per_second: float
    validation: dict[str, float] | None = None


def parameter_groups(network: Mesorch, config: TrainingConfig) -> list[dict[str, object]]:
    """Split parameters by weight decay (none for biases and norms) and by rate (the CNN's own, which came trained)."""
    schedule = config.schedule
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        pretrained = name.startswith("cnn.") and not name.startswith("cnn.fine.")
        groups.setdefault((pretrained, parameter.ndim > 1), []).append(parameter)
    return [
        {
            "params": parameters,
            "rate": schedule.learning_rate * (schedule.backbone_factor if pretrained else 1.0),
            "weight_decay": schedule.weight_decay if decayed else 0.0,
        }
        for (pretrained, decayed), parameters in groups.items()
    ]


@torch.no_grad()
def average(ema: dict[str, Tensor], network: Mesorch, decay: float) -> None:
    """Move `ema` towards the network's tensors, batch-norm statistics included; integers are copied."""
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point():
            ema[name].lerp_(tensor, 1.0 - decay)
        else:
            ema[name].copy_(tensor)


class Trainer:
    """One run of one configuration in one folder."""

    def __init__(self, config: TrainingConfig, folder: Path) -> None:
        self.config = config
        self.folder = folder
        torch.manual_seed(config.seed)
        self.network = Mesorch(CONFIGS[config.network])
        if config.pretrained_cnn is not None and isinstance(self.network.cnn, EfficientNetLiteStages):
            load_lite0(self.network.cnn, config.pretrained_cnn)
        if config.initial is not None:
            self.network.load_state_dict(self._initial_tensors(config.initial), strict=True)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = torch.optim.AdamW(parameter_groups(self.network, config), lr=0.0)
        self.ema = {name: tensor.clone() for name, tensor in self.network.state_dict().items()}
        self.step = 0
        if (folder / FILE_NAME).exists():
            self._resume(load_checkpoint(folder / FILE_NAME))

    @staticmethod
    def _initial_tensors(path: Path) -> dict[str, Tensor]:
        if path.suffix == ".safetensors":
            return read_file(path)[1]
        return load_checkpoint(path).ema

    def _resume(self, checkpoint: Checkpoint) -> None:
        self.network.load_state_dict(checkpoint.model, strict=True)
        self.optimizer.load_state_dict(checkpoint.optimizer)
        self.ema = {name: tensor.clone() for name, tensor in checkpoint.ema.items()}
        self.step = checkpoint.step
        torch.set_rng_state(checkpoint.torch_rng)

    def save(self) -> Path:
        """Write a checkpoint of the state after the last whole step."""
        return save_checkpoint(
            self.folder,
            Checkpoint(
                self.network.state_dict(), self.ema, self.optimizer.state_dict(), self.step, torch.get_rng_state()
            ),
        )

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the batches from the current step on: images (B, 3, H, W) and masks (B, 1, H, W)."""
        config = self.config
        forged = config.batch // config.data.views
        total = config.schedule.steps * forged
        samples = ForgedSamples(config.data, side=config.side, seed=config.seed, length=total, recipe=ForgeRecipe())
        loader = DataLoader(
            Subset(samples, range(self.step * forged, total)),
            batch_size=forged,
            num_workers=config.workers,
            collate_fn=collate,
            multiprocessing_context="spawn" if config.workers else None,
            prefetch_factor=4 if config.workers else None,
            generator=torch.Generator(),  # else starting the loader would move the generator of drop-path
        )
        yield from loader

    def autocast(self) -> torch.autocast | nullcontext[None]:
        """Return the arithmetic of the configuration; the frequency split and the softmax stay float32 in any case."""
        return torch.autocast("cpu", torch.bfloat16) if self.config.precision == "bf16" else nullcontext()

    def train_step(self, images: Tensor, masks: Tensor) -> float:
        """Take one optimiser step; returns the loss. Raises TrainingError, nothing changed, if it is not finite."""
        schedule = self.config.schedule
        self.network.train()
        for group in self.optimizer.param_groups:
            group["lr"] = group["rate"] * schedule.factor(self.step)
        with self.autocast():
            logits = self.network(images.contiguous(memory_format=torch.channels_last))
        loss = localisation_loss(logits, masks, dice_weight=self.config.dice_weight)
        if not torch.isfinite(loss):
            raise TrainingError(
                f"The loss is {loss.item()} at step {self.step} (seed {self.config.seed}). Expected a finite one: "
                "lower the learning rate, or look at the samples of this step."
            )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), schedule.clip_norm)
        self.optimizer.step()
        self.step += 1
        # Early on the average follows closely, or it would remember the random start for thousands of steps.
        average(self.ema, self.network, min(schedule.ema_decay, (1 + self.step) / (10 + self.step)))
        return loss.item()

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Return loss and mean pixel AUC of the averaged weights on forged photos of the validation sources."""
        config = self.config
        samples = ForgedSamples(
            config.data,
            side=config.side,
            seed=config.seed + VALIDATION_SEED_OFFSET,
            length=config.data.validation_count,
            recipe=ForgeRecipe(),
            validation=True,
        )
        averaged = Mesorch(self.network.config).eval()
        averaged.load_state_dict(self.ema, strict=True)
        losses, aucs = [], []
        for index in range(len(samples)):
            images, masks = samples[index]
            with self.autocast():
                logits = averaged(images).float()
            losses.append(localisation_loss(logits, masks, dice_weight=config.dice_weight).item())
            for one, truth in zip(logits.numpy(), masks.numpy() > 0.5, strict=True):
                if truth.any() and not truth.all():
                    aucs.append(pixel_auc(one.ravel(), truth.ravel()))
        return {"loss": sum(losses) / len(losses), "pixel_auc": sum(aucs) / len(aucs) if aucs else float("nan")}

    def run(self, on_progress: Callable[[Progress], None] | None = None, *, report_every: int = 20) -> None:
        """Train to the end of the schedule, saving as configured; Ctrl-C saves first and is passed on."""
        config = self.config
        torch.set_num_threads(config.threads)
        losses: list[float] = []
        started = time.monotonic()
        try:
            for images, masks in self.batches():
                losses.append(self.train_step(images, masks))
                last = self.step == config.schedule.steps
                validation = self.validate() if self.step % config.validate_every == 0 or last else None
                if self.step % config.checkpoint_every == 0 or last:
                    self.save()
                if on_progress is not None and (self.step % report_every == 0 or validation is not None):
                    rate = len(losses) * config.batch / (time.monotonic() - started)
                    learning_rate = config.schedule.learning_rate * config.schedule.factor(self.step - 1)
                    on_progress(Progress(self.step, sum(losses) / len(losses), learning_rate, rate, validation))
                    losses, started = [], time.monotonic()
        except KeyboardInterrupt:
            self.save()
            raise
