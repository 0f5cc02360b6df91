"""The ONNX form from outside: what the file holds, what it answers, and what is refused."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from typer.testing import CliRunner, Result

from mesorch_cli.cli.app import app
from mesorch_cli.errors import WeightsError
from mesorch_cli.export import make
from mesorch_cli.inference.backends.eager import TorchBackend
from mesorch_cli.inference.backends.onnx import seal_entry, split_seal
from mesorch_cli.inference.exported import SEAL_KEY, Seal, Sidecar, sidecar_of
from mesorch_cli.inference.lanes import in_order
from mesorch_cli.inference.loading import open_exported
from mesorch_cli.network.passport import with_checksum
from mesorch_cli.network.weights import LoadedWeights, save_weights

ROOT = Path(__file__).parents[2]
WITHOUT_TORCH = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "timm", "torchvision", "onnx", "onnxscript"):
            raise ModuleNotFoundError(f"{name} is not here", name=name)

sys.meta_path.insert(0, Refuse())
from mesorch_cli.__main__ import main
main()
"""


def resealed(path: Path, target: Path, **changes: object) -> Path:
    """Write the graph of `path` with its seal changed."""
    graph, text = split_seal(path.read_bytes())
    assert text is not None
    target.write_bytes(graph + seal_entry(with_checksum(json.dumps(json.loads(text) | changes), "seal_sha256")))
    return target


def detect(weights: Path, *words: object) -> Result:
    return CliRunner().invoke(app, ["detect", *map(str, words), "--weights", str(weights), "--no-artefacts", "--json"])


def refused(result: Result, code: int, message: str) -> None:
    assert result.exit_code == code, result.output
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1, result.stderr
    assert result.stdout == ""


def test_the_file_is_plain_onnx_with_its_passport(tiny_onnx: Path, tiny: LoadedWeights) -> None:
    model = onnx.load(tiny_onnx)
    onnx.checker.check_model(model)
    assert [entry.version for entry in model.opset_import if entry.domain == ""] == [20]
    (tiles,), (logits,) = model.graph.input, model.graph.output
    assert (tiles.name, tiles.type.tensor_type.elem_type) == ("tiles", TensorProto.UINT8)
    assert (logits.name, logits.type.tensor_type.elem_type) == ("logits", TensorProto.FLOAT)
    assert all(dimension.dim_param for dimension in tiles.type.tensor_type.shape.dim[:3])
    (seal,) = [Seal.model_validate_json(entry.value) for entry in model.metadata_props if entry.key == SEAL_KEY]
    own = {"inference": tiny.passport.inference, "passport_sha256": tiny.passport.passport_sha256}
    assert seal.passport.model_copy(update=own) == tiny.passport
    assert seal.source.sha256 == tiny.sha256
    assert str(ROOT).encode() not in tiny_onnx.read_bytes()  # nothing of the machine that made it


def test_the_sidecar_holds_hash_versions_and_parity(tiny_onnx: Path) -> None:
    sidecar = Sidecar.model_validate_json(sidecar_of(tiny_onnx).read_bytes())
    assert sidecar.files == {tiny_onnx.name: hashlib.sha256(tiny_onnx.read_bytes()).hexdigest()}
    assert {"torch", "onnx", "onnxruntime", "opset"} <= set(sidecar.versions)
    assert sidecar.parity["largest_logit_difference"] <= 1e-3
    assert sidecar.parity["flipped"] == 0.0
    assert len(sidecar.parity["cases"]) == 9
    assert sorted(path.name for path in tiny_onnx.parent.iterdir()) == [tiny_onnx.name, sidecar_of(tiny_onnx).name]


@pytest.mark.parametrize("size", [(1, 64, 64), (1, 32, 32), (4, 96, 32), (1, 320, 224)])
def test_every_size_and_batch_gives_the_logits_of_pytorch(
    tiny_onnx: Path, tiny: LoadedWeights, size: tuple[int, int, int]
) -> None:
    tiles = np.random.default_rng(size[1]).integers(0, 256, (*size, 3), dtype=np.uint8)
    found = open_exported(tiny_onnx).start("cpu", "fp32")(tiles)
    wanted = TorchBackend(tiny.network, "cpu")(tiles)
    np.testing.assert_allclose(found, wanted, atol=2e-4)


def test_detect_without_torch_gives_the_same_record(
    tiny_onnx: Path, tiny_weights: Path, write_photo: Callable[..., Path], tmp_path: Path
) -> None:
    photo = write_photo("photo.png")
    records, heats = [], []
    for weights, program in (
        (tiny_onnx, WITHOUT_TORCH),
        (tiny_weights, "from mesorch_cli.__main__ import main; main()"),
    ):
        out = tmp_path / weights.suffix
        command = [sys.executable, "-c", program, "detect", str(photo), "--json", "-w", str(weights), "-o", str(out)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
        assert done.returncode == 0, done.stderr
        records.append(json.loads(done.stdout))
        heats.append(cv2.imread(str(out / "photo.png" / "heatmap.png"), cv2.IMREAD_UNCHANGED).astype(int))
    exported, eager = records
    assert np.abs(heats[0] - heats[1]).max() <= 20  # of 65535
    assert exported["analysis"].pop("backend") == "onnxruntime"
    assert eager["analysis"].pop("backend") == "torch"
    assert "torch" not in exported["tool"]
    assert "onnxruntime" in exported["tool"]
    for name in ("schema", "input", "decode", "metadata", "provenance", "analysis"):
        assert exported[name] == eager[name], name
    for regions in (exported["result"].pop("regions"), eager["result"].pop("regions")):
        assert all(region["area_px"] > 0 for region in regions)
    assert exported["result"].pop("score") == pytest.approx(eager["result"].pop("score"), abs=1e-4)
    assert exported["result"] == eager["result"]
    assert exported["weights"]["sha256"] == hashlib.sha256(tiny_onnx.read_bytes()).hexdigest()


def test_evaluate_gives_the_same_figures(
    tiny_onnx: Path, tiny_weights: Path, write_photo: Callable[..., Path], tmp_path: Path, astronaut: np.ndarray
) -> None:
    for name, pixels in (("Tp/a.png", astronaut), ("Au/b.png", astronaut[::-1])):
        write_photo(name, pixels)
    mask = np.zeros((120, 160, 3), np.uint8)
    mask[30:80, 40:100] = 255
    write_photo("Gt/a.png", mask)
    arguments = ["evaluate", str(tmp_path / "evidence"), "--json", "--bootstrap", "0", "--quiet"]
    arguments += ["--weights", str(tiny_weights), "--weights", str(tiny_onnx)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.stderr
    eager, exported = (json.loads(line) for line in result.stdout.splitlines())
    assert eager["weights"]["sha256"] != exported["weights"]["sha256"]
    assert exported["counts"] == eager["counts"]
    assert set(exported["figures"]) == set(eager["figures"])
    for name, figure in eager["figures"].items():
        assert exported["figures"][name] == pytest.approx(figure, abs=1e-3), name


def test_other_files_are_refused(tiny_onnx: Path, write_photo: Callable[..., Path], tmp_path: Path) -> None:
    photo = write_photo("photo.png")
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "other", value[:1], value[1:])
    other = tmp_path / "other.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), other)
    truncated = tmp_path / "truncated.onnx"
    truncated.write_bytes(tiny_onnx.read_bytes()[:-50_000])
    text = tmp_path / "text.onnx"
    text.write_text("no graph at all")
    for path, message in (
        (other, "has no passport"),
        (truncated, "truncated, damaged or no ONNX file"),
        (text, "truncated, damaged or no ONNX file"),
        (tmp_path / "none.onnx", "No weights file"),
    ):
        refused(detect(path, photo), 5, message)


def test_a_passport_of_another_network_or_version_is_refused(
    tiny_onnx: Path, write_photo: Callable[..., Path], tmp_path: Path
) -> None:
    photo = write_photo("photo.png")
    seal = json.loads(split_seal(tiny_onnx.read_bytes())[1] or "")
    old = seal["passport"] | {"schema": "mesorch.passport/0"}
    for name, changes, message in (
        ("other", {"graph_sha256": "0" * 64}, "belongs to another network"),
        ("export", {"schema": "mesorch.export/9"}, "not of this version, at schema"),
        ("passport", {"passport": old}, "not of this version, at passport.schema"),
        ("field", {"more": 1}, "not of this version, at more"),
    ):
        refused(detect(resealed(tiny_onnx, tmp_path / f"{name}.onnx", **changes), photo), 5, message)
    changed = tmp_path / "changed.onnx"
    data = bytearray(tiny_onnx.read_bytes())
    data[len(data) // 2] ^= 1
    changed.write_bytes(data)
    refused(detect(changed, photo), 5, "belongs to another network")


def test_a_file_that_its_sidecar_does_not_know_is_refused(tiny_onnx: Path, tmp_path: Path) -> None:
    path = resealed(tiny_onnx, tmp_path / tiny_onnx.name, precision="fp16")
    open_exported(path)
    sidecar_of(path).write_bytes(sidecar_of(tiny_onnx).read_bytes())
    with pytest.raises(WeightsError, match="tiny.onnx.json beside it records"):
        open_exported(path)
    sidecar_of(path).write_text("{}")
    with pytest.raises(WeightsError, match="Cannot read .*tiny.onnx.json"):
        open_exported(path)


def test_what_the_runtime_lacks_is_said(
    tiny_onnx: Path, write_photo: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = write_photo("photo.png")
    refused(detect(tiny_onnx, photo, "--device", "cuda"), 2, "Install onnxruntime-gpu")
    refused(detect(tiny_onnx, photo, "--device", "openvino"), 2, "Install onnxruntime-openvino")
    refused(detect(tiny_onnx, photo, "--device", "toaster"), 2, "Unknown device 'toaster' for an ONNX file")
    refused(
        detect(tiny_onnx, photo, "--precision", "bf16"),
        2,
        "the arithmetic of an exported file is part of it, here fp32",
    )
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    refused(detect(tiny_onnx, photo), 2, "pip install '.[export]'")


def test_an_export_that_is_not_equal_is_not_written(
    tiny_onnx: Path, tiny: LoadedWeights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gate gets the file of other weights than those that are exported."""
    tensors = {key: tensor.clone() for key, tensor in tiny.network.state_dict().items()}
    tensors["heads.c1.bias"] += 0.05
    save_weights(tmp_path / "moved.safetensors", tensors, tiny.passport)
    monkeypatch.setattr(make, "build", lambda *given: given[2].write_bytes(tiny_onnx.read_bytes()))
    target = tmp_path / "out" / "moved.onnx"
    target.parent.mkdir()
    arguments = ["export", "--weights", str(tmp_path / "moved.safetensors"), "-o", str(target), "--quiet"]
    result = CliRunner().invoke(app, arguments)
    refused(result, 6, "differs from PyTorch")
    assert list(target.parent.iterdir()) == []


def test_an_export_says_what_it_cannot_do(
    tiny_onnx: Path, tiny_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def export(*words: object) -> Result:
        weights = [] if "--weights" in words else ["--weights", tiny_weights]
        return CliRunner().invoke(app, ["export", *map(str, [*words, *weights])])

    refused(export("--format", "torch", "--precision", "fp16"), 2, "Expected fp32")
    refused(export("-o", tmp_path / "x.pt2"), 2, "Expected .onnx")
    refused(export("-o", tiny_onnx), 2, "exists already")
    refused(export("-o", tmp_path / "none" / "x.onnx"), 2, "Cannot write")
    refused(export("--weights", tiny_onnx), 2, "exported files cannot be exported again")
    refused(export("--photos", tmp_path), 2, "There is no photo in")
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    refused(export("-o", tmp_path / "x.onnx"), 2, "needs onnxscript")
    assert list(tmp_path.iterdir()) == []


def test_the_example_needs_nothing_of_this_project(tiny_onnx: Path) -> None:
    script = ROOT / "examples" / "onnx_one.py"
    assert "import mesorch" not in script.read_text()
    assert "from mesorch" not in script.read_text()
    command = [sys.executable, "-I", str(script), str(tiny_onnx), str(ROOT / "examples" / "splice.jpg")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("most suspicious at x ")


def test_calls_side_by_side_give_what_one_alone_with_a_thread_gives(
    tiny_onnx: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiles = np.random.default_rng(3).integers(0, 256, (6, 1, 64, 96, 3), dtype=np.uint8)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    one = open_exported(tiny_onnx).start("cpu", "fp32")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    several = open_exported(tiny_onnx).start("cpu", "fp32")
    assert (one.lanes, several.lanes) == (1, 3)
    beside = list(in_order(lambda tile: several(tile, 3), tiles, 3, on_short=lambda: None))
    for tile, logits in zip(tiles, beside, strict=True):
        assert np.array_equal(logits, one(tile))
        np.testing.assert_allclose(several(tile), one(tile), atol=1e-4)  # three threads, another order of sums


def test_bench_times_an_exported_file_beside_a_network(tiny_onnx: Path) -> None:
    arguments = ["bench", "--side", "64", "--rounds", "2", "--device", "cpu", "--json", "--exported", str(tiny_onnx)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.stderr
    network, exported = (json.loads(line) for line in result.stdout.splitlines())
    assert (network["backend"], exported["backend"]) == ("torch", "onnxruntime")
    assert exported["network"] == tiny_onnx.name
    assert exported["seconds"] > 0
    assert exported["floor_seconds"] is None


def test_weights_info_and_verify_know_exported_files(tiny_onnx: Path) -> None:
    info = CliRunner().invoke(app, ["weights", "info", str(tiny_onnx), "--json"])
    assert info.exit_code == 0, info.stderr
    assert json.loads(info.stdout)["name"] == "tiny"
    verified = CliRunner().invoke(app, ["weights", "verify", str(tiny_onnx), "--json"])
    assert verified.exit_code == 0, verified.stderr
    assert json.loads(verified.stdout)["sha256"] == hashlib.sha256(tiny_onnx.read_bytes()).hexdigest()


def test_an_exported_file_cannot_be_explained(
    tiny_onnx: Path, write_photo: Callable[..., Path], tmp_path: Path
) -> None:
    words = [str(write_photo("a.png")), "-w", str(tiny_onnx), "-o", str(tmp_path / "out")]
    done = CliRunner().invoke(app, ["explain", *words])
    assert done.exit_code == 2
    assert "finished map only" in done.stderr
    assert not list((tmp_path / "out").glob("*/record.json"))
    batch = [str(tmp_path / "evidence"), "-w", str(tiny_onnx), "-o", str(tmp_path / "case"), "--explain"]
    assert CliRunner().invoke(app, ["batch", *batch]).exit_code == 2
