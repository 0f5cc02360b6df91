"""A copy-move from the camera to the pictures: turned, scaled, and in a file whose photo is stored lying on its side."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps
from typer.testing import CliRunner

from mesorch_cli.cli.app import app
from mesorch_cli.report.outlines import JOINED
from mesorch_cli.report.overlay import MARGIN
from mesorch_cli.report.panel import GAP, TITLE
from tests.inference.witnesses.copied import PART, moved_by, with_copy

TURN, SCALE = 25.0, 1.1
RIGHT = 6  # EXIF: to be turned to the right
LEFT_OUT = 60  # columns of the square photo, so that it is upright


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    return float((first & second).sum() / (first | second).sum())


@pytest.fixture(scope="module")
def lying(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, Path, np.ndarray]:
    """Return the record and the folder of the stored photo's results, and the mask of the copy in the upright photo."""
    folder = tmp_path_factory.mktemp("lying")
    pixels, placed = with_copy(TURN, SCALE)
    exif = Image.Exif()
    exif[0x0112] = RIGHT
    stored = np.rot90(pixels[:, LEFT_OUT:])  # to the left
    Image.fromarray(np.ascontiguousarray(stored)).save(folder / "x.jpg", quality=92, exif=exif)
    words = ["detect", str(folder / "x.jpg"), "-o", str(folder / "out"), "--device", "cpu", "--json"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout), folder / "out" / "x.jpg", placed[:, LEFT_OUT:]


def finding_of(record: dict) -> dict:
    (copy,) = [one for one in record["result"]["findings"] if one["witness"] == "copies"]
    return copy


def upright_mask(outline: dict, width: int, height: int) -> np.ndarray:
    """Return an outline's area as a viewer shows it, turned by a library that did not draw it."""
    area = np.zeros((height, width), np.uint8)
    cv2.fillPoly(area, [np.array(outline["corners"], np.int32).reshape(-1, 2)], 255)
    exif = Image.Exif()
    exif[0x0112] = RIGHT
    picture = Image.fromarray(area)
    picture.info["exif"] = exif.tobytes()
    picture.getexif()[0x0112] = RIGHT
    return np.asarray(ImageOps.exif_transpose(picture)) > 0


def test_both_outlines_lie_on_copy_and_original(lying: tuple[dict, Path, np.ndarray]) -> None:
    record, _, placed = lying
    decode, copy = record["decode"], finding_of(record)
    assert (decode["width"], decode["height"], decode["orientation"]) == (*placed.shape, RIGHT)
    original = np.zeros((placed.shape[0], placed.shape[1] + LEFT_OUT), bool)
    original[PART] = True
    original = original[:, LEFT_OUT:]
    areas = {one["role"]: upright_mask(one, decode["width"], decode["height"]) for one in copy["geometry"]["outlines"]}
    assert set(areas) == {"part", "counterpart"}
    assert areas["part"].shape == placed.shape
    assert sorted(overlap(area, placed) > 0.6 for area in areas.values()) == [False, True]
    assert sorted(overlap(area, original) > 0.6 for area in areas.values()) == [False, True]
    for place in copy["places"]:
        rows, columns = np.nonzero(areas[place["role"]])
        box, near = place["upright"], copy["geometry"]["tolerance"] + 1
        assert abs(columns.min() - box["x"]) <= near
        assert abs(rows.min() - box["y"]) <= near
        assert abs(columns.max() + 1 - box["x"] - box["width"]) <= near
        assert abs(rows.max() + 1 - box["y"] - box["height"]) <= near


def test_every_link_obeys_the_movement_that_was_made(lying: tuple[dict, Path, np.ndarray]) -> None:
    record, _, placed = lying
    copy = finding_of(record)
    links = np.array(copy["geometry"]["links"]).reshape(-1, 2, 2)
    assert len(links) >= 10
    upright = np.stack([placed.shape[1] - links[..., 1], links[..., 0]], axis=-1)  # turned to the right
    upright += np.array([LEFT_OUT - 0.5, -0.5])  # in the photo that was pasted into, from the middle of its first pixel
    matrix = moved_by(TURN, SCALE)
    errors = [
        np.hypot(*(matrix[:, :2] @ upright[:, start].T + matrix[:, 2:] - upright[:, 1 - start].T)) for start in (0, 1)
    ]
    assert min(error.max() for error in errors) < 2.5


@pytest.mark.parametrize("name", ["overlay.png", "panel.png"])
def test_the_pictures_draw_the_outlines_in_the_stored_raster(lying: tuple[dict, Path, np.ndarray], name: str) -> None:
    record, folder, _ = lying
    picture = cv2.imread(str(folder / name), cv2.IMREAD_COLOR)
    width = record["decode"]["width"]
    left, top = (MARGIN, MARGIN) if name == "overlay.png" else (MARGIN + 2 * (width + GAP), MARGIN + TITLE)
    drawn = []
    for outline in finding_of(record)["geometry"]["outlines"]:
        corners = np.array(outline["corners"]).reshape(-1, 2)
        for x, y in np.concatenate([corners, (corners + np.roll(corners, 1, axis=0)) / 2]):
            column, row = round(left + x - 0.5), round(top + y - 0.5)
            near = picture[row - 2 : row + 3, column - 2 : column + 3].astype(int)
            drawn.append(np.abs(near - JOINED).max(axis=2).min() < 90)  # the line has smooth edges
    assert len(drawn) > 40
    assert np.mean(drawn) > 0.9, "all but what the number of a region covers"
