"""One tensor layout throughout: channels innermost, for images and tokens alike.

The same numbers are (B, C, H, W) to a convolution and (B, N, C) to a linear layer. Transposing one into the other loses
the layout for batches of one. The convolution then copies the tensor and runs up to forty times slower. Viewing and
permuting keeps the layout.

Shape legend: B batch, N = H * W tokens, C channels.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional


def as_image(tokens: Tensor, size: tuple[int, int]) -> Tensor:
    """View tokens (B, N, C) as a channels-last image (B, C, H, W), without a copy."""
    return tokens.view(tokens.shape[0], *size, tokens.shape[2]).permute(0, 3, 1, 2)


def as_tokens(image: Tensor) -> Tensor:
    """View an image (B, C, H, W) as tokens (B, N, C), without a copy if it is channels-last."""
    return image.permute(0, 2, 3, 1).flatten(1, 2)


class ChannelNorm(nn.Module):
    """Layer norm over the channels of (B, C, H, W), one mean and deviation per pixel."""

    def __init__(self, channels: int, eps: float) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        channels_last = x.permute(0, 2, 3, 1)
        normed = functional.layer_norm(channels_last, (x.shape[1],), self.weight, self.bias, self.eps)
        return normed.permute(0, 3, 1, 2)
