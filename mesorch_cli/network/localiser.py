"""The interface of every network, whatever its family."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from mesorch_cli.errors import UsageError
from mesorch_cli.network.member import Member


class Localiser(nn.Module, ABC):
    """Where an image was manipulated, as one logit per pixel."""

    config: Member

    @abstractmethod
    def forward(self, image: Tensor, branches: bool = False) -> Tensor:
        """Return logits (B, 1, H, W), float32, of an ImageNet-normalised float32 image (B, 3, H, W).

        With `branches`, further channels may follow for training: the logits of single parts of the network. Raises
        ShapeError unless H and W are multiples of SIDE_MULTIPLE.
        """

    def explained(self, image: Tensor) -> Tensor:  # noqa: ARG002 - members use it
        """Return the logits of `forward` and, in further channels, what they were made of; see `Mesorch.explained`.

        Raises UsageError for a network that has no such parts.
        """
        raise UsageError(
            f"The network {self.config.name!r} does not show what its map is made of; expected one with a map per scale, "
            "such as mesorch-s."
        )
