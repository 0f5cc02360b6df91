"""Depthwise convolutions whose gradients in bf16 are computed where a CPU computes them fast.

On CPUs, the gradient in bf16 of a convolution that filters each channel separately is up to ten times slower than in
float32: that of the weights for kernels of 5 x 5, that of the input at stride 2 (measured on an AMD EPYC with AVX-512).
Everything else in bf16 is faster. So these two are computed in float32 from the same bf16 numbers, which loses nothing.
"""

from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

SLOW_KERNEL = 5  # pixels a side; smaller kernels are fast in bf16
SLOW_STRIDE = 2


class _Depthwise(torch.autograd.Function):
    """A convolution in bf16 with as many groups as input channels, without bias."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, stride: list[int], padding: list[int], groups: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.geometry = stride, padding, groups
        return torch.nn.functional.conv2d(x, weight, None, stride, padding, 1, groups)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (grad,) = grads
        x, weight = ctx.saved_tensors
        stride, padding, groups = ctx.geometry

        def gradient(of_input: bool, kind: torch.dtype) -> Tensor:
            parts = torch.ops.aten.convolution_backward(
                grad.to(kind), x.to(kind), weight.to(kind), None, stride, padding, [1, 1], False, [0, 0], groups,
                [of_input, not of_input, False],
            )  # fmt: skip
            found: Tensor = parts[0] if of_input else parts[1]
            return found.to(x.dtype)

        slow_input = max(stride) >= SLOW_STRIDE
        slow_weight = max(weight.shape[-2:]) >= SLOW_KERNEL
        wanted = ctx.needs_input_grad
        return (
            gradient(True, torch.float32 if slow_input else x.dtype) if wanted[0] else None,
            gradient(False, torch.float32 if slow_weight else x.dtype) if wanted[1] else None,
            None,
            None,
            None,
        )


class QuickDepthwise(TorchFunctionMode):
    """While active, depthwise convolutions under a CPU's bf16 autocast have the fast gradients. Others are unchanged."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.conv2d and not kwargs and len(args) == 7 and torch.is_autocast_enabled("cpu"):
            x, weight, bias, stride, padding, dilation, groups = args
            if (
                bias is None
                and groups == x.shape[1] == weight.shape[0] > 1
                and tuple(dilation) == (1, 1)
                and not isinstance(padding, str)
                and x.device.type == "cpu"
                and torch.get_autocast_dtype("cpu") is torch.bfloat16
            ):
                kind = torch.bfloat16
                pairs = [[one, one] if isinstance(one, int) else list(one) for one in (stride, padding)]
                return _Depthwise.apply(x.to(kind), weight.to(kind), *pairs, groups)  # type: ignore[no-untyped-call]
        return func(*args, **(kwargs or {}))
