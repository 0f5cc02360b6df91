"""`mesorch probe` from outside: figures of edits, pairs and objects, and what it refuses."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from typer.testing import CliRunner, Result

from mesorch_cli.cli.app import app
from mesorch_cli.errors import UsageError
from mesorch_cli.evaluation.probe_pairs import read_pairs
from mesorch_cli.forge.probe import KINDS, SAVINGS


def invoke(*words: object) -> Result:
    return CliRunner().invoke(app, ["probe", *(str(word) for word in words)])


@pytest.fixture
def pairs(tmp_path: Path, astronaut: np.ndarray) -> Path:
    """Three forgeries with their originals and masks."""
    for name in ("forgery", "original", "mask"):
        (tmp_path / "pairs" / name).mkdir(parents=True)
    for number in range(3):
        mask = np.zeros(astronaut.shape[:2], np.uint8)
        mask[20 : 60 + 10 * number, 40:90] = 255
        forged = np.where(mask[..., None] > 0, np.roll(astronaut, 37, axis=1), astronaut)
        for name, picture in (("forgery", forged[..., ::-1]), ("original", astronaut[..., ::-1]), ("mask", mask)):
            assert cv2.imwrite(str(tmp_path / "pairs" / name / f"{number}.png"), picture)
    return tmp_path / "pairs"


def test_every_kind_has_a_figure_for_every_saving(
    tiny_weights: Path, write_photo: Callable[..., Path], astronaut: np.ndarray, tmp_path: Path
) -> None:
    for number in range(3):
        folder = write_photo(f"{number}.png", cv2.resize(np.roll(astronaut, 31 * number, axis=1), (320, 240))).parent
    words = (folder, "-w", tiny_weights, "-n", 3, "-s", 7, "--side", 192, "--bootstrap", 20, "-q")
    assert invoke(*words, "-o", tmp_path / "a").exit_code == 0
    told = json.loads((tmp_path / "a" / "probes.json").read_text())
    cells = {(one["kind"], one["saving"]) for one in told["edits"]}
    assert cells == {(kind, saving) for kind in (*KINDS, "mean of edits in place") for saving in SAVINGS}
    for one in told["edits"]:
        assert 0 <= one["auc"]["low"] <= one["auc"]["value"] <= one["auc"]["high"] <= 1
        assert one["auc"]["photos"] == 3
    assert invoke(*words, "-o", tmp_path / "b").exit_code == 0
    assert (tmp_path / "a" / "probes.json").read_bytes() == (tmp_path / "b" / "probes.json").read_bytes()
    assert "| foreign |" in (tmp_path / "a" / "probes.md").read_text()


def test_pairs_and_objects_have_the_figures_of_their_maps(tiny_weights: Path, pairs: Path, tmp_path: Path) -> None:
    objects = ("--objects", pairs / "original", "--object-masks", pairs / "mask")
    done = invoke(
        "--pairs", pairs, *objects, "-w", tiny_weights, "-o", tmp_path / "out", "--bootstrap", 0, "--json", "-q"
    )
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    expected = {"forgery": [], "original": []}
    for name, values in expected.items():
        for number in range(3):
            photo = pairs / name / f"{number}.png"
            place = tmp_path / "maps" / name
            assert (
                CliRunner().invoke(app, ["detect", str(photo), "-w", str(tiny_weights), "-o", str(place)]).exit_code
                == 0
            )
            heat = cv2.imread(str(place / photo.name / "heatmap.png"), cv2.IMREAD_UNCHANGED)
            mask = cv2.imread(str(pairs / "mask" / photo.name), cv2.IMREAD_GRAYSCALE) > 0
            values.append(roc_auc_score(mask.ravel(), heat.ravel()))
    for name, values in expected.items():
        assert told["pairs"]["figures"][f"{name} auc"]["value"] == pytest.approx(np.mean(values), abs=2e-3)
    assert told["objects"]["original"]["value"] == pytest.approx(np.mean(expected["original"]), abs=2e-3)
    assert told["pairs"]["pairs"] == 3


def test_what_cannot_be_probed_is_refused(tiny_weights: Path, pairs: Path, tmp_path: Path) -> None:
    common = ("-w", tiny_weights, "-o", tmp_path / "out", "-q")
    assert invoke(*common).exit_code == 2
    assert invoke("--objects", pairs / "original", *common).exit_code == 2
    few = tmp_path / "few.csv"
    few.write_text("forgery,original,mask\npairs/forgery/0.png,pairs/original/0.png,pairs/mask/0.png\n")
    done = invoke("--pairs", few, *common)
    assert done.exit_code == 3
    assert "1 pairs. Expected at least 3" in done.stderr
    few.write_text("forgery,original,mask\n")
    assert invoke("--pairs", few, *common).exit_code == 3
    cv2.imwrite(str(pairs / "mask" / "1.png"), np.full((120, 160), 255, np.uint8))
    done = invoke("--pairs", pairs, *common)
    assert done.exit_code == 3
    assert "marks everything" in done.stderr
    (pairs / "mask" / "2.png").unlink()
    done = invoke("--pairs", pairs, *common)
    assert done.exit_code in (2, 3)
    assert "without a partner" in done.stderr


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_list_of_pairs_may_come_from_any_spreadsheet(pairs: Path, separator: str) -> None:
    text = "Forgery,Original,Mask\n" + "".join(
        f"pairs/forgery/{number}.png,pairs/original/{number}.png,pairs/mask/{number}.png\n" for number in range(3)
    )
    path = pairs.parent / "pairs.csv"
    path.write_text("\ufeffsep=" + separator + "\n" + text.replace(",", separator), encoding="utf-8")
    assert read_pairs(path) == read_pairs(pairs)
    path.write_text("forgery,original,mask\na.png,,c.png\n")
    with pytest.raises(UsageError, match="line 2: expected a forgery, its original and its mask"):
        read_pairs(path)
    path.write_text("forgery,original\na.png,b.png\n")
    with pytest.raises(UsageError, match="Expected forgery, original and mask, separated by commas"):
        read_pairs(path)
