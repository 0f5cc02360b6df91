"""The scales of a network: their names, branches and strides, as its passport states them."""

from dataclasses import dataclass
from typing import Literal

from mesorch_cli.errors import UsageError
from mesorch_cli.network.config import CNN_SCALES, TRANSFORMER_SCALES, NetworkConfig
from mesorch_cli.network.passport import Passport

Branch = Literal["cnn", "transformer"]
BRANCHES: tuple[Branch, ...] = ("cnn", "transformer")
FINEST_STRIDE = 4


@dataclass(frozen=True)
class NetworkScale:
    """One scale. stride: pixels of the network's input between neighbouring values of its features."""

    name: str
    branch: Branch
    stride: int


def scales_of(passport: Passport) -> tuple[tuple[NetworkScale, ...], bool]:
    """Return the scales in the order of their maps, and whether a gate weighs them. UsageError for a network without."""
    config = passport.network
    if not isinstance(config, NetworkConfig):
        raise UsageError(
            f"The network {config.name!r} has no map per scale, so there is nothing to explain it by. Expected weights of "
            "the Mesorch family, such as mesorch-s."
        )
    return tuple(_scale(name, config) for name in config.scales), config.gate_width is not None


def _scale(name: str, config: NetworkConfig) -> NetworkScale:
    if name in CNN_SCALES:
        return NetworkScale(name, "cnn", FINEST_STRIDE << CNN_SCALES.index(name))
    return NetworkScale(
        name, "transformer", (FINEST_STRIDE << TRANSFORMER_SCALES.index(name)) * config.transformer_shrink
    )
