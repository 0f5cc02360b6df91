"""`mesorch evaluate` from outside: figures, files, resuming, gates, and bad sets."""

import csv
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from mesorch_cli.cli.app import app


@pytest.fixture
def folder(tmp_path: Path, astronaut: np.ndarray) -> Path:
    """A set of three tampered and two authentic photos."""
    for name in ("image", "mask", "authentic"):
        (tmp_path / "set" / name).mkdir(parents=True)
    for number in range(3):
        mask = np.zeros((120, 160), np.uint8)
        mask[20 + 10 * number : 60, 30:90] = 255
        photo = np.where(mask[..., None] > 0, np.roll(astronaut, 30 + number, axis=1), astronaut)
        assert cv2.imwrite(str(tmp_path / "set" / "image" / f"{number}.png"), photo[..., ::-1])
        assert cv2.imwrite(str(tmp_path / "set" / "mask" / f"{number}.png"), mask)
    for number in range(2):
        photo = np.roll(astronaut, 5 * number, axis=0)
        assert cv2.imwrite(str(tmp_path / "set" / "authentic" / f"a{number}.jpg"), photo[..., ::-1])
    return tmp_path / "set"


@pytest.fixture
def run(tiny_weights: Path) -> Callable[..., Result]:
    def run_evaluate(*words: object) -> Result:
        arguments = ["evaluate", *(str(word) for word in words), "--bootstrap", "20"]
        if "--weights" not in arguments:
            arguments += ["--weights", str(tiny_weights)]
        return CliRunner().invoke(app, arguments)

    return run_evaluate


def test_a_set_gives_figures_and_files(run: Callable[..., Result], folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run(folder, "-o", out, "--json", "--permuted", "--perturb", "jpeg=70:90,crop=0.8")
    assert result.exit_code == 0, result.stderr
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["perturbation"] for line in lines] == [None, "jpeg 70", "jpeg 90", "crop 0.8"]
    assert lines[0]["counts"] | {"reasons": {}} == {
        "tampered": 3,
        "authentic": 2,
        "not_analysed": 0,
        "failed": 0,
        "unpaired": 0,
        "reasons": {},
    }
    assert {"f1", "auc", "image_auc", "eer", "authentic_flagged", "permuted_f1"} <= lines[0]["figures"].keys()
    assert (out / "evaluation.jsonl").read_text().splitlines() == result.stdout.splitlines()
    with (out / "photos.csv").open(newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert len(table) == 5 * 4
    own = [float(row["f1"]) for row in table if row["perturbation"] == "" and row["tampered"] == "1"]
    assert lines[0]["figures"]["f1"]["value"] == pytest.approx(np.mean(own), abs=1e-5)
    pictures = [path for path in out.glob("*.png") if cv2.imread(str(path)) is not None]
    assert {path.name for path in pictures} >= {
        "set-pixel-roc.png",
        "set-image-roc.png",
        "set-jpeg.png",
        "set-crop.png",
    }
    assert (out / "set-tiny-cases.png") in pictures


def test_what_is_done_is_not_done_again(
    run: Callable[..., Result], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mesorch_cli.inference.detector import Detector

    seen: list[int] = []
    detect = Detector.detect
    monkeypatch.setattr(
        Detector, "detect", lambda self, pixels, **more: (seen.append(1), detect(self, pixels, **more))[1]
    )
    words = (folder, "-o", tmp_path / "out", "--json", "--no-plots")
    first = run(*words)
    rows = tmp_path / "out" / "rows" / "rows-0.jsonl"
    lines = rows.read_text().splitlines(keepends=True)
    assert len(seen) == len(lines) == 5
    rows.write_text("".join(lines[:3]) + lines[3][:40])  # killed while it wrote the fourth
    second = run(*words)
    assert len(seen) == 5 + 2
    assert second.stdout == first.stdout
    run(*words, "--threshold", "0.4")
    assert len(seen) == 7 + 5
    path = folder / "image" / "0.png"
    path.write_bytes((folder / "image" / "1.png").read_bytes())
    run(*words)
    assert len(seen) == 12 + 1  # other bytes under the same name


def test_a_broken_photo_and_an_unpaired_mask_are_reported(run: Callable[..., Result], folder: Path) -> None:
    (folder / "image" / "0.png").write_bytes((folder / "image" / "0.png").read_bytes()[:3000])
    (folder / "mask" / "extra.png").write_bytes((folder / "mask" / "1.png").read_bytes())
    result = run(folder, "--json")
    assert result.exit_code == 3
    line = json.loads(result.stdout)
    assert (line["counts"]["tampered"], line["counts"]["unpaired"]) == (2, 1)
    assert line["counts"]["failed"] + line["counts"]["not_analysed"] == 1
    assert "not counted: set: extra.png: mask without a photo" in result.stderr
    assert "set: 0.png" in result.stderr


def test_masks_without_an_authentic_pixel_have_figures_and_pictures(
    run: Callable[..., Result], folder: Path, tmp_path: Path
) -> None:
    for mask in (folder / "mask").iterdir():
        assert cv2.imwrite(str(mask), np.full((120, 160), 255, np.uint8))
    result = run(folder, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    assert {"evaluation.jsonl", "photos.csv", "set-pixel-roc.png"} <= {
        path.name for path in (tmp_path / "out").iterdir()
    }


def test_nothing_analysed_is_code_4(run: Callable[..., Result], folder: Path) -> None:
    for path in [*(folder / "image").iterdir(), *(folder / "authentic").iterdir()]:
        path.write_bytes(b"not a photo")
    assert run(folder, "--json").exit_code == 4


def test_the_gate(run: Callable[..., Result], folder: Path) -> None:
    assert run(folder, "--quiet", "--fail-under", "f1=0").exit_code == 0
    closed = run(folder, "--quiet", "--fail-under", "f1=0", "--fail-under", "auc=1.1")
    assert closed.exit_code == 6
    assert "expected at least 1.1. The weights fail this gate." in closed.stderr
    assert run(folder, "--quiet", "--fail-under", "f1").exit_code == 2


def test_a_figure_that_is_none_is_refused_before_the_weights_are_loaded(
    run: Callable[..., Result], folder: Path
) -> None:
    refused = run(
        folder, "--weights", folder / "none.safetensors", "--fail-under", "f1=0.2", "--fail-under", "beauty=1"
    )
    assert refused.exit_code == 2
    assert "--fail-under 'beauty=1': there is no such figure. Expected one of f1, iou," in " ".join(
        refused.stderr.split()
    )


def test_a_figure_that_these_photos_do_not_give_is_refused(run: Callable[..., Result], folder: Path) -> None:
    shutil.rmtree(folder / "authentic")
    refused = run(folder, "--quiet", "--fail-under", "image_auc=0.5")
    assert refused.exit_code == 2
    told = " ".join(refused.stderr.split())
    assert "These photos give no figure 'image_auc'. They give accuracy, accuracy_best, auc," in told


def test_baselines_beside_the_weights(run: Callable[..., Result], folder: Path, tmp_path: Path) -> None:
    words = (folder, "--against", "centre-prior,ela", "--perturb", "jpeg=80", "-o", tmp_path / "out")
    shown = run(*words)
    assert shown.exit_code == 0, shown.stderr
    assert "set: beside baselines" in shown.stdout
    assert "set: tiny less each baseline, paired over photos" in shown.stdout
    again = run(*words, "--json", "--no-plots")
    lines = [json.loads(line) for line in again.stdout.splitlines()]
    assert (tmp_path / "out" / "evaluation.jsonl").read_text().splitlines() == again.stdout.splitlines()
    assert [line["weights"] and line["weights"]["name"] for line in lines] == ["tiny", "tiny", None, None, None, None]
    assert [line["baseline"] and line["baseline"]["name"] for line in lines[2:]] == ["centre-prior"] * 2 + ["ela"] * 2
    paired = {(one["less"], one["figure"]): one for one in lines[0]["paired"]}
    assert paired.keys() == {(name, figure) for name in ("centre-prior", "ela") for figure in ("auc", "f1_best")}
    own, other = (lines[place]["figures"]["auc"]["value"] for place in (0, 4))
    assert paired["ela", "auc"]["value"] == pytest.approx(own - other)
    with (tmp_path / "out" / "photos.csv").open(newline="", encoding="utf-8") as file:
        assert {row["weights"] for row in csv.DictReader(file)} == {"tiny", "centre-prior", "ela"}


def test_figures_of_the_weights_are_the_same_beside_baselines(run: Callable[..., Result], folder: Path) -> None:
    alone, beside = (
        json.loads(run(folder, "--json", *words).stdout.splitlines()[0]) for words in ((), ("--against", "all"))
    )
    assert alone["figures"] == beside["figures"]
    assert alone["groups"] == beside["groups"]


def test_an_unknown_baseline_is_refused_with_those_there_are(run: Callable[..., Result], folder: Path) -> None:
    result = run(folder, "--against", "centre-prior,beauty")
    assert result.exit_code == 2
    assert "Unknown baseline 'beauty'" in result.stderr
    assert "centre-prior" in result.stderr
    assert "block-noise" in result.stderr


def test_the_gate_is_for_weights_not_for_baselines(run: Callable[..., Result], folder: Path) -> None:
    words = (folder, "--quiet", "--against", "constant")
    assert run(*words, "--fail-under", "f1=0").exit_code == 0  # a baseline has no such figure
    closed = run(*words, "--fail-under", "auc=1.1")
    assert closed.exit_code == 6
    assert "auc of tiny on set" in closed.stderr
    assert "constant" not in closed.stderr


def test_two_weights_side_by_side(run: Callable[..., Result], folder: Path, tiny_weights: Path, tmp_path: Path) -> None:
    import torch

    from mesorch_cli.network import store
    from mesorch_cli.network.mesorch import Mesorch
    from mesorch_cli.network.weights import load_weights, save_weights

    passport = load_weights(tiny_weights).passport.model_copy(update={"name": "other", "tensors_sha256": None})
    torch.manual_seed(5)
    other = tmp_path / "other.safetensors"
    store.record_sum(other, save_weights(other, Mesorch(passport.network).state_dict(), passport))
    result = run(folder, "--weights", tiny_weights, "--weights", other)
    assert result.exit_code == 0, result.stderr
    assert "set: tiny less other, paired over photos" in result.stdout
    twice = run(folder, "--weights", tiny_weights, "--weights", tiny_weights)
    assert twice.exit_code == 2


def test_the_paper_protocol_takes_the_reference_analysis(run: Callable[..., Result], folder: Path) -> None:
    result = run(folder, "--json", "--protocol", "paper")
    assert json.loads(result.stdout)["protocol"]["name"] == "paper"
    assert run(folder, "--protocol", "paper", "--scales", "native").exit_code == 2
    assert run(folder, "--protocol", "paper", "--no-score-band", "3").exit_code == 2


def test_a_check_reads_only(run: Callable[..., Result], folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    sound = run(folder, "--check", "--json")
    assert sound.exit_code == 0, sound.stdout
    (folder / "mask" / "1.png").unlink()
    found = run(folder, "--check")
    assert found.exit_code == 6
    assert "photo without a mask" in found.stdout
    assert all(path.stat().st_mtime_ns == time for path, time in before.items() if path.is_file())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "No set was given"),
        (("--images", "x"), "belong together"),
        (("nowhere",), "does not exist"),
        (("SET", "--perturb", "gif"), "There is no perturbation"),
        (("SET", "--threshold", "2"), "threshold of 2"),
        (("SET", "--fail-under", "f1=nan"), "expected FIGURE=VALUE"),
    ],
)
def test_bad_usage(run: Callable[..., Result], folder: Path, words: tuple[str, ...], message: str) -> None:
    result = run(*(folder if word == "SET" else word for word in words))
    assert result.exit_code == 2
    assert message in result.stderr


def test_two_processes_equal_one_to_the_last_digit(folder: Path, tiny_weights: Path, tmp_path: Path) -> None:
    (folder / "authentic" / "bad.jpg").write_bytes(b"no photo")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["evaluate", str(folder), "--weights", str(tiny_weights), "--bootstrap", "20", "--json", "-q"]
    environment = os.environ | {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "mesorch_cli", *words, "-o", str(tmp_path / "out"), "--no-plots"],
            env=environment | {"RANK": str(rank), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    outputs = [process.communicate(timeout=300)[0] for process in started]
    assert [process.returncode for process in started] == [3, 0]
    assert outputs[1] == ""
    one = subprocess.run(
        [sys.executable, "-m", "mesorch_cli", *words],
        env=os.environ | {"OMP_NUM_THREADS": "1"},  # sums depend on the threads of a process, as torchrun sets them
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert outputs[0] == one.stdout
    rows = [len((tmp_path / "out" / "rows" / f"rows-{rank}.jsonl").read_text().splitlines()) for rank in range(2)]
    assert rows == [3, 3]  # the unreadable one has a row too, which is not reused
