"""Graphs that could keep the machine busy for ever are refused before a runtime sees them."""

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from mesorch_cli.errors import WeightsError
from mesorch_cli.inference.backends.graph_files import require_alone
from mesorch_cli.inference.backends.openvino import split_seal

from .graphs import brightness


@pytest.mark.parametrize("within", [False, True], ids=["at the top", "within another graph"])
def test_a_loop_of_onnx_is_refused(within: bool) -> None:
    passes = [
        helper.make_tensor_value_info("count", TensorProto.INT64, []),
        helper.make_tensor_value_info("go", TensorProto.BOOL, []),
        helper.make_tensor_value_info("x", TensorProto.FLOAT, None),
    ]
    results = [
        helper.make_tensor_value_info("on", TensorProto.BOOL, []),
        helper.make_tensor_value_info("y", TensorProto.FLOAT, None),
    ]
    nodes = [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Add", ["x", "x"], ["y"])]
    body = helper.make_graph(nodes, "body", passes, results)
    loop = helper.make_node("Loop", ["most", "yes", "mean"], ["again"], body=body)
    if within:
        inner = helper.make_graph(
            [loop], "inner", [], [helper.make_tensor_value_info("again", TensorProto.FLOAT, None)]
        )
        loop = helper.make_node("If", ["yes"], ["again"], then_branch=inner, else_branch=inner)
    model = brightness(0.01)
    require_alone(model.SerializeToString(), "honest.onnx")
    model.graph.node.insert(3, loop)
    model.graph.initializer.append(numpy_helper.from_array(np.array(2**62, np.int64), "most"))
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "yes"))
    with pytest.raises(WeightsError, match="has a Loop, which may never end"):
        require_alone(model.SerializeToString(), "endless.onnx")


@pytest.mark.parametrize("kind", ["Loop", "TensorIterator"])
def test_a_loop_of_openvino_is_refused(kind: str) -> None:
    topology = f'<net><layers><layer id="1" type="{kind}"/></layers></net>'.encode()
    with pytest.raises(WeightsError, match=f"has a {kind}, which may never end"):
        split_seal(topology, Path("endless.xml"))
    assert split_seal(topology.replace(kind.encode(), b"Add"), Path("honest.xml"))[1] is None
