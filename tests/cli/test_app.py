"""The command line as a whole: help is fast and complete, weights can be listed, described, imported and verified."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from mesorch_cli import __version__
from mesorch_cli.cli.app import app
from mesorch_cli.network import store
from mesorch_cli.offline import HOME_VARIABLE
from tests.published import published_state

HEAVY = ("torch", "timm", "numpy", "cv2", "safetensors", "PIL")


def run(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(words))
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["detect", "--help"], ["weights", "--help"]])
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    program = (
        "import sys\nfrom mesorch_cli.cli.app import app\n"
        f"try:\n    app({words!r})\nexcept SystemExit as stop:\n    assert not stop.code, stop.code\n"
        f"heavy = [name for name in {HEAVY!r} if name in sys.modules]\nassert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_version() -> None:
    assert run("--version")[:2] == (0, f"mesorch {__version__}\n")


def test_info_names_versions_and_weights() -> None:
    code, out, _ = run("info", "--json")
    assert code == 0
    values = json.loads(out)
    assert values["torch"] == torch.__version__
    assert values["version"] == __version__
    shipped = json.loads(run("weights", "info", "mesorch-s", "--json")[1])["version"]
    assert f"mesorch-s {shipped} (shipped)" in values["weights"]
    assert "onnxruntime" in run("info")[1]


def test_info_outlives_weights_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "broken.safetensors").write_bytes(b"no weights")
    monkeypatch.setattr(store, "shipped_folder", lambda: tmp_path)
    code, out, _ = run("info", "--json")
    assert code == 0
    assert "broken (shipped, cannot be used" in json.loads(out)["weights"]


def test_shipped_weights_verify_and_describe_themselves() -> None:
    code, out, _ = run("weights", "verify", "--json")
    assert code == 0
    assert json.loads(out)["recorded"] is True
    values = json.loads(run("weights", "info", "--json")[1])
    assert values["name"] == "mesorch-s"
    assert values["licence"]
    assert values["figures"]
    assert values["limits"]
    listed = [json.loads(line) for line in run("weights", "list", "--json")[1].splitlines()]
    assert ("mesorch-s", "shipped") in {(row["name"], row["origin"]) for row in listed}


def test_a_passport_is_shown_as_tables() -> None:
    out = run("weights", "info")[1]
    passport = json.loads(run("weights", "info", "--json")[1])
    for option in ("--scales", "--overlap", "--precision", "--threshold", "--first-look", "--copies", "--quantisation"):
        assert option in out
    assert f"{passport['name']} {passport['version']}" in out
    assert f"{passport['score']['evidence_at']:.6g}" in out
    assert "pixel AUC" in out
    assert "{" not in out


@pytest.mark.parametrize(
    ("words", "last", "found"),
    [
        ("mesorch det", 1, "detect"),
        ("mesorch detect --thr", 2, "--threshold"),
        ("mesorch detect -w mesorch", 3, "mesorch-s"),
        ("mesorch weights info mes", 3, "mesorch-s"),
    ],
)
def test_a_shell_can_complete(words: str, last: int, found: str, tmp_path: Path) -> None:
    asked = {"_MESORCH_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(last), "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "mesorch_cli"], env=os.environ | asked, capture_output=True, text=True, check=True
    )
    assert found in done.stdout.split()
    assert not list(tmp_path.iterdir()), "nothing is written unless --install-completion asks for it"


@pytest.mark.parametrize("words", [[], ["detect"], ["case", "merge"], ["weights", "sign"]])
def test_h_is_help(words: list[str]) -> None:
    assert run(*words, "-h") == run(*words, "--help")


def test_every_help_page_has_an_example() -> None:
    page = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
    commands = page.split("\n## ")[1:]
    assert len(commands) > 20
    assert [command.partition("\n")[0] for command in commands if "Example: mesorch " not in command] == []


def test_a_folder_is_sent_to_batch(tmp_path: Path) -> None:
    code, _, err = run("detect", str(tmp_path), "-o", str(tmp_path / "out"))
    assert code == 4
    assert "Give the folder to `mesorch batch`" in err


def test_import_then_use_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    torch.save({"model": published_state("mesorch_p")}, tmp_path / "mesorch_p-118.pth")
    code, out, err = run("weights", "import", str(tmp_path / "mesorch_p-118.pth"), "--json")
    assert code == 0, err
    assert json.loads(out)["network"] == "mesorch-p"
    assert run("weights", "verify", "mesorch-p")[1].startswith("ok\tmesorch-p\t")
    assert "non-commercial" in run("weights", "info", "mesorch-p", "--json")[1]

    again = run("weights", "import", str(tmp_path / "mesorch_p-118.pth"))
    assert again[0] == 2
    assert "--replace" in again[2]
    taken = run("weights", "import", str(tmp_path / "mesorch_p-118.pth"), "--name", "mesorch-s")
    assert taken[0] == 2
    unfit = run("weights", "import", str(tmp_path / "mesorch_p-118.pth"), "--name", "my weights")
    assert unfit[0] == 2
    assert "'my weights' cannot be used" in unfit[2]
    wrong = run("weights", "import", str(tmp_path / "mesorch_p-118.pth"), "--name", "x", "--network", "mesorch")
    assert wrong[0] == 5
    assert "is mesorch-p" in wrong[2]

    file = store.imported_folder() / "mesorch-p.safetensors"
    file.write_bytes(file.read_bytes()[:-4] + b"abcd")
    code, _, err = run("weights", "verify", "mesorch-p")
    assert code == 5
    assert "SHA256SUMS" in err
