"""ConvNeXt-tiny without its head: the CNN branch of the published networks.

Liu et al., "A ConvNet for the 2020s", CVPR 2022. Names and arithmetic are those of timm's `convnext_tiny`.

Shape legend: B batch, C channels, h w sides of a stage in its own pixels.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from mesorch_cli.network.pixelwise import ChannelNorm

WIDTHS = (96, 192, 384, 768)
DEPTHS = (3, 3, 9, 3)
MLP_RATIO = 4
NORM_EPS = 1e-6
LAYER_SCALE = 1e-6  # what a block adds at the start


class ConvNextMlp(nn.Module):
    """Two linear layers per pixel with a GELU between them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, MLP_RATIO * width)
        self.fc2 = nn.Linear(MLP_RATIO * width, width)

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.fc2(functional.gelu(self.fc1(x))))


class ConvNextBlock(nn.Module):
    """Depthwise 7x7, layer norm, two linear layers, scaled and added to the input (B, C, h, w)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma: nn.Parameter | None = nn.Parameter(torch.full((width,), LAYER_SCALE))  # None: in the last layer
        self.conv_dw = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width, NORM_EPS)
        self.mlp = ConvNextMlp(width)

    def forward(self, x: Tensor) -> Tensor:
        y = self.mlp(self.norm(self.conv_dw(x).permute(0, 2, 3, 1)))
        if self.gamma is not None:
            y = y * self.gamma
        return cast(Tensor, y.permute(0, 3, 1, 2) + x)


class ConvNextStage(nn.Module):
    """Blocks of one width. All stages but the first begin by halving the sides."""

    def __init__(self, before: int | None, width: int, depth: int) -> None:
        super().__init__()
        self.downsample: nn.Module = nn.Identity()
        if before is not None:
            self.downsample = nn.Sequential(ChannelNorm(before, NORM_EPS), nn.Conv2d(before, width, 2, stride=2))
        self.blocks = nn.Sequential(*(ConvNextBlock(width) for _ in range(depth)))

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.blocks(self.downsample(x)))


class ConvNextStages(nn.Module):
    """The first stages of ConvNeXt-tiny, with a stem without bias as in the published networks."""

    def __init__(self, stage_count: int, in_channels: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(in_channels, WIDTHS[0], 4, stride=4, bias=False), ChannelNorm(WIDTHS[0], NORM_EPS)
        )
        before = (None, *WIDTHS)
        self.stages = nn.Sequential(
            *(ConvNextStage(before[index], WIDTHS[index], DEPTHS[index]) for index in range(stage_count))
        )

    def forward(self, image: Tensor) -> list[Tensor]:
        x = self.stem(image)
        outputs = []
        for stage in self.stages:
            x = stage(x)
            outputs.append(x)
        return outputs
