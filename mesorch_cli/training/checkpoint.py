"""The state of a run, saved so that a kill at any moment leaves the last complete one."""

import pickle
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mesorch_cli.errors import InputError, OutputError
from mesorch_cli.files.writing import remove_unfinished, writing_below

FILE_NAME = "checkpoint.pt"


@dataclass(frozen=True)
class Checkpoint:
    """Everything that the next step depends on.

    model, ema: state dicts; optimizer: AdamW's; step: steps done. Randomness needs no state, as samples and drop-path
    depend only on the seed and the step. validated: the step of the last validation. best: the largest value of the
    chosen figure so far, None before the first. legs: the training files, each with its first step.
    """

    model: dict[str, Tensor]
    ema: dict[str, Tensor]
    optimizer: dict[str, Any]
    step: int
    validated: int = 0
    best: float | None = None
    legs: list[Any] = field(default_factory=list)


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> Path:
    """Write the checkpoint beside the last one, then move it into place at once. Raises OutputError if that fails."""
    path = folder / FILE_NAME
    if folder.is_dir():
        remove_unfinished(folder)  # a half-written checkpoint from a kill is as large as a complete one
    try:
        with writing_below(folder, FILE_NAME) as file:
            torch.save(vars(checkpoint), file)
    except RuntimeError as error:  # PyTorch's error for a full disk
        raise OutputError(
            f"Cannot write {path}: {error}. The previous checkpoint is intact. Make room and give the same command "
            "again."
        ) from error
    return path


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint, which may only contain tensors and plain values. Raises InputError for any other file."""
    try:
        values = torch.load(path, map_location="cpu", weights_only=True)
        values.pop("torch_rng", None)  # earlier versions stored an unused random state
        return Checkpoint(**values)
    except (
        OSError,
        RuntimeError,
        TypeError,
        ValueError,
        LookupError,
        AttributeError,
        EOFError,
        pickle.UnpicklingError,
    ) as error:
        raise InputError(
            f"{path} is not a checkpoint of mesorch ({error}). Delete it to start the run again.",
            reason="unreadable",
        ) from error
