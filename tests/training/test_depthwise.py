"""Depthwise convolutions in bf16 keep their outputs, and their gradients are those of float32 on the same numbers."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from mesorch_cli.training.depthwise import QuickDepthwise
from mesorch_cli.training.trainer import Trainer
from tests.training.runs import config

GEOMETRIES = [(kernel, stride, padding) for kernel in (3, 5) for stride in (1, 2) for padding in (0, kernel // 2)]


def gradients(module: nn.Module, image: Tensor, *, quick: bool) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Return output, gradient of the input and those of the parameters, of a pass under bf16 autocast."""
    module.zero_grad()
    x = image.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        if quick:
            with QuickDepthwise():
                y = module(x)
        else:
            y = module(x)
    y.backward(later_gradient(y.shape).to(y.dtype))
    assert x.grad is not None
    return y.detach(), x.grad, [parameter.grad for parameter in module.parameters() if parameter.grad is not None]


def later_gradient(shape: torch.Size) -> Tensor:
    return bf16(torch.randn(shape, generator=torch.Generator().manual_seed(3)))


def bf16(tensor: Tensor) -> Tensor:
    return tensor.detach().bfloat16().float()


@pytest.mark.parametrize(("kernel", "stride", "padding"), GEOMETRIES)
def test_gradients_are_those_of_float32_on_the_same_numbers(kernel: int, stride: int, padding: int) -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(24, 24, kernel, stride=stride, padding=padding, groups=24, bias=False)
    image = torch.randn(2, 24, 19, 22).contiguous(memory_format=torch.channels_last)
    plain_output, plain_input, (plain_weight,) = gradients(layer, image, quick=False)
    output, of_input, (of_weight,) = gradients(layer, image, quick=True)
    assert torch.equal(output, plain_output)

    x, weight = bf16(image).double().requires_grad_(), bf16(layer.weight).double().requires_grad_()
    exact = functional.conv2d(x, weight, None, stride, padding, 1, 24)
    exact.backward(later_gradient(exact.shape).double())
    assert x.grad is not None
    assert weight.grad is not None
    for found, expected, plain, slow in (
        (of_input, x.grad, plain_input, stride == 2),
        (of_weight, weight.grad, plain_weight, kernel == 5),
    ):
        if slow:  # one rounding to bf16, whose numbers have 8 significant bits, and the last bits of sums in float32
            assert torch.all((found - expected).abs() <= expected.abs() * 2.0**-8 + 1e-4)
        else:
            torch.testing.assert_close(found, plain, rtol=2.0**-6, atol=2.0**-6 * float(plain.abs().max()))


class Spy(TorchDispatchMode):
    """Notes the arithmetic of every gradient of a convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[torch.dtype, bool, bool]] = []  # arithmetic; of the input; of the weights

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.ops.aten.convolution_backward.default:
            self.seen.append((args[1].dtype, args[-1][0], args[-1][1]))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(("kernel", "stride", "padding"), GEOMETRIES)
def test_only_the_slow_gradients_leave_bf16(kernel: int, stride: int, padding: int) -> None:
    layer = nn.Conv2d(24, 24, kernel, stride=stride, padding=padding, groups=24, bias=False)
    image = torch.randn(2, 24, 19, 22).contiguous(memory_format=torch.channels_last)
    with Spy() as spy:
        gradients(layer, image, quick=True)
    arithmetic = {of_input: kind for kind, of_input, _ in spy.seen}
    assert arithmetic == {
        True: torch.float32 if stride == 2 else torch.bfloat16,
        False: torch.float32 if kernel == 5 else torch.bfloat16,
    }


def test_a_training_step_in_bf16_takes_them(photos: Path, tmp_path: Path) -> None:
    trainer = Trainer(config(photos, precision="bf16"), tmp_path)
    with Spy() as spy:
        trainer.train_step(next(trainer.batches()))
    assert (torch.float32, True, False) in spy.seen
    assert (torch.float32, False, True) in spy.seen
    assert torch.bfloat16 in {kind for kind, *_ in spy.seen}


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(24, 24, 5, padding=2, groups=24),  # with bias
        nn.Conv2d(24, 48, 5, padding=2, groups=24, bias=False),  # two filters for each channel
        nn.Conv2d(24, 24, 5, padding=4, groups=24, bias=False, dilation=2),
        nn.Conv2d(24, 24, 5, padding=2, groups=4, bias=False),
        nn.Conv2d(24, 24, 5, padding=2, bias=False),
        nn.Conv2d(24, 24, 5, padding="same", groups=24, bias=False),
    ],
)
def test_other_convolutions_are_left_alone(layer: nn.Conv2d) -> None:
    torch.manual_seed(0)
    image = torch.randn(1, 24, 16, 16)
    for plain, quick in zip(gradients(layer, image, quick=False), gradients(layer, image, quick=True), strict=True):
        if isinstance(plain, Tensor):
            assert torch.equal(plain, quick)
        else:
            assert all(torch.equal(one, other) for one, other in zip(plain, quick, strict=True))


def test_float32_is_left_alone() -> None:
    torch.manual_seed(0)
    layer, image = nn.Conv2d(24, 24, 5, padding=2, groups=24, bias=False), torch.randn(1, 24, 16, 16)
    with QuickDepthwise():
        output = layer(image)
    assert output.dtype == torch.float32
    assert torch.equal(output, layer(image))
