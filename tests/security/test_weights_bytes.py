"""What is hashed is what is loaded: files that change in between, that are no files, that name others, that never end."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto

from mesorch_cli.errors import WeightsError
from mesorch_cli.files.hashing import sha256_file
from mesorch_cli.inference.loading import open_exported, open_weights
from mesorch_cli.network import store
from mesorch_cli.network.contents import MOST_BYTES, read_contents
from mesorch_cli.network.header import read_passport
from mesorch_cli.network.passport import Passport
from mesorch_cli.network.weights import load_weights, read_file, save_weights
from mesorch_cli.offline import HOME_VARIABLE
from tests.security import graphs, programs

TILES = np.full((1, 32, 64, 3), 50, np.uint8)
WATCHED: dict[str, Callable[[], None]] = {}


def _on_event(event: str, arguments: tuple[object, ...]) -> None:
    if WATCHED and event == "open" and str(arguments[0]) in WATCHED:
        WATCHED[str(arguments[0])]()


sys.addaudithook(_on_event)  # stays for the life of the process, and does nothing while nothing is watched


@pytest.fixture
def passport(tiny_weights: Path) -> Passport:
    return read_passport(tiny_weights)


def test_weights_are_opened_once(tiny_weights: Path, tmp_path: Path) -> None:
    """A file that is exchanged after it was hashed for the list must not run under the hash of the first."""
    path = tmp_path / "mine.safetensors"
    path.write_bytes(tiny_weights.read_bytes())
    listed = sha256_file(path)
    store.record_sum(path, listed)
    passport, tensors, _ = read_file(path)
    save_weights(tmp_path / "other.safetensors", {name: tensor * 2 for name, tensor in tensors.items()}, passport)
    opened: list[int] = []

    def exchange() -> None:
        opened.append(1)
        if len(opened) == 2:
            (tmp_path / "other.safetensors").replace(path)

    WATCHED[str(path)] = exchange
    try:
        loaded = open_weights(str(path)).weights
    finally:
        WATCHED.clear()
    assert loaded.sha256 == listed
    assert len(opened) == 1


@pytest.mark.parametrize("suffix", [".onnx", ".xml", ".pt2"])
def test_what_was_checked_is_what_runs(suffix: str, passport: Passport, tmp_path: Path) -> None:
    path = tmp_path / f"own{suffix}"
    if suffix == ".pt2":
        programs.write_honest(path, passport)
    else:
        graphs.write(path, passport)
    opened = open_exported(path)
    if suffix != ".pt2":
        graphs.write(path, passport, factor=7.0)  # another file in its place, whole and sealed
    else:
        path.write_bytes(b"another file")
    found = opened.start("cpu", "fp32")(TILES)
    assert found.shape == (1, 1, 32, 64)
    assert np.allclose(found, 0.5, atol=1e-5)


def test_a_pipe_among_the_installed_weights_is_none_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    store.imported_folder().mkdir(parents=True)
    os.mkfifo(store.imported_folder() / "pipe.safetensors")
    assert "pipe" not in {stored.name for stored in store.list_weights()}


def test_what_is_no_file_or_has_no_end_is_refused(passport: Passport, tmp_path: Path) -> None:
    """In a process of its own with a time limit: a FIFO would keep the test waiting for ever."""
    fifos = [tmp_path / f"fifo{suffix}" for suffix in (store.SUFFIX, ".pt2")]
    sealed = graphs.write(tmp_path / "own.xml", passport)
    (tmp_path / "own.bin").unlink()
    beside = graphs.write(tmp_path / "beside.onnx", passport)
    for path in (*fifos, tmp_path / "own.bin", tmp_path / "beside.onnx.json"):
        os.mkfifo(path)
    device = tmp_path / "device.safetensors"
    device.symlink_to("/dev/zero")
    code = "import sys; from mesorch_cli.__main__ import main; sys.argv[0] = 'mesorch'; main()"
    for path in (*fifos, device, sealed, beside):
        command = [sys.executable, "-c", code, "weights", "verify", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
        assert done.returncode == 5, (path, done.stderr)
        assert "Expected an ordinary file" in done.stderr, path


def test_size_has_a_bound(tmp_path: Path) -> None:
    path = tmp_path / "large.safetensors"
    with path.open("wb") as file:
        file.truncate(MOST_BYTES + 1)  # takes no room
    with pytest.raises(WeightsError, match="at most"):
        load_weights(path)
    header = tmp_path / "header.safetensors"
    header.write_bytes((2**62).to_bytes(8, "little") + b"{}")
    for read in (load_weights, read_passport):
        with pytest.raises(WeightsError, match="as safetensors"):
            read(header)
    with pytest.raises(WeightsError, match="a folder"):
        read_contents(tmp_path)


@pytest.mark.parametrize("place", ["initializer", "constant", "branch"])
def test_a_graph_that_names_other_files_is_refused(
    place: str, passport: Passport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The runtime would read tensors from where the graph says; no checksum covers them."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data.bin").write_bytes(np.full(3, 9.0, np.float32).tobytes())
    model = graphs.brightness(0.01)
    factor = next(one for one in model.graph.initializer if one.name == "factor")
    if place != "initializer":
        node = model.graph.node.add(op_type="Constant", output=["unused"])
        attribute = node.attribute.add(name="value")
        holder = attribute if place == "constant" else attribute.g.node.add().attribute.add()
        holder.t.CopyFrom(factor)
        factor = holder.t
    factor.ClearField("raw_data")
    factor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", "data.bin"), ("offset", "0"), ("length", "12")):
        factor.external_data.add(key=key, value=value)
    path = graphs.write(tmp_path / "outside.onnx", passport, model=model)
    with pytest.raises(WeightsError, match="tensors in other files"):
        open_exported(path)


def test_lists_of_checksums_that_are_none_are_named(tiny_weights: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    path.write_bytes(tiny_weights.read_bytes())
    for content in (b"alone\n", b"\xff\xfe\x00"):
        (tmp_path / store.SUMS).write_bytes(content)
        with pytest.raises(WeightsError, match="not a list of checksums"):
            open_weights(str(path))
