"""The part that the networks over blocks share in training: convolutions that compare every place with the others.

`mesorch_cli/inference/witnesses/block_network.py` does the same at inference.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

RARE = -2.0  # logit of a changed place before training


class Comparing(nn.Module):
    """Convolutions with growing reach, each with the mean and the largest value of every channel, and a head."""

    def __init__(self, channels: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.GroupNorm(1, channels) for _ in dilations)
        self.convs = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=d, dilation=d) for d in dilations)
        self.ctx = nn.ModuleList(nn.Linear(2 * channels, channels) for _ in dilations)
        self.head = nn.Conv2d(channels, 1, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.constant_(self.head.bias, RARE)

    def compared(self, state: Tensor) -> Tensor:
        """Return the logits (M, N) of what is known of each place alone, (1, C, M, N)."""
        for norm, conv, ctx in zip(self.norms, self.convs, self.ctx, strict=True):
            normed = functional.relu(norm(state))
            whole = torch.cat([normed.mean((2, 3)), normed.amax((2, 3))], 1)
            state = state + functional.relu(conv(normed) + ctx(whole)[:, :, None, None])
        return self.head(functional.relu(state))[0, 0]
