"""Properties of the views, and the command from outside."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data
from typer.testing import CliRunner

from mesorch_cli.cli.app import app
from mesorch_cli.evidence import read_photo
from mesorch_cli.inference.witnesses.blocks import exact_brightness
from mesorch_cli.views.blocks import steps_of_grid
from mesorch_cli.views.error_level import QUALITIES, ErrorLevel, ghosts, saved_again
from mesorch_cli.views.settings import Rectangle, ViewSettings
from mesorch_cli.views.statements import degrees_of
from mesorch_cli.views.view import source_of
from mesorch_cli.views.zoom import Zoom, square


def written(path: Path, pixels: np.ndarray) -> Path:
    assert cv2.imwrite(str(path), pixels[..., ::-1])
    return path


def test_the_error_level_of_a_flat_photo_is_zero(tmp_path: Path) -> None:
    photo = read_photo(written(tmp_path / "flat.png", np.full((64, 64, 3), 128, np.uint8)))
    assert not ErrorLevel().draw(source_of(photo), ViewSettings()).any()


def test_a_ghost_is_darkest_at_the_quality_that_a_part_was_saved_with() -> None:
    pixels = data.astronaut()[:256, :256]
    pixels = np.ascontiguousarray(pixels)
    pixels[64:192, 64:192] = saved_again(pixels, 60)[64:192, 64:192]
    inside = ghosts(pixels)[:, 88:168, 88:168].mean(axis=(1, 2))
    assert QUALITIES[int(inside.argmin())] == 60


def test_the_grid_is_found_where_a_crop_left_it() -> None:
    plane = exact_brightness(saved_again(data.astronaut(), 50)[3:, 5:])
    assert int(steps_of_grid(plane).argmax()) == 3
    assert int(steps_of_grid(plane.T).argmax()) == 5


def test_pixels_of_the_zoom_are_those_of_the_photo(tmp_path: Path) -> None:
    pixels = data.astronaut()
    photo = read_photo(written(tmp_path / "a.png", pixels))
    picture = Zoom().draw(source_of(photo), ViewSettings(zoom=Rectangle(100, 50, 40, 30)))
    side = square(40, 30)
    assert np.array_equal(picture[side // 2 :: side, side // 2 :: side, ::-1], pixels[50:80, 100:140])


def test_degrees_have_a_sign_and_refuse_nonsense() -> None:
    gps = {"GPSLatitudeRef": "S", "GPSLatitude": ["52/1", "30/1", "36/1"], "GPSLongitudeRef": "E"}
    assert degrees_of({"exif": {"gps": gps | {"GPSLongitude": ["13/1", "24/1", "0/1"]}}}) == (-52.51, 13.4)
    assert degrees_of({"exif": {"gps": gps | {"GPSLongitude": ["1/0", "0/1", "0/1"]}}}) is None
    assert degrees_of({"exif": {"gps": gps | {"GPSLongitude": [13, 24.0, 1e-5]}}}) == (-52.51, pytest.approx(13.4))
    for hostile in (float("inf"), 1e300, True, "1e999999999", "-1", "nan", "1/0", "9" * 5000, "1/2/3", ""):
        assert degrees_of({"exif": {"gps": gps | {"GPSLongitude": [hostile, "0/1", "0/1"]}}}) is None


def test_the_command_draws_grey_thin_and_deep_photos_and_names_bad_ones(tmp_path: Path) -> None:
    evidence = tmp_path / "in"
    evidence.mkdir()
    ramp = np.arange(4096, dtype=np.uint16).reshape(64, 64) * 16
    cv2.imwrite(str(evidence / "deep.png"), np.dstack([ramp] * 3))
    cv2.imwrite(str(evidence / "grey.jpg"), data.camera())
    cv2.imwrite(str(evidence / "thin.png"), np.full((1, 300, 3), 9, np.uint8))
    (evidence / "bad.jpg").write_bytes(b"no photo")
    words = ["views", *map(str, sorted(evidence.iterdir())), "-o", str(tmp_path / "out")]
    assert CliRunner().invoke(app, words).exit_code == 3
    told = json.loads((tmp_path / "out" / "thin.png-views" / "views.json").read_text())
    assert {"ghosts", "grid", "histograms"} <= set(told["missing"])
    page = (tmp_path / "out" / "deep.png-views" / "index.html").read_text()
    assert "16 bits" in page
    assert "http" not in page.replace("http-equiv", "")
    assert CliRunner().invoke(app, ["views", str(evidence / "bad.jpg"), "-o", str(tmp_path / "out")]).exit_code == 4
