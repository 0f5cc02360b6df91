"""OpenVINO and torch.export: the same gate, the same refusals."""

import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from torch.export import ExportedProgram

from mesorch_cli.export import make
from mesorch_cli.export.openvino import write_openvino
from mesorch_cli.export.parity import TOLERANCES, cases, compare, require
from mesorch_cli.export.photos import standard_photos
from mesorch_cli.inference.backends.eager import TorchBackend
from mesorch_cli.inference.exported import SEAL_KEY, Seal
from mesorch_cli.inference.loading import open_exported
from mesorch_cli.network.weights import LoadedWeights
from tests.export.test_onnx import detect, refused


@pytest.fixture(scope="session")
def forms(
    tiny: LoadedWeights, tiny_program: ExportedProgram, tiny_onnx: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """The tiny weights as a traced program, and as OpenVINO from the same graph as the ONNX file."""
    folder = tmp_path_factory.mktemp("forms")
    made = {"program": folder / "tiny.pt2"}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(make, "trace", lambda _: tiny_program)
        make.build(tiny, make.Export("torch"), made["program"])
    own = open_exported(tiny_onnx).seal
    for precision in ("fp32", "fp16"):
        inference = own.passport.inference.model_copy(update={"precision": precision})
        passport = own.passport.model_copy(update={"inference": inference})
        changes = {"format": "openvino", "precision": precision, "passport": passport}

        def seal_of(graph_sha256: str, changes: dict[str, object] = changes) -> Seal:
            return own.model_copy(update=changes | {"graph_sha256": graph_sha256})

        made[f"openvino {precision}"] = folder / f"tiny-{precision}.xml"
        write_openvino(onnx.load(tiny_onnx), made[f"openvino {precision}"], seal_of, half=precision == "fp16")
    return made


@pytest.mark.parametrize(
    ("name", "backend", "limit"),
    [("program", "torch.export", 1e-3), ("openvino fp32", "openvino", 1e-3), ("openvino fp16", "openvino", 0.5)],
)
def test_every_form_passes_the_gate_and_detects(
    name: str, backend: str, limit: float, forms: dict[str, Path], tiny: LoadedWeights, write_photo: Callable[..., Path]
) -> None:
    opened = open_exported(forms[name])
    precision = opened.seal.precision
    parity = compare(
        TorchBackend(tiny.network, "cpu"),
        opened.start("auto", precision),
        list(cases(standard_photos(), 64)),
        threshold=0.5,
        tolerance=TOLERANCES[precision],
    )
    require(parity, name)
    assert parity.logits < limit
    result = detect(forms[name], write_photo("photo.png"))
    assert result.exit_code == 0, result.stderr
    record = json.loads(result.stdout)
    assert (record["analysis"]["backend"], record["analysis"]["device"]) == (backend, "cpu")
    assert record["analysis"]["precision"] == precision
    assert record["tool"][backend.split(".")[0]]


def test_other_programs_are_refused(forms: dict[str, Path], write_photo: Callable[..., Path], tmp_path: Path) -> None:
    photo, whole = write_photo("photo.png"), forms["program"].read_bytes()
    bare, swapped, half = tmp_path / "bare.pt2", tmp_path / "swapped.pt2", tmp_path / "half.pt2"
    half.write_bytes(whole[: len(whole) // 2])
    with zipfile.ZipFile(forms["program"]) as source:
        for path, changed in ((bare, False), (swapped, True)):
            with zipfile.ZipFile(path, "w") as target:
                for name in source.namelist():
                    data = source.read(name)
                    if name.endswith("/byteorder") and changed:
                        data = b"big"
                    if changed or not name.endswith(SEAL_KEY):
                        target.writestr(name, data)
    refused(detect(half, photo), 5, "truncated, damaged or no such file")
    refused(detect(bare, photo), 5, "has no passport")
    refused(detect(swapped, photo), 5, "belongs to another network")
    refused(detect(forms["program"], photo, "--device", "cuda"), 2, "runs where it was traced")


def test_other_openvino_files_are_refused(
    forms: dict[str, Path], write_photo: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo, source = write_photo("photo.png"), forms["openvino fp32"]
    topology, constants = source.read_bytes(), source.with_suffix(".bin").read_bytes()

    def put(name: str, xml: bytes, data: bytes | None) -> Path:
        (tmp_path / f"{name}.xml").write_bytes(xml)
        if data is not None:
            (tmp_path / f"{name}.bin").write_bytes(data)
        return tmp_path / f"{name}.xml"

    refused(
        detect(put("half", topology[: len(topology) // 2], constants), photo), 5, "truncated, damaged or no such file"
    )
    refused(detect(put("other", b"<net/>", constants), photo), 5, "has no passport")
    refused(detect(put("alone", topology, None), photo), 5, "alone.bin: No such file")
    refused(detect(put("moved", topology, b"\1" + constants[1:]), photo), 5, "belongs to another network")
    refused(detect(source, photo, "--device", "npu"), 2, "OpenVINO has cpu")
    monkeypatch.setitem(sys.modules, "openvino", None)
    refused(detect(source, photo), 2, "pip install '.[export]'")
