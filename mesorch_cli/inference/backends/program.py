"""PyTorch without this project's network code: a traced program (.pt2) and its constants.

The archive is a zip; the seal is its extra file, with the checksum of every other entry.
"""

import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesorch_cli.errors import UsageError, WeightsError
from mesorch_cli.inference.backends.archive import EXTRA, harmless, parts_of
from mesorch_cli.inference.backends.program_check import UnsafeProgramError
from mesorch_cli.inference.backends.protocol import MOST_LANES, Tiles
from mesorch_cli.inference.backends.runtimes import failed_run, import_runtime, require_precision
from mesorch_cli.inference.exported import SEAL_KEY, Seal, parse_seal, require_graph, require_sidecar
from mesorch_cli.inference.settings import Precision
from mesorch_cli.network.contents import Contents
from mesorch_cli.network.passport import WeightsFile
from mesorch_cli.network.trust import trusted_files

TILE_BATCH = 1


def seal_name(archive: zipfile.ZipFile) -> str:
    """Return the name of the entry that holds the seal: below the archive's one root folder."""
    return f"{archive.namelist()[0].split('/')[0]}/{EXTRA}{SEAL_KEY}"


def entries_sha256(archive: zipfile.ZipFile) -> str:
    """Return the SHA-256 over name and bytes of every entry but the seal, in the order of their names."""
    digest = hashlib.sha256()
    for name in sorted(archive.namelist()):
        if name != seal_name(archive):
            digest.update(name.encode() + b"\0" + hashlib.sha256(archive.read(name)).digest())
    return digest.hexdigest()


class ProgramFile:
    """An exported .pt2 file, checked before use; raises as `OnnxFile` does."""

    def __init__(self, contents: Contents) -> None:
        """Raises WeightsError for a program that could run code when it is loaded, unless the user trusts this very file."""
        path, data = contents.path, contents.data
        self.trusted = False  # whether it runs because the user says so
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                parts_of(archive)
                has_seal = seal_name(archive) in archive.namelist()
                text = archive.read(seal_name(archive)).decode("utf-8", "replace") if has_seal else None
                self.seal: Seal = parse_seal(text, path)
                require_graph(self.seal.graph_sha256, entries_sha256(archive), path)
                self._program = self._loadable(archive, contents)
        except (zipfile.BadZipFile, IndexError, EOFError, OSError, RuntimeError, UnicodeDecodeError) as error:
            # RuntimeError: what zipfile raises for an encrypted part, and, as NotImplementedError, for an unknown packing.
            raise WeightsError(
                f"Cannot read {path} as a program of torch.export ({error}). It is truncated, damaged or no such "
                "file: get it again, or make it with `mesorch export --format torch`."
            ) from error
        require_sidecar(path, {path.name: contents.sha256})
        self.weights = WeightsFile(self.seal.passport, path, contents.sha256)

    def _loadable(self, archive: zipfile.ZipFile, contents: Contents) -> bytes:
        """Return what PyTorch is given: the parts that hold no code, or the whole file where the user trusts it."""
        try:
            return harmless(archive)
        except UnsafeProgramError as error:
            if trusted_files().find(contents.sha256) is None:
                raise WeightsError(
                    f"{contents.path} could run code on this machine when it is loaded: {error}. Expected tensors and "
                    "arithmetic, as `mesorch export` writes them; nothing of it was loaded. If you know who made it "
                    "and where it has been since, see `mesorch weights trust --help`."
                ) from error
            self.trusted = True
            return contents.data

    def start(self, device: str, precision: Precision) -> "ProgramBackend":
        """Return the backend. Raises UsageError for another device than the CPU, or another arithmetic."""
        require_precision(precision, self.seal.precision, self.weights.path)
        if device not in ("auto", "cpu"):
            raise UsageError(
                f"The device {device!r} with {self.weights.path.name}: a traced program runs where it was traced, on "
                "the cpu. Use the .safetensors weights or an ONNX file there."
            )
        torch = import_runtime("torch", self.weights.path)
        try:
            program = torch.export.load(io.BytesIO(self._program))
            # Tracing also guards what it never relied on, such as "more than one row of the DCT"; the gate tries one row.
            module = program.module(check_guards=False)
        except MemoryError:
            raise
        except (
            Exception
        ) as error:  # whatever PyTorch makes of a description that is none: it has no errors of its own for it
            raise WeightsError(
                f"PyTorch {torch.__version__} cannot load {self.weights.path} ({type(error).__name__}: "
                f"{str(error)[:200].splitlines()[0] if str(error) else 'no reason given'}). Export the weights again "
                "with this version."
            ) from error
        runtime = {"torch": torch.__version__, "threads": str(torch.get_num_threads())}
        return ProgramBackend(self.weights.path, torch, module, runtime)


class ProgramBackend:
    """A traced program, ready for tiles."""

    name = "torch.export"
    device = "cpu"
    bits = 8
    tile_batch = TILE_BATCH

    def __init__(self, path: Path, torch: Any, module: Any, runtime: dict[str, str]) -> None:
        self._path = path
        self._torch = torch
        self._module = module
        self.runtime = runtime
        self._threads = torch.get_num_threads()
        self.lanes = min(MOST_LANES, self._threads)

    def __call__(self, tiles: Tiles, at_once: int = 1) -> NDArray[np.float32]:
        self._torch.set_num_threads(max(1, self._threads // at_once))  # of the calling thread
        with self._torch.inference_mode():
            try:
                result: NDArray[np.float32] = self._module(self._torch.from_numpy(np.ascontiguousarray(tiles))).numpy()
            except (RuntimeError, ValueError, TypeError, LookupError, AttributeError) as error:
                raise failed_run(self._path, error) from error
        return result
