"""The two branches by name, reduced to the stages that the maps use.

Every branch is a module that takes (B, C, H, W) and returns its stage outputs at strides 4, 8, 16 and 32. They are
written here although timm has the same ones, because importing timm takes a third of the time to a verdict.
"""

from torch import nn

from mesorch_cli.errors import UsageError
from mesorch_cli.network import convnext, lite
from mesorch_cli.network.config import PUBLISHED_DROP_PATH, CnnName, TransformerName
from mesorch_cli.network.convnext import ConvNextStages
from mesorch_cli.network.lite import EfficientNetLiteStages
from mesorch_cli.network.lite_stages import STAGES
from mesorch_cli.network.pyramid import TransformerStages

CNN_WIDTHS: dict[CnnName, tuple[int, ...]] = {
    "convnext_tiny": convnext.WIDTHS,
    "efficientnet_lite0": tuple(STAGES[index][3] for index in lite.OUTPUTS),
}
TRANSFORMER_WIDTHS: dict[TransformerName, tuple[int, ...]] = {
    "mit_b3": (64, 128, 320, 512),
    "mit_compact": (32, 64, 128, 192),
}
TRANSFORMER_DEPTHS: dict[TransformerName, tuple[int, ...]] = {"mit_b3": (3, 4, 18, 3), "mit_compact": (2, 2, 2, 2)}
TRANSFORMER_HEADS: dict[TransformerName, tuple[int, ...]] = {"mit_b3": (1, 2, 5, 8), "mit_compact": (1, 2, 4, 6)}


def build_cnn(
    name: CnnName,
    *,
    stage_count: int,
    in_channels: int,
    fine_width: int | None = None,
    trace_width: int | None = None,
) -> nn.Module:
    """Build the CNN branch with random weights. ConvNeXt stops after `stage_count` stages."""
    if name == "convnext_tiny":
        for label, width in (("fine_width", fine_width), ("trace_width", trace_width)):
            if width is not None:
                raise UsageError(f"{label} {width} does not suit {name}, whose stem has stride 4. Expected none.")
        return ConvNextStages(stage_count, in_channels)
    return EfficientNetLiteStages(in_channels, fine_width, trace_width)


def build_transformer(
    name: TransformerName, *, in_channels: int, drop_path: float = PUBLISHED_DROP_PATH, shrink: int = 1
) -> TransformerStages:
    """Build the Transformer branch with random weights, without its last stage if `shrink` is 2."""
    stages = 4 if shrink == 1 else 3
    return TransformerStages(
        TRANSFORMER_WIDTHS[name][:stages],
        TRANSFORMER_DEPTHS[name][:stages],
        TRANSFORMER_HEADS[name][:stages],
        in_channels,
        drop_path,
        shrink,
    )
