"""Measures before a run which arithmetic trains faster on this machine, as a wrong guess costs a factor of ten."""

import time
from pathlib import Path
from typing import Literal

import torch
from torch import nn

from mesorch_cli.training.checkpoint import FILE_NAME, load_checkpoint
from mesorch_cli.training.config import TrainingConfig
from mesorch_cli.training.depthwise import QuickDepthwise

SIDE, BATCH, ROUNDS = 64, 4, 3
WORTH_IT = 0.8  # of the time in float32: bf16 loses digits, so its gain must exceed noise


def step_seconds(precision: Literal["fp32", "bf16"], device: torch.device) -> float:
    """Return the seconds of the fastest of several forward and backward passes of typical layers."""
    torch.manual_seed(0)
    layers = nn.Sequential(
        nn.Conv2d(6, 32, 3, stride=2, padding=1),
        nn.Conv2d(32, 96, 1),
        nn.ReLU6(),
        nn.Conv2d(96, 96, 3, padding=1, groups=96),
        nn.ReLU6(),
        nn.Conv2d(96, 24, 1),
        nn.ConvTranspose2d(24, 1, 4, stride=2, padding=1),
    ).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    images = torch.randn(BATCH, 6, SIDE, SIDE, device=device).contiguous(memory_format=torch.channels_last)
    seconds = []
    for _ in range(ROUNDS + 1):  # the first one is a warm-up
        started = time.perf_counter()
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"), QuickDepthwise():
            loss = layers(images).float().square().mean()
        loss.backward()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - started)
    return min(seconds[1:])


def settled(config: TrainingConfig, folder: Path, device: torch.device, processes: int = 1) -> TrainingConfig:
    """Return the training file with a fixed `precision`: `fastest` is measured, or taken from the run in `folder`.

    Several processes would each measure but must agree, so they use float32 unless the file says otherwise.
    """
    if config.precision != "fastest":
        return config
    chosen: Literal["fp32", "bf16"] = "fp32"
    legs = load_checkpoint(folder / FILE_NAME).legs if (folder / FILE_NAME).exists() else ()
    if legs:
        chosen = legs[-1]["config"]["precision"]
    elif processes == 1:
        torch.set_num_threads(config.threads)
        if step_seconds("bf16", device) < WORTH_IT * step_seconds("fp32", device):
            chosen = "bf16"
    return config.model_copy(update={"precision": chosen})
