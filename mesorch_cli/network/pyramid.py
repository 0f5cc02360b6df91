"""The Transformer branch: a Mix Transformer encoder (Xie et al., "SegFormer", NeurIPS 2021, section 3.1).

Its blocks are those of PVT v2 (Wang et al., 2022) with other sizes. Names and arithmetic are those of timm's
`PyramidVisionTransformerV2`; the patch embedding has no bias, as in the published networks.

Shape legend: B batch, N = h * w tokens of a stage, C channels.
"""

from typing import cast

from torch import Tensor, nn
from torch.nn import functional

from mesorch_cli.network.pixelwise import as_image, as_tokens

MLP_RATIO = 4
NORM_EPS = 1e-6  # of the blocks and stages
INNER_NORM_EPS = 1e-5  # of embeddings and coarser keys
REDUCTIONS = (
    8,
    4,
    2,
    1,
)  # per stage: how much coarser a side of the grid of keys is than that of queries


class DropPath(nn.Module):
    """Skip a block for some of the samples in training (Huang et al., "Stochastic Depth", ECCV 2016).

    The others are scaled up, so that the mean is unchanged.
    """

    def __init__(self, drop_prob: float) -> None:
        super().__init__()
        self.drop_prob = drop_prob

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.drop_prob == 0:
            return x
        kept = 1 - self.drop_prob
        return x * x.new_empty(x.shape[0], 1, 1).bernoulli_(kept).div_(kept)


class PatchEmbedding(nn.Module):
    """An overlapping convolution that shrinks the image, and a norm: (B, C, H, W) to tokens of a grid."""

    def __init__(self, before: int, width: int, kernel: int, stride: int, *, bias: bool) -> None:
        super().__init__()
        self.proj = nn.Conv2d(before, width, kernel, stride, kernel // 2, bias=bias)
        self.norm = nn.LayerNorm(width, INNER_NORM_EPS)

    def forward(self, image: Tensor) -> tuple[Tensor, tuple[int, int]]:
        x = self.proj(image)
        return self.norm(as_tokens(x)), (x.shape[2], x.shape[3])


class PixelwiseMlp(nn.Module):
    """The feed-forward half of a block: linear, depthwise 3x3, GELU, linear."""

    def __init__(self, width: int) -> None:
        super().__init__()
        wide = MLP_RATIO * width
        self.fc1 = nn.Linear(width, wide)
        self.dwconv = nn.Conv2d(wide, wide, 3, padding=1, groups=wide)
        self.fc2 = nn.Linear(wide, width)

    def forward(self, tokens: Tensor, size: tuple[int, int]) -> Tensor:
        hidden = self.dwconv(as_image(self.fc1(tokens), size))
        return cast(Tensor, self.fc2(functional.gelu(as_tokens(hidden))))


class PixelwiseAttention(nn.Module):
    """The attention half of a block: keys and values from a coarser grid, PyTorch's fused attention."""

    def __init__(self, width: int, heads: int, reduction: int) -> None:
        super().__init__()
        self.heads = heads
        self.q = nn.Linear(width, width)
        self.kv = nn.Linear(width, 2 * width)
        self.proj = nn.Linear(width, width)
        self.sr = nn.Conv2d(width, width, reduction, reduction) if reduction > 1 else None
        self.norm: nn.Module = nn.LayerNorm(width, INNER_NORM_EPS) if reduction > 1 else nn.Identity()

    def forward(self, tokens: Tensor, size: tuple[int, int]) -> Tensor:
        batch, _, channels = tokens.shape
        query = self.q(tokens).view(batch, -1, self.heads, channels // self.heads).transpose(1, 2)
        coarse = tokens
        if self.sr is not None:
            coarse = self.norm(as_tokens(self.sr(as_image(tokens, size))))
        both = self.kv(coarse).view(batch, -1, 2, self.heads, channels // self.heads)
        key, value = both.permute(2, 0, 3, 1, 4).unbind(0)
        return cast(Tensor, self.proj(self.gathered(query, key, value).transpose(1, 2).flatten(2)))

    def gathered(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Return the values gathered by the queries."""
        return functional.scaled_dot_product_attention(query, key, value)


class PyramidBlock(nn.Module):
    """Attention and feed-forward, each after a norm and added to its input."""

    def __init__(self, width: int, heads: int, reduction: int, drop_path: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, NORM_EPS)
        self.attn = PixelwiseAttention(width, heads, reduction)
        self.norm2 = nn.LayerNorm(width, NORM_EPS)
        self.mlp = PixelwiseMlp(width)
        self.drop_path = DropPath(drop_path)

    def forward(self, tokens: Tensor, size: tuple[int, int]) -> Tensor:
        tokens = tokens + self.drop_path(self.attn(self.norm1(tokens), size))
        return cast(Tensor, tokens + self.drop_path(self.mlp(self.norm2(tokens), size)))


class PyramidStage(nn.Module):
    """Blocks of one width. All stages but the first, whose patches are already embedded, begin by halving the sides."""

    def __init__(self, before: int | None, width: int, heads: int, reduction: int, drop_paths: list[float]) -> None:
        super().__init__()
        self.downsample = None if before is None else PatchEmbedding(before, width, 3, 2, bias=True)
        self.blocks = nn.ModuleList(PyramidBlock(width, heads, reduction, rate) for rate in drop_paths)
        self.norm = nn.LayerNorm(width, NORM_EPS)

    def forward(self, tokens: Tensor, size: tuple[int, int]) -> Tensor:
        """Return the stage's output as an image (B, C, h, w), channels last."""
        if self.downsample is not None:
            tokens, size = self.downsample(as_image(tokens, size))
        for block in self.blocks:
            tokens = block(tokens, size)
        return as_image(self.norm(tokens), size)


class TransformerStages(nn.Module):
    """Up to four stages at strides 4, 8, 16 and 32 of an input that is `shrink` times smaller per side.

    drop_path: rate of the last block, rising linearly from 0 at the first.
    """

    def __init__(
        self,
        widths: tuple[int, ...],
        depths: tuple[int, ...],
        heads: tuple[int, ...],
        in_channels: int,
        drop_path: float,
        shrink: int = 1,
    ) -> None:
        super().__init__()
        self.shrink = shrink
        self.patch_embed = PatchEmbedding(in_channels, widths[0], 7, 4, bias=False)
        rates = [drop_path * block / (sum(depths) - 1) for block in range(sum(depths))]
        before = (None, *widths)
        # A smaller input has smaller grids, so the coarser grids of its keys keep the size of a whole input's.
        reductions = REDUCTIONS if shrink == 1 else REDUCTIONS[1:]
        self.stages = nn.ModuleList()
        for index, width in enumerate(widths):
            own, rates = rates[: depths[index]], rates[depths[index] :]
            self.stages.append(PyramidStage(before[index], width, heads[index], reductions[index], own))

    def forward(self, image: Tensor) -> list[Tensor]:
        if self.shrink > 1:
            image = functional.avg_pool2d(image, self.shrink)
        tokens, size = self.patch_embed(image)
        outputs = []
        for stage in self.stages:
            x = stage(tokens, size)
            outputs.append(x)
            tokens, size = as_tokens(x), (x.shape[2], x.shape[3])
        return outputs
