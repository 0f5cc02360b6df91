"""torch.export: a traced program with its constants, and the seal as an extra file."""

import zipfile
from pathlib import Path

import torch
from torch.export import ExportedProgram

from mesorch_cli.export.onnx import SealOf
from mesorch_cli.export.trace import quiet_tracing
from mesorch_cli.inference.backends.program import entries_sha256, seal_name


def write_program(program: ExportedProgram, path: Path, seal_of: SealOf) -> None:
    """Write a traced program with its seal."""
    with quiet_tracing():
        torch.export.save(program, path)
    with zipfile.ZipFile(path) as archive:
        seal = seal_of(entries_sha256(archive))
    with zipfile.ZipFile(path, "a", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(seal_name(archive)), seal.to_json())
