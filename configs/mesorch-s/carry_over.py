"""Start the network of 0.6 from the weights 0.5.1: what both have is taken over, the rest stays as it is drawn.

usage: carry_over.py OLD.safetensors START.safetensors [--seed 0]

Taken over are the CNN, its decoders and heads. The trace stem, the Transformer on a smaller input and the cheaper gate
are new, and begin from random values.
"""

import argparse
from pathlib import Path

import torch

from mesorch_cli.network.config import MESORCH_S
from mesorch_cli.network.mesorch import Mesorch
from mesorch_cli.network.passport import Passport
from mesorch_cli.network.weights import read_file, save_weights
from mesorch_cli.training.timm_start import draw_branches


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path)
    parser.add_argument("start", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    network = Mesorch(MESORCH_S)
    draw_branches(network)
    own = network.state_dict()
    old = read_file(args.old)[1]
    taken = {
        name: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in old.items()
        if name.startswith(("cnn.", "decoders.c", "heads.c")) and name in own and own[name].shape == tensor.shape
    }
    passport = Passport(name="mesorch-s", version="start", network=MESORCH_S, licence="Apache-2.0")
    save_weights(args.start, own | taken, passport)
    print(f"{len(taken)} of {len(own)} tensors taken over, {len(old) - len(taken)} of the old ones left out")


if __name__ == "__main__":
    main()
