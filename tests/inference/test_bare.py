"""Shipped weights in ONNX Runtime, from their own file and a graph without weights: the answers of PyTorch."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from mesorch_cli.errors import UsageError, WeightsError
from mesorch_cli.export.parity import TOLERANCES, cases, compare
from mesorch_cli.inference.backends import bare
from mesorch_cli.inference.backends.bare import BareBackend, graph_for, seal_of
from mesorch_cli.inference.backends.eager import TorchBackend
from mesorch_cli.inference.backends.protocol import Explaining
from mesorch_cli.network import store
from mesorch_cli.network.contents import Contents
from mesorch_cli.network.header import passport_of
from mesorch_cli.network.store import read_weights, shipped_folder
from mesorch_cli.network.tensors import read_tensors
from mesorch_cli.network.weights import load_weights

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def shipped() -> Contents:
    return read_weights()


@pytest.fixture(scope="module")
def started(shipped: Contents) -> BareBackend:
    passport = passport_of(shipped)
    graph = graph_for(passport)
    assert graph is not None, "make it with configs/mesorch-s/make_graph.py"
    return graph.start(read_tensors(shipped, passport), passport, "auto")


@pytest.fixture(scope="module")
def reference(shipped: Contents) -> TorchBackend:
    return TorchBackend(load_weights(shipped).network, "cpu")


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return cv2.imread(str(EXAMPLES / "splice.jpg"))[:, :, ::-1].astype(np.uint8)


def test_the_shipped_weights_pass_the_gate_of_an_export(
    shipped: Contents, started: BareBackend, reference: TorchBackend, photo: np.ndarray
) -> None:
    passport = passport_of(shipped)
    inputs = list(cases({"splice": photo}, passport.input.side))
    found = compare(reference, started, inputs, threshold=passport.threshold, tolerance=TOLERANCES["fp32"])
    assert found.holds, found


def test_what_the_gate_measured_when_the_graph_was_made_stands_beside_it(shipped: Contents) -> None:
    graph = graph_for(passport_of(shipped))
    assert graph is not None
    assert {"mesorch", "torch", "onnxruntime"} <= set(graph.seal.versions)
    limits = graph.seal.parity["tolerance"]
    assert isinstance(limits, dict)
    assert limits["logits"] == TOLERANCES["fp32"].logits
    measured = graph.seal.parity["largest_logit_difference"]
    assert isinstance(measured, float)
    assert 0 < measured <= limits["logits"]


def test_sixteen_bits_stay_sixteen(started: BareBackend, reference: TorchBackend, photo: np.ndarray) -> None:
    """Grey levels between those of 8 bits change the answer, in the same way as in PyTorch."""
    eight = photo[None, :256, :256]
    sixteen = eight.astype(np.uint16) * 257 + np.random.default_rng(0).integers(0, 200, eight.shape, dtype=np.uint16)
    assert started.bits == 16
    answer = started(sixteen)
    assert np.abs(answer - reference(sixteen)).max() < TOLERANCES["fp32"].logits
    assert np.abs(answer - started(eight)).max() > 10 * np.abs(answer - reference(sixteen)).max()


def test_calls_side_by_side_answer_as_one_alone(started: BareBackend, photo: np.ndarray) -> None:
    tile = photo[None, :256, :256]
    assert np.abs(started(tile, 2) - started(tile, 1)).max() < TOLERANCES["fp32"].logits


def test_it_names_its_runtime_and_does_not_explain(started: BareBackend) -> None:
    assert started.name == "onnxruntime"
    assert started.device == "cpu"
    assert "onnxruntime" in started.runtime
    assert "torch" not in started.runtime
    assert not isinstance(started, Explaining)


@pytest.mark.parametrize(("threads", "lanes"), [(1, 1), (3, 3), (20, 8)])
def test_the_threads_are_those_of_a_record(shipped: Contents, threads: int, lanes: int) -> None:
    passport = passport_of(shipped)
    graph = graph_for(passport)
    assert graph is not None
    backend = graph.start(read_tensors(shipped, passport), passport, "cpu", threads)
    assert (backend.runtime["threads"], backend.lanes) == (str(threads), lanes)


def test_another_device_than_the_cpu_is_refused(shipped: Contents) -> None:
    passport = passport_of(shipped)
    graph = graph_for(passport)
    assert graph is not None
    with pytest.raises(UsageError, match="compared with PyTorch on the CPU only"):
        graph.start(read_tensors(shipped, passport), passport, "cuda")


def test_weights_with_other_tensors_have_no_graph(tiny_weights: Path) -> None:
    assert graph_for(passport_of(read_weights(str(tiny_weights)))) is None


def test_a_graph_without_one_of_its_tensors_is_refused(shipped: Contents) -> None:
    """No file beside the graph is ever opened for it."""
    passport = passport_of(shipped)
    graph = graph_for(passport)
    assert graph is not None
    tensors = {name: values for name, values in read_tensors(shipped, passport).items() if name != "gate.choose.bias"}
    with pytest.raises(WeightsError, match="Cannot read .*graph.onnx"):
        graph.start(tensors, passport, "cpu")


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The graph in a folder of its own, in place of the shipped one."""
    (graph,) = shipped_folder().glob(f"*{bare.GRAPH_SUFFIX}")
    for path in (graph, seal_of(graph)):
        shutil.copy(path, tmp_path)
    monkeypatch.setattr(store, "shipped_folder", lambda: tmp_path)
    return tmp_path / graph.name


def test_a_damaged_graph_is_refused(shipped: Contents, copied: Path) -> None:
    data = bytearray(copied.read_bytes())
    data[len(data) // 2] ^= 1
    copied.write_bytes(data)
    with pytest.raises(WeightsError, match=r"has the SHA-256 .* The installation is damaged.*--runtime torch"):
        graph_for(passport_of(shipped))


@pytest.mark.parametrize("change", [{"schema": "mesorch.graph/9"}, {"graph_sha256": "none"}, {"extra": 1}])
def test_an_unknown_description_is_refused(shipped: Contents, copied: Path, change: dict[str, object]) -> None:
    place = seal_of(copied)
    place.write_text(json.dumps(json.loads(place.read_text()) | change))
    with pytest.raises(WeightsError, match=r"Cannot read .*graph\.onnx\.json.*installation is damaged"):
        graph_for(passport_of(shipped))
