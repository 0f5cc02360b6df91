"""What the rest of the tool needs to know about a family of networks. Each family states it once.

Nothing here imports PyTorch, because passports are read and exported networks run without it.
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
    """Published checkpoints of a family.

    expected: a description of their tensors. recognise: returns the member from the tensors' names, None for another
    kind. rename: returns our name of a tensor, None for an unused one. licence, data: for the passport, unless the user
    gives them. limits: of the published figures.
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

    title: its name in messages. configuration: the type of its members. members: those that come with the tool, by
    name.

    build: a network with random weights. fold: its inference form, with the same logits up to rounding; the network
    itself is unchanged. graph: the form that is traced into a file, from uint8 tiles (B, H, W, 3) to float32 logits (B,
    1, H, W). came_trained: whether a parameter, given by name, is pretrained in a run with pretrained parts; such
    parameters have their own learning rate. parts: of a network in any of its forms, in the order of the forward pass:
    names, and the paths of their modules, of which none is in two parts. branches: training can request the logits of
    parts.
    """

    name: str
    title: str
    configuration: type[M]
    members: Mapping[str, M]
    build: Callable[[M], N]
    fold: Callable[[N], "Localiser"]
    graph: Callable[[N, GraphPrecision], "nn.Module"]
    came_trained: Callable[[str], bool]
    parts: Callable[[N], Mapping[str, tuple[str, ...]]]
    branches: bool = False
    foreign: Foreign[M] | None = None
