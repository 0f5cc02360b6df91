"""What a new user sees first: the example photos through the shipped weights, and the README's own lines."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import cv2
import jsonschema
import pytest

from mesorch_cli.evaluation.metrics import pixel_auc
from mesorch_cli.examination.record import record_schema
from mesorch_cli.network.store import find_weights, shipped_folder
from mesorch_cli.network.weights import load_weights

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
FORGED = ("copy_move", "removal", "splice")


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, dict], Path]:
    out = tmp_path_factory.mktemp("out")
    photos = sorted(path.name for path in EXAMPLES.glob("*.jpg"))
    command = [sys.executable, "-m", "mesorch_cli", "detect", *photos, "--json", "-o", str(out), "--device", "cpu"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=EXAMPLES)
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return {Path(record["input"]["path"]).stem: record for record in found}, out


def test_the_expected_records_are_what_the_weights_say(records: tuple[dict[str, dict], Path]) -> None:
    found, _ = records
    expected = {path.stem: json.loads(path.read_text()) for path in (EXAMPLES / "expected").glob("*.json")}
    assert set(found) == set(expected) == {*FORGED, "authentic"}
    for name, record in found.items():
        jsonschema.validate(record, record_schema())
        wanted = expected[name]
        record["decode"].pop("isolation")  # as far as the system has it
        for field in ("input", "decode", "metadata", "weights", "settings_sha256"):
            assert record[field] == wanted[field], (name, field)
        # another processor rounds differently in the last digits
        assert record["result"]["score"] == pytest.approx(wanted["result"]["score"], abs=0.01)
        assert record["result"]["verdict"] == wanted["result"]["verdict"]


def test_the_forged_regions_stand_out(records: tuple[dict[str, dict], Path]) -> None:
    _, out = records
    for name in FORGED:
        heat = cv2.imread(str(out / f"{name}.jpg" / "heatmap.png"), cv2.IMREAD_UNCHANGED).astype("float32")
        mask = cv2.imread(str(EXAMPLES / f"{name}_mask.png"), cv2.IMREAD_GRAYSCALE) > 127
        assert pixel_auc(heat.ravel(), mask.ravel()) > 0.9, name
        assert heat[mask].mean() > 3 * heat[~mask].mean(), name


def test_the_shipped_weights_are_small_and_what_their_card_says() -> None:
    loaded = load_weights(find_weights("mesorch-s"))
    assert loaded.path.stat().st_size < 25e6
    assert sum(p.numel() for p in loaded.network.parameters()) <= 12e6
    card = (shipped_folder() / "mesorch-s.md").read_text(encoding="utf-8")
    assert loaded.sha256 in card
    assert all(limit in card for limit in loaded.passport.limits)


def test_the_python_example_runs() -> None:
    command = [sys.executable, str(EXAMPLES / "detect_one.py"), str(EXAMPLES / "splice.jpg")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "px at x" in done.stdout


def test_the_folder_scan_runs(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("splice.jpg", "authentic.jpg"):
        (tmp_path / "in" / name).write_bytes((EXAMPLES / name).read_bytes())
    (tmp_path / "in" / "broken.jpg").write_bytes(b"nothing")
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    command = ["bash", str(EXAMPLES / "scan_folder.sh"), str(tmp_path / "in"), str(tmp_path / "results")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 3
    assert "could not be analysed" in done.stderr


def test_the_commands_of_the_readme_exist() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for words in re.findall(r"^(?:\$ )?mesorch ([a-z]+)", text, flags=re.MULTILINE):
        done = subprocess.run([sys.executable, "-m", "mesorch_cli", words, "--help"], capture_output=True, check=False)
        assert done.returncode == 0, words
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / link).exists(), link


def test_the_pages_made_from_the_program_are_current() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
