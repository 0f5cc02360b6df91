"""From a name or a file to a runnable network, for every command and every form of weights."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from mesorch_cli.errors import UsageError
from mesorch_cli.extras import installed
from mesorch_cli.inference.backends.protocol import Backend
from mesorch_cli.inference.exported import Seal
from mesorch_cli.inference.runtime import Runtime, wants_cpu
from mesorch_cli.inference.settings import Precision
from mesorch_cli.network.contents import Contents, read_contents
from mesorch_cli.network.header import passport_of
from mesorch_cli.network.passport import WeightsFile
from mesorch_cli.network.signed import require_signature
from mesorch_cli.network.store import EXPORTED_SUFFIXES, read_weights

if TYPE_CHECKING:
    from mesorch_cli.inference.backends.bare import FoundGraph
    from mesorch_cli.network.tensors import Tensors
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


@dataclass(frozen=True)
class SharedWeights:
    """A .safetensors file whose graph comes with the tool, so ONNX Runtime can run it on a CPU, and PyTorch anywhere.

    runtime: `auto` takes ONNX Runtime for float32 on a CPU, and PyTorch for everything else. threads: of ONNX Runtime,
    None for as many as there are.
    """

    weights: WeightsFile
    contents: Contents
    tensors: "Tensors" = field(compare=False, repr=False)
    graph: "FoundGraph"
    runtime: Literal["auto", "onnx"]
    threads: int | None = None

    def start(self, device: str, precision: Precision) -> Backend:
        if self.runtime == "auto" and not (precision == "fp32" and wants_cpu(device)):
            from mesorch_cli.network.weights import load_weights

            return TorchWeights(load_weights(self.contents)).start(device, precision)
        if precision != "fp32":
            raise UsageError(
                f"--precision {precision} with --runtime onnx. Expected fp32: the graph of these weights has no other. "
                "Leave --runtime out."
            )
        return self.graph.start(self.tensors, self.weights.passport, device, self.threads)


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


def open_weights(
    name_or_path: str | None = None, public_key: Path | None = None, runtime: Runtime = "auto"
) -> Runnable:
    """Find weights by name or file (None: the default) and check them. PyTorch is imported only if it runs them.

    public_key: a PEM file; the weights must be signed by its owner, in FILE.sig beside them. runtime: for .safetensors;
    an exported file has its own. Raises WeightsError if they are missing, damaged, not trusted or not ours, UsageError
    if their runtime is not installed or cannot run them, or the key is invalid.
    """
    contents = read_weights(name_or_path)
    opened: Runnable
    if contents.path.suffix in EXPORTED_SUFFIXES:
        opened = _exported_for(contents, runtime)
    else:
        opened = _open_tensors(contents, runtime)
    if public_key is not None:
        require_signature(contents.path, opened.weights.sha256, public_key)
    return opened


def pytorch_for(name_or_path: str | None) -> Runtime:
    """Return the runtime where only PyTorch will do: an exported file still has its own."""
    exported = name_or_path is not None and Path(name_or_path).suffix in EXPORTED_SUFFIXES
    return "auto" if exported else "torch"


def _exported_for(contents: Contents, runtime: Runtime) -> Exported:
    own: Runtime = "onnx" if contents.path.suffix == ".onnx" else "torch"
    if runtime not in ("auto", own) or (runtime != "auto" and contents.path.suffix == ".xml"):
        raise UsageError(
            f"--runtime {runtime} with {contents.path.name}: an exported file has its own runtime. Leave --runtime out, "
            "or use the .safetensors weights."
        )
    return open_exported(contents)


def _open_tensors(contents: Contents, runtime: Runtime) -> Runnable:
    """Open a .safetensors file, in the form that the wanted runtime needs."""
    if runtime != "torch":
        from mesorch_cli.inference.backends.bare import RUNTIME, graph_for
        from mesorch_cli.network.tensors import read_tensors

        passport = passport_of(contents)
        graph = graph_for(passport)
        if graph is None and runtime == "onnx":
            raise UsageError(
                f"--runtime onnx with {contents.path.name}: the tool has no graph for these weights. Make a file for "
                "ONNX Runtime with `mesorch export --format onnx` and name that, or leave --runtime out."
            )
        if runtime == "onnx" and not installed(RUNTIME):
            raise UsageError(
                "--runtime onnx needs the package onnxruntime, which is not installed here. Expected the complete tool: "
                "run `pip install .` in the folder of the mesorch sources. Or leave --runtime out."
            )
        if graph is not None and installed(RUNTIME):
            weights = WeightsFile(passport, contents.path, contents.sha256)
            return SharedWeights(weights, contents, read_tensors(contents, passport), graph, runtime)
    from mesorch_cli.network.weights import load_weights

    return TorchWeights(load_weights(contents))
