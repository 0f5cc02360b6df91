"""Start the network of 0.6 from the weights 0.5: what both have is taken over, the rest stays as it is drawn.

usage: carry_over.py OLD.safetensors START.safetensors TRAINING.toml [--seed 0] [--steps 30]

Taken over are the CNN, its decoders and heads. The trace stem, the Transformer on a smaller input and the cheaper gate are
new, and begin from random values, but so that they change next to nothing at first: the trace stem is faint, the heads of the
Transformer are zero, and the gate weighs all maps alike, which cost 0.5 nothing (benchmarks/RESULTS.md). The statistics of
the trace stem's batch norms are measured on the samples of the first STEPS steps of the training file, because training keeps
them as they are; those of the other norms are those of OLD.
"""

import argparse
from pathlib import Path

import torch

from mesorch_cli.network.config import MESORCH_S, TRANSFORMER_SCALES
from mesorch_cli.network.mesorch import Mesorch
from mesorch_cli.network.passport import Passport
from mesorch_cli.network.weights import read_file, save_weights
from mesorch_cli.training.config import read_config
from mesorch_cli.training.mixture import Samples, collate
from mesorch_cli.training.timm_start import draw_branches

FAINT = 0.1  # deviation of the trace stem's output; that of the ordinary stem is about 1.4


@torch.no_grad()
def begin_quietly(network: Mesorch) -> None:
    """Let the new parts change next to nothing."""
    assert network.gate is not None
    torch.nn.init.constant_(network.get_parameter("cnn.trace.norm3.weight"), FAINT)
    for scale in TRANSFORMER_SCALES:
        if scale in network.heads:
            for parameter in network.heads[scale].parameters():
                torch.nn.init.zeros_(parameter)
    for parameter in network.gate.choose.parameters():
        torch.nn.init.zeros_(parameter)


@torch.no_grad()
def measure_norms(network: Mesorch, training: Path, steps: int) -> None:
    """Set the statistics of the trace stem's batch norms to the means over the samples of the first steps."""
    config = read_config(training)
    samples, items = Samples(config), config.batch // config.data.views
    network.eval()
    trace = network.get_submodule("cnn.trace").train()
    norms = [module for module in trace.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean
    for step in range(steps):
        images = collate([samples[step * items + item] for item in range(items)]).images
        trace(images)
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
    begin_quietly(network)
    measure_norms(network, args.training, args.steps)
    passport = Passport(name="mesorch-s", version="start", network=MESORCH_S, licence="Apache-2.0")
    save_weights(args.start, network.state_dict(), passport)
    print(f"{len(taken)} of {len(own)} tensors taken over, {len(old) - len(taken)} of the old ones left out")


if __name__ == "__main__":
    main()
