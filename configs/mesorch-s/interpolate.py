"""Go only a part of the way from the weights that a run began with to those that it reached.

usage: interpolate.py START.safetensors CHECKPOINT OUT --share A

OUT is the checkpoint with (1 - A) times the start plus A times its moving average in place of the latter. Trained on other
photos, a network gains on these and loses some of what it knew; between both there is often more than at either end
(Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022).
"""

import argparse
from pathlib import Path

import torch

from mesorch_cli.network.weights import read_file


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("start", "checkpoint", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--share", type=float, required=True)
    args = parser.parse_args()
    start = read_file(args.start)[1]
    reached = torch.load(args.checkpoint, map_location="cpu", weights_only=True)
    for name, tensor in reached["ema"].items():
        if tensor.is_floating_point():
            tensor.lerp_(start[name].to(tensor.dtype), 1.0 - args.share)
    torch.save(reached, args.out)


if __name__ == "__main__":
    main()
