"""ONNX Runtime: an exported graph, run without PyTorch.

The file is a serialised graph with the seal's metadata entry appended. Messages of this format may be joined end to
end, so the bytes before the entry are the graph alone, and their digest can be taken without a parser.
"""

import hashlib
import importlib
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesorch_cli.errors import UsageError, WeightsError
from mesorch_cli.inference.backends.graph_files import require_alone
from mesorch_cli.inference.backends.protocol import MOST_LANES, Tiles
from mesorch_cli.inference.backends.runtimes import (
    available_threads,
    failed_run,
    import_runtime,
    require_precision,
    threads_of_record,
    wanted_threads,
)
from mesorch_cli.inference.exported import SEAL_KEY, Seal, parse_seal, require_graph, require_sidecar
from mesorch_cli.inference.settings import Precision
from mesorch_cli.network.contents import Contents
from mesorch_cli.network.passport import WeightsFile

CPU_TILE_BATCH, GPU_TILE_BATCH = 1, 16
METADATA_FIELD = 14  # of the model message, repeated; its entries have a key (1) and a value (2)
PYTHON_ERRORS: tuple[type[Exception], ...] = (ValueError, TypeError, LookupError)  # of onnxruntime's Python part
PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider", "openvino": "OpenVINOExecutionProvider"}


def _varint(number: int) -> bytes:
    """Return a number as the format writes it: seven bits a byte, the lowest first."""
    parts = []
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


def _field(number: int, content: bytes) -> bytes:
    """Return a length-delimited field."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def seal_entry(text: str) -> bytes:
    """Return the bytes that, appended to a serialised model, add the seal to its metadata."""
    return _field(METADATA_FIELD, _field(1, SEAL_KEY.encode()) + _field(2, text.encode()))


def split_seal(data: bytes) -> tuple[bytes, str | None]:
    """Return the graph's bytes and the seal's text, None where the file does not end with a seal."""
    key = _field(1, SEAL_KEY.encode())
    start = data.rfind(key)
    if start < 0:
        return data, None
    opening = data.find(b"{", start + len(key))  # the text is JSON; before it stand a tag and a length
    text = data[opening:].decode("utf-8", "replace") if opening >= 0 else ""
    entry = seal_entry(text)
    return (data[: -len(entry)], text) if data.endswith(entry) else (data, None)


class OnnxFile:
    """An exported .onnx file, checked before use.

    Raises WeightsError for a file that is damaged, none of ours, or of another version; UsageError without the runtime.
    """

    def __init__(self, contents: Contents) -> None:
        path, self._data = contents.path, contents.data
        import_runtime("onnxruntime", path)
        require_alone(self._data, path)  # before anything is loaded; says so if it is no graph at all, or half of one
        graph, text = split_seal(self._data)
        self.seal: Seal = parse_seal(text, path)
        require_graph(self.seal.graph_sha256, hashlib.sha256(graph).hexdigest(), path)
        require_sidecar(path, {path.name: contents.sha256})
        self.weights = WeightsFile(self.seal.passport, path, contents.sha256)

    def start(self, device: str, precision: Precision) -> "OnnxBackend":
        """Return the backend on a device. Raises UsageError for one that this runtime lacks, or another arithmetic."""
        require_precision(precision, self.seal.precision, self.weights.path)
        runtime = import_runtime("onnxruntime", self.weights.path)
        name, provider = choose_provider(runtime, device)
        lanes = min(MOST_LANES, available_threads()) if name == "cpu" else 1
        threads = wanted_threads() if lanes == 1 else max(1, available_threads() // lanes)
        session = open_session(self._data, self.weights.path, [provider], threads)
        wanted = provider if isinstance(provider, str) else provider[0]
        if session.get_providers()[0] != wanted:  # the runtime falls back in silence where a library does not load
            if device != "auto":
                raise UsageError(
                    f"The device {device!r} does not start: onnxruntime could not load {wanted}. Try --device cpu."
                )
            name = "cpu"
        versions = {"onnxruntime": runtime.__version__} | threads_of_record()
        return OnnxBackend(
            self.weights.path,
            session,
            lambda: open_session(self._data, self.weights.path, [provider], wanted_threads()),
            name,
            lanes,
            versions,
        )


def open_session(
    data: bytes,
    path: Path,
    providers: list[Any],
    threads: int,
    tensors: Mapping[str, NDArray[np.float32]] | None = None,
) -> Any:
    """Open a session for the graph from `path`.

    threads: of one call, 0 for the runtime's own choice. tensors: what the graph leaves to others, by name; the session
    may refer to their memory. Raises WeightsError if the graph cannot be used.
    """
    runtime = import_runtime("onnxruntime", path)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4  # what goes wrong comes as an exception
    if tensors is not None:
        values = [runtime.OrtValue.ortvalue_from_numpy(one) for one in tensors.values()]
        options.add_external_initializers(list(tensors), values)
    try:
        return runtime.InferenceSession(data, options, providers=providers)
    except session_errors() as error:
        raise WeightsError(
            f"Cannot read {path} as ONNX ({str(error).splitlines()[0]}). It is truncated, damaged or no ONNX "
            "file: get it again, or make it with `mesorch export --format onnx`."
        ) from error


def session_errors() -> tuple[type[Exception], ...]:
    """Return what onnxruntime raises; its errors share no base of their own."""
    state = importlib.import_module("onnxruntime.capi.onnxruntime_pybind11_state")
    return tuple(kind for kind in vars(state).values() if isinstance(kind, type) and issubclass(kind, Exception))


def choose_provider(runtime: ModuleType, wanted: str) -> tuple[str, Any]:
    """Return a device's name for the record and the runtime's provider for it. Raises UsageError if it is not there."""
    there = {name for name, provider in PROVIDERS.items() if provider in runtime.get_available_providers()}
    kind, _, index = wanted.partition(":")
    if wanted == "auto":
        kind = "cuda" if "cuda" in there else "cpu"
    if kind not in PROVIDERS or (index and (kind != "cuda" or not index.isdecimal())):
        raise UsageError(f"Unknown device {wanted!r} for an ONNX file; expected auto, cpu, cuda, cuda:N or openvino.")
    if kind not in there:
        package = {"cuda": "onnxruntime-gpu", "openvino": "onnxruntime-openvino"}[kind]
        raise UsageError(
            f"The device {wanted!r} is not there: this onnxruntime has {', '.join(sorted(there))}. Install {package} "
            "in its place, or try --device auto."
        )
    if kind == "cuda":
        return f"cuda:{index or 0}", (PROVIDERS[kind], {"device_id": int(index or 0)})
    return kind, PROVIDERS[kind]


class OnnxBackend:
    """A session, ready for tiles."""

    name = "onnxruntime"
    bits = 8
    takes = "tiles"  # the graph's input

    def __init__(
        self,
        path: Path,
        session: Any,
        open_alone: Callable[[], Any],
        device: str,
        lanes: int,
        runtime: dict[str, str],
    ) -> None:
        """session: whose threads are the share of one of `lanes` calls. open_alone: opens one with all threads."""
        self._path = path
        self._shared = session
        self._open_alone = open_alone
        self._alone = session if lanes == 1 else None
        self._lock = threading.Lock()
        self.device = device
        self.lanes = lanes
        self.runtime = runtime
        self.tile_batch = GPU_TILE_BATCH if device.startswith("cuda") else CPU_TILE_BATCH

    def _session(self, at_once: int) -> Any:
        if at_once > 1:
            return self._shared
        with self._lock:
            if self._alone is None:
                self._alone = self._open_alone()
            return self._alone

    def _taken(self, tiles: Tiles) -> NDArray[np.generic]:
        """Return tiles in the form that the graph takes."""
        return np.ascontiguousarray(tiles)

    def __call__(self, tiles: Tiles, at_once: int = 1) -> NDArray[np.float32]:
        session = self._session(at_once)
        try:
            result: NDArray[np.float32] = session.run(["logits"], {self.takes: self._taken(tiles)})[0]
        except session_errors() + PYTHON_ERRORS as error:
            raise failed_run(self._path, error) from error
        return result
