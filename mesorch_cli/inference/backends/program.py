"""PyTorch without this project's network code: a traced program (.pt2) and its constants.

The archive is a zip; the seal is its extra file, bound to every other entry.
"""

import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesorch_cli.errors import UsageError, WeightsError
from mesorch_cli.inference.backends.protocol import MOST_LANES, Precision, Tiles
from mesorch_cli.inference.backends.runtimes import import_runtime, read_bytes, require_precision
from mesorch_cli.inference.exported import SEAL_KEY, Seal, parse_seal, require_graph, require_sidecar
from mesorch_cli.network.passport import WeightsFile

EXTRA_FOLDER = "extra/"
TILE_BATCH = 1


def seal_name(archive: zipfile.ZipFile) -> str:
    """Return the name of the entry that holds the seal: below the archive's one root folder."""
    return f"{archive.namelist()[0].split('/')[0]}/{EXTRA_FOLDER}{SEAL_KEY}"


def entries_sha256(archive: zipfile.ZipFile) -> str:
    """Return the SHA-256 over name and bytes of every entry but the seal, in the order of their names."""
    digest = hashlib.sha256()
    for name in sorted(archive.namelist()):
        if name != seal_name(archive):
            digest.update(name.encode() + b"\0" + hashlib.sha256(archive.read(name)).digest())
    return digest.hexdigest()


class ProgramFile:
    """An exported .pt2 file, checked before use; raises as `OnnxFile` does."""

    def __init__(self, path: Path) -> None:
        self._data = read_bytes(path)
        try:
            with zipfile.ZipFile(io.BytesIO(self._data)) as archive:
                has_seal = seal_name(archive) in archive.namelist()
                text = archive.read(seal_name(archive)).decode("utf-8", "replace") if has_seal else None
                self.seal: Seal = parse_seal(text, path)
                require_graph(self.seal, entries_sha256(archive), path)
        except (zipfile.BadZipFile, IndexError) as error:
            raise WeightsError(
                f"Cannot read {path} as a program of torch.export ({error}). It is truncated, damaged or no such file: get "
                "it again, or make it with `mesorch export --format torch`."
            ) from error
        sha256 = hashlib.sha256(self._data).hexdigest()
        require_sidecar(path, {path.name: sha256})
        self.weights = WeightsFile(self.seal.passport, path, sha256)

    def start(self, device: str, precision: Precision) -> "ProgramBackend":
        """Return the backend. Raises UsageError for another device than the CPU, or another arithmetic."""
        require_precision(precision, self.seal.precision, self.weights.path)
        if device not in ("auto", "cpu"):
            raise UsageError(
                f"The device {device!r} with {self.weights.path.name}: a traced program runs where it was traced, on the "
                "cpu. Use the .safetensors weights or an ONNX file there."
            )
        torch = import_runtime("torch", self.weights.path)
        program = torch.export.load(io.BytesIO(self._data))
        runtime = {"torch": torch.__version__, "threads": str(torch.get_num_threads())}
        # Tracing also guards what it never relied on, such as "more than one row of the DCT"; the gate tries one row.
        return ProgramBackend(torch, program.module(check_guards=False), runtime)


class ProgramBackend:
    """A traced program, ready for tiles."""

    name = "torch.export"
    device = "cpu"
    bits = 8
    tile_batch = TILE_BATCH

    def __init__(self, torch: Any, module: Any, runtime: dict[str, str]) -> None:
        self._torch = torch
        self._module = module
        self.runtime = runtime
        self._threads = torch.get_num_threads()
        self.lanes = min(MOST_LANES, self._threads)

    def __call__(self, tiles: Tiles, at_once: int = 1) -> NDArray[np.float32]:
        self._torch.set_num_threads(max(1, self._threads // at_once))  # of the calling thread
        with self._torch.inference_mode():
            result: NDArray[np.float32] = self._module(self._torch.from_numpy(np.ascontiguousarray(tiles))).numpy()
        return result
