"""ONNX: a traced program as a graph of standard operators, with its seal as metadata."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch.export import ExportedProgram

from mesorch_cli.export.trace import quiet_tracing
from mesorch_cli.inference.backends.onnx import seal_entry
from mesorch_cli.inference.exported import Seal

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET = 20  # the first with GELU as one operator
SealOf = Callable[[str], Seal]  # from the graph's SHA-256


def build_model(program: ExportedProgram) -> "ModelProto":
    """Return the graph of a traced program, without paths and source lines of the machine that made it."""
    (name,) = program.graph_signature.user_inputs
    assert program.example_inputs is not None
    with quiet_tracing():
        made = torch.onnx.export(
            program,
            program.example_inputs[0],
            dynamo=True,
            opset_version=OPSET,
            input_names=[str(name)],
            output_names=["logits"],
            verbose=False,
        )
    assert made is not None
    model = made.model_proto
    del model.metadata_props[:]
    for part in (*model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output):
        del part.metadata_props[:]
        part.doc_string = ""
    model.graph.doc_string = ""
    del model.graph.metadata_props[:]
    for function in model.functions:
        for node in function.node:
            del node.metadata_props[:]
            node.doc_string = ""
    return model


def write_onnx(model: "ModelProto", path: Path, seal_of: SealOf) -> None:
    """Write a graph with its seal."""
    graph = model.SerializeToString(deterministic=True)
    path.write_bytes(graph + seal_entry(seal_of(hashlib.sha256(graph).hexdigest()).to_json()))
