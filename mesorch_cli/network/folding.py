"""The inference form of a network: linear parts are folded, and nothing is kept for the backward pass.

It is exact up to rounding, as the folded network computes the same sums in another order. Training uses the open form.
"""

import copy
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from mesorch_cli.network.convnext import ConvNextBlock
from mesorch_cli.network.decoding import FoldedDecoder
from mesorch_cli.network.lite import EfficientNetLiteStages, TraceStem
from mesorch_cli.network.mesorch import Gate, Mesorch

BAND_BYTES = 16 << 20  # of the gate's widest tensor: fits caches, and keeps memory constant as inputs grow
BAND_ROWS_LEAST = 16  # rows of the gate's output, at stride 4


def fold(network: Mesorch) -> Mesorch:
    """Return the inference form of `network`, with the same logits up to rounding. `network` is unchanged.

    Each decoder chain with its head becomes one linear map, the gate's three convolutions become one (computed in
    bands), and batch norms move into the convolutions before them. All tensors are channels last, and no parameter
    needs a gradient.
    """
    folded = copy.deepcopy(network).eval().requires_grad_(False)
    for scale in list(folded.decoders):
        chain = cast(nn.Sequential, folded.decoders[scale])
        levels = [cast(nn.ConvTranspose2d, level) for level in chain]
        folded.decoders[scale] = FoldedDecoder(levels, cast(nn.Conv2d, folded.heads[scale]))
        folded.heads[scale] = nn.Identity()
    if folded.gate is not None:
        folded.gate = FoldedGate(folded.gate)
    if isinstance(folded.cnn, EfficientNetLiteStages):
        fold_lite(folded.cnn)
    for module in folded.cnn.modules():
        if isinstance(module, ConvNextBlock):
            fold_scale(module)
    for module in folded.modules():
        if isinstance(module, nn.Conv2d):
            module.weight.data = module.weight.contiguous(memory_format=torch.channels_last)
    return folded


class FoldedGate(Gate):
    """The gate with its three convolutions as one, computed in bands of rows."""

    def __init__(self, gate: Gate, band_rows: int | None = None) -> None:
        """Take over the gate's modules. band_rows: rows of a band at stride 4; None: as memory allows."""
        nn.Module.__init__(self)
        self._band_rows = band_rows
        self.widen, self.norm, self.choose = gate.widen, gate.norm, gate.choose
        self.mix = fold_convolutions(gate.mix, gate.expand, gate.reduce)

    def forward(self, views: Tensor) -> Tensor:
        if self.choose.stride == (1, 1):  # everything is at stride 4 and small
            x = self.widen(views)
            return torch.softmax(self.choose(functional.gelu(self.mix(self.norm(x))) + x).float(), dim=1)
        rows = views.shape[2] // 4
        row_bytes = views.shape[0] * self.widen.out_channels * (views.shape[3] // 2) * 2 * 4
        band = self._band_rows or max(BAND_ROWS_LEAST, BAND_BYTES // row_bytes)
        parts = [self._band(views, start, min(start + band, rows)) for start in range(0, rows, band)]
        return torch.softmax((parts[0] if len(parts) == 1 else torch.cat(parts, dim=2)).float(), dim=1)

    def _band(self, views: Tensor, start: int, stop: int) -> Tensor:
        """Return rows start..stop (of h) of the scores before the softmax.

        They need rows 2 start - 3 .. 2 stop + 2 of the widened tensor, these one row more on both sides before the
        mixing convolution, and that twice the rows of the views with three more. Rows outside are zero padding at every
        step.
        """
        height = views.shape[2] // 2
        wanted = (2 * start - 3, 2 * stop + 2)
        inner = (max(0, wanted[0]), min(height, wanted[1]))
        outer = (max(0, inner[0] - 1), min(height, inner[1] + 1))
        x = self._rows(self.widen, views, outer)
        mixed = self._rows(self.mix, self.norm(x), (inner[0] - outer[0], inner[1] - outer[0]))
        x = functional.gelu(mixed).add_(x[:, :, inner[0] - outer[0] : inner[1] - outer[0]])
        return self._rows(self.choose, x, (start, stop), first_row=inner[0])

    @staticmethod
    def _rows(convolution: nn.Conv2d, x: Tensor, wanted: tuple[int, int], first_row: int = 0) -> Tensor:
        """Return rows wanted[0]..wanted[1] of a padded convolution of a tensor that begins at row `first_row`."""
        kernel, stride = convolution.kernel_size[0], convolution.stride[0]
        assert isinstance(convolution.padding, tuple)
        padding = convolution.padding[0]
        low, high = wanted[0] * stride - padding - first_row, (wanted[1] - 1) * stride - padding + kernel - first_row
        above, below = max(0, -low), max(0, high - x.shape[2])
        part = x[:, :, max(0, low) : min(x.shape[2], high)]
        rows = 0
        if above == padding:
            rows = padding  # the convolution pads itself: no copy, and surplus rows below are left out
        elif above or below:
            part = functional.pad(part, (0, 0, above, below))
        found = functional.conv2d(part, convolution.weight, convolution.bias, stride, (rows, convolution.padding[1]))
        return found[:, :, : wanted[1] - wanted[0]]


def fold_convolutions(first: nn.Conv2d, *pointwise: nn.Conv2d) -> nn.Conv2d:
    """Return one convolution for a convolution and its 1x1 successors; exact at borders, as only the first pads."""
    assert first.bias is not None
    weight, bias = first.weight.double(), first.bias.double()
    for convolution in pointwise:
        assert convolution.bias is not None
        matrix = convolution.weight.double().flatten(1)
        weight = torch.einsum("oc,cikl->oikl", matrix, weight)
        bias = matrix @ bias + convolution.bias.double()
    assert isinstance(first.padding, tuple)
    folded = nn.Conv2d(first.in_channels, len(bias), first.kernel_size[0], padding=first.padding[0])
    folded.weight, folded.bias = nn.Parameter(weight.float()), nn.Parameter(bias.float())
    return folded.requires_grad_(False)


def norm_as_affine(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Return the factor and the offset of a batch norm in eval mode, float64 per channel."""
    assert norm.running_var is not None
    assert norm.running_mean is not None
    scale = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
    return scale, norm.bias.double() - norm.running_mean.double() * scale


def fold_norm(convolution: nn.Conv2d, norm: nn.BatchNorm2d, *beside: nn.Conv2d) -> nn.Identity:
    """Move a batch norm into the convolutions whose sum it normalises, with the bias in the first. Return the rest."""
    scale, shift = norm_as_affine(norm)
    for index, part in enumerate((convolution, *beside)):
        assert part.bias is None
        part.weight = nn.Parameter((part.weight.double() * scale[:, None, None, None]).float(), requires_grad=False)
        if index == 0:
            part.bias = nn.Parameter(shift.float(), requires_grad=False)
    return nn.Identity()


def pad_inside(convolution: nn.Conv2d) -> nn.Conv2d:
    """Return a stride-2 convolution that pads below and right only ("SAME" of even sides) as one that pads evenly.

    The kernel gets zero rows above and zero columns on the left, so the result is the same without a padded copy.
    """
    side = convolution.kernel_size[0]
    if convolution.stride != (2, 2) or convolution.kernel_size != (side, side) or side % 2 == 0:
        raise ValueError(f"{convolution}: expected stride 2 and an odd square kernel.")
    below = (side - 1) // 2
    wide = nn.Conv2d(
        convolution.in_channels,
        convolution.out_channels,
        side + 1,
        stride=2,
        padding=below,
        groups=convolution.groups,
        bias=convolution.bias is not None,
    )
    wide.weight = nn.Parameter(functional.pad(convolution.weight.detach(), (1, 0, 1, 0)))
    if convolution.bias is not None:
        wide.bias = convolution.bias
    return wide.requires_grad_(False)


def fold_lite(cnn: EfficientNetLiteStages) -> None:
    """Move every batch norm of an EfficientNet-Lite into the convolution before it, and its padding too, in place."""
    fine = [] if cnn.fine is None else [cnn.fine.project]
    cnn.stem_norm = fold_norm(cnn.stem, cast(nn.BatchNorm2d, cnn.stem_norm), *fine)
    cnn.stem = pad_inside(cnn.stem)
    if cnn.trace is not None:
        fold_trace(cnn.trace)
    for stage in cnn.stages:
        for block in cast(nn.Sequential, stage):
            convolution: nn.Conv2d | None = None
            for name, child in list(block.named_children()):
                if isinstance(child, nn.Conv2d):
                    convolution = child
                elif isinstance(child, nn.BatchNorm2d):
                    assert convolution is not None
                    setattr(block, name, fold_norm(convolution, child))
            for name, child in list(block.named_children()):
                if isinstance(child, nn.Conv2d) and child.stride == (2, 2):
                    setattr(block, name, pad_inside(child))


def fold_trace(trace: TraceStem) -> None:
    """Move the batch norms of the trace stem into its convolutions, in place."""
    for convolution, name in ((trace.reduce, "norm1"), (trace.spread, "norm2"), (trace.project, "norm3")):
        setattr(trace, name, fold_norm(convolution, cast(nn.BatchNorm2d, getattr(trace, name))))
    trace.reduce = pad_inside(trace.reduce)


def fold_scale(block: ConvNextBlock) -> None:
    """Move a ConvNeXt block's scale into its last layer, in place."""
    last = block.mlp.fc2
    assert block.gamma is not None
    scale = block.gamma.double()
    last.weight = nn.Parameter((last.weight.double() * scale[:, None]).float(), requires_grad=False)
    last.bias = nn.Parameter((last.bias.double() * scale).float(), requires_grad=False)
    block.gamma = None
