"""torch.export: a traced program with its constants, the seal as its extra file."""

import zipfile
from pathlib import Path

import torch

from mesorch_cli.export.graph import GraphPrecision, TileGraph
from mesorch_cli.export.onnx import SealOf
from mesorch_cli.export.trace import quiet_tracing, trace
from mesorch_cli.inference.backends.program import entries_sha256, seal_name
from mesorch_cli.network.mesorch import Mesorch


def write_program(network: Mesorch, precision: GraphPrecision, path: Path, seal_of: SealOf) -> None:
    """Trace a network and write it with its seal."""
    with quiet_tracing():
        torch.export.save(trace(TileGraph(network, precision)), path)
    with zipfile.ZipFile(path) as archive:
        seal = seal_of(entries_sha256(archive))
    with zipfile.ZipFile(path, "a", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(seal_name(archive)), seal.to_json())
