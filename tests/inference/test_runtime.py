"""Which runtime runs weights, and what is said where the one that was asked for cannot."""

import pickle
import platform
import sys
from pathlib import Path

import pytest
import torch

from mesorch_cli.errors import UsageError, WeightsError
from mesorch_cli.inference import runtime
from mesorch_cli.inference.loading import SharedWeights, TorchWeights, open_weights, pytorch_for
from mesorch_cli.inference.runtime import Runtime, may_have_gpu, wants_cpu
from mesorch_cli.network.store import find_weights


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mesorch_cli.inference.runtime.may_have_gpu", lambda: False)


@pytest.mark.usefixtures("no_gpu")
def test_the_shipped_weights_run_in_onnx_runtime_on_a_cpu() -> None:
    for device in ("auto", "cpu"):
        assert open_weights().start(device, "fp32").name == "onnxruntime"


def test_every_other_arithmetic_is_pytorchs() -> None:
    assert open_weights().start("cpu", "bf16").name == "torch"
    with pytest.raises(UsageError, match="--precision bf16 with --runtime onnx. Expected fp32"):
        open_weights(runtime="onnx").start("cpu", "bf16")


def test_pytorch_runs_where_it_is_asked_for() -> None:
    assert isinstance(open_weights(runtime="torch"), TorchWeights)
    assert open_weights(runtime="torch").start("cpu", "fp32").name == "torch"


def test_without_onnx_runtime_pytorch_runs_unless_the_other_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert isinstance(open_weights(), TorchWeights)
    with pytest.raises(UsageError, match="--runtime onnx needs the package onnxruntime"):
        open_weights(runtime="onnx")


def test_weights_of_others_run_in_pytorch(tiny_weights: Path) -> None:
    assert isinstance(open_weights(str(tiny_weights)), TorchWeights)
    with pytest.raises(UsageError, match="the tool has no graph for these weights. Make a file"):
        open_weights(str(tiny_weights), runtime="onnx")


@pytest.mark.parametrize(
    ("name", "wanted"), [("a.onnx", "torch"), ("a.pt2", "onnx"), ("a.xml", "onnx"), ("a.xml", "torch")]
)
def test_an_exported_file_has_its_own_runtime(tmp_path: Path, name: str, wanted: Runtime) -> None:
    (tmp_path / name).write_bytes(b"anything")
    with pytest.raises(UsageError, match=f"--runtime {wanted} with {name}: an exported file has its own runtime"):
        open_weights(str(tmp_path / name), runtime=wanted)


def test_where_only_pytorch_will_do_an_exported_file_keeps_its_runtime() -> None:
    assert [pytorch_for(name) for name in (None, "mesorch-s", "a.safetensors", "a.onnx")] == [
        "torch",
        "torch",
        "torch",
        "auto",
    ]


def test_a_changed_tensor_of_the_shipped_weights_is_noticed_when_they_are_opened(tmp_path: Path) -> None:
    """The passport still says what they were, so the graph would be found."""
    data = bytearray(find_weights().read_bytes())
    data[-1] ^= 1
    changed = tmp_path / "changed.safetensors"
    changed.write_bytes(data)
    runtimes: tuple[Runtime, ...] = ("auto", "onnx", "torch")
    for asked in runtimes:
        with pytest.raises(WeightsError, match="The tensors of .*changed.safetensors have the checksum"):
            open_weights(str(changed), runtime=asked)


def test_opened_weights_travel_to_another_process() -> None:
    opened = open_weights()
    assert isinstance(opened, SharedWeights)
    arrived = pickle.loads(pickle.dumps(opened))
    assert arrived == opened


def test_only_the_cpu_by_name_is_the_cpu() -> None:
    assert wants_cpu("cpu")
    assert not any(wants_cpu(device) for device in ("cuda", "cuda:1", "mps"))


@pytest.mark.parametrize(("has_gpu", "kind"), [(True, "cuda"), (False, "cpu")])
def test_pytorch_decides_where_there_could_be_a_gpu(has_gpu: bool, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "may_have_gpu", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: has_gpu)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert wants_cpu("auto") == (kind == "cpu")


def test_a_gpu_is_expected_where_its_driver_left_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(runtime, "DEVICE_FILES", (str(tmp_path / "nvidiactl"),))
    assert not may_have_gpu()
    (tmp_path / "nvidiactl").touch()
    assert may_have_gpu()
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("SYSTEMROOT", str(tmp_path))
    assert not may_have_gpu()
    (tmp_path / "System32").mkdir()
    (tmp_path / "System32" / "nvcuda.dll").touch()
    assert may_have_gpu()
    monkeypatch.setattr(sys, "platform", "darwin")
    for machine, expected in (("arm64", True), ("x86_64", False)):
        monkeypatch.setattr(platform, "machine", lambda machine=machine: machine)
        assert may_have_gpu() == expected
