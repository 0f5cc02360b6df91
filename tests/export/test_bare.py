"""A graph without its weights: nothing of them stays in it, and it answers as PyTorch once it has them."""

import hashlib
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from mesorch_cli.errors import VerificationError
from mesorch_cli.export import bare as export_bare
from mesorch_cli.export.bare import emptied, make_bare
from mesorch_cli.export.onnx import build_model
from mesorch_cli.export.trace import trace_image
from mesorch_cli.inference.backends import bare
from mesorch_cli.inference.backends.bare import graph_for, seal_of
from mesorch_cli.inference.backends.eager import TorchBackend
from mesorch_cli.network import store
from mesorch_cli.network.config import MESORCH_S
from mesorch_cli.network.contents import read_contents
from mesorch_cli.network.graph import ImageGraph
from mesorch_cli.network.header import read_passport
from mesorch_cli.network.tensors import read_tensors
from mesorch_cli.network.weights import load_weights, save_weights
from tests.network.test_folding import lived_in

RNG = np.random.default_rng(0)


def model(**constants: np.ndarray) -> onnx.ModelProto:
    """Return a model that adds all its constants to its input."""
    nodes = [helper.make_node("Add", [f"x{place}", name], [f"x{place + 1}"]) for place, name in enumerate(constants)]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("x0", f"x{len(nodes)}")]
    tensors = [numpy_helper.from_array(values, name) for name, values in constants.items()]
    return helper.make_model(helper.make_graph(nodes, "sum", ends[:1], ends[1:], tensors))


@pytest.fixture(scope="module")
def moved_weights(tiny_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of which no two tensors are equal, as after training: the exporter joins equal ones."""
    network = lived_in(MESORCH_S)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.01 * torch.randn(parameter.shape)
    path = tmp_path_factory.mktemp("moved") / "moved.safetensors"
    passport = read_passport(tiny_weights).model_copy(update={"name": "moved"})
    save_weights(path, network.state_dict(), passport)
    return path


@pytest.fixture(scope="module")
def image_model(moved_weights: Path) -> onnx.ModelProto:
    return build_model(trace_image(ImageGraph(load_weights(moved_weights).network)))


def copied(whole: onnx.ModelProto) -> onnx.ModelProto:
    return onnx.ModelProto.FromString(whole.SerializeToString())


def test_weights_leave_and_small_constants_stay() -> None:
    weight, turned = RNG.random((40, 50), np.float32), RNG.random((60, 40), np.float32)
    found = emptied(model(a=weight, val_1=turned.T.copy(), two=np.float32([2.0])), {"a": weight, "b": turned})
    data = found.SerializeToString()
    assert len(data) < 1000
    kept = {one.name: one for one in found.graph.initializer}
    assert sorted(kept) == ["a", "b", "two"]
    assert list(kept["b"].dims) == [60, 40]
    for name in ("a", "b"):
        assert kept[name].data_location == TensorProto.EXTERNAL
        assert not kept[name].raw_data
    first = found.graph.node[0]
    assert (first.op_type, list(first.input), list(first.output)) == ("Transpose", ["b"], ["val_1"])


def test_a_constant_that_could_be_weights_is_not_left_in_the_graph() -> None:
    weight = RNG.random((40, 50), np.float32)
    with pytest.raises(VerificationError, match="holds the constant 'val_1'.*transposed form of 0 weights"):
        emptied(model(a=weight, val_1=weight + 1), {"a": weight})


def test_of_two_equal_weights_none_is_guessed() -> None:
    weight = RNG.random((4, 5), np.float32)
    with pytest.raises(VerificationError, match="transposed form of 2 weights"):
        emptied(model(val_1=weight.T.copy()), {"a": weight, "b": weight})


def test_a_weight_that_the_graph_does_not_use_is_an_error() -> None:
    weight = RNG.random((4, 5), np.float32)
    with pytest.raises(VerificationError, match="does not use 1 weights, first 'b'"):
        emptied(model(a=weight), {"a": weight, "b": weight + 1})


def test_a_made_graph_answers_as_pytorch(
    moved_weights: Path,
    image_model: onnx.ModelProto,
    tmp_path: Path,
    astronaut: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    contents, loaded = read_contents(moved_weights), load_weights(moved_weights)
    monkeypatch.setattr(export_bare, "build_model", lambda _: copied(image_model))
    monkeypatch.setattr(export_bare, "trace_image", lambda _: None)  # done once for both tests
    parity = make_bare(contents, tmp_path, {"astronaut": astronaut})
    assert parity.holds
    monkeypatch.setattr(store, "shipped_folder", lambda: tmp_path)
    found = graph_for(loaded.passport)
    assert found is not None
    assert found.path == tmp_path / f"moved{bare.GRAPH_SUFFIX}"
    assert found.seal.graph_sha256 == hashlib.sha256(found.data).hexdigest()
    assert len(found.data) < 400_000
    assert sorted(path.name for path in tmp_path.iterdir()) == [found.path.name, seal_of(found.path).name]
    tiles = RNG.integers(0, 256, (2, 96, 160, 3), dtype=np.uint8)
    answer = found.start(read_tensors(contents, loaded.passport), loaded.passport, "cpu")(tiles)
    np.testing.assert_allclose(answer, TorchBackend(loaded.network, "cpu")(tiles), atol=2e-4)


def test_a_graph_that_fails_the_gate_is_not_written(
    moved_weights: Path,
    image_model: onnx.ModelProto,
    tmp_path: Path,
    astronaut: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Half a logit too much, everywhere."""
    wrong = copied(image_model)
    (end,) = wrong.graph.output
    for node in wrong.graph.node:
        node.output[:] = ["before" if name == end.name else name for name in node.output]
    wrong.graph.initializer.append(numpy_helper.from_array(np.float32([0.5]), "half"))
    wrong.graph.node.append(helper.make_node("Add", ["before", "half"], [end.name]))
    monkeypatch.setattr(export_bare, "build_model", lambda _: wrong)
    monkeypatch.setattr(export_bare, "trace_image", lambda _: None)
    with pytest.raises(VerificationError, match="The graph without its weights"):
        make_bare(read_contents(moved_weights), tmp_path, {"astronaut": astronaut})
    assert not list(tmp_path.iterdir())
