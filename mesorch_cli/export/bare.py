"""The graph of shipped weights without the weights, which ONNX Runtime gets from the .safetensors when it starts.

It is made once for a release, beside the weights, and passes the gate of an export. See `inference.backends.bare`.
"""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mesorch_cli.errors import VerificationError
from mesorch_cli.export.make import require_packages, versions
from mesorch_cli.export.onnx import build_model
from mesorch_cli.export.parity import TOLERANCES, Parity, Photo, cases, compare, require
from mesorch_cli.export.trace import trace_image
from mesorch_cli.files.writing import write_whole
from mesorch_cli.inference.backends.bare import GRAPH_SUFFIX, BareGraph, FoundGraph, seal_of
from mesorch_cli.inference.backends.eager import TorchBackend
from mesorch_cli.network.graph import ImageGraph
from mesorch_cli.network.mesorch import Mesorch
from mesorch_cli.network.tensors import read_tensors
from mesorch_cli.network.weights import load_weights

if TYPE_CHECKING:
    from onnx import ModelProto

    from mesorch_cli.network.contents import Contents

MOST_CONSTANT = 1024  # numbers of a constant that may stay in the graph: filters and shapes, no weights
PLACE = "weights"  # named as the file of every tensor; there is none, so a missing tensor is an error


def make_bare(
    contents: "Contents",
    folder: Path,
    photos: Mapping[str, Photo],
    *,
    on_case: Callable[[int, int], None] | None = None,
) -> Parity:
    """Write the graph for a .safetensors file, and its description, to `folder`.

    Raises VerificationError if the gate fails; then nothing is written.
    """
    require_packages("onnx")
    weights = load_weights(contents)
    assert isinstance(weights.network, Mesorch)
    graph = ImageGraph(weights.network)
    model = emptied(build_model(trace_image(graph)), {name: one.numpy() for name, one in graph.state_dict().items()})
    data = model.SerializeToString(deterministic=True)
    path = folder / f"{weights.passport.name}{GRAPH_SUFFIX}"
    stated = weights.passport.tensors_sha256
    assert stated is not None
    found = FoundGraph(
        BareGraph(graph_sha256=hashlib.sha256(data).hexdigest(), tensors_sha256=stated, versions={}, parity={}),
        path,
        data,
    )
    parity = compare(
        TorchBackend(weights.network, "cpu"),
        found.start(read_tensors(contents, weights.passport), weights.passport, "cpu"),
        list(cases(dict(photos), weights.passport.input.side)),
        threshold=weights.passport.threshold,
        tolerance=TOLERANCES["fp32"],
        on_case=on_case,
    )
    require(parity, "The graph without its weights")
    seal = found.seal.model_copy(update={"versions": versions("onnx"), "parity": parity.to_dict()})
    write_whole(path, data)
    write_whole(seal_of(path), (seal.model_dump_json(by_alias=True, indent=1) + "\n").encode("utf-8"))
    return parity


def emptied(model: "ModelProto", weights: Mapping[str, NDArray[np.generic]]) -> "ModelProto":
    """Take the weights out of a model, in place; each is left as a tensor of that name and shape in another file.

    A transposed one, as the exporter writes linear layers, becomes a transposition of the tensor itself. Raises
    VerificationError if a weight would stay in the graph, or is not in it: of equal ones, the exporter keeps only one.
    """
    from onnx import TensorProto, helper, numpy_helper

    shapes: dict[str, tuple[int, ...]] = {}
    turned = []
    for tensor in list(model.graph.initializer):
        values = numpy_helper.to_array(tensor)
        name = tensor.name
        if name not in weights:
            same = [one for one, kept in weights.items() if values.ndim == 2 and np.array_equal(kept.T, values)]
            if not same and values.size <= MOST_CONSTANT:
                continue
            if len(same) != 1:
                raise VerificationError(
                    f"The graph holds the constant {name!r} {values.shape}, which is the transposed form of "
                    f"{len(same)} weights. Expected one. The exporter writes graphs in another way: see `emptied`."
                )
            (name,) = same
            turned.append(helper.make_node("Transpose", [name], [tensor.name], perm=[1, 0]))
        shapes[name] = weights[name].shape
        model.graph.initializer.remove(tensor)
    if missing := sorted(set(weights) - set(shapes)):
        raise VerificationError(f"The graph does not use {len(missing)} weights, first {missing[0]!r}. Expected all.")
    for name, shape in sorted(shapes.items()):
        empty = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape, data_location=TensorProto.EXTERNAL)
        entry = empty.external_data.add()
        entry.key, entry.value = "location", PLACE
        model.graph.initializer.append(empty)
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*turned, *nodes])
    return model
