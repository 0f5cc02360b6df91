"""Every command line of README, docs and help does what it says; those that are not run here are named, with the reason.

The weights are random ones of a small input: it is the lines that are tested, not what they find.
"""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from mesorch_cli.cli.app import app
from mesorch_cli.files.hashing import sha256_file
from mesorch_cli.files.writing import write_whole
from mesorch_cli.network import store
from tests.documented import Line, documented_lines, fill, freed, words_of

NOT_RUN = {
    ".venv-onnx/bin/mesorch detect photo.jpg": "another installation: .ci/without-torch",
    "mesorch export --format onnx -o mesorch-s.onnx": "a minute: .ci/without-torch",
    "mesorch detect photo.jpg --weights mesorch-s.onnx": "needs that file: .ci/without-torch",
    "mesorch weights import mesorch-98.pth": "the authors' checkpoint, 0.3 GB: tests/network and tests/cli/test_app.py",
    "mesorch probe photos -n 30 -s 7 -o probes": "39 analyses a photo, of larger photos: tests/cli/test_probe.py",
    "mesorch weights trust colleague.pt2": "asks a person: tests/security/test_weights_code.py",
    "mesorch bench mesorch-s mesorch --precision bf16": "needs imported weights: tests/cli/test_bench.py",
    "mesorch bench mesorch-s mesorch --precision fp32 --precision bf16 --exported mesorch-s.onnx": "as above",
    "mesorch case merge share1 share2 ... share16 -o case": "sixteen shares, abridged; three are merged below",
    "mesorch train configs/mesorch.toml --devices 4": "four GPUs, days, the authors' data: tests/training",
    "torchrun --nnodes 2 --nproc-per-node 4 ... -m mesorch_cli train configs/mesorch.toml": "two machines with GPUs",
}
FITTING = "python configs/mesorch-s/"  # hours, with the photos that the shipped weights were fitted on
SMALLER = {"-n 1000": "-n 6", "--count 1000": "--count 6"}  # the same in a second
BEFORE = {  # what a page has done in words before such a line
    "mesorch train configs/quick.toml -o runs/quick": ["python configs/quick_photos.py"],
    "mesorch case merge share1 share2 share3 -o case": [
        f"mesorch batch evidence -o share{number} --shard {number}/3" for number in (1, 2, 3)
    ],
    "mesorch verify case -q --public-key public.pem": ["mesorch case sign case --key key.pem"],  # `report` changed it
}
LINES = documented_lines()
RUN = [line for line in LINES if line.text not in NOT_RUN and not line.text.startswith(FITTING)]
ONCE = list({line.text: line for line in RUN}.values())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, tiny_weights: Path) -> Path:
    """What the lines speak of; each finds what those before it have made."""
    root = tmp_path_factory.mktemp("documented")
    shipped = root / "weights"
    shipped.mkdir()
    content = tiny_weights.read_bytes()
    write_whole(shipped / "mesorch-s.safetensors", content)
    store.record_sum(shipped / "mesorch-s.safetensors", sha256_file(shipped / "mesorch-s.safetensors"))
    fill(root / "here", tiny_weights)
    return root / "here"


@pytest.mark.parametrize("line", ONCE, ids=str)
def test_a_line_does_what_it_says(line: Line, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(store, "shipped_folder", lambda: folder.parent / "weights")
    threads = torch.get_num_threads()
    for text in (*BEFORE.get(line.text, ()), line.text):
        run(text, folder)
    torch.set_num_threads(threads)  # `train` sets its own


def run(text: str, folder: Path) -> None:
    """Run one line in this process, but for what other programs do in it; what would read its output is left out."""
    for long, short in SMALLER.items():
        text = text.replace(long, short)
    first, _, second = text.partition(" | ")
    if text.startswith("python "):
        subprocess.run([sys.executable, *words_of(text, folder)[1:]], check=True, cwd=folder)
        return
    given = None
    if not first.startswith("mesorch "):
        given = subprocess.run(
            words_of(first, folder, patterns=False), check=True, capture_output=True, cwd=folder
        ).stdout
        first = second
    words = words_of(first, folder)
    assert words[0] == "mesorch", text
    freed(words, folder)
    result = CliRunner().invoke(app, words[1:], input=given)
    assert result.exit_code == 0, f"{text}: exit code {result.exit_code}\n{result.stderr[-2000:]}"


def test_what_is_not_run_is_shown_somewhere() -> None:
    assert set(NOT_RUN) <= {line.text for line in LINES}
    assert set(BEFORE) <= {line.text for line in ONCE}


def test_pages_show_lines_at_all() -> None:
    pages = {line.page for line in LINES}
    assert {"README.md", "docs/batch.md", "docs/cli.md", "docs/training.md", "docs/weights.md"} <= pages
    assert len(ONCE) > 30
