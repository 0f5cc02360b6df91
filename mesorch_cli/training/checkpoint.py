"""The state of a run, saved so that a kill at any moment leaves the last whole one."""

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

    model, ema: state dicts; optimizer: AdamW's; step: steps done. Chance needs no state: samples and drop-path depend only
    on the seed and the step. validated: the step at which the run was last validated. best: the largest value of the
    chosen figure so far, None before the first. legs: from which step on which training file held.
    """

    model: dict[str, Tensor]
    ema: dict[str, Tensor]
    optimizer: dict[str, Any]
    step: int
    validated: int = 0
    best: float | None = None
    legs: list[Any] = field(default_factory=list)


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> Path:
    """Write the checkpoint beside the last one, then put it in its place in one move; OutputError if that fails."""
    path = folder / FILE_NAME
    if folder.is_dir():
        remove_unfinished(folder)  # a checkpoint that a kill left half written is as large as a whole one
    try:
        with writing_below(folder, FILE_NAME) as file:
            torch.save(vars(checkpoint), file)
    except RuntimeError as error:  # PyTorch tells a full disk by one
        raise OutputError(
            f"Cannot write {path}: {error}. The checkpoint before it is whole; make room and go on."
        ) from error
    return path


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint; tensors and plain values only. Raises InputError if it is not one of ours."""
    try:
        values = torch.load(path, map_location="cpu", weights_only=True)
        values.pop("torch_rng", None)  # earlier versions kept a state of chance that nothing depended on
        return Checkpoint(**values)
    except (OSError, RuntimeError, TypeError, AttributeError, EOFError, pickle.UnpicklingError) as error:
        raise InputError(
            f"{path} is no checkpoint of this program ({error}). Remove it to start the run again.", reason="unreadable"
        ) from error
