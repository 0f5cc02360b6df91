"""The random start of the branches as in timm, from which the published recipe begins."""

import importlib
from types import ModuleType

import torch
from torch import Tensor, nn

from mesorch_cli.network.backbones import CNN_WIDTHS, TRANSFORMER_DEPTHS, TRANSFORMER_HEADS, TRANSFORMER_WIDTHS
from mesorch_cli.network.config import CnnName, TransformerName
from mesorch_cli.network.convnext import DEPTHS
from mesorch_cli.network.mesorch import Mesorch
from mesorch_cli.network.pyramid import MLP_RATIO, REDUCTIONS

LITE_NAMES = {"conv_stem": "stem", "bn1": "stem_norm", "blocks": "stages"}  # timm's names and ours
OWN_STEMS = ("stem.0.", "patch_embed.proj.")  # with six channels and without bias: our own stems, with our own start


def import_timm(module: str) -> ModuleType:
    """Import a module of timm, even if torchvision's compiled half does not fit the installed torch.

    timm imports all of torchvision but uses nothing compiled from it here. With a CPU build of torch and the
    torchvision wheel of the package index, that import fails because operators are missing. Declaring them, although
    they are never called, lets the Python half load.
    """
    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        for name in ("nms", "qnms"):
            torch.library.define(f"torchvision::{name}", "(Tensor boxes, Tensor scores, float iou_threshold) -> Tensor")
        importlib.import_module("torchvision")
    return importlib.import_module(f"timm.models.{module}")


def timm_cnn(name: CnnName, in_channels: int) -> nn.Module:
    """Return timm's network that contains a CNN branch, with random tensors."""
    if name == "convnext_tiny":
        network = import_timm("convnext").ConvNeXt(
            in_chans=in_channels, num_classes=0, depths=DEPTHS, dims=CNN_WIDTHS[name]
        )
    else:
        network = import_timm("efficientnet").tf_efficientnet_lite0(pretrained=False, in_chans=in_channels)
    found: nn.Module = network
    return found


def timm_transformer(name: TransformerName, in_channels: int, shrink: int = 1) -> nn.Module:
    """Return timm's network that contains a Transformer branch, with random tensors."""
    network: nn.Module = import_timm("pvt_v2").PyramidVisionTransformerV2(
        in_chans=in_channels,
        num_classes=0,
        depths=TRANSFORMER_DEPTHS[name],
        embed_dims=TRANSFORMER_WIDTHS[name],
        num_heads=TRANSFORMER_HEADS[name],
        sr_ratios=REDUCTIONS if shrink == 1 else (*REDUCTIONS[1:], 1),
        mlp_ratios=(MLP_RATIO,) * 4,
    )
    return network


def named_as_ours(tensors: dict[str, Tensor], branch: nn.Module) -> dict[str, Tensor]:
    """Return the timm tensors that a branch has, under the branch's names."""
    renamed = {}
    for name, tensor in tensors.items():
        first, _, rest = name.partition(".")
        renamed[f"{LITE_NAMES.get(first, first)}.{rest}"] = tensor
    return {name: renamed[name] for name in branch.state_dict() if name in renamed}


def draw_branches(network: Mesorch) -> None:
    """Give both branches timm's random tensors. Their stems and the fine stem keep their own."""
    drawn = (
        (network.cnn, timm_cnn(network.config.cnn, 6)),
        (network.transformer, timm_transformer(network.config.transformer, 6, network.config.transformer_shrink)),
    )
    for branch, source in drawn:
        tensors = named_as_ours(source.state_dict(), branch)
        kept = {name: tensor for name, tensor in tensors.items() if not name.startswith(OWN_STEMS)}
        branch.load_state_dict(branch.state_dict() | kept, strict=True)
