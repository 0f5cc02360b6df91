"""A photo unlike the measured ones says so: in the terminal, the record, the pages and the table of a case."""

import base64
import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from mesorch_cli.cli.app import app
from mesorch_cli.cli.examination_rows import rows_of
from mesorch_cli.evidence import read_photo
from mesorch_cli.examination.record import Record
from mesorch_cli.examination.stages import Examination
from mesorch_cli.inference.domain import KEY, Domain, traits_of
from mesorch_cli.network.store import record_sum
from mesorch_cli.network.weights import read_file, save_weights
from mesorch_cli.report import domain
from tests.evidence.decoding.test_decoders import HEIC
from tests.evidence.samples import encoded, picture, tiff

RATES = {
    "authentic": 50,
    "tampered": 50,
    "authentic_evidence": 0.02,
    "authentic_inconclusive_or_evidence": 0.1,
    "tampered_evidence": 0.5,
    "tampered_inconclusive_or_evidence": 0.7,
}


def jpeg(quality: int = 85, height: int = 96, width: int = 128, seed: int = 5) -> bytes:
    smooth = cv2.GaussianBlur(picture(height, width, seed=seed), (0, 0), 2)
    return encoded(smooth, "JPEG", quality=quality)


@pytest.fixture
def weights(tiny_weights: Path, tmp_path: Path) -> Path:
    """Weights whose set `web` has JPEGs of 128 x 96 pixels at quality 80 to 90, as Pillow saves them."""
    passport, tensors, _ = read_file(tiny_weights)
    traits = [
        traits_of(read_photo("-", data=jpeg(quality, seed=seed))) for quality in (80, 85, 90) for seed in range(9)
    ]
    figures = {"web": RATES | {KEY: Domain.of(traits).model_dump(mode="json")}}
    smallest = passport.input.model_copy(update={"smallest_photo_side": 1})
    path = tmp_path / "described.safetensors"
    record_sum(path, save_weights(path, tensors, passport.model_copy(update={"figures": figures, "input": smallest})))
    return path


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [*map(str, words), "--device", "cpu"])


def test_a_photo_like_the_measured_ones_says_nothing_and_another_says_so(weights: Path, tmp_path: Path) -> None:
    (tmp_path / "like.jpg").write_bytes(jpeg(seed=20))
    (tmp_path / "other.jpg").write_bytes(jpeg(40, 200, 300))
    like, other = (
        run("detect", tmp_path / name, "-w", weights, "-o", tmp_path / "out") for name in ("like.jpg", "other.jpg")
    )
    assert like.exit_code == other.exit_code == 0
    records = [json.loads((tmp_path / "out" / name / "record.json").read_text()) for name in ("like.jpg", "other.jpg")]
    assert records[0]["result"]["domain"] == [{"set": "web", "photos": 27, "outside": []}]
    outside = {one["measure"]: one["value"] for one in records[1]["result"]["domain"][0]["outside"]}
    assert outside["shorter side"] == 200
    assert outside["quality"] == 40
    rows = [dict(rows_of(Examination(Record.model_validate(record), None, None), most=3)) for record in records]
    assert "domain" not in rows[0]
    assert rows[1]["domain"].startswith("The photo is unlike those on which the rates were measured")
    assert "its shorter side is 200 pixels (web: 96 to 96)" in rows[1]["domain"]


@pytest.mark.parametrize(
    ("name", "data", "measures"),
    [
        ("row.png", encoded(picture(1, 128), "PNG"), {"format", "shorter side"}),
        ("grey.png", encoded(picture(96, 128)[:, :, 0], "PNG"), {"format", "colour"}),
        ("phone.heic", base64.b64decode(HEIC["plain"]), {"format", "shorter side", "longer side"}),
        ("deep.tif", tiff(picture(96, 128).astype(np.uint16) * 257), {"format", "bits"}),
    ],
)
def test_odd_photos_are_told_by_what_differs(
    name: str, data: bytes, measures: set[str], weights: Path, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(data)
    result = run("detect", tmp_path / name, "-w", weights, "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)["result"]
    assert found["rates"]
    assert {one["measure"] for one in found["domain"][0]["outside"]} == measures


def test_weights_without_a_description_say_nothing(tiny_weights: Path, tmp_path: Path) -> None:
    (tmp_path / "x.jpg").write_bytes(jpeg(40, 200, 300))
    result = run("detect", tmp_path / "x.jpg", "-w", tiny_weights, "--json")
    assert json.loads(result.stdout)["result"]["domain"] == []


def test_other_settings_have_neither_rates_nor_a_domain(weights: Path, tmp_path: Path) -> None:
    (tmp_path / "x.jpg").write_bytes(jpeg(40, 200, 300))
    found = json.loads(run("detect", tmp_path / "x.jpg", "-w", weights, "--json", "--scales", "whole").stdout)["result"]
    assert (found["rates"], found["domain"]) == ([], [])


def test_a_case_says_it_in_table_list_and_page_and_rerun_agrees(weights: Path, tmp_path: Path) -> None:
    evidence, case = tmp_path / "evidence", tmp_path / "case"
    evidence.mkdir()
    (evidence / "like.jpg").write_bytes(jpeg(seed=20))
    (evidence / "other.jpg").write_bytes(jpeg(40, 200, 300))
    assert run("batch", evidence, "-o", case, "-w", weights, "-q").exit_code == 0
    with (case / "results.csv").open(newline="", encoding="utf-8") as lines:
        table = {row["path"]: row["domain"] for row in csv.DictReader(lines)}
    assert table == {"like.jpg": "like web", "other.jpg": domain.OUTSIDE}
    assert (case / "index.html").read_text(encoding="utf-8").count(f'">{domain.OUTSIDE}<') == 1
    page = (case / "photos" / "other.jpg" / "index.html").read_text(encoding="utf-8")
    assert (
        page.count("The photo is unlike those on which the rates were measured") == 2
    )  # result, and sentences to copy
    path = case / "photos" / "other.jpg" / "record.json"
    again = run("rerun", path, "-w", weights, "--input", evidence / "other.jpg")
    assert again.exit_code == 0, again.stderr
    old = json.loads(path.read_text())
    del old["result"]["domain"]  # as an earlier version wrote it
    assert Record.model_validate(old).result.domain == []
    path.write_text(json.dumps(old))
    again = run("rerun", path, "-w", weights, "--input", evidence / "other.jpg")
    assert again.exit_code == 0, again.stderr


def test_weights_info_shows_what_the_measured_photos_are_like(weights: Path, tiny_weights: Path) -> None:
    shown, plain = (CliRunner().invoke(app, ["weights", "info", str(path)]) for path in (weights, tiny_weights))
    assert shown.exit_code == plain.exit_code == 0
    (row,) = [line for line in shown.stdout.splitlines() if line.startswith("│ shorter side")]
    assert "96 to 96 (96 to 96)" in row
    assert "JPEG (27)" in shown.stdout
    assert "domain:" not in shown.stdout
    assert "measured sets" not in plain.stdout
