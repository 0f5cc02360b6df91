"""One export for all tests of the room: the tiny weights as ONNX, made by the command."""

from pathlib import Path

import pytest
from torch.export import ExportedProgram
from typer.testing import CliRunner

from mesorch_cli.cli.app import app
from mesorch_cli.export import make
from mesorch_cli.export.trace import trace
from mesorch_cli.network.graph import TileGraph
from mesorch_cli.network.weights import LoadedWeights, load_weights


@pytest.fixture(scope="session")
def tiny(tiny_weights: Path) -> LoadedWeights:
    return load_weights(tiny_weights)


@pytest.fixture(scope="session")
def tiny_program(tiny: LoadedWeights) -> ExportedProgram:
    """Tracing takes longest, so it is done once."""
    return trace(TileGraph(tiny.network))


@pytest.fixture(scope="session")
def tiny_onnx(tiny_program: ExportedProgram, tiny_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exported") / "tiny.onnx"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(make, "trace", lambda _: tiny_program)
        result = CliRunner().invoke(app, ["export", "--weights", str(tiny_weights), "-o", str(path), "--quiet"])
    assert result.exit_code == 0, result.stderr
    return path
