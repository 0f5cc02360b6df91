"""OpenVINO: an exported .xml with its .bin, run without PyTorch.

The seal stands in the runtime info of the .xml. Its checksums cover the rest of the .xml, and the .bin with every
constant.
"""

import hashlib
import html
import re
from pathlib import Path
from typing import Any
from xml.parsers import expat

import numpy as np
from numpy.typing import NDArray

from mesorch_cli.errors import UsageError, WeightsError
from mesorch_cli.inference.backends.protocol import Tiles
from mesorch_cli.inference.backends.runtimes import (
    failed_run,
    import_runtime,
    require_precision,
    threads_of_record,
    wanted_threads,
)
from mesorch_cli.inference.exported import SEAL_KEY, Seal, joint_sha256, parse_seal, require_graph, require_sidecar
from mesorch_cli.inference.settings import Precision
from mesorch_cli.network.contents import Contents, read_contents
from mesorch_cli.network.passport import WeightsFile

CONSTANTS_SUFFIX = ".bin"
TILE_BATCH = 1


# As OpenVINO writes the element, and this program the seal into it.
SEAL = re.compile(rb"<" + re.escape(SEAL_KEY).encode() + rb' value="([^"]*)" */>')
LOOPS = ("Loop", "TensorIterator")  # no network of the family has one
PLACE = ["net", "rt_info", SEAL_KEY]


def _place(topology: bytes, path: Path) -> tuple[int, int, str] | None:
    """Return where the seal's element begins and ends, and its text; None without one, or with several.

    Raises WeightsError if the .xml is none.
    """
    parser = expat.ParserCreate()
    open_elements: list[str] = []
    found: list[tuple[int, str]] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        open_elements.append(name)
        if name == "layer" and attributes.get("type") in LOOPS:
            raise ValueError(f"it has a {attributes['type']}, which may never end")
        if open_elements == PLACE:
            found.append((parser.CurrentByteIndex, attributes.get("value", "")))

    def refuse(*_: object) -> None:
        raise ValueError("it declares a document type")

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: open_elements.pop()
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(topology, True)
    except (expat.ExpatError, ValueError, LookupError) as error:  # an encoding that is none is a LookupError
        raise WeightsError(
            f"Cannot read {path} as an OpenVINO network ({error}). It is truncated, damaged or no such file: get it "
            "again, or make it with `mesorch export --format openvino`."
        ) from error
    if len(found) != 1 or (element := SEAL.match(topology, found[0][0])) is None:
        return None
    return found[0][0], element.end(), found[0][1]


def split_seal(topology: bytes, path: Path) -> tuple[bytes, str | None]:
    """Return an .xml without its seal, and the seal's text or None. Raises WeightsError if it is no such file."""
    place = _place(topology, path)
    if place is None:
        return topology, None
    first, last, text = place
    return topology[:first] + topology[last:], text


def with_seal(topology: bytes, text: str, path: Path) -> bytes:
    """Return an .xml with another text for the seal that it has."""
    place = _place(topology, path)
    assert place is not None
    return topology[: place[0]] + f'<{SEAL_KEY} value="{html.escape(text)}" />'.encode() + topology[place[1] :]


class OpenVinoFile:
    """An exported .xml with its .bin, checked before use; raises as `OnnxFile` does."""

    def __init__(self, contents: Contents) -> None:
        path = contents.path
        import_runtime("openvino", path)
        rest, text = split_seal(contents.data, path)
        self.seal: Seal = parse_seal(text, path)
        constants = read_contents(path.with_suffix(CONSTANTS_SUFFIX))
        require_graph(self.seal.graph_sha256, constants.sha256, constants.path)
        if self.seal.topology_sha256 is not None:
            require_graph(self.seal.topology_sha256, hashlib.sha256(rest).hexdigest(), path)
        require_sidecar(path, {path.name: contents.sha256, constants.path.name: constants.sha256})
        self._topology, self._constants = contents.data, constants.data
        files = {path.name: contents.data, constants.path.name: constants.data}
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
            compiled = core.compile_model(core.read_model(self._topology, self._constants), name, options)
        except RuntimeError as error:
            raise WeightsError(
                f"OpenVINO cannot run {self.weights.path} on {name} ({_last_line(error)}). Export the weights "
                "again with this version."
            ) from error
        versions = {"openvino": runtime.__version__} | threads_of_record()
        return OpenVinoBackend(self.weights.path, compiled, name.lower(), versions)


def _last_line(error: RuntimeError) -> str:
    """Return the last line of the runtime's message that says something."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip(" \t.:")]
    return lines[-1][:200] if lines else "no reason given"


def choose_device(available: list[str], wanted: str) -> str:
    """Return OpenVINO's name of a device. `auto` is the CPU: other devices compute in their own arithmetic.

    Raises UsageError if it is not there.
    """
    name = "CPU" if wanted == "auto" else wanted.upper().replace(":", ".")
    if name not in available:
        raise UsageError(
            f"The device {wanted!r} is not there: OpenVINO has {', '.join(device.lower() for device in available)}. "
            "Expected auto or one of these."
        )
    return name


class OpenVinoBackend:
    """A compiled network, ready for tiles."""

    name = "openvino"
    bits = 8
    tile_batch = TILE_BATCH
    lanes = 1  # its threads share a tile's layers out by themselves

    def __init__(self, path: Path, compiled: Any, device: str, runtime: dict[str, str]) -> None:
        self._path = path
        self._request = compiled.create_infer_request()
        self.device = device
        self.runtime = runtime

    def __call__(self, tiles: Tiles, at_once: int = 1) -> NDArray[np.float32]:  # noqa: ARG002 - never more than 1
        try:
            outputs = self._request.infer({0: np.ascontiguousarray(tiles)}, share_inputs=True)
        except RuntimeError as error:
            raise failed_run(self._path, error) from error
        return np.array(outputs[0], np.float32)
