"""OpenVINO: the ONNX graph in OpenVINO's own form, an .xml with a .bin."""

import hashlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from mesorch_cli.export.onnx import SealOf
from mesorch_cli.inference.backends.openvino import CONSTANTS_SUFFIX, split_seal, with_seal
from mesorch_cli.inference.exported import SEAL_KEY
from mesorch_cli.offline import import_silent

if TYPE_CHECKING:
    from onnx import ModelProto


def write_openvino(model: "ModelProto", path: Path, seal_of: SealOf, *, half: bool) -> None:
    """Convert a float32 graph and write `path` and its .bin. half: keep constants in float16."""
    openvino = import_silent("openvino")

    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder) / "graph.onnx"
        graph.write_bytes(model.SerializeToString(deterministic=True))
        converted = openvino.convert_model(graph)
    # Saved with an empty seal that is filled in later, as its checksums cover the rest of both files.
    converted.set_rt_info("", [SEAL_KEY])
    openvino.save_model(converted, path, compress_to_fp16=half)
    topology = path.read_bytes()
    rest, _ = split_seal(topology, path)
    seal = seal_of(hashlib.sha256(path.with_suffix(CONSTANTS_SUFFIX).read_bytes()).hexdigest())
    sealed = seal.model_copy(update={"topology_sha256": hashlib.sha256(rest).hexdigest()})
    path.write_bytes(with_seal(topology, sealed.to_json(), path))
