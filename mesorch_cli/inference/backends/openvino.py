"""OpenVINO: an exported .xml with its .bin, run without PyTorch.

The seal stands in the runtime info of the .xml and binds it to the .bin, which holds every constant of the graph.
"""

import hashlib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from mesorch_cli.errors import UsageError, WeightsError
from mesorch_cli.inference.backends.protocol import Precision, Tiles
from mesorch_cli.inference.backends.runtimes import (
    import_runtime,
    read_bytes,
    require_precision,
    threads_of_record,
    wanted_threads,
)
from mesorch_cli.inference.exported import SEAL_KEY, Seal, joint_sha256, parse_seal, require_graph, require_sidecar
from mesorch_cli.network.passport import WeightsFile

CONSTANTS_SUFFIX = ".bin"
TILE_BATCH = 1


def read_seal(topology: bytes, path: Path) -> str | None:
    """Return the seal's text out of an .xml, None if it has none. Raises WeightsError if it is no such file."""
    try:
        root = ElementTree.fromstring(topology)
    except ElementTree.ParseError as error:
        raise WeightsError(
            f"Cannot read {path} as an OpenVINO network ({error}). It is truncated, damaged or no such file: get it again, "
            "or make it with `mesorch export --format openvino`."
        ) from error
    found = root.find(f"./rt_info/{SEAL_KEY}")
    return None if found is None else found.get("value")


class OpenVinoFile:
    """An exported .xml with its .bin, checked before use; raises as `OnnxFile` does."""

    def __init__(self, path: Path) -> None:
        import_runtime("openvino", path)
        constants = path.with_suffix(CONSTANTS_SUFFIX)
        files = {path.name: read_bytes(path), constants.name: b""}
        self.seal: Seal = parse_seal(read_seal(files[path.name], path), path)
        files[constants.name] = read_bytes(constants)
        digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
        require_graph(self.seal, digests[constants.name], constants)
        require_sidecar(path, digests)
        self.weights = WeightsFile(self.seal.passport, path, joint_sha256(files))

    def start(self, device: str, precision: Precision) -> "OpenVinoBackend":
        """Return the backend on a device. Raises UsageError for one that this runtime lacks, or another arithmetic."""
        require_precision(precision, self.seal.precision, self.weights.path)
        runtime = import_runtime("openvino", self.weights.path)
        core = runtime.Core()
        name = choose_device(core.available_devices, device)
        # Without the hint the runtime computes in bf16 where a processor has it, and the record would be wrong.
        options: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY"}
        if name == "CPU":
            options |= {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": wanted_threads()}
        try:
            compiled = core.compile_model(core.read_model(self.weights.path), name, options)
        except RuntimeError as error:
            raise WeightsError(
                f"OpenVINO cannot run {self.weights.path} on {name} ({str(error).splitlines()[-1]}). Export the weights "
                "again with this version."
            ) from error
        return OpenVinoBackend(compiled, name.lower(), {"openvino": runtime.__version__} | threads_of_record())


def choose_device(available: list[str], wanted: str) -> str:
    """Return OpenVINO's name of a device. `auto` is the CPU: other devices compute in their own arithmetic.

    Raises UsageError if it is not there.
    """
    name = "CPU" if wanted == "auto" else wanted.upper().replace(":", ".")
    if name not in available:
        raise UsageError(
            f"The device {wanted!r} is not there: OpenVINO has {', '.join(device.lower() for device in available)}. Expected "
            "auto or one of these."
        )
    return name


class OpenVinoBackend:
    """A compiled network, ready for tiles."""

    name = "openvino"
    bits = 8
    tile_batch = TILE_BATCH
    lanes = 1  # its threads share a tile's layers out by themselves

    def __init__(self, compiled: Any, device: str, runtime: dict[str, str]) -> None:
        self._request = compiled.create_infer_request()
        self.device = device
        self.runtime = runtime

    def __call__(self, tiles: Tiles, at_once: int = 1) -> NDArray[np.float32]:  # noqa: ARG002 - never more than 1
        outputs = self._request.infer({0: np.ascontiguousarray(tiles)}, share_inputs=True)
        return np.array(outputs[0], np.float32)
