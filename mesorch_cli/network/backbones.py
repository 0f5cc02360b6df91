"""The two branches: timm's networks, cut down to the stages that the maps are made of.

Every branch is a module that takes (B, C, H, W) and returns its stage outputs at strides 4, 8, 16 and 32.
"""

import importlib
from types import ModuleType
from typing import Protocol, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from mesorch_cli.errors import UsageError
from mesorch_cli.network.config import CnnName, TransformerName

CNN_WIDTHS: dict[CnnName, tuple[int, ...]] = {
    "convnext_tiny": (96, 192, 384, 768),
    "efficientnet_lite0": (24, 40, 112, 320),
}
TRANSFORMER_WIDTHS: dict[TransformerName, tuple[int, ...]] = {
    "mit_b3": (64, 128, 320, 512),
    "mit_compact": (32, 64, 128, 192),
}
LITE_STAGE_ENDS = (1, 2, 4, 6)  # the blocks of EfficientNet-Lite after which the stride is about to double
LITE_STEM_WIDTH = 32


class Stages(Protocol):
    """A branch: stage outputs of an image, finest first."""

    def __call__(self, image: Tensor) -> list[Tensor]: ...


def import_timm(module: str) -> ModuleType:
    """Import a module of timm, also where torchvision's compiled half does not fit the installed torch.

    timm imports torchvision as a whole but uses nothing compiled of it here. A CPU build of torch beside the
    torchvision wheel of the package index stops that import at operators which are then missing; declaring them
    (they are never called) lets its Python half load.
    """
    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        for name in ("nms", "qnms"):
            torch.library.define(f"torchvision::{name}", "(Tensor boxes, Tensor scores, float iou_threshold) -> Tensor")
        importlib.import_module("torchvision")
    return importlib.import_module(f"timm.models.{module}")


class ConvNextStages(nn.Module):
    """ConvNeXt-tiny without head, its stem without bias as in the published networks."""

    def __init__(self, stage_count: int, in_channels: int) -> None:
        super().__init__()
        network = import_timm("convnext").ConvNeXt(
            in_chans=in_channels,
            num_classes=0,
            depths=(3, 3, 9, 3),
            dims=CNN_WIDTHS["convnext_tiny"],
        )
        patch = network.stem[0]
        network.stem[0] = nn.Conv2d(in_channels, patch.out_channels, patch.kernel_size, patch.stride, bias=False)
        self.stem = network.stem
        self.stages = network.stages[:stage_count]

    def forward(self, image: Tensor) -> list[Tensor]:
        x = self.stem(image)
        outputs = []
        for stage in self.stages:
            x = stage(x)
            outputs.append(x)
        return outputs


class FineStem(nn.Module):
    """Traces at full resolution, brought to stride 2 and added to what the CNN's own stem sees.

    The last convolution starts at zero, so that a pretrained CNN begins as what it was.
    """

    def __init__(self, width: int, out_channels: int) -> None:
        super().__init__()
        self.residual = nn.Conv2d(3, width, 5, padding=2, bias=False)
        self.mix = nn.Conv2d(width, width, 3, padding=1)
        self.reduce = nn.Conv2d(width, 2 * width, 3, stride=2, padding=1)
        self.project = nn.Conv2d(2 * width, out_channels, 1, bias=False)
        nn.init.zeros_(self.project.weight)

    def forward(self, rgb: Tensor) -> Tensor:
        x = functional.relu(self.residual(rgb), inplace=True)
        x = functional.relu(self.mix(x), inplace=True)
        x = functional.relu(self.reduce(x), inplace=True)
        return cast(Tensor, self.project(x))


class EfficientNetLiteStages(nn.Module):
    """EfficientNet-Lite0 without head, with the fine stem beside its own where a width is given."""

    def __init__(self, in_channels: int, fine_width: int | None) -> None:
        super().__init__()
        network = import_timm("efficientnet").tf_efficientnet_lite0(pretrained=False, in_chans=in_channels)
        self.stem = network.conv_stem
        self.stem_norm = network.bn1
        self.stages = network.blocks
        self.fine = FineStem(fine_width, LITE_STEM_WIDTH) if fine_width is not None else None

    def forward(self, image: Tensor) -> list[Tensor]:
        x = self.stem(image)
        if self.fine is not None:
            x = x + self.fine(image[:, :3])
        x = self.stem_norm(x)
        outputs = []
        for index, stage in enumerate(self.stages):
            x = stage(x)
            if index in LITE_STAGE_ENDS:
                outputs.append(x)
        return outputs


class TransformerStages(nn.Module):
    """A Mix Transformer encoder (SegFormer, Xie et al. 2021) as timm's PVT v2, which is the same network.

    Its patch embedding has no bias, as in the published networks.
    """

    def __init__(self, name: TransformerName, in_channels: int, drop_path: float) -> None:
        super().__init__()
        depths, heads = {"mit_b3": ((3, 4, 18, 3), (1, 2, 5, 8)), "mit_compact": ((2, 2, 2, 2), (1, 2, 4, 6))}[name]
        network = import_timm("pvt_v2").PyramidVisionTransformerV2(
            in_chans=in_channels,
            num_classes=0,
            depths=depths,
            embed_dims=TRANSFORMER_WIDTHS[name],
            num_heads=heads,
            sr_ratios=(8, 4, 2, 1),
            mlp_ratios=(4, 4, 4, 4),
            drop_path_rate=drop_path,
        )
        patch = network.patch_embed.proj
        network.patch_embed.proj = nn.Conv2d(
            in_channels, patch.out_channels, patch.kernel_size, patch.stride, patch.padding, bias=False
        )
        self.patch_embed = network.patch_embed
        self.stages = network.stages

    def forward(self, image: Tensor) -> list[Tensor]:
        # PVT v2 carries (B, H, W, C) between its patch embedding and its stages, each stage returns (B, C, H, W).
        x = self.patch_embed(image)
        outputs = []
        for stage in self.stages:
            x = stage(x)
            outputs.append(x)
        return outputs


def build_cnn(name: CnnName, *, stage_count: int, in_channels: int, fine_width: int | None) -> nn.Module:
    """Build the CNN branch with random weights; ConvNeXt stops after `stage_count` stages."""
    if name == "convnext_tiny":
        if fine_width is not None:
            raise UsageError(f"fine_width {fine_width} with {name}: expected none, this stem starts at stride 4.")
        return ConvNextStages(stage_count, in_channels)
    return EfficientNetLiteStages(in_channels, fine_width)


def build_transformer(name: TransformerName, *, in_channels: int, drop_path: float = 0.1) -> nn.Module:
    """Build the Transformer branch with random weights. `drop_path` 0.1 is the published rate."""
    return TransformerStages(name, in_channels, drop_path)
