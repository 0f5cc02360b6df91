"""ONNX Runtime with weights from a .safetensors file: the graph comes with the tool, the weights stay where they are.

The graph holds no weights. Its tensors have the names of the network's inference form, whose values are computed from
the weights file when the session starts (`network.plain_folding`). It takes the normalised images that PyTorch takes,
so photos of 16 bits keep all of them.

A graph belongs to the tensors with which it passed the gate of an export. Only graphs that come with the tool are used,
never one that lies beside a file: a stranger's graph could be another network.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from mesorch_cli.bounds import json_within
from mesorch_cli.errors import UsageError, WeightsError
from mesorch_cli.files.hashing import sha256_bytes
from mesorch_cli.inference import blas
from mesorch_cli.inference.backends.onnx import OnnxBackend, open_session
from mesorch_cli.inference.backends.protocol import MOST_LANES, Tiles
from mesorch_cli.inference.backends.runtimes import available_threads, import_runtime
from mesorch_cli.network import store
from mesorch_cli.network.config import NetworkConfig
from mesorch_cli.network.contents import read_ordinary
from mesorch_cli.network.normalise import normalise
from mesorch_cli.network.passport import Passport
from mesorch_cli.network.plain_folding import folded_tensors
from mesorch_cli.network.rules import Sha256
from mesorch_cli.network.tensors import Tensors
from mesorch_cli.validation import first_problem

SCHEMA: Literal["mesorch.graph/1"] = "mesorch.graph/1"
GRAPH_SUFFIX = ".graph.onnx"
SEAL_SUFFIX = ".json"  # after the whole name
RUNTIME = "onnxruntime"
PROVIDER = "CPUExecutionProvider"
MOST_GRAPH, MOST_SEAL = 16 * 1024 * 1024, 1024 * 1024


class BareGraph(BaseModel):
    """What lies beside a graph without weights.

    tensors_sha256: of the weights with which it passed the gate, as their passport states it. versions: of what made
    and checked it. parity: as the gate measured it, see `export.parity`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_: Literal["mesorch.graph/1"] = Field(default=SCHEMA, alias="schema")
    graph_sha256: Sha256
    tensors_sha256: Sha256
    versions: dict[str, str]
    parity: dict[str, JsonValue]


@dataclass(frozen=True)
class FoundGraph:
    """A graph that was read and checked."""

    seal: BareGraph
    path: Path
    data: bytes

    def start(self, tensors: Tensors, passport: Passport, device: str, threads: int | None = None) -> "BareBackend":
        """Return the backend on the CPU. threads: that calls share out, None for as many as there are.

        Raises UsageError for another device or without the runtime.
        """
        if device not in ("auto", "cpu"):
            raise UsageError(
                f"The device {device!r} with --runtime onnx: the graph of these weights was compared with PyTorch on "
                "the CPU only. Expected auto or cpu. Or leave --runtime out."
            )
        runtime = import_runtime(RUNTIME, self.path)
        assert isinstance(passport.network, NetworkConfig)
        with blas.one_thread():
            folded = folded_tensors(tensors, passport.network)
        threads = threads or available_threads()
        lanes = min(MOST_LANES, threads)
        open_one = partial(open_session, self.data, self.path, [PROVIDER], tensors=folded)
        return BareBackend(
            self.path,
            open_one(threads=threads // lanes),
            partial(open_one, threads=threads),
            "cpu",
            lanes,
            {RUNTIME: runtime.__version__, "threads": str(threads)},
        )


class BareBackend(OnnxBackend):
    """A session that takes normalised images."""

    bits = 16
    takes = "image"

    def _taken(self, tiles: Tiles) -> NDArray[np.generic]:
        return normalise(tiles)


def seal_of(path: Path) -> Path:
    """Return the path of a graph's description."""
    return path.with_name(path.name + SEAL_SUFFIX)


def graph_for(passport: Passport) -> FoundGraph | None:
    """Return the tool's graph for the tensors of a passport, None if it has none.

    Raises WeightsError for a graph of this installation that is damaged.
    """
    for path in sorted(store.shipped_folder().glob(f"*{GRAPH_SUFFIX}")):
        seal = _read_seal(seal_of(path))
        if seal.tensors_sha256 != passport.tensors_sha256:
            continue
        data = read_ordinary(path, MOST_GRAPH)
        if sha256_bytes(data) != seal.graph_sha256:
            raise WeightsError(
                f"{path} has the SHA-256 {sha256_bytes(data)[:16]}..., but {seal_of(path).name} beside it records "
                f"{seal.graph_sha256[:16]}... The installation is damaged: install mesorch again, or use --runtime "
                "torch."
            )
        return FoundGraph(seal, path, data)
    return None


def _read_seal(path: Path) -> BareGraph:
    try:
        return BareGraph.model_validate(json_within(read_ordinary(path, MOST_SEAL)))
    except ValueError as error:
        problem = first_problem(error) if isinstance(error, ValidationError) else str(error)
        raise WeightsError(
            f"Cannot read {path}: {problem}. Expected {SCHEMA}. The installation is damaged: install mesorch again, or "
            "use --runtime torch."
        ) from error
