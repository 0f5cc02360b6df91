"""No library tells its maker anything: what switches their telemetry off is set before they are imported."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mesorch_cli import offline

RELU = """
import sys
from mesorch_cli.offline import import_silent
openvino, onnxruntime = import_silent("openvino"), import_silent("onnxruntime")
import onnx
from onnx import TensorProto, helper
x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3]) for name in "xy")
graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [x], [y])
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), sys.argv[1])
openvino.save_model(openvino.convert_model(sys.argv[1]), sys.argv[1] + ".xml")
onnxruntime.InferenceSession(sys.argv[1])
"""


def test_runtimes_leave_nothing_in_the_users_home(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    environment |= {"HOME": str(home), "USERPROFILE": str(home)}
    command = [sys.executable, "-c", RELU, str(tmp_path / "relu.onnx")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [path for path in home.rglob("*") if path.is_file()] == []


def test_switches_are_set_whatever_the_user_left_in_the_environment() -> None:
    code = "import mesorch_cli, os, json; print(json.dumps(dict(os.environ)))"
    environment = os.environ | dict.fromkeys(offline.SWITCHES, "left over")
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    for name, value in offline.SWITCHES.items():
        assert f'"{name}": "{value}"' in done.stdout


@pytest.mark.parametrize(("first", "seen"), [("", True), ("import mesorch_cli; ", False)])
def test_a_plugin_for_pydantic_sees_no_record(tmp_path: Path, first: str, seen: bool) -> None:
    """Such plugins are handed what is validated, and some report it to their makers."""
    (tmp_path / "spy.py").write_text("print('spying')\nplugin = None\n")
    about = tmp_path / "spy-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: spy\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[pydantic]\nspy = spy:plugin\n")
    code = first + "import pydantic; pydantic.create_model('Record', name=(str, ...))"
    environment = {name: value for name, value in os.environ.items() if name not in offline.SWITCHES}
    environment |= {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert ("spying" in done.stdout) is seen, done.stderr


def test_openvinos_messenger_cannot_be_imported() -> None:
    code = "import mesorch_cli, openvino_telemetry"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "ModuleNotFoundError" in done.stderr
