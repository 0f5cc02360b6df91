"""Start the network of 0.6 from the weights 0.5.1: what both have is taken over, the rest stays as it is drawn.

usage: carry_over.py OLD.safetensors START.safetensors TRAINING.toml [--seed 0] [--steps 30]

Taken over are the CNN, its decoders and heads. The trace stem, the Transformer on a smaller input and the cheaper gate
are new, and begin from random values. The statistics of all batch norms are measured anew on the samples of the first
STEPS steps of the training file, because training keeps them as they are.
"""

import argparse
from pathlib import Path

import torch

from mesorch_cli.network.config import MESORCH_S
from mesorch_cli.network.mesorch import Mesorch
from mesorch_cli.network.passport import Passport
from mesorch_cli.network.weights import read_file, save_weights
from mesorch_cli.training.config import read_config
from mesorch_cli.training.mixture import Samples, collate
from mesorch_cli.training.timm_start import draw_branches


@torch.no_grad()
def measure_norms(network: Mesorch, training: Path, steps: int) -> None:
    """Set the statistics of every batch norm to the means over the samples of the first steps."""
    config = read_config(training)
    samples, items = Samples(config), config.batch // config.data.views
    norms = [module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean
    network.train()
    for step in range(steps):
        network(collate([samples[step * items + item] for item in range(items)]).images)
    for norm in norms:
        norm.momentum = 0.1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path)
    parser.add_argument("start", type=Path)
    parser.add_argument("training", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=30)
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
    network.load_state_dict(own | taken)
    measure_norms(network, args.training, args.steps)
    passport = Passport(name="mesorch-s", version="start", network=MESORCH_S, licence="Apache-2.0")
    save_weights(args.start, network.state_dict(), passport)
    print(f"{len(taken)} of {len(own)} tensors taken over, {len(old) - len(taken)} of the old ones left out")


if __name__ == "__main__":
    main()
