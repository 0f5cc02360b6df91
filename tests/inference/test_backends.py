"""Backends: what they take, what they refuse, and what importing them costs."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mesorch_cli.evidence.photo import eight_bits
from mesorch_cli.inference.backends.runtimes import wanted_threads
from mesorch_cli.inference.detector import Detector
from tests.inference.networks import Pixelwise, noise, settings

ROOT = Path(__file__).parents[2]


class EightBits(Pixelwise):
    """A backend whose graph starts at bytes."""

    bits = 8

    def __call__(self, tiles: np.ndarray, at_once: int = 1) -> np.ndarray:
        assert tiles.dtype == np.uint8
        return super().__call__(tiles, at_once)


def test_sixteen_bits_become_eight_where_the_file_starts_at_bytes_and_the_result_says_so() -> None:
    pixels = noise(80, 100).astype(np.uint16) * 257
    found = Detector(EightBits(), settings()).detect(pixels)
    assert found.flags == ("16 bits analysed as 8",)
    same = Detector(EightBits(), settings()).detect(noise(80, 100))
    assert same.flags == ()
    assert found.map is not None
    assert same.map is not None
    assert np.array_equal(found.map, same.map)
    assert Detector(Pixelwise(), settings()).detect(pixels).flags == ()


def test_every_sixteen_bit_value_goes_to_the_nearest_byte() -> None:
    values = np.arange(65536, dtype=np.uint16)
    assert np.array_equal(eight_bits(values), np.round(values / 257).astype(np.uint8))
    assert np.array_equal(eight_bits(np.arange(256, dtype=np.uint8)), np.arange(256))


@pytest.mark.parametrize(("text", "threads"), [("3", 3), ("", 0), ("many", 0)])
def test_threads_are_those_that_pytorch_obeys(text: str, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", text)
    assert wanted_threads() == threads


def test_the_engine_and_the_choice_of_backends_import_no_runtime() -> None:
    program = (
        "import sys, mesorch_cli.inference.detector, mesorch_cli.inference.loading, mesorch_cli.inference.backends.onnx, "
        "mesorch_cli.inference.backends.openvino, mesorch_cli.inference.backends.program, mesorch_cli.examination.examiner;"
        "print(sorted({'torch', 'timm', 'onnx', 'onnxruntime', 'openvino'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("runtime", "loaded"), [("auto", ["onnxruntime"]), ("onnx", ["onnxruntime"]), ("torch", ["torch"])]
)
def test_analysing_a_photo_imports_one_runtime_and_nothing_for_training(runtime: str, loaded: list[str]) -> None:
    program = (
        "import sys; from typer.testing import CliRunner; from mesorch_cli.cli.app import app;"
        "words = ['detect', 'examples/splice.jpg', '--no-artefacts', '--quiet', '--device', 'cpu'];"
        f"words += ['--runtime', '{runtime}'];"
        "done = CliRunner().invoke(app, words);"
        "wanted = {'torch', 'timm', 'torchvision', 'torch._dynamo', 'onnx', 'onnxruntime', 'openvino'};"
        "print(done.exit_code, sorted(wanted & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == f"0 {loaded}"
