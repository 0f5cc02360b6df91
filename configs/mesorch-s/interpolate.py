"""Go only a part of the way from the weights that a run began with to those that it reached.

usage: interpolate.py START.safetensors END OUT --share A

END is a checkpoint, whose moving average counts, or a weights file. OUT is a checkpoint for publish.py with (1 - A) times the
start plus A times the end; no run can go on from it. Trained on other photos, a network gains on these and loses some of what
it knew; between both there is often more than at either end (Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR
2022). fit_share.py measures the shares.
"""

import argparse
from pathlib import Path

import torch
from torch import Tensor

from mesorch_cli.network.weights import read_file
from mesorch_cli.training.checkpoint import load_checkpoint


def reached(end: Path) -> dict[str, Tensor]:
    """Return the tensors of a weights file, or the moving average of a checkpoint."""
    return read_file(end)[1] if end.suffix == ".safetensors" else load_checkpoint(end).ema


def between(start: dict[str, Tensor], end: dict[str, Tensor], share: float) -> dict[str, Tensor]:
    """Return (1 - share) times the start plus share times the end, float32. Integers are those of the end."""
    return {
        name: tensor.float().lerp(start[name].float(), 1.0 - share) if tensor.is_floating_point() else tensor
        for name, tensor in end.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("start", "end", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--share", type=float, required=True)
    args = parser.parse_args()
    mixed = between(read_file(args.start)[1], reached(args.end), args.share)
    torch.save({"model": mixed, "ema": mixed, "optimizer": {}, "step": 0}, args.out)


if __name__ == "__main__":
    main()
