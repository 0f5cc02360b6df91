"""The faster runtime from outside: no PyTorch, the same answers, and both said in the record."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from mesorch_cli.cli.app import app

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "splice.jpg"
WITHOUT = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {names}:
            raise ModuleNotFoundError(f"{{name}} is not here", name=name)

sys.meta_path.insert(0, Refuse())
"""
MISSING = {"torch": ("torch", "timm", "torchvision", "onnx", "onnxscript"), "onnxruntime": ("onnxruntime",)}
RUN = "\nfrom mesorch_cli.__main__ import main\nmain()"


def without(package: str, *words: object) -> subprocess.CompletedProcess[str]:
    """Run the command in a process where a package is not installed."""
    program = WITHOUT.format(names=MISSING[package]) + RUN
    command = [sys.executable, "-c", program, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def heat(folder: Path) -> np.ndarray:
    return cv2.imread(str(folder / EXAMPLE.name / "heatmap.png"), cv2.IMREAD_UNCHANGED).astype(int)


@pytest.fixture(scope="module")
def by_torch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of PyTorch, in an installation without ONNX Runtime."""
    out = tmp_path_factory.mktemp("torch")
    done = without("onnxruntime", "detect", EXAMPLE, "-o", out, "-q", "--device", "cpu")
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def by_onnx(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of ONNX Runtime, in an installation without PyTorch."""
    out = tmp_path_factory.mktemp("onnx")
    done = without("torch", "detect", EXAMPLE, "-o", out, "-q")
    assert done.returncode == 0, done.stderr
    return out


def test_a_command_imports_only_what_a_photo_needs(tmp_path: Path) -> None:
    """The decoders work in a process of their own, and SciPy takes as long to import as a small photo to search."""
    program = (
        "import sys\nfrom mesorch_cli.cli.app import app\n"
        f"try:\n    app(['detect', {str(EXAMPLE)!r}, '-o', {str(tmp_path)!r}, '-q'])\n"
        "except SystemExit as stop:\n    assert not stop.code, stop.code\n"
        "print(*sorted({name.split('.')[0] for name in sys.modules}))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    imported = set(done.stdout.splitlines()[-1].split())
    assert {"numpy", "cv2", "onnxruntime"} <= imported
    assert not {"torch", "timm", "scipy", "PIL", "tifffile", "c2pa", "matplotlib"} & imported


def record(folder: Path) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = json.loads((folder / EXAMPLE.name / "record.json").read_text())
    return found


def test_the_record_is_the_same_but_for_the_runtime(by_torch: Path, by_onnx: Path) -> None:
    torch, onnx = record(by_torch), record(by_onnx)
    assert (torch["analysis"].pop("backend"), onnx["analysis"].pop("backend")) == ("torch", "onnxruntime")
    assert "onnxruntime" in onnx["tool"]
    assert "torch" not in onnx["tool"]
    assert "torch" in torch["tool"]
    assert "onnxruntime" not in torch["tool"]
    for name in ("schema", "input", "decode", "metadata", "analysis", "weights", "settings", "settings_sha256"):
        assert torch[name] == onnx[name], name
    assert onnx["result"]["rates"]  # measured with PyTorch, and shown because the verdicts are the same
    assert onnx["result"]["rates"] == torch["result"]["rates"]
    assert onnx["result"]["verdict"] == torch["result"]["verdict"] == "evidence of manipulation"
    assert onnx["result"]["score"] == pytest.approx(torch["result"]["score"], abs=1e-4)
    assert np.abs(heat(by_torch) - heat(by_onnx)).max() <= 1e-4 * 65535


def rerun(place: Path, *words: str) -> tuple[str, str]:
    done = CliRunner().invoke(app, ["rerun", str(place / EXAMPLE.name / "record.json"), "-i", str(EXAMPLE), *words])
    assert done.exit_code == 0, done.stderr
    return done.stdout.split("\t")[0], done.stderr


@pytest.mark.parametrize("made", ["by_torch", "by_onnx"])
def test_a_record_is_repeated_by_its_own_runtime(made: str, request: pytest.FixtureRequest) -> None:
    assert rerun(request.getfixturevalue(made))[0] == "identical"


@pytest.mark.parametrize(
    ("made", "other", "cause"),
    [
        ("by_torch", "onnx", "because of backend: torch, now onnxruntime"),
        ("by_onnx", "torch", "because of backend: onnxruntime, now torch"),
    ],
)
def test_the_other_runtime_reproduces_a_record_and_says_what_changed(
    made: str, other: str, cause: str, request: pytest.FixtureRequest
) -> None:
    answer, said = rerun(request.getfixturevalue(made), "--runtime", other)
    assert answer == "within tolerance"
    assert cause in said


def test_without_pytorch_its_record_is_still_repeated(by_torch: Path) -> None:
    place = by_torch / EXAMPLE.name / "record.json"
    done = without("torch", "rerun", place, "-i", EXAMPLE)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("within tolerance\t")
    assert "because of backend: torch, now onnxruntime" in done.stderr


def test_batch_and_verify_run_without_pytorch(tmp_path: Path) -> None:
    folder, case = tmp_path / "photos", tmp_path / "case"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(EXAMPLE.read_bytes())
    done = without("torch", "batch", folder, "-o", case, "-q")
    assert done.returncode == 0, done.stderr
    assert json.loads((case / "case.json").read_text())["tool"]["onnxruntime"]
    assert without("torch", "verify", case, "-q").returncode == 0


def test_what_needs_pytorch_says_so_in_one_line(tmp_path: Path) -> None:
    done = without("torch", "explain", EXAMPLE, "-o", tmp_path)
    assert done.returncode == 2
    assert "This needs the package torch" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_explained_batch_and_the_other_runtime_exclude_each_other(tmp_path: Path) -> None:
    words = ["batch", str(EXAMPLE.parent), "-o", str(tmp_path / "case"), "--explain", "--runtime", "onnx"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 2
    assert "--explain with --runtime onnx: only PyTorch gives what a map was made of" in done.stderr


def test_an_unknown_runtime_is_refused() -> None:
    assert CliRunner().invoke(app, ["detect", str(EXAMPLE), "--runtime", "fast"]).exit_code == 2
