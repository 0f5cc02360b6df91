"""Data that would make the figures wrong: refused before the run, the first five files named."""

import json
import shutil
from pathlib import Path

import cv2
import pytest
from typer.testing import CliRunner, Result

from mesorch_cli.cli.app import app
from tests.training.runs import make_pairs, values, write_toml

SEVEN = tuple(f"photo{number}" for number in range(7))
FIVE, REST = SEVEN[:5], SEVEN[5:]


def checked(tmp_path: Path, pool: Path, **data: object) -> Result:
    content = values(pool)
    content["data"] = {
        "files": [{"path": str(tmp_path / "train")}],
        "validation_sets": [str(tmp_path / "valid")],
    } | data
    path = write_toml(tmp_path / "run.toml", content)
    return CliRunner().invoke(app, ["train", str(path), "-o", str(tmp_path / "run"), "--check", "--quiet"])


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    make_pairs(tmp_path / "train", SEVEN)
    make_pairs(tmp_path / "valid", ("one",))
    return tmp_path


def assert_five_named(result: Result, *, of: str) -> None:
    assert result.exit_code == 3, result.stderr
    assert of in result.stderr
    assert all(name in result.stderr for name in FIVE)
    assert not any(name in result.stderr for name in REST)
    assert "and 2 more" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_sound_set_passes(sets: Path, photos: Path) -> None:
    result = checked(sets, photos)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "ok\t7 photos\n"
    assert not (sets / "run" / "checkpoint.pt").exists()


def test_photos_without_a_mask(sets: Path, photos: Path) -> None:
    shutil.rmtree(sets / "train" / "Gt")
    (sets / "train" / "Gt").mkdir()
    assert_five_named(checked(sets, photos), of="without a mask")


def test_masks_without_a_photo(sets: Path, photos: Path) -> None:
    for name in SEVEN:
        (sets / "train" / "Tp" / f"{name}.png").unlink()
    cv2.imwrite(str(sets / "train" / "Tp" / "x.png"), cv2.imread(str(sets / "valid" / "Tp" / "one.png")))
    cv2.imwrite(str(sets / "train" / "Gt" / "x.png"), cv2.imread(str(sets / "valid" / "Gt" / "one.png")))
    assert_five_named(checked(sets, photos), of="without a photo")


def test_masks_of_another_size(sets: Path, photos: Path) -> None:
    for name in SEVEN:
        path = sets / "train" / "Gt" / f"{name}.png"
        cv2.imwrite(str(path), cv2.imread(str(path))[:-1])
    result = checked(sets, photos)
    assert_five_named(result, of="mask of another size")
    assert "mask 220 x 199, photo 220 x 200" in result.stderr


def test_files_that_are_no_images(sets: Path, photos: Path) -> None:
    for name in SEVEN:
        (sets / "train" / "Tp" / f"{name}.png").write_text("no image")
    assert_five_named(checked(sets, photos), of="cannot be read")


def test_files_of_a_list_that_are_not_there(sets: Path, photos: Path) -> None:
    (sets / "list.json").write_text(json.dumps([[f"train/Tp/{name}.jpeg", "Negative"] for name in SEVEN]))
    assert_five_named(checked(sets, photos, files=[{"path": str(sets / "list.json")}]), of="do not exist")


def test_photos_both_trained_and_validated_on_by_their_bytes(sets: Path, photos: Path) -> None:
    for number, name in enumerate(SEVEN):  # under other names, with the same bytes
        for folder in ("Tp", "Gt"):
            shutil.copy(sets / "train" / folder / f"{name}.png", sets / "valid" / folder / f"other{number}.png")
    result = checked(sets, photos)
    assert_five_named(result, of="7 photos are used for both training and validation")
    assert "other0.png is " in result.stderr


def test_photos_to_forge_from_are_compared_too(sets: Path, photos: Path) -> None:
    (sets / "valid" / "Au").mkdir()
    shutil.copy(photos / "train" / "coffee.png", sets / "valid" / "Au" / "again.png")
    result = checked(sets, photos, files=[], photos=[{"folder": str(photos / "train")}])
    assert result.exit_code == 3
    assert "again.png is " in result.stderr


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"files": []}, "nothing to train on"),
        ({"validation_sets": []}, "nothing to validate on"),
        ({"photos": [{"folder": "x"}]}, "which requires forged_share"),
        ({"forged_share": 0.5}, "not both photos and files"),
        ({"photoz": 1}, "photoz"),
        ({"operations": {"splice": 0.5, "morph": 0.5}}, "'morph'] are no operations"),
        ({"operations": {"splice": 0.5, "authentic": 0.2}}, "summing to 1"),
    ],
)
def test_a_training_file_that_says_too_little_or_too_much(
    sets: Path, photos: Path, data: dict[str, object], message: str
) -> None:
    result = checked(sets, photos, **data)
    assert result.exit_code == 2
    assert message in result.stderr
