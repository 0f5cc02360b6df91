"""EfficientNet-Lite0 without its head, and the fine stem beside it: the CNN branch of mesorch-s.

Tan & Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019, in the Lite form that
its authors published: no squeeze-and-excitation, ReLU6. Names and arithmetic are those of timm's
`tf_efficientnet_lite0`.

Shape legend: B batch, C channels, H W input sides in pixels.
"""

from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from mesorch_cli.network.lite_stages import NORM_EPS, STAGES
from mesorch_cli.network.normalise import IMAGENET_STD

STEM_WIDTH = 32
WHITE = 255  # grey levels
TRACE_LIMIT = 4.0  # grey levels
TRACE_START = 0.5  # initial deviation of the trace stem's output; that of the ordinary stem is about 1
OUTPUTS = (1, 2, 4, 6)  # the last stages before the stride doubles


class SameConv2d(nn.Conv2d):
    """A convolution of stride 2 that halves even sides. It pads below and right, as TensorFlow does."""

    def forward(self, x: Tensor) -> Tensor:
        above = (self.kernel_size[0] - 2) // 2
        below = self.kernel_size[0] - 2 - above
        padded = functional.pad(x, (above, below, above, below))
        return functional.conv2d(padded, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


def convolution(before: int, after: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    """Return a convolution without bias that keeps the sides at stride 1 and halves them at stride 2."""
    if stride == 2:
        return SameConv2d(before, after, kernel, stride=2, groups=groups, bias=False)
    return nn.Conv2d(before, after, kernel, padding=kernel // 2, groups=groups, bias=False)


class LiteBlock(nn.Module):
    """Widen, filter every channel separately, and narrow. The input is added if the shape allows it.

    Without expansion, only filter and narrow. A batch norm follows each convolution, and a ReLU6 all but the last.
    """

    def __init__(self, before: int, after: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = before * expansion
        self.expanded = expansion > 1
        self.residual = stride == 1 and before == after
        if self.expanded:
            self.conv_pw = convolution(before, wide, 1)
            self.bn1 = nn.BatchNorm2d(wide, NORM_EPS)
            self.conv_dw = convolution(wide, wide, kernel, stride, groups=wide)
            self.bn2 = nn.BatchNorm2d(wide, NORM_EPS)
            self.conv_pwl = convolution(wide, after, 1)
            self.bn3 = nn.BatchNorm2d(after, NORM_EPS)
        else:
            self.conv_dw = convolution(wide, wide, kernel, stride, groups=wide)
            self.bn1 = nn.BatchNorm2d(wide, NORM_EPS)
            self.conv_pw = convolution(wide, after, 1)
            self.bn2 = nn.BatchNorm2d(after, NORM_EPS)

    def forward(self, x: Tensor) -> Tensor:
        if self.expanded:
            y = functional.relu6(self.bn1(self.conv_pw(x)), inplace=True)
            y = functional.relu6(self.bn2(self.conv_dw(y)), inplace=True)
            y = self.bn3(self.conv_pwl(y))
        else:
            y = functional.relu6(self.bn1(self.conv_dw(x)), inplace=True)
            y = self.bn2(self.conv_pw(y))
        return cast(Tensor, y + x if self.residual else y)


class FineStem(nn.Module):
    """Traces at full resolution, reduced to stride 2 and added to the output of the CNN's own stem.

    The last convolution starts at zero, so that a pretrained CNN begins unchanged.
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


class TraceStem(nn.Module):
    """The output of fixed high-pass filters at stride 2: the noise of a photo's history, without the objects.

    The filters are not trained, so they cannot become a second stem for objects. Their output is in grey levels of 255
    and clipped to a few of them, because edges would drown the noise (Fridrich & Kodovsky, "Rich Models for
    Steganalysis of Digital Images", 2012, section II). The last batch norm starts at START, not at zero.
    """

    filters: Tensor

    def __init__(self, width: int, out_channels: int) -> None:
        super().__init__()
        self.register_buffer("filters", high_pass_filters(), persistent=False)
        self.reduce: nn.Conv2d = SameConv2d(len(self.filters), width, 3, stride=2, bias=False)
        self.norm1: nn.Module = nn.BatchNorm2d(width, NORM_EPS)
        self.spread = nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False)
        self.norm2: nn.Module = nn.BatchNorm2d(width, NORM_EPS)
        self.project = nn.Conv2d(width, out_channels, 1, bias=False)
        self.norm3: nn.Module = nn.BatchNorm2d(out_channels, NORM_EPS)
        nn.init.constant_(self.norm3.weight, TRACE_START)

    def forward(self, rgb: Tensor) -> Tensor:
        x = functional.conv2d(rgb, self.filters.to(rgb.dtype), padding=2)
        x = functional.hardtanh(x, -TRACE_LIMIT, TRACE_LIMIT, inplace=True)
        x = functional.relu6(self.norm1(self.reduce(x)), inplace=True)
        x = functional.relu6(self.norm2(self.spread(x)), inplace=True)
        return cast(Tensor, self.norm3(self.project(x)))


def high_pass_filters() -> Tensor:
    """Return the fixed filters of the trace stem, (8, 3, 5, 5), from an ImageNet-normalised image to grey levels.

    For brightness: the square 5 x 5 and 3 x 3 kernels and second derivatives along four directions (Fridrich &
    Kodovsky, 2012, figure 1). For red and blue against green: the square 3 x 3, as demosaicing and chroma coding leave
    traces there.
    """
    square5 = [[-1, 2, -2, 2, -1], [2, -6, 8, -6, 2], [-2, 8, -12, 8, -2], [2, -6, 8, -6, 2], [-1, 2, -2, 2, -1]]
    square3 = np.pad([[-1, 2, -1], [2, -4, 2], [-1, 2, -1]], 1)
    second = np.diag([0, 1, -2, 1, 0])
    across = np.zeros((5, 5))
    across[2] = second.diagonal()
    planes = [np.array(square5) / 12, square3 / 4, across / 2, across.T / 2, second / 2, second[::-1] / 2]
    brightness, red, blue = (0.299, 0.587, 0.114), (1.0, -1.0, 0.0), (0.0, -1.0, 1.0)
    mixtures = np.array([brightness] * len(planes) + [red, blue]) * np.array(IMAGENET_STD) * WHITE
    filters = np.stack([*planes, square3 / 4, square3 / 4])[:, None] * mixtures[:, :, None, None]
    # From NumPy, so that the filters exist even if a network is built without memory for its tensors.
    return torch.from_numpy(filters.astype(np.float32))


class EfficientNetLiteStages(nn.Module):
    """EfficientNet-Lite0 without head, with the fine or trace stem beside its own if a width is given."""

    def __init__(self, in_channels: int, fine_width: int | None = None, trace_width: int | None = None) -> None:
        super().__init__()
        self.stem = convolution(in_channels, STEM_WIDTH, 3, stride=2)
        self.stem_norm: nn.Module = nn.BatchNorm2d(STEM_WIDTH, NORM_EPS)
        stages, before = [], STEM_WIDTH
        for kernel, stride, expansion, after, count in STAGES:
            blocks = [LiteBlock(before, after, kernel, stride, expansion)]
            blocks += [LiteBlock(after, after, kernel, 1, expansion) for _ in range(count - 1)]
            stages.append(nn.Sequential(*blocks))
            before = after
        self.stages = nn.Sequential(*stages)
        self.fine = FineStem(fine_width, STEM_WIDTH) if fine_width is not None else None
        self.trace = TraceStem(trace_width, STEM_WIDTH) if trace_width is not None else None

    def forward(self, image: Tensor) -> list[Tensor]:
        x = self.stem(image)
        if self.fine is not None:
            x = x + self.fine(image[:, :3])
        x = self.stem_norm(x)
        if self.trace is not None:
            x = x + self.trace(image[:, :3])
        x = functional.relu6(x, inplace=True)
        outputs = []
        for index, stage in enumerate(self.stages):
            x = stage(x)
            if index in OUTPUTS:
                outputs.append(x)
        return outputs
