"""A look at sets: what is wrong is found, and what tells the classes apart without the picture."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from mesorch_cli.evaluation.datasets import read_dataset
from mesorch_cli.evaluation.inspection import inspect
from mesorch_cli.evaluation.leaks import FEWEST, FileFacts, leaks


def save(path: Path, pixels: np.ndarray, quality: int = 90) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    mask = np.zeros((48, 64), np.uint8)
    mask[10:30, 10:40] = 255
    for number in range(12):
        photo = cv2.resize(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8), (64, 48), interpolation=cv2.INTER_CUBIC)
        save(tmp_path / "Tp" / f"{number}.jpg", photo, 90)
        save(tmp_path / "Gt" / f"{number}.png", mask)
        save(tmp_path / "Au" / f"{number}.jpg", photo[::-1], 90)
    return tmp_path


def test_a_sound_set_has_no_findings(folder: Path) -> None:
    inspection = inspect([read_dataset(folder)])
    assert inspection.findings == ()
    assert inspection.ok
    assert inspection.photos == 24
    assert inspection.masks == {folder.name: {"0 and 255: 255 is tampered": 12}}
    assert {leak.of for leak in inspection.leaks[folder.name]} >= {"quantisation tables", "bits per pixel"}


def test_everything_that_is_wrong_is_named(folder: Path) -> None:
    (folder / "Tp" / "0.jpg").write_bytes((folder / "Tp" / "0.jpg").read_bytes()[:-300])
    (folder / "Gt" / "1.png").write_bytes(b"no picture")
    save(folder / "Gt" / "2.png", np.full((48, 64), 90, np.uint8))
    save(folder / "Gt" / "3.png", np.full((50, 64), 255, np.uint8))
    (folder / "Au" / "copy.jpg").write_bytes((folder / "Au" / "4.jpg").read_bytes())
    (folder / "Gt" / "5.png").unlink()
    save(folder / "Gt" / "6.png", cv2.GaussianBlur(cv2.imread(str(folder / "Gt" / "6.png"), 0), (3, 3), 0.7))
    save(folder / "Gt" / "7.png", np.zeros((48, 64), np.uint8))
    found = {(one.what.split(":")[0], one.files) for one in inspect([read_dataset(folder, strict=False)]).findings}
    name = folder.name
    assert {
        ("photo without a mask", ("5.jpg",)),
        ("mask", ("1.png",)),
        ("mask", ("2.png",)),  # one value that is neither black nor white
        ("mask not binary", ("6.png",)),
        ("mask", ("7.png",)),  # nothing tampered
        ("mask of 64 x 50 for 64 x 48", ("3.png",)),
        ("mask full", ("3.png",)),
        ("the same photo twice", (f"{name}/4.jpg", f"{name}/copy.jpg")),
    } <= found
    assert ("0.jpg",) in {files for _, files in found}


def test_the_same_photo_in_two_sets_is_found(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    save(other / "Tp" / "x.png", np.zeros((48, 64, 3), np.uint8))
    save(other / "Gt" / "x.png", np.full((48, 64), 255, np.uint8))
    (other / "Au").mkdir()
    (other / "Au" / "y.jpg").write_bytes((folder / "Au" / "7.jpg").read_bytes())
    what = {one.what for one in inspect([read_dataset(folder), read_dataset(other)]).findings}
    assert "the same photo in several sets" in what


def test_tables_that_give_the_class_away_are_a_leak(folder: Path) -> None:
    for path in (folder / "Au").iterdir():
        save(path, cv2.imread(str(path)), 60)
    inspection = inspect([read_dataset(folder)])
    by = {leak.of: leak for leak in inspection.leaks[folder.name]}
    assert by["quantisation tables"].auc == 1.0
    assert by["bits per pixel"].notable
    assert not by["size of the raster"].notable
    assert not inspection.ok


def test_chance_is_no_leak_and_few_photos_say_nothing() -> None:
    rng = np.random.default_rng(5)
    facts = [FileFacts(str(rng.integers(5)), str(rng.integers(50)), "", float(rng.random())) for _ in range(400)]
    truth = (rng.random(400) < 0.4).tolist()
    found = leaks(facts, truth)
    assert all(0.4 < leak.auc < 0.6 for leak in found)
    assert leaks(facts[: FEWEST + 3], [True] * FEWEST + [False] * 3) == []
