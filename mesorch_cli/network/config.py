"""Configurations of the network: one class, three members."""

from dataclasses import asdict, dataclass
from typing import Literal

from mesorch_cli.errors import UsageError

CnnName = Literal["convnext_tiny", "efficientnet_lite0"]
TransformerName = Literal["mit_b3", "mit_compact"]

MOST_CHANNELS = 1024  # of a part whose width is in a passport; the published gate has 192
PUBLISHED_DROP_PATH = 0.1  # of the Transformer's last block, while training

CNN_SCALES = ("c1", "c2", "c3", "c4")
TRANSFORMER_SCALES = ("s1", "s2", "s3", "s4")
ALL_SCALES = CNN_SCALES + TRANSFORMER_SCALES


@dataclass(frozen=True)
class NetworkConfig:
    """A member of the Mesorch family.

    scales: the stage outputs with a map of their own, `c1..c4` of the CNN and `s1..s4` of the Transformer, at strides
    4, 8, 16 and 32; their order is the order of the maps. gate_width: channels inside the gate that weights the maps
    for each pixel; None: plain sum. fine_width: channels of the learned full-resolution stem of mesorch-s up to 0.5;
    None: none. trace_width: channels of the stem of fixed high-pass filters beside the CNN's own. It keeps traces that
    a strided stem averages away. None: none, as in the published networks. transformer_shrink: the factor per side by
    which the Transformer's input is smaller: 1 or 2. With 2, its outputs are at strides 8, 16 and 32, without a fourth.
    gate_stride: of the gate's first convolution, 2 (the published one) or 4.
    """

    name: str
    cnn: CnnName
    transformer: TransformerName
    scales: tuple[str, ...]
    gate_width: int | None
    fine_width: int | None = None
    trace_width: int | None = None
    transformer_shrink: Literal[1, 2] = 1
    gate_stride: Literal[2, 4] = 2

    def __post_init__(self) -> None:
        unknown = [scale for scale in self.scales if scale not in ALL_SCALES]
        if unknown or not self.scales or len(set(self.scales)) != len(self.scales):
            raise UsageError(f"scales {self.scales} of {self.name!r}: expected different ones out of {ALL_SCALES}.")
        if self.transformer_shrink not in (1, 2) or self.gate_stride not in (2, 4):
            raise UsageError(
                f"transformer_shrink {self.transformer_shrink} and gate_stride {self.gate_stride} of {self.name!r}: "
                "expected 1 or 2, and 2 or 4."
            )
        if self.transformer_shrink > 1 and "s4" in self.scales:
            raise UsageError(f"scales {self.scales} of {self.name!r}: a Transformer of a smaller input has no s4.")
        for label, width in (
            ("gate_width", self.gate_width),
            ("fine_width", self.fine_width),
            ("trace_width", self.trace_width),
        ):
            if width is not None and not 1 <= width <= MOST_CHANNELS:
                raise UsageError(f"{label} {width} of {self.name!r}: expected 1 to {MOST_CHANNELS} channels, or none.")

    def to_dict(self) -> dict[str, object]:
        """Return the plain form for a passport."""
        return asdict(self) | {"scales": list(self.scales)}


MESORCH = NetworkConfig("mesorch", "convnext_tiny", "mit_b3", ALL_SCALES, gate_width=192)
MESORCH_P = NetworkConfig("mesorch-p", "convnext_tiny", "mit_b3", ("c1", "c3", "s2", "s3", "s4"), gate_width=None)
MESORCH_S = NetworkConfig(
    "mesorch-s",
    "efficientnet_lite0",
    "mit_compact",
    (*CNN_SCALES, "s1", "s2", "s3"),
    gate_width=24,
    trace_width=24,
    transformer_shrink=2,
    gate_stride=4,
)

CONFIGS = {config.name: config for config in (MESORCH, MESORCH_P, MESORCH_S)}
