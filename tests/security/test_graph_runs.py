"""Graphs that fail, or give something else than logits, when they run: one line that names them, never a fault or a photo."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper
from typer.testing import CliRunner

from mesorch_cli.cli.app import app
from mesorch_cli.network.header import read_passport

from .graphs import brightness, write

SUFFIXES = [".onnx", ".xml"]


def failing(value: int) -> ModelProto:
    """Return a graph that spreads its logits over `value` times as many rows: too many to hold, or of the wrong shape."""
    model = brightness(0.01)
    model.graph.node[-1].output[0] = "few"
    model.graph.initializer.append(numpy_helper.from_array(np.array([1, 1, value, 1], np.int64), "times"))
    model.graph.node.append(helper.make_node("Tile", ["few", "times"], ["logits"]))
    wide = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["b", 1, "rows", "w"])
    model.graph.output[0].CopyFrom(wide)
    return model


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("command", ["detect", "batch"])
def test_logits_of_another_shape_end_the_run(
    suffix: str, command: str, tiny_weights: Path, write_photo: Callable[..., Path], tmp_path: Path
) -> None:
    photo = write_photo("a.png")
    graph = write(tmp_path / f"graph{suffix}", read_passport(tiny_weights), model=failing(2))
    given = photo if command == "detect" else photo.parent
    done = CliRunner().invoke(app, [command, str(given), "-w", str(graph), "-o", str(tmp_path / "out"), "-q"])
    assert done.exit_code == 5, done.stderr
    assert "logits of shape" in done.stderr
    assert "fault" not in done.stderr


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_more_than_any_memory_is_no_fault_of_the_photo(
    suffix: str, tiny_weights: Path, write_photo: Callable[..., Path], tmp_path: Path
) -> None:
    graph = write(tmp_path / f"graph{suffix}", read_passport(tiny_weights), model=failing(2**40))
    words = ["detect", str(write_photo("a.png")), "-w", str(graph), "-o", str(tmp_path / "out"), "-q"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 5, (done.exit_code, done.stderr)
    assert "fault of mesorch" not in done.stderr
    assert str(graph) in done.stderr.replace("\n", "")
