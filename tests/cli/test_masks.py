"""`mesorch evaluate` over one set with its masks written in many ways: the same figures to the last digit, or a refusal."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from mesorch_cli.cli.app import app
from tests.evaluation.written_masks import WAYS, Write, in_two_colours, png

Evaluate = Callable[..., Result]
MANY, FEW = 0.9, 0.1


def drawn(number: int) -> np.ndarray:
    """Return a mask, (120, 160) bool."""
    mask = np.zeros((120, 160), np.uint8)
    cv2.ellipse(mask, (50 + 20 * number, 60), (30, 20 + 5 * number), 15, 0, 360, 1, -1)
    return mask > 0


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory, astronaut: np.ndarray) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for name in ("Tp", "Au"):
        (folder / name).mkdir()
    for number in range(2):
        photo = np.where(drawn(number)[..., None], np.roll(astronaut, 30 + number, axis=1), astronaut)
        assert cv2.imwrite(str(folder / "Tp" / f"{number}.png"), photo[..., ::-1])
    assert cv2.imwrite(str(folder / "Au" / "a.jpg"), astronaut[::-1, :, ::-1])
    return folder


def measured(photos: Path, weights: Path, masks: Path, write: Write, *words: str) -> Result:
    """Write the masks in one way and measure."""
    masks.mkdir()
    for number in range(2):
        write(masks / str(number), drawn(number))
    places = ["--images", photos / "Tp", "--masks", masks, "--authentic", photos / "Au", "-w", weights]
    return CliRunner().invoke(app, ["evaluate", *map(str, places), "--bootstrap", "20", *words])


@pytest.fixture
def evaluate(photos: Path, tiny_weights: Path, tmp_path: Path) -> Evaluate:
    return lambda write, *words: measured(photos, tiny_weights, tmp_path / "masks", write, *words)


@pytest.fixture(scope="module")
def expected(photos: Path, tiny_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """The line of masks as 0 and 255, by which all others are measured."""
    folder = tmp_path_factory.mktemp("plain") / "masks"
    found = json.loads(measured(photos, tiny_weights, folder, WAYS["0 and 255"], "--json").stdout)
    return {name: value for name, value in found.items() if name != "masks"}


@pytest.mark.parametrize("way", WAYS)
def test_the_figures_are_the_same_to_the_last_digit(way: str, evaluate: Evaluate, expected: dict[str, object]) -> None:
    result = evaluate(WAYS[way], "--json")
    assert result.exit_code == 0, result.stderr
    line = json.loads(result.stdout)
    read = line.pop("masks")
    assert sum(read.values()) == 2
    assert all(f"{count} masks read as {reading}" in result.stderr for reading, count in read.items())
    assert (line["counts"]["tampered"], line["counts"]["authentic"]) == (2, 1)
    assert line["warnings"] == []
    assert line == expected


def test_colours_that_do_not_say_which_are_refused_by_name(evaluate: Evaluate) -> None:
    """Red on green, as in the sets that mark what is untouched in colour too."""
    result = evaluate(lambda path, mask: in_two_colours(path, mask, (255, 0, 0), (0, 255, 0)), "--json")
    assert result.exit_code == 3
    assert "(0, 255, 0)" in result.stderr
    assert "(255, 0, 0)" in result.stderr
    assert json.loads(result.stdout)["counts"]["failed"] == 2


def test_they_are_read_where_the_colour_is_named(evaluate: Evaluate) -> None:
    result = evaluate(
        lambda path, mask: in_two_colours(path, mask, (255, 0, 0), (0, 255, 0)), "--json", "--mask-colour", "ff0000"
    )
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["masks"] == {"(0, 255, 0) and (255, 0, 0): (255, 0, 0) is tampered": 2}


def test_a_mask_of_nothing_is_an_error_unless_asked_for(evaluate: Evaluate) -> None:
    result = evaluate(lambda path, mask: png(path, (mask & ("1" in path.name)).astype(np.uint8)), "--json")
    assert result.exit_code == 3
    assert "0.png: failed: mask: nothing tampered" in result.stderr
    assert "--allow-empty-masks" in result.stderr
    assert json.loads(result.stdout)["counts"]["authentic"] == 1


def test_a_mask_of_nothing_that_is_meant(evaluate: Evaluate) -> None:
    write = lambda path, mask: png(path, (mask & ("1" in path.name)).astype(np.uint8))  # noqa: E731
    result = evaluate(write, "--json", "--allow-empty-masks")
    assert result.exit_code == 0, result.stderr
    counts = json.loads(result.stdout)["counts"]
    assert (counts["tampered"], counts["authentic"]) == (1, 2)


def test_inverted_masks_get_a_warning(evaluate: Evaluate, monkeypatch: pytest.MonkeyPatch) -> None:
    """The map is made to be right about the true masks, so that it is wrong about inverted ones."""
    from dataclasses import replace

    from mesorch_cli.inference.detector import Detector

    maps = iter([drawn(0), drawn(1), np.zeros((120, 160), bool)])
    usual = Detector.detect
    monkeypatch.setattr(
        Detector,
        "detect",
        lambda self, pixels, *, steps=None: replace(
            usual(self, pixels, steps=steps), map=np.where(next(maps), MANY, FEW).astype(np.float32)
        ),
    )
    result = evaluate(lambda path, mask: png(path, (~mask).astype(np.uint8) * 255), "--json", "--quiet")
    assert result.exit_code == 0, result.stderr
    (warning,) = json.loads(result.stdout)["warnings"]
    assert "look inverted" in warning
    assert f"warning: {warning}" in result.stderr


def test_a_check_names_the_readings(evaluate: Evaluate) -> None:
    result = evaluate(WAYS["0 and 1"], "--check", "--json")
    assert result.exit_code == 0, result.stdout
    assert list(json.loads(result.stdout)["masks"].values()) == [{"0 and 1: 1 is tampered": 2}]
