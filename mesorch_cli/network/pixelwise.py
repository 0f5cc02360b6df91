"""The Transformer's blocks with one tensor layout throughout: channels innermost.

timm brings tokens (B, N, C) to (B, C, H, W) by a transpose. For a batch of one the strides that come out are no longer
seen as channels-last, and the convolution copies the tensor and takes a path up to forty times slower. The same numbers
viewed as (B, H, W, C) and permuted keep the layout.

Shape legend: B batch, N = H * W tokens, C channels.
"""

from typing import cast

from torch import Tensor, nn
from torch.nn import functional


def as_image(tokens: Tensor, size: tuple[int, int]) -> Tensor:
    """View tokens (B, N, C) as a channels-last image (B, C, H, W), without a copy."""
    return tokens.view(tokens.shape[0], *size, tokens.shape[2]).permute(0, 3, 1, 2)


def as_tokens(image: Tensor) -> Tensor:
    """View an image (B, C, H, W) as tokens (B, N, C); no copy where it is channels-last."""
    return image.permute(0, 2, 3, 1).flatten(1, 2)


class PixelwiseMlp(nn.Module):
    """The feed-forward half of a block: linear, depthwise 3x3, GELU, linear."""

    def __init__(self, mlp: nn.Module) -> None:
        super().__init__()
        self.fc1 = cast(nn.Linear, mlp.fc1)
        self.dwconv = cast(nn.Conv2d, mlp.dwconv)
        self.fc2 = cast(nn.Linear, mlp.fc2)

    def forward(self, tokens: Tensor, feat_size: tuple[int, int]) -> Tensor:
        hidden = self.dwconv(as_image(self.fc1(tokens), feat_size))
        return cast(Tensor, self.fc2(functional.gelu(as_tokens(hidden))))


class PixelwiseAttention(nn.Module):
    """The attention half of a block: keys and values from a coarser grid, PyTorch's fused attention."""

    def __init__(self, attention: nn.Module) -> None:
        super().__init__()
        self.heads = cast(int, attention.num_heads)
        self.q = cast(nn.Linear, attention.q)
        self.kv = cast(nn.Linear, attention.kv)
        self.proj = cast(nn.Linear, attention.proj)
        self.reduce = cast(nn.Conv2d | None, attention.sr)
        self.norm = cast(nn.Module, attention.norm) if self.reduce is not None else nn.Identity()

    def forward(self, tokens: Tensor, feat_size: tuple[int, int]) -> Tensor:
        batch, _, channels = tokens.shape
        query = self.q(tokens).view(batch, -1, self.heads, channels // self.heads).transpose(1, 2)
        coarse = tokens
        if self.reduce is not None:
            coarse = self.norm(as_tokens(self.reduce(as_image(tokens, feat_size))))
        both = self.kv(coarse).view(batch, -1, 2, self.heads, channels // self.heads)
        key, value = both.permute(2, 0, 3, 1, 4).unbind(0)
        return cast(Tensor, self.proj(self.mix(query, key, value).transpose(1, 2).flatten(2)))

    def mix(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Return what the queries gather from the values."""
        return functional.scaled_dot_product_attention(query, key, value)


def keep_layout(transformer: nn.Module) -> None:
    """Replace the halves of every block of a PVT v2 by those of this module, in place; the tensors stay the same ones."""
    for stage in cast(nn.Module, transformer.stages).children():
        for block in cast(nn.Module, stage.blocks).children():
            block.mlp = PixelwiseMlp(cast(nn.Module, block.mlp))
            block.attn = PixelwiseAttention(cast(nn.Module, block.attn))
