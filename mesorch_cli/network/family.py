"""What the rest of the tool needs to know of a family of networks; each family states it once.

Nothing here imports PyTorch: a passport is read, and an exported network runs, where PyTorch is not installed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from mesorch_cli.network.member import Member

if TYPE_CHECKING:
    from torch import Tensor, nn

    from mesorch_cli.network.localiser import Localiser

GraphPrecision = Literal["fp32", "fp16"]


M = TypeVar("M", bound=Member)
N = TypeVar("N", bound="Localiser")


@dataclass(frozen=True)
class Foreign(Generic[M]):
    """Checkpoints of a family as others publish them.

    expected: their tensors, in words. recognise: tells the member by the tensors' names, None where they are not of this
    kind. rename: our name of a tensor, None for one that the network has no use for. licence, data: what the passport says
    where the user says nothing. limits: of the published figures.
    """

    expected: str
    recognise: Callable[[Mapping[str, "Tensor"]], M | None]
    rename: Callable[[str, M], str | None]
    licence: str
    data: str
    limits: tuple[str, ...]


@dataclass(frozen=True)
class Family(Generic[M, N]):
    """A family of networks. The functions import PyTorch when they are called.

    title: as messages show it. configuration: the type of its members. members: those that come with the tool, by name.

    build: a network with random weights. fold: its inference form, which gives the same logits up to rounding; the network
    itself stays as it is. graph: the form that is traced into a file, from uint8 tiles (B, H, W, 3) to float32 logits
    (B, 1, H, W). came_trained: says of a parameter, by its name, that it was pretrained where the run starts from pretrained
    parts; such ones learn at a rate of their own. branches: its training can ask for the logits of parts.
    """

    name: str
    title: str
    configuration: type[M]
    members: Mapping[str, M]
    build: Callable[[M], N]
    fold: Callable[[N], "Localiser"]
    graph: Callable[[N, GraphPrecision], "nn.Module"]
    came_trained: Callable[[str], bool]
    branches: bool = False
    foreign: Foreign[M] | None = None
