"""The state of a run, saved so that a kill at any moment leaves the last whole one."""

import os
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from mesorch_cli.errors import InputError

FILE_NAME = "checkpoint.pt"


@dataclass(frozen=True)
class Checkpoint:
    """Everything that the next step depends on.

    model, ema: state dicts; optimizer: AdamW's; step: steps done; torch_rng: generator state of dropout and drop-path.
    The data needs no state: sample i depends only on the seed and i.
    """

    model: dict[str, Tensor]
    ema: dict[str, Tensor]
    optimizer: dict[str, object]
    step: int
    torch_rng: Tensor


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> Path:
    """Write the checkpoint beside the last one, then put it in its place in one move."""
    folder.mkdir(parents=True, exist_ok=True)
    path, temporary = folder / FILE_NAME, folder / (FILE_NAME + ".part")
    with temporary.open("wb") as file:
        torch.save(vars(checkpoint), file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    return path


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint; tensors and plain values only. Raises InputError if it is not one of ours."""
    try:
        values = torch.load(path, map_location="cpu", weights_only=True)
        return Checkpoint(**values)
    except (OSError, RuntimeError, TypeError, EOFError) as error:
        raise InputError(
            f"{path} is no checkpoint of this program ({error}). Remove it to start the run again.", reason="unreadable"
        ) from error
