"""Published checkpoint layouts, and files that must not get in."""

import argparse
import os
import pickle
from pathlib import Path

import pytest
import torch
from torch import Tensor

from mesorch_cli.errors import WeightsError
from mesorch_cli.network.importing import import_checkpoint
from mesorch_cli.network.weights import load_weights
from tests.published import published_state


@pytest.fixture(scope="module")
def pruned() -> dict[str, Tensor]:
    return published_state("mesorch_p")


@pytest.fixture(scope="module")
def full() -> dict[str, Tensor]:
    return published_state("mesorch")


def layouts(state: dict[str, Tensor]) -> dict[str, object]:
    return {
        "bare": state,
        "model": {"model": state, "epoch": 118, "args": argparse.Namespace(lr=1e-4, model="Mesorch_P")},
        "module": {"module." + key: value for key, value in state.items()},
    }


@pytest.mark.parametrize("layout", ["bare", "model", "module"])
def test_published_layouts(tmp_path: Path, pruned: dict[str, Tensor], layout: str) -> None:
    # Released Mesorch-P files carry the classifier and the fourth stage of ConvNeXt.
    extra = {"convnext.head.fc.weight": torch.zeros(1000, 768), "convnext.stages.3.blocks.0.gamma": torch.zeros(768)}
    source = tmp_path / "mesorch_p-118.pth"
    torch.save(layouts(pruned | extra)[layout], source)
    imported = import_checkpoint(source, tmp_path / "p.safetensors")
    assert imported.config_name == "mesorch-p"
    assert set(extra) <= set(imported.dropped)
    assert all(
        key.startswith(("convnext.head.", "convnext.stages.3.", "convnext.norm_pre.")) for key in imported.dropped
    )
    loaded = load_weights(imported.path)
    assert loaded.sha256 == imported.sha256
    assert loaded.passport.network.name == "mesorch-p"
    torch.testing.assert_close(loaded.network.state_dict()["heads.s4.weight"], pruned["inverse.4.weight"])


def test_the_two_networks_are_told_apart(tmp_path: Path, full: dict[str, Tensor], pruned: dict[str, Tensor]) -> None:
    torch.save(full, tmp_path / "full.pth")
    assert import_checkpoint(tmp_path / "full.pth", tmp_path / "f.safetensors").config_name == "mesorch"
    torch.save(pruned, tmp_path / "pruned.pth")
    with pytest.raises(WeightsError, match="is mesorch-p. Expected mesorch:"):
        import_checkpoint(tmp_path / "pruned.pth", tmp_path / "x.safetensors", expect="mesorch")
    assert not (tmp_path / "x.safetensors").exists()


def test_one_renamed_tensor_is_named(tmp_path: Path, pruned: dict[str, Tensor]) -> None:
    state = dict(pruned)
    state["inverse.0.gewicht"] = state.pop("inverse.0.weight")
    torch.save(state, tmp_path / "x.pth")
    with pytest.raises(WeightsError, match=r"1 tensors missing, first `heads.c1.weight`; 1 tensors unexpected"):
        import_checkpoint(tmp_path / "x.pth", tmp_path / "x.safetensors")


def test_one_wrong_shape_is_named(tmp_path: Path, pruned: dict[str, Tensor]) -> None:
    torch.save(pruned | {"inverse.0.weight": torch.zeros(1, 95, 1, 1)}, tmp_path / "x.pth")
    with pytest.raises(WeightsError, match=r"heads.c1.weight.*\(1, 95, 1, 1\)\. Expected \(1, 96, 1, 1\)"):
        import_checkpoint(tmp_path / "x.pth", tmp_path / "x.safetensors")


class Payload:
    """Unpickled naively, this would create a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str, ...]]:
        return (exec, (f"open({str(self.marker)!r}, 'w').close()",))


class ShellPayload(Payload):
    """Likewise, through a module that PyTorch blocks as a whole, in other words."""

    def __reduce__(self) -> tuple[object, tuple[str, ...]]:
        return (os.system, (f"touch {self.marker}",))


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize(("payload", "name"), [(Payload, "exec"), (ShellPayload, "system")])
def test_a_pickle_that_runs_code_is_refused_by_name(
    tmp_path: Path, legacy: bool, payload: type[Payload], name: str
) -> None:
    source, marker = tmp_path / "evil.pth", tmp_path / "ran"
    if legacy:
        source.write_bytes(pickle.dumps({"model": payload(marker)}, protocol=2))
    else:
        torch.save({"model": payload(marker)}, source)
    with pytest.raises(WeightsError, match=rf"{name}.* can run code"):
        import_checkpoint(source, tmp_path / "x.safetensors")
    assert not marker.exists()
    assert not (tmp_path / "x.safetensors").exists()


@pytest.mark.parametrize("content", [b"", b"not a checkpoint at all", bytes(1000)])
def test_something_else_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.pth").write_bytes(content)
    with pytest.raises(WeightsError, match="not a PyTorch checkpoint"):
        import_checkpoint(tmp_path / "x.pth", tmp_path / "x.safetensors")


def test_truncated_missing_and_foreign_files(tmp_path: Path) -> None:
    torch.save({"convnext.a": torch.zeros(1000)}, tmp_path / "whole.pth")
    data = (tmp_path / "whole.pth").read_bytes()
    (tmp_path / "half.pth").write_bytes(data[: len(data) // 2])
    with pytest.raises(WeightsError, match="damaged"):
        import_checkpoint(tmp_path / "half.pth", tmp_path / "x.safetensors")
    with pytest.raises(WeightsError, match="No file at"):
        import_checkpoint(tmp_path / "nowhere.pth", tmp_path / "x.safetensors")
    torch.save({"layer.weight": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(WeightsError, match="not a Mesorch checkpoint.*`layer.weight`"):
        import_checkpoint(tmp_path / "other.pth", tmp_path / "x.safetensors")
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(WeightsError, match="contains a list"):
        import_checkpoint(tmp_path / "list.pth", tmp_path / "x.safetensors")
