"""Which network: one class, three configurations."""

from dataclasses import asdict, dataclass
from typing import Literal

from mesorch_cli.errors import UsageError

CnnName = Literal["convnext_tiny", "efficientnet_lite0"]
TransformerName = Literal["mit_b3", "mit_compact"]

PUBLISHED_DROP_PATH = 0.1  # of the Transformer's last block, while training

CNN_SCALES = ("c1", "c2", "c3", "c4")
TRANSFORMER_SCALES = ("s1", "s2", "s3", "s4")
ALL_SCALES = CNN_SCALES + TRANSFORMER_SCALES


@dataclass(frozen=True)
class NetworkConfig:
    """A member of the Mesorch family.

    scales: the stage outputs that get a map of their own, `c1..c4` of the CNN and `s1..s4` of the Transformer, at
    strides 4, 8, 16 and 32; their order is the order of the maps.
    gate_width: channels inside the gate that weighs the maps against each other per pixel; None: plain sum.
    fine_width: channels of the full-resolution stem beside the CNN's own, which keeps traces that a strided stem
    averages away; None: none (the published networks have none).
    """

    name: str
    cnn: CnnName
    transformer: TransformerName
    scales: tuple[str, ...]
    gate_width: int | None
    fine_width: int | None = None

    def __post_init__(self) -> None:
        unknown = [scale for scale in self.scales if scale not in ALL_SCALES]
        if unknown or not self.scales or len(set(self.scales)) != len(self.scales):
            raise UsageError(f"scales {self.scales} of {self.name!r}: expected different ones out of {ALL_SCALES}.")
        for label, width in (("gate_width", self.gate_width), ("fine_width", self.fine_width)):
            if width is not None and width < 1:
                raise UsageError(f"{label} {width} of {self.name!r}: expected a positive number of channels or none.")

    def to_dict(self) -> dict[str, object]:
        """Return the plain form that a passport keeps."""
        return asdict(self) | {"scales": list(self.scales)}


MESORCH = NetworkConfig("mesorch", "convnext_tiny", "mit_b3", ALL_SCALES, gate_width=192)
MESORCH_P = NetworkConfig("mesorch-p", "convnext_tiny", "mit_b3", ("c1", "c3", "s2", "s3", "s4"), gate_width=None)
MESORCH_S = NetworkConfig("mesorch-s", "efficientnet_lite0", "mit_compact", ALL_SCALES, gate_width=24, fine_width=16)

CONFIGS = {config.name: config for config in (MESORCH, MESORCH_P, MESORCH_S)}
