"""The form of a network that is traced into a file: uint8 tiles in, logits out, every size by the same operations.

Shape legend: B batch, H W input sides in pixels (multiples of 32), h w = H/4 W/4, S number of maps.
"""

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from mesorch_cli.network import frequency
from mesorch_cli.network.config import CNN_SCALES, TRANSFORMER_SCALES
from mesorch_cli.network.decoding import FoldedDecoder
from mesorch_cli.network.family import GraphPrecision
from mesorch_cli.network.folding import FoldedGate, fold
from mesorch_cli.network.mesorch import Mesorch
from mesorch_cli.network.normalise import IMAGENET_MEAN, IMAGENET_STD
from mesorch_cli.network.pyramid import PixelwiseAttention, PyramidStage
from mesorch_cli.network.shuffling import ShuffledDecoder

WHITE = 255.0


def dct_rows(rows: int, size: int, device: torch.device) -> Tensor:
    """Return what `frequency.dct_rows` does, from integers, so that no runtime needs float64.

    The angle is a multiple of pi / (2 size); its multiple is reduced to one turn exactly before float32 sees it.
    """
    point = torch.arange(size, device=device)
    order = torch.arange(rows, device=device)[:, None]
    points = torch.full((1,), size, device=device)  # as a tensor: as a number, tracing would freeze what is made of it
    angle = ((2 * point + 1) * order % (4 * points)).float() * (math.pi / 2) / points.float()
    basis = torch.cos(angle) * torch.sqrt(2.0 / points.float())
    return torch.where(order == 0, basis * math.sqrt(0.5), basis)


class WholeGate(nn.Module):
    """The folded gate in one piece: bands save memory, but their number would depend on the size."""

    def __init__(self, gate: FoldedGate) -> None:
        super().__init__()
        self.widen, self.norm, self.mix, self.choose = gate.widen, gate.norm, gate.mix, gate.choose

    def forward(self, views: Tensor) -> Tensor:
        x = self.widen(views)
        x = x + functional.gelu(self.mix(self.norm(x)))
        return torch.softmax(self.choose(x).float(), dim=1)


class WrittenAttention(PixelwiseAttention):
    """Attention with its softmax in float32 whatever the rest is in."""

    def __init__(self, attention: PixelwiseAttention) -> None:
        nn.Module.__init__(self)
        self.heads, self.q, self.kv, self.proj = attention.heads, attention.q, attention.kv, attention.proj
        self.sr, self.norm = attention.sr, attention.norm

    def gathered(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-2, -1)
        return torch.softmax(scores.float(), dim=-1).to(value.dtype) @ value


class TileGraph(nn.Module):
    """A network with everything around it that a file must carry: normalisation, frequency split, gate, upsampling."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, network: Mesorch, precision: GraphPrecision = "fp32") -> None:
        """Build from a network, which stays as it is. precision: of the branches, decoders and gate; the views, every
        softmax and the sum of the maps are float32."""
        super().__init__()
        folded = fold(network)
        self.scales = folded.config.scales
        self.cnn, self.transformer = folded.cnn, folded.transformer
        self.decoders = nn.ModuleDict(
            {name: ShuffledDecoder(cast(FoldedDecoder, decoder)) for name, decoder in folded.decoders.items()}
        )
        self.heads = nn.ModuleDict({name: head for name, head in folded.heads.items() if name not in self.decoders})
        self.gate = None if folded.gate is None else WholeGate(cast(FoldedGate, folded.gate))
        for stage in self.transformer.stages:
            for block in cast(PyramidStage, stage).blocks:
                block.attn = WrittenAttention(cast(PixelwiseAttention, block.attn))
        self.dtype = torch.float16 if precision == "fp16" else torch.float32
        self.to(self.dtype)
        self.register_buffer("mean", (torch.tensor(IMAGENET_MEAN) * WHITE)[:, None, None], persistent=False)
        self.register_buffer("deviation", (torch.tensor(IMAGENET_STD) * WHITE)[:, None, None], persistent=False)
        self.eval().requires_grad_(False)

    def forward(self, tiles: Tensor) -> Tensor:
        """Return logits (B, 1, H, W) float32 of RGB tiles (B, H, W, 3) uint8."""
        return self.logits((tiles.permute(0, 3, 1, 2).float() - self.mean) / self.deviation)

    def logits(self, image: Tensor) -> Tensor:
        """Return logits (B, 1, H, W) float32 of normalised images (B, 3, H, W) float32."""
        high, low = frequency.views(image, dct_rows)
        features = dict(zip(CNN_SCALES, self.cnn(torch.cat([image, high], 1).to(self.dtype)), strict=False))
        features |= zip(TRANSFORMER_SCALES, self.transformer(torch.cat([image, low], 1).to(self.dtype)), strict=False)
        maps = torch.cat(
            [
                (self.decoders[scale] if scale in self.decoders else self.heads[scale])(features[scale])
                for scale in self.scales
            ],
            dim=1,
        ).float()
        if self.gate is not None:
            maps = maps * self.gate(torch.cat([image, high, low], 1).to(self.dtype))
        return functional.interpolate(
            maps.sum(dim=1, keepdim=True), size=image.shape[-2:], mode="bilinear", align_corners=True
        )


class ImageGraph(TileGraph):
    """The same from normalised images (B, 3, H, W) float32, as `normalise` makes them of 8 or 16 bits."""

    def forward(self, image: Tensor) -> Tensor:
        return self.logits(image)
