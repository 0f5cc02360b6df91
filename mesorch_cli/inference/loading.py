"""From a name or a file to a runnable network, for every command and every form of weights."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from mesorch_cli.inference.backends.protocol import Backend
from mesorch_cli.inference.exported import Seal
from mesorch_cli.inference.settings import Precision
from mesorch_cli.network.contents import Contents, read_contents
from mesorch_cli.network.passport import WeightsFile
from mesorch_cli.network.signed import require_signature
from mesorch_cli.network.store import EXPORTED_SUFFIXES, read_weights

if TYPE_CHECKING:
    from mesorch_cli.network.weights import LoadedWeights


class Runnable(Protocol):
    """Weights that were found, read and checked. Their passport says how to use them."""

    @property
    def weights(self) -> WeightsFile: ...

    def start(self, device: str, precision: Precision) -> Backend:
        """Return a backend for them. Raises UsageError for a missing device or an unsupported precision."""
        ...


@dataclass(frozen=True)
class TorchWeights:
    """A .safetensors file, which PyTorch runs."""

    weights: "LoadedWeights"

    def start(self, device: str, precision: Precision) -> Backend:
        from mesorch_cli.inference.backends.eager import TorchBackend

        return TorchBackend(self.weights.network, device, precision)


class Exported(Runnable, Protocol):
    """An exported file, with its statements about itself."""

    @property
    def seal(self) -> Seal: ...


def open_exported(source: Path | Contents) -> Exported:
    """Check an exported file, or its bytes. Its suffix selects the runtime. Raises as `open_weights` does."""
    contents = source if isinstance(source, Contents) else read_contents(source)
    if contents.path.suffix == ".onnx":
        from mesorch_cli.inference.backends.onnx import OnnxFile

        return OnnxFile(contents)
    if contents.path.suffix == ".xml":
        from mesorch_cli.inference.backends.openvino import OpenVinoFile

        return OpenVinoFile(contents)
    from mesorch_cli.inference.backends.program import ProgramFile

    return ProgramFile(contents)


def open_weights(name_or_path: str | None = None, public_key: Path | None = None) -> Runnable:
    """Find weights by name or file (None: the default) and check them. PyTorch is imported only if it runs them.

    public_key: a PEM file; the weights must be signed by its owner, in FILE.sig beside them. Raises WeightsError if
    they are missing, damaged, not trusted or not ours, UsageError if their runtime is not installed or the key is
    invalid.
    """
    contents = read_weights(name_or_path)
    opened: Runnable
    if contents.path.suffix in EXPORTED_SUFFIXES:
        opened = open_exported(contents)
    else:
        from mesorch_cli.network.weights import load_weights

        opened = TorchWeights(load_weights(contents))
    if public_key is not None:
        require_signature(contents.path, opened.weights.sha256, public_key)
    return opened
