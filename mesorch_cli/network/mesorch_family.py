"""The Mesorch family: its three members and the functions for them."""

from typing import TYPE_CHECKING

from mesorch_cli.network.config import CONFIGS, NetworkConfig
from mesorch_cli.network.family import Family, GraphPrecision
from mesorch_cli.network.published import PUBLISHED

if TYPE_CHECKING:
    from torch import nn

    from mesorch_cli.network.mesorch import Mesorch

OWN_STEMS = ("cnn.fine.", "cnn.trace.")  # beside the CNN's own stem, and never pretrained


def _build(config: NetworkConfig) -> "Mesorch":
    from mesorch_cli.network.mesorch import Mesorch

    return Mesorch(config)


def _fold(network: "Mesorch") -> "Mesorch":
    from mesorch_cli.network.folding import fold

    return fold(network)


def _graph(network: "Mesorch", precision: GraphPrecision) -> "nn.Module":
    from mesorch_cli.network.graph import TileGraph

    return TileGraph(network, precision)


def _came_trained(parameter: str) -> bool:
    return parameter.startswith("cnn.") and not parameter.startswith(OWN_STEMS)


def _parts(network: "Mesorch") -> dict[str, tuple[str, ...]]:
    from mesorch_cli.network.parts import parts_of

    return parts_of(network)


MESORCH_FAMILY: "Family[NetworkConfig, Mesorch]" = Family(
    name="mesorch",
    title="Mesorch",
    configuration=NetworkConfig,
    members=CONFIGS,
    build=_build,
    fold=_fold,
    graph=_graph,
    came_trained=_came_trained,
    parts=_parts,
    branches=True,
    foreign=PUBLISHED,
)
