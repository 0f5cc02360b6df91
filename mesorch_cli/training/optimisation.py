"""What the optimiser changes, and how: groups of parameters, their average, drop-path, batch norms."""

from torch import Tensor, nn, no_grad

from mesorch_cli.network.config import PUBLISHED_DROP_PATH
from mesorch_cli.network.families import family_of
from mesorch_cli.network.localiser import Localiser
from mesorch_cli.network.pyramid import DropPath
from mesorch_cli.training.config import TrainingConfig


def parameter_groups(network: Localiser, config: TrainingConfig) -> list[dict[str, object]]:
    """Split parameters by weight decay (none for biases and norms) and by rate (pretrained ones have their own)."""
    schedule, came_trained = config.schedule, family_of(network.config).came_trained
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        groups.setdefault((came_trained(name), parameter.ndim > 1), []).append(parameter)
    return [
        {
            "params": parameters,
            "rate": schedule.learning_rate * (schedule.backbone_factor if pretrained else 1.0),
            "weight_decay": schedule.weight_decay if decayed else 0.0,
        }
        for (pretrained, decayed), parameters in groups.items()
    ]


@no_grad()
def average(ema: dict[str, Tensor], network: nn.Module, decay: float) -> None:
    """Move `ema` towards the network's tensors, including batch-norm statistics. Integers are copied."""
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point():
            ema[name].lerp_(tensor, 1.0 - decay)
        else:
            ema[name].copy_(tensor)


def set_drop_path(network: Localiser, rate: float) -> None:
    """Replace the published drop-path rate of blocks, keeping its distribution over the blocks."""
    for module in network.modules():
        if isinstance(module, DropPath):
            module.drop_prob *= rate / PUBLISHED_DROP_PATH


def with_synced_norms(network: Localiser) -> Localiser:
    """Return the network with batch norms whose statistics span the passes of all processes."""
    converted: Localiser = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
    return converted


def freeze_norms(network: nn.Module) -> None:
    """Freeze the running statistics of batch norms. Their scales and shifts are still trained."""
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()
