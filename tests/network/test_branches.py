"""The branches against timm's networks of the same tensors: names, outputs, gradients and batch-norm statistics."""

from typing import cast

import pytest
import torch
from torch import Tensor, nn

from mesorch_cli.network.backbones import CNN_WIDTHS, TRANSFORMER_WIDTHS, build_cnn, build_transformer
from mesorch_cli.network.config import CnnName, TransformerName
from mesorch_cli.network.lite import OUTPUTS
from mesorch_cli.network.pyramid import DropPath, TransformerStages
from mesorch_cli.training.timm_start import named_as_ours, timm_cnn, timm_transformer

SIZE = (2, 6, 96, 64)


def stirred(network: nn.Module) -> nn.Module:
    """Move every tensor of timm's network off its start, so that each matters."""
    torch.manual_seed(5)
    for name, tensor in network.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 2)
        elif tensor.is_floating_point():
            tensor.add_(torch.randn_like(tensor) * 0.05)
            if name.endswith("gamma"):
                tensor.add_(0.5)
    return network


def lite_outputs(network: nn.Module, image: Tensor) -> list[Tensor]:
    x = cast(nn.Module, network.bn1)(cast(nn.Module, network.conv_stem)(image))
    outputs = []
    for index, stage in enumerate(cast(nn.Sequential, network.blocks)):
        x = stage(x)
        if index in OUTPUTS:
            outputs.append(x)
    return outputs


def staged_outputs(network: nn.Module, image: Tensor) -> list[Tensor]:
    x = cast(nn.Module, network.stem if hasattr(network, "stem") else network.patch_embed)(image)
    outputs = []
    for stage in cast(nn.Sequential, network.stages):
        x = stage(x)
        outputs.append(x)
    return outputs


def without_bias(stem: nn.Module) -> nn.Conv2d:
    """Return a stem's convolution as the published networks have it."""
    assert isinstance(stem, nn.Conv2d)
    bare = nn.Conv2d(
        stem.in_channels, stem.out_channels, stem.kernel_size[0], stem.stride[0], int(stem.padding[0]), bias=False
    )
    bare.weight = stem.weight
    return bare


def check(ours: nn.Module, theirs: nn.Module, training: bool) -> None:
    ours.load_state_dict(named_as_ours(theirs.state_dict(), ours), strict=True)
    ours.train(training)
    theirs.train(training)
    outputs_of = lite_outputs if hasattr(theirs, "conv_stem") else staged_outputs
    image = torch.randn(SIZE)
    found, wanted = ours(image), outputs_of(theirs, image)
    assert [one.shape for one in found] == [one.shape for one in wanted]
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)
    if not training:
        return
    for outputs in (found, wanted):
        sum((one**2).mean() for one in outputs).backward()  # type: ignore[union-attr]
    gradients = {name: parameter.grad for name, parameter in theirs.named_parameters() if parameter.grad is not None}
    renamed = named_as_ours(cast(dict[str, Tensor], gradients), ours)
    own = {name: parameter.grad for name, parameter in ours.named_parameters()}
    assert set(own) <= set(renamed)
    for name, gradient in own.items():
        assert gradient is not None, name
        scale = float(renamed[name].abs().max()) or 1.0
        torch.testing.assert_close(gradient / scale, renamed[name] / scale, atol=2e-3, rtol=2e-3, msg=name)
    statistics = named_as_ours(theirs.state_dict(), ours)
    for name, tensor in ours.state_dict().items():
        if "running" in name or "tracked" in name:
            torch.testing.assert_close(tensor, statistics[name], atol=1e-4, rtol=1e-4, msg=name)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", CNN_WIDTHS)
def test_the_cnn_is_timm_s(name: CnnName, training: bool) -> None:
    theirs = stirred(timm_cnn(name, 6))
    if name == "convnext_tiny":
        stem = cast(nn.Sequential, theirs.stem)
        stem[0] = without_bias(stem[0])
    check(build_cnn(name, stage_count=4, in_channels=6, fine_width=None), theirs, training)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", TRANSFORMER_WIDTHS)
def test_the_transformer_is_timm_s(name: TransformerName, training: bool) -> None:
    theirs = stirred(timm_transformer(name, 6))
    embedding = cast(nn.Module, theirs.patch_embed)
    embedding.proj = without_bias(cast(nn.Module, embedding.proj))
    check(build_transformer(name, in_channels=6, drop_path=0.0), theirs, training)


def test_dropped_paths_keep_the_mean_and_leave_whole_samples_out() -> None:
    torch.manual_seed(0)
    drop, x = DropPath(0.25).train(), torch.ones(4000, 3, 2)
    dropped = drop(x)
    kept = dropped[:, 0, 0] > 0
    assert torch.equal(dropped, (kept / 0.75)[:, None, None].expand_as(x))
    assert kept.float().mean().item() == pytest.approx(0.75, abs=0.03)
    assert drop.eval()(x) is x


def test_drop_path_rises_evenly_over_the_blocks() -> None:
    branch = build_transformer("mit_b3", in_channels=6)
    assert isinstance(branch, TransformerStages)
    rates = [module.drop_prob for module in branch.modules() if isinstance(module, DropPath)]
    assert rates == pytest.approx([0.1 * index / 27 for index in range(28)])
