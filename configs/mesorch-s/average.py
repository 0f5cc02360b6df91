"""Average the weights of training checkpoints whose legs began from one another: often better than either, at no cost.

usage: average.py CHECKPOINT CHECKPOINT [CHECKPOINT ...] OUT

OUT is the last checkpoint with the mean of all moving averages in place of its own (Wortsman et al., "Model soups: averaging
weights of multiple fine-tuned models", ICML 2022).
"""

import argparse
from pathlib import Path

import torch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoints", type=Path, nargs="+")
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    found = [torch.load(path, map_location="cpu", weights_only=True) for path in args.checkpoints]
    last = found[-1]
    for name, tensor in last["ema"].items():
        if tensor.is_floating_point():
            last["ema"][name] = torch.stack([one["ema"][name] for one in found]).mean(dim=0)
    torch.save(last, args.out)


if __name__ == "__main__":
    main()
