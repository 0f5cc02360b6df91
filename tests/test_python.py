"""The Python interface: what it costs to import, what its names are, and that it says what the commands say."""

import ast
import json
import re
import subprocess
import sys
import typing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import mesorch_cli as mesorch
from mesorch_cli.cli.app import app
from mesorch_cli.network import contents

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
HEAVY = ("torch", "numpy", "cv2", "pydantic", "PIL", "typer")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (96, 128, 3), dtype=np.uint8)).save(path)
    return path


def test_importing_loads_nothing_heavy() -> None:
    program = (
        f"import sys, mesorch_cli\nfound = [name for name in {HEAVY!r} if name in sys.modules]\nassert not found, found"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_public_name_is_there_and_no_other() -> None:
    for name in mesorch.__all__:
        assert getattr(mesorch, name) is not None
        assert name in dir(mesorch)
    with pytest.raises(AttributeError, match="detekt"):
        mesorch.detekt  # noqa: B018


def test_type_checkers_see_the_names_that_are_fetched() -> None:
    tree = ast.parse(Path(mesorch.__file__).read_text(encoding="utf-8"))
    declared = {
        f"{node.module}.{alias.name}"
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert declared == {f"mesorch_cli.{home}.{name}" for name, home in mesorch._HOMES.items()}
    assert (Path(mesorch.__file__).parent / "py.typed").is_file()  # the wheel takes the package's folder whole
    assert typing.get_type_hints(mesorch.detect)["return"] is mesorch.Detection


def test_it_says_what_the_command_says(photo: Path, tiny_weights: Path) -> None:
    words = ["detect", str(photo), "-w", str(tiny_weights), "--device", "cpu", "--json", "--no-artefacts"]
    asked = ["--scales", "whole", "--threshold", "0.3"]
    record = json.loads(CliRunner().invoke(app, [*words, *asked]).stdout)["result"]
    overrides = mesorch.Overrides(scales="whole", threshold=0.3)
    result = mesorch.detect(photo, weights=tiny_weights, device="cpu", overrides=overrides)
    assert result.verdict == record["verdict"]
    assert round(typing.cast(float, result.score), 6) == record["score"]
    assert result.threshold == record["threshold"] == 0.3
    assert result.map is not None
    assert result.map.shape == (96, 128)
    places = [(region.x, region.y, region.width, region.height) for region in result.regions]
    assert places == [(region["x"], region["y"], region["width"], region["height"]) for region in record["regions"]]
    of_bytes = mesorch.detect(photo.read_bytes(), weights=tiny_weights, device="cpu", overrides=overrides)
    assert of_bytes.map is not None
    assert np.array_equal(of_bytes.map, result.map)


def test_weights_are_read_once(tiny_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    usual = contents.os.open

    def counted(path: typing.Any, *rest: typing.Any, **more: typing.Any) -> int:
        opened.append(Path(path).name)
        return usual(path, *rest, **more)

    monkeypatch.setattr(contents.os, "open", counted)
    detector = mesorch.Detector.load(tiny_weights, "cpu")
    assert opened.count(tiny_weights.name) == 1
    assert detector.weights is not None
    assert len(detector.weights.sha256) == 64


def test_what_is_no_photo_raises_and_what_is_damaged_says_so(photo: Path, tiny_weights: Path, tmp_path: Path) -> None:
    detector = mesorch.Detector.load(tiny_weights, "cpu")
    with pytest.raises(mesorch.InputError, match="does not exist"):
        detector.detect_file(tmp_path / "none.jpg")
    with pytest.raises(mesorch.InputError):
        detector.detect_file(b"no photo at all")
    with pytest.raises(mesorch.UsageError, match="Expected"):
        mesorch.Detector.load(tiny_weights, "cpu", mesorch.Overrides(threshold=1.5))
    jpeg = tmp_path / "cut.jpg"
    Image.open(photo).save(jpeg)
    jpeg.write_bytes(jpeg.read_bytes()[:-200])
    refused = detector.detect_file(jpeg)
    assert (refused.verdict, refused.reason) == (mesorch.Verdict.NOT_ANALYSED, "damaged")
    assert "damaged input accepted" in detector.detect_file(jpeg, accept_damaged=True).flags


def test_the_page_on_python_shows_what_its_lines_print(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    blocks = re.findall(r"```(python)?\n(.*?)```", (ROOT / "docs" / "python.md").read_text("utf-8"), flags=re.DOTALL)
    assert [kind for kind, _ in blocks] == ["python", ""] * 3
    names: dict[str, object] = {}
    for (_, lines), (_, shown) in zip(blocks[::2], blocks[1::2], strict=True):
        exec(lines, names)
        assert capsys.readouterr().out == shown


def test_the_notebook_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    notebook = json.loads((EXAMPLES / "python.ipynb").read_text(encoding="utf-8"))
    monkeypatch.chdir(EXAMPLES)
    names: dict[str, object] = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
    assert "mean of the map" in capsys.readouterr().out
    assert names["inside"] > 3 * names["outside"]  # type: ignore[operator]
