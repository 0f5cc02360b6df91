"""What the scripts of configs/mesorch-s put into a passport is what `mesorch evaluate` and `mesorch calibrate` wrote."""

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import data
from typer.testing import CliRunner

from mesorch_cli.cli.app import app
from mesorch_cli.evaluation.calibration import POOLINGS, Scored, held_out
from mesorch_cli.evaluation.calibration_study import calibration_file
from mesorch_cli.inference.domain import domain_in
from mesorch_cli.inference.settings import Settings
from mesorch_cli.network.weights import read_file

SCRIPTS = Path(__file__).parents[1] / "configs" / "mesorch-s"


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> dict[str, ModuleType]:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return {name: importlib.import_module(name) for name in ("new_rules", "fit_levels")}


@pytest.fixture
def folder(tmp_path: Path, astronaut: np.ndarray) -> Path:
    """A set of two tampered photos and an authentic one."""
    for name in ("image", "mask", "authentic"):
        (tmp_path / "set" / name).mkdir(parents=True)
    mask = np.zeros((120, 160), np.uint8)
    mask[20:60, 30:90] = 255
    for number in range(2):
        photo = np.where(mask[..., None] > 0, np.roll(astronaut, 30 + number, axis=1), astronaut)
        cv2.imwrite(str(tmp_path / "set" / "image" / f"{number}.png"), photo[..., ::-1])
        cv2.imwrite(str(tmp_path / "set" / "mask" / f"{number}.png"), mask)
    cv2.imwrite(str(tmp_path / "set" / "authentic" / "a.png"), astronaut[..., ::-1])
    return tmp_path / "set"


def evaluated(folder: Path, run: Path, *words: object) -> dict:
    arguments = ["evaluate", folder, "-o", run, "--no-plots", "--bootstrap", "0", "--json", *words]
    result = CliRunner().invoke(app, [str(word) for word in arguments])
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout.splitlines()[0])


def folder_of_one(target: Path, folder: Path) -> Path:
    """Return a set with only the first tampered photo of another."""
    for name in ("image", "mask"):
        (target / name).mkdir(parents=True)
        (target / name / "0.png").write_bytes((folder / name / "0.png").read_bytes())
    return target


def ruled(scripts: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch, *words: object) -> None:
    monkeypatch.setattr(sys, "argv", ["new_rules.py", *(str(word) for word in words)])
    scripts["new_rules"].main()


def test_figures_of_the_passport_and_the_card_are_those_of_evaluate(
    scripts: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch, folder: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    run, out = tmp_path / "run", tmp_path / "out"
    line = evaluated(folder, run, "-w", tiny_weights, "--against", "ela,constant")
    ruled(scripts, monkeypatch, tiny_weights, out, "--version", "test", "--figures", f"web={run}")
    passport, tensors, _ = read_file(out / "mesorch-s.safetensors")
    found = passport.figures["web"]
    assert isinstance(found, dict)
    assert found["pixel_auc"] == round(line["figures"]["auc"]["value"], 3)
    assert found["image_auc"] == round(line["figures"]["image_auc"]["value"], 3)
    assert (found["tampered"], found["authentic"]) == (2, 1)
    assert found["floors"]["constant"]["pixel_auc"] == 0.5  # type: ignore[index,call-overload]
    assert found["floors"].keys() == {"ela", "constant"}  # type: ignore[union-attr]
    before = read_file(tiny_weights)[1]
    assert all((tensors[name] == before[name]).all() for name in before)
    card = (out / "mesorch-s.md").read_text(encoding="utf-8")
    assert f"| **{found['pixel_auc']}** | **{found['f1_at_threshold']}** |" in card
    assert "domain" not in found
    described = tmp_path / "described"
    ruled(
        scripts, monkeypatch, out / "mesorch-s.safetensors", described, "--version", "2", "--domains", f"web={folder}"
    )
    told = read_file(described / "mesorch-s.safetensors")[0].figures["web"]
    assert isinstance(told, dict)
    domain = domain_in(told)
    assert domain is not None
    assert told == found | {"domain": domain.model_dump(mode="json")}
    assert (domain.photos, domain.formats, domain.shorter_side.least) == (3, {"PNG": 3}, 120)
    for name, wanted in (("other", "no figures"), ("web", "another set")):
        where = folder if name == "other" else folder_of_one(tmp_path / "one", folder)
        with pytest.raises(SystemExit, match=wanted):
            ruled(
                scripts,
                monkeypatch,
                out / "mesorch-s.safetensors",
                described,
                "--version",
                "3",
                "--domains",
                f"{name}={where}",
            )
    # These weights are others: a run about the first ones says nothing of them.
    with pytest.raises(SystemExit, match="measured the weights"):
        ruled(
            scripts, monkeypatch, out / "mesorch-s.safetensors", tmp_path, "--version", "2", "--figures", f"web={run}"
        )


def test_probes_of_the_passport_and_the_card_are_those_of_probe(
    scripts: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch, tiny_weights: Path, tmp_path: Path
) -> None:
    photos, masks = tmp_path / "photos", tmp_path / "masks"
    photos.mkdir()
    masks.mkdir()
    for number, name in enumerate(("astronaut", "coffee", "chelsea")):
        pixels = getattr(data, name)()[:300]
        Image.fromarray(pixels).save(photos / f"{number}.png")
        mask = np.zeros(pixels.shape[:2], np.uint8)
        mask[100:200, 100:200] = 255
        Image.fromarray(mask).save(masks / f"{number}.png")
    run = tmp_path / "probed"
    words = ["probe", photos, "-w", tiny_weights, "-n", "3", "--side", "192", "--bootstrap", "0", "-o", run, "-q"]
    words += ["--objects", photos, "--object-masks", masks]
    assert CliRunner().invoke(app, [str(word) for word in words]).exit_code == 0
    told = {(one["kind"], one["saving"]): one for one in json.loads((run / "probes.json").read_text())["edits"]}
    ruled(scripts, monkeypatch, tiny_weights, tmp_path / "out", "--version", "test", "--probes", run)
    found = read_file(tmp_path / "out" / "mesorch-s.safetensors")[0].figures["probes"]
    assert isinstance(found, dict)
    for (kind, saving), one in told.items():
        assert found["edits"][kind][saving] == round(one["auc"]["value"], 3)  # type: ignore[index,call-overload]
    card = (tmp_path / "out" / "mesorch-s.md").read_text(encoding="utf-8")
    noise = [found["edits"]["noise 8"][saving] for saving in ("PNG", "JPEG 90", "web")]  # type: ignore[index,call-overload]
    assert f"| noise 8 | {noise[0]} | {noise[1]} | {noise[2]} |" in card
    assert "for the object (photos)" in card
    with pytest.raises(SystemExit, match="probed the weights"):  # the new file is not the one that was probed
        ruled(
            scripts,
            monkeypatch,
            tmp_path / "out" / "mesorch-s.safetensors",
            tmp_path / "other",
            "--version",
            "2",
            "--probes",
            run,
        )


def test_pooling_and_limits_are_those_of_calibrate(
    scripts: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch, tiny_weights: Path, tmp_path: Path
) -> None:
    passport, _, sha256 = read_file(tiny_weights)
    rng = np.random.default_rng(1)
    truth = np.arange(120) < 50
    scores = np.clip(rng.random((120, len(POOLINGS))) * 0.6 + 0.3 * truth[:, None], 0, 0.999)
    scored = Scored(scores, truth, tuple(f"{number:064x}" for number in range(120)))
    made = calibration_file(
        Settings.from_passport(passport),
        ("tiny", sha256),
        scored,
        held_out(scored, 0.05, 0.2, None),
        rates=(0.05, 0.2),
        pooling=None,
        name="made",
        lost=0,
    )
    file = tmp_path / "calibration.json"
    file.write_text(made.to_text(), encoding="utf-8")
    ruled(scripts, monkeypatch, tiny_weights, tmp_path / "out", "--version", "2", "--calibration", file)
    score = read_file(tmp_path / "out" / "mesorch-s.safetensors")[0].score
    assert (score.pooling, score.share) == (made.score.pooling, made.score.share)
    assert (score.evidence_at, score.inconclusive_at) == (made.score.evidence_at, made.score.inconclusive_at)
    assert score.calibration is None  # it speaks for photos like those of the set alone
    with pytest.raises(SystemExit, match="is of the weights"):
        ruled(
            scripts,
            monkeypatch,
            tmp_path / "out" / "mesorch-s.safetensors",
            tmp_path,
            "--version",
            "3",
            "--calibration",
            file,
        )


def test_choices_of_levels_are_measured_by_evaluate(
    scripts: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch, folder: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    module = scripts["fit_levels"]
    monkeypatch.setattr(module, "WEIGHTS", ((1.0, 0.0, 0.0), (0.5, 0.0, 1.0)))
    written = module.write_choices(tiny_weights, tmp_path / "choices")
    levels = [[(level.kind, level.weight) for level in read_file(path)[0].inference.scales] for path in written]
    assert levels == [[("whole", 1.0)], [("whole", 0.5), ("tiles", 1.0)]]
    evaluated(folder, tmp_path / "run", "-w", written[0], "-w", written[1])
    lines = [json.loads(line) for line in (tmp_path / "run" / "evaluation.jsonl").read_text().splitlines()]
    rows = module.table(tmp_path / "run")[2:]
    assert [row.split(" | ")[:3] for row in rows] == [["| 1", "0", "0"], ["| 0.5", "0", "1"]]
    assert [row.split(" | ")[3] for row in rows] == [f"{line['figures']['auc']['value']:.3f}" for line in lines]
