"""The Mesorch network: two branches on two frequency views, one map per scale, a gate between the maps.

Zhu et al., "Mesoscopic Insights: Orchestrating Multi-scale & Hybrid Architecture for Image Manipulation Localization",
AAAI 2025 (doi 10.1609/aaai.v39i10.33198), section 3.

Shape legend: B batch, C channels, H W input sides in pixels (multiples of 32), h w = H/4 W/4, S number of maps.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from mesorch_cli.errors import ShapeError
from mesorch_cli.network import frequency
from mesorch_cli.network.backbones import CNN_WIDTHS, TRANSFORMER_WIDTHS, build_cnn, build_transformer
from mesorch_cli.network.config import CNN_SCALES, TRANSFORMER_SCALES, NetworkConfig
from mesorch_cli.network.localiser import Localiser
from mesorch_cli.network.member import SIDE_MULTIPLE
from mesorch_cli.network.pixelwise import ChannelNorm

GATE_EXPANSION = 4
GATE_NORM_EPS = 1e-6


class Gate(nn.Module):
    """Weights of the maps for each pixel, (B, S, h, w), which sum to 1 over S, from the image and both views."""

    def __init__(self, width: int, maps: int, stride: int = 2) -> None:
        """stride: of the first convolution, 2 as published or 4. The last one takes the rest of four."""
        super().__init__()
        self.widen = nn.Conv2d(9, width, 7, stride=stride, padding=3)
        self.norm = ChannelNorm(width, GATE_NORM_EPS)
        # Three convolutions with nothing between them: three in training, one at inference.
        self.mix = nn.Conv2d(width, width, 3, padding=1)
        self.expand = nn.Conv2d(width, GATE_EXPANSION * width, 1)
        self.reduce = nn.Conv2d(GATE_EXPANSION * width, width, 1)
        self.choose = nn.Conv2d(width, maps, 7, stride=4 // stride, padding=3)

    def forward(self, views: Tensor) -> Tensor:
        x = self.widen(views)
        x = x + functional.gelu(self.reduce(self.expand(self.mix(self.norm(x)))))
        return torch.softmax(self.choose(x).float(), dim=1)


def decoder_chain(widths: tuple[int, ...], stage: int, doublings: int = 0) -> nn.Sequential:
    """Transposed convolutions from stage `stage` (0 is the finest) up to stride 4, through the widths on the way.

    doublings: how many more follow if the finest stage has a stride above 4. As in the published networks, there is no
    activation between them.
    """
    on_the_way = [*(widths[level] for level in range(stage, -1, -1)), *(widths[0] for _ in range(doublings))]
    return nn.Sequential(
        *(
            nn.ConvTranspose2d(before, after, kernel_size=4, stride=2, padding=1)
            for before, after in pairwise(on_the_way)
        )
    )


def require_sides(height: int, width: int) -> None:
    """Raise ShapeError unless both sides are positive multiples of 32. The message gives the padded size."""
    if height < 1 or width < 1 or height % SIDE_MULTIPLE or width % SIDE_MULTIPLE:
        padded = [max(1, -(-side // SIDE_MULTIPLE)) * SIDE_MULTIPLE for side in (height, width)]
        raise ShapeError(
            f"The network got {height} x {width} pixels (height x width). Expected multiples of {SIDE_MULTIPLE}: "
            f"pad to {padded[0]} x {padded[1]}."
        )


class Mesorch(Localiser):
    """Localises manipulation: one logit per pixel."""

    config: NetworkConfig

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        cnn_scales = [scale for scale in config.scales if scale in CNN_SCALES]
        deepest = max((CNN_SCALES.index(scale) + 1 for scale in cnn_scales), default=len(CNN_SCALES))
        self.cnn = build_cnn(
            config.cnn,
            stage_count=deepest,
            in_channels=6,
            fine_width=config.fine_width,
            trace_width=config.trace_width,
        )
        self.transformer = build_transformer(config.transformer, in_channels=6, shrink=config.transformer_shrink)

        self.decoders = nn.ModuleDict()
        self.heads = nn.ModuleDict()
        for scale in config.scales:
            of_cnn = scale in CNN_SCALES
            widths = CNN_WIDTHS[config.cnn] if of_cnn else TRANSFORMER_WIDTHS[config.transformer]
            stage, doublings = int(scale[1]) - 1, 0 if of_cnn else config.transformer_shrink - 1
            if stage + doublings:
                self.decoders[scale] = decoder_chain(widths, stage, doublings)
            self.heads[scale] = nn.Conv2d(widths[0], 1, 1)
        self.gate = None
        if config.gate_width is not None:
            self.gate = Gate(config.gate_width, len(config.scales), config.gate_stride)

    def maps(self, image: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return the map of every scale, (B, S, h, w) logits, and the gate's weights of the same shape, or None."""
        require_sides(*image.shape[-2:])
        high, low = frequency.split(image)
        features = dict(zip(CNN_SCALES, self.cnn(torch.cat([image, high], dim=1)), strict=False))
        features |= zip(TRANSFORMER_SCALES, self.transformer(torch.cat([image, low], dim=1)), strict=False)

        maps = []
        for scale in self.config.scales:
            x = features[scale]
            if scale in self.decoders:
                x = self.decoders[scale](x)
            maps.append(self.heads[scale](x))
        weights = self.gate(torch.cat([image, high, low], dim=1)) if self.gate is not None else None
        return torch.cat(maps, dim=1).float(), weights

    def fused(self, image: Tensor) -> Tensor:
        """Return the logits at stride 4, (B, 1, h, w) float32: the gated (or plain) sum of the maps."""
        maps, weights = self.maps(image)
        return (maps if weights is None else maps * weights).sum(dim=1, keepdim=True)

    def explained(self, image: Tensor) -> Tensor:
        """Return (B, 1 + 3 S + 6, H, W) float32: the logits of `forward`, to the last bit, and what they were made of.

        S channels each: the maps, the gate's weights (ones without a gate), and their products, whose sum are the logits;
        then the high- and the low-frequency view, 3 channels each.
        """
        maps, weights = self.maps(image)
        products = maps if weights is None else maps * weights
        logits = products.sum(dim=1, keepdim=True)
        parts = torch.cat([maps, torch.ones_like(maps) if weights is None else weights, products], dim=1)
        # The logits by themselves, as `forward` has them: another number of channels may round otherwise.
        resized = [
            functional.interpolate(one, size=image.shape[-2:], mode="bilinear", align_corners=True)
            for one in (logits, parts)
        ]
        return torch.cat([*resized, *frequency.split(image)], dim=1)

    def forward(self, image: Tensor, branches: bool = False) -> Tensor:
        """Return logits (B, 1, H, W), float32, of an ImageNet-normalised float32 image (B, 3, H, W).

        With `branches` two more channels follow, for training: what the CNN's maps alone and the Transformer's alone would
        be, their mean with a gate, whose weights sum to 1, otherwise their sum. Raises ShapeError unless H and W are
        multiples of 32.
        """
        if branches:
            maps, weights = self.maps(image)
            of_cnn = [scale in CNN_SCALES for scale in self.config.scales]
            parts = (maps[:, of_cnn], maps[:, [not one for one in of_cnn]])
            join = torch.sum if weights is None else torch.mean
            alone = [join(part, dim=1, keepdim=True) for part in parts]
            fused = (maps if weights is None else maps * weights).sum(dim=1, keepdim=True)
            logits = torch.cat([fused, *alone], dim=1)
        else:
            logits = self.fused(image)
        # The published weights were trained with align_corners=True. Without it, edges move by up to 1.5 pixels.
        return functional.interpolate(logits, size=image.shape[-2:], mode="bilinear", align_corners=True)
