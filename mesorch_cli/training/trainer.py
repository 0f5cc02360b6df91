"""The training loop: steps of AdamW on any number of processes, averaged weights, exact resumption."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.utils.data import DataLoader

from mesorch_cli.errors import MesorchError, UsageError
from mesorch_cli.evaluation.processes import Processes
from mesorch_cli.network.weights import key_report
from mesorch_cli.training.checkpoint import FILE_NAME, Checkpoint, load_checkpoint, save_checkpoint
from mesorch_cli.training.checks import OnFile, check_apart, check_rasters
from mesorch_cli.training.config import TrainingConfig, differing, without_retired
from mesorch_cli.training.depthwise import QuickDepthwise
from mesorch_cli.training.interruption import Interruption, ignore_interruption
from mesorch_cli.training.loss import branch_loss, localisation_loss
from mesorch_cli.training.mixture import Division, PassItems, Samples, collate
from mesorch_cli.training.optimisation import average, freeze_norms, parameter_groups, with_synced_norms
from mesorch_cli.training.precision import settled
from mesorch_cli.training.result import draft_passport, final_passport, manifest, to_half, write_result
from mesorch_cli.training.runtime import open_runtime
from mesorch_cli.training.samples import Batch
from mesorch_cli.training.start import build_network
from mesorch_cli.training.validation import Measured, Validator, forged_samples, keep_forged, validation_sets

NAMED = 5  # samples that an error names


class TrainingError(MesorchError):
    """A run cannot continue, because the loss or its gradient is not finite."""

    exit_code = 6


@dataclass(frozen=True)
class StepReport:
    """A completed step: its number (from 1), the mean loss over its batch, and the gradient's norm before clipping.

    seconds: since the previous step, including the wait for samples. refused: sentences on photos drawn for the first
    time that cannot be used and were replaced.
    """

    step: int
    loss: float
    gradient_norm: float
    learning_rate: float
    seconds: float
    refused: tuple[str, ...] = ()


@dataclass(frozen=True)
class ValidationReport:
    """A validation: its step, its figures, and whether these are the best weights so far."""

    step: int
    measured: Measured
    best: bool


class _Stopped(Exception):  # noqa: N818 - not an error: someone asked for it, between two steps
    """The run was asked to stop, and its state is that after a complete step."""


OnStep = Callable[[StepReport], None]
OnValidation = Callable[[ValidationReport], None]


class Trainer:
    """A run of one configuration in one folder, in each of its processes."""

    def __init__(
        self, config: TrainingConfig, folder: Path, fabric: Fabric | None = None, *, on_file: OnFile | None = None
    ) -> None:
        """Check the data, build the network, and continue from the folder's checkpoint if there is one.

        Raises UsageError, InputError or WeightsError for anything that would make a run wrong.
        """
        if fabric is None:
            config = settled(config, folder, torch.device("cpu"))
            fabric = open_runtime("cpu", None, config.precision)
        self.config = config
        self.folder = folder
        self.fabric = fabric
        torch.set_num_threads(config.threads)
        self.processes = Processes(self.fabric.global_rank, self.fabric.world_size)
        self.division = Division(
            config.batch // config.data.views, self.processes.count, self.processes.rank, config.accumulate
        )
        self.samples = Samples(config)
        self._check_data(on_file)
        self.network = build_network(config)
        if config.batch_norm == "synced":
            if self.fabric.device.type != "cuda":
                raise UsageError('batch_norm = "synced" needs GPUs. Expected "own" or "frozen" on a CPU.')
            self.network = with_synced_norms(self.network)
        self.network.to(self.fabric.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        optimizer = torch.optim.AdamW(parameter_groups(self.network, config), lr=0.0)
        self.wrapped, self.optimizer = self.fabric.setup(self.network, optimizer)
        self.ema = {name: tensor.clone() for name, tensor in self.network.state_dict().items()}
        self.step = self.validated = self.saved = 0
        self.best: float | None = None
        self.legs: list[Any] = []
        self.refused: set[str] = set()
        self._untold: tuple[str, ...] = ()
        if (folder / FILE_NAME).exists():
            self._resume(load_checkpoint(folder / FILE_NAME))
        self.changed = self._begin_leg()

    def _check_data(self, on_file: OnFile | None) -> None:
        """Refuse data that would make the figures wrong. Every process reaches the same decision."""
        kept = forged_samples(self.config)
        sets = validation_sets(self.config)
        drawn = self.samples.from_files.sets if self.samples.from_files is not None else ()
        self.masks = check_rasters([*drawn, *sets], self.config.data.masks, on_file)
        validated = [sample.photo for one in sets for sample in one.samples] + (kept.files if kept else [])
        check_apart(self.samples.files, validated)

    def _resume(self, checkpoint: Checkpoint) -> None:
        if report := key_report(set(self.network.state_dict()), set(checkpoint.model)):
            raise UsageError(
                f"The checkpoint in {self.folder} does not belong to {self.config.network}: {report}. Choose another "
                "folder."
            )
        self.network.load_state_dict(checkpoint.model, strict=True)
        self.optimizer.load_state_dict(checkpoint.optimizer)
        groups = parameter_groups(self.network, self.config)
        for group, wanted in zip(
            self.optimizer.param_groups, groups, strict=True
        ):  # the training file may have changed
            group.update({key: value for key, value in wanted.items() if key != "params"})
        for name, tensor in checkpoint.ema.items():
            self.ema[name].copy_(tensor)
        self.step = self.saved = checkpoint.step
        self.validated = checkpoint.validated
        self.best, self.legs = checkpoint.best, list(checkpoint.legs)

    def _begin_leg(self) -> list[str]:
        """Record that this training file applies from now on. Return its differences from the previous one."""
        described = self.config.model_dump(mode="json")
        before = without_retired(self.legs[-1]["config"]) if self.legs else None
        changed = [] if before is None else differing(before, described)
        if before is None or changed:
            self.legs.append({"from_step": self.step, "config": described})
        if any(name.startswith(("validation.", "data.validation")) or name == "seed" for name in changed):
            self.best = None  # earlier measurements are not comparable
        return changed

    @property
    def finished(self) -> bool:
        return self.step >= self.config.schedule.steps

    @property
    def validation_due(self) -> bool:
        """Return whether the current state must still be validated."""
        regular = self.step > 0 and self.step % self.config.validate_every == 0
        return self.validated < self.step and (regular or self.finished)

    def save(self) -> None:
        """Write a checkpoint of the state after the last complete step, in the first process."""
        if self.processes.reports:
            state = self.network.state_dict(), self.ema, self.optimizer.state_dict(), self.step
            save_checkpoint(self.folder, Checkpoint(*state, validated=self.validated, best=self.best, legs=self.legs))
        self.fabric.barrier()
        self.saved = self.step

    def batches(self) -> Iterator[list[Batch]]:
        """Yield, from the current step on, the batches of this process's passes in each step."""
        workers = self.config.workers
        loader = DataLoader(
            self.samples,
            batch_sampler=PassItems(self.division, self.step, self.config.schedule.steps),
            num_workers=workers,
            collate_fn=collate,
            multiprocessing_context="spawn" if workers else None,
            prefetch_factor=4 if workers else None,
            worker_init_fn=ignore_interruption if workers else None,
            pin_memory=self.fabric.device.type == "cuda",
            generator=torch.Generator(),  # otherwise starting the loader would use up drop-path's generator
        )
        passes: list[Batch] = []
        for batch in loader:
            passes.append(batch)
            if len(passes) == self.division.passes:
                yield passes
                passes = []

    def train_step(self, passes: list[Batch], *, stop: bool = False) -> tuple[float, float, bool]:
        """Take one optimiser step. Return the loss, the gradient's norm, and whether any process wants to stop.

        Raises TrainingError, leaving the weights unchanged, if the loss or gradient is not finite.
        """
        schedule = self.config.schedule
        self.network.train()
        if self.config.batch_norm == "frozen":
            freeze_norms(self.network)
        for group in self.optimizer.param_groups:
            group["lr"] = group["rate"] * schedule.factor(self.step)
        seed = np.random.SeedSequence([self.config.seed, self.step, self.processes.rank])
        torch.manual_seed(int(seed.generate_state(1, np.uint64)[0]))
        self.optimizer.zero_grad(set_to_none=True)
        share = self._dice_share(passes)
        losses = []
        for number, batch in enumerate(passes, start=1):
            with self.fabric.no_backward_sync(self.wrapped, enabled=number < len(passes)):
                loss = self._loss(batch, share)
                self.fabric.backward(loss / len(passes))
            losses.append(loss.detach())
        norm = self.fabric.clip_gradients(
            self.wrapped, self.optimizer, max_norm=schedule.clip_norm or math.inf, error_if_nonfinite=False
        )
        assert norm is not None
        each = torch.stack(losses)
        agreed = torch.stack([each.mean(), norm.float(), each.new_tensor(float(stop))])
        if self.processes.count > 1:
            agreed = self.fabric.all_reduce(agreed, reduce_op="mean")  # type: ignore[assignment]
        loss_value, norm_value, wanted = agreed.tolist()
        if not math.isfinite(loss_value) or not math.isfinite(norm_value):
            raise self._not_finite(loss_value, norm_value, each, passes)
        self.optimizer.step()
        self.step += 1
        # Early on, the average follows closely, or it would remember the random start for thousands of steps.
        average(self.ema, self.network, min(schedule.ema_decay, (1 + self.step) / (10 + self.step)))
        return loss_value, norm_value, wanted > 0

    def _new_refusals(self, passes: list[Batch]) -> tuple[str, ...]:
        """Return new sentences on unusable photos. Every loader worker finds them again."""
        said = [*self._untold, *(sentence for batch in passes for sentence in batch.refused)]
        new = [sentence for sentence in dict.fromkeys(said) if sentence not in self.refused]
        self.refused.update(new)
        self._untold = ()
        return tuple(new)

    def _loss(self, batch: Batch, share: float | None) -> Tensor:
        images, masks = self.fabric.to_device((batch.images, batch.masks))
        config = self.config
        branches = config.branch_weight > 0
        with QuickDepthwise():
            logits = self.wrapped(images.contiguous(memory_format=torch.channels_last), branches)
        loss = localisation_loss(logits[:, :1], masks, dice_weight=config.dice_weight, tampered=share)
        return loss + config.branch_weight * branch_loss(logits[:, 1:], masks) if branches else loss

    def _dice_share(self, passes: list[Batch]) -> float | None:
        """Return the divisor of each pass's Dice terms, such that the mean over passes is that over the whole step."""
        parts = len(passes) * self.processes.count
        if parts == 1 or self.config.dice_weight == 0.0:
            return None
        own = sum(int((batch.masks.sum(dim=(1, 2, 3)) > 0).sum()) for batch in passes)
        count = torch.tensor(float(own), device=self.fabric.device)
        if self.processes.count > 1:
            count = self.fabric.all_reduce(count, reduce_op="sum")  # type: ignore[assignment]
        return max(1.0, count.item()) / parts

    def _not_finite(self, loss: float, norm: float, each: Tensor, passes: list[Batch]) -> TrainingError:
        odd = [batch for batch, value in zip(passes, each.tolist(), strict=True) if not math.isfinite(value)]
        own = list(dict.fromkeys(name for batch in odd or passes for name in batch.names))
        # If another process has the faulty pass, its samples are the relevant ones.
        names = [name for name, known in self.processes.joined([(name, bool(odd)) for name in own]) if known]
        shown = names or own
        more = f" and {len(shown) - NAMED} more" if len(shown) > NAMED else ""
        return TrainingError(
            f"The loss is {loss} and its gradient's norm {norm} at step {self.step + 1}, seed {self.config.seed}. "
            f"Expected finite values. The samples: {'; '.join(shown[:NAMED])}{more}. Lower the learning rate, or "
            "check these samples."
        )

    def validate(self, on_photo: Callable[[], None] | None = None) -> ValidationReport:
        """Measure the averaged weights in their written form. Write them if they are the best so far."""
        validator = Validator(self.config, self.folder, str(self.fabric.device), self.processes)
        tensors = to_half({name: tensor.detach().cpu() for name, tensor in self.ema.items()})
        if self.processes.count > 1:  # batch norms of other processes have their own statistics
            tensors = self.fabric.broadcast(tensors, src=0)
        measured = validator.measure(tensors, draft_passport(self.config), on_photo)
        best = self.best is None or measured.chosen > self.best
        if best:
            self.best = measured.chosen
            if self.processes.reports:
                files = manifest(self.samples.files) | {"masks": {name: {**read} for name, read in self.masks.items()}}
                write_result(self.folder, tensors, final_passport(self.config, self.step, self.legs, files, measured))
        self.validated = self.step
        return ValidationReport(self.step, measured, best)

    def run(
        self,
        on_step: OnStep | None = None,
        on_validation: OnValidation | None = None,
        on_forged: Callable[[int, int], None] | None = None,
    ) -> None:
        """Train to the end of the schedule, saving and validating as configured.

        Ctrl-C lets the current step end, saves, and raises KeyboardInterrupt.
        """
        if self.processes.reports:
            self._untold = keep_forged(self.config, self.folder, on_forged)
        self.fabric.barrier()
        with Interruption() as interruption:
            try:
                self._run(interruption, on_step, on_validation)
            except _Stopped:
                self.save()
                raise KeyboardInterrupt from None

    def _run(self, interruption: Interruption, on_step: OnStep | None, on_validation: OnValidation | None) -> None:
        def on_photo() -> None:
            # Several processes would wait for each other, so they finish the validation first.
            if interruption.wanted and self.processes.count == 1:
                raise _Stopped

        def validate_if_due() -> None:
            if self.validation_due:
                report = self.validate(on_photo)
                if on_validation is not None:
                    on_validation(report)

        schedule = self.config.schedule
        validate_if_due()
        started = time.monotonic()
        for passes in self.batches():
            rate = schedule.learning_rate * schedule.factor(self.step)
            loss, norm, stop = self.train_step(passes, stop=interruption.wanted)
            if on_step is not None:
                refused = self._new_refusals(passes)
                on_step(StepReport(self.step, loss, norm, rate, time.monotonic() - started, refused))
            if stop:
                raise _Stopped
            validate_if_due()
            if self.step % self.config.checkpoint_every == 0 or self.finished:
                self.save()
            started = time.monotonic()
