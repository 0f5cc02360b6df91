"""Small graphs with a seal, as ONNX and OpenVINO: logits that are a photo's brightness times a factor."""

from pathlib import Path

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

from mesorch_cli.export.onnx import write_onnx
from mesorch_cli.export.openvino import write_openvino
from mesorch_cli.inference.exported import Format, Seal, SourcePart
from mesorch_cli.network.passport import Passport


def brightness(factor: float) -> ModelProto:
    """Return tiles (B, H, W, 3) uint8 to logits (B, 1, H, W) float32."""
    constants = [
        numpy_helper.from_array(np.full((1, 1, 1, 3), factor, np.float32), "factor"),
        numpy_helper.from_array(np.array([3], np.int64), "channels"),
    ]
    nodes = [
        helper.make_node("Cast", ["tiles"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["numbers", "factor"], ["scaled"]),
        helper.make_node("ReduceMean", ["scaled", "channels"], ["mean"], keepdims=1),
        helper.make_node("Transpose", ["mean"], ["logits"], perm=[0, 3, 1, 2]),
    ]
    tiles = helper.make_tensor_value_info("tiles", TensorProto.UINT8, ["b", "h", "w", 3])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["b", 1, "h", "w"])
    graph = helper.make_graph(nodes, "brightness", [tiles], [logits], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def write(path: Path, passport: Passport, factor: float = 0.01, model: ModelProto | None = None) -> Path:
    """Write an .onnx, or an .xml with its .bin, by the path's suffix."""
    form: Format = "onnx" if path.suffix == ".onnx" else "openvino"

    def seal_of(graph_sha256: str) -> Seal:
        source = SourcePart(name=passport.name, sha256="0" * 64)
        return Seal(format=form, precision="fp32", source=source, graph_sha256=graph_sha256, passport=passport)

    graph = brightness(factor) if model is None else model
    if form == "onnx":
        write_onnx(graph, path, seal_of)
    else:
        write_openvino(graph, path, seal_of, half=False)
    return path
