"""The start of a run: a random network, pretrained branches, or weights of an earlier run."""

import torch

from mesorch_cli.errors import UsageError
from mesorch_cli.network.families import family_of, member_named
from mesorch_cli.network.localiser import Localiser
from mesorch_cli.network.mesorch import Mesorch
from mesorch_cli.network.weights import key_report, read_file
from mesorch_cli.training.checkpoint import load_checkpoint
from mesorch_cli.training.config import TrainingConfig
from mesorch_cli.training.optimisation import set_drop_path
from mesorch_cli.training.pretrained import load_cnn, load_mit
from mesorch_cli.training.timm_start import draw_branches


def build_network(config: TrainingConfig) -> Localiser:
    """Return the network with which a run begins. The same seed gives the same random tensors.

    Raises WeightsError or InputError for files that cannot be read or do not fit, UsageError for another network's
    files.
    """
    torch.manual_seed(config.seed)
    member = member_named(config.network)
    network: Localiser = family_of(member).build(member)
    if isinstance(network, Mesorch):
        _start_branches(network, config)
    elif config.pretrained_cnn is not None or config.pretrained_transformer is not None:
        raise UsageError(
            f"{config.network} has no part for pretrained_cnn or pretrained_transformer. Expected neither."
        )
    if config.initial is not None:
        of_weights = config.initial.suffix == ".safetensors"
        tensors = read_file(config.initial)[1] if of_weights else load_checkpoint(config.initial).ema
        if report := key_report(set(network.state_dict()), set(tensors)):
            raise UsageError(f"{config.initial} does not fit {config.network}: {report}. Name weights of this network.")
        network.load_state_dict(tensors, strict=True)
    set_drop_path(network, config.drop_path)
    return network


def _start_branches(network: Mesorch, config: TrainingConfig) -> None:
    draw_branches(network)
    if config.pretrained_cnn is not None:
        load_cnn(network.cnn, config.pretrained_cnn)
    if config.pretrained_transformer is not None:
        load_mit(network.transformer, config.pretrained_transformer)
