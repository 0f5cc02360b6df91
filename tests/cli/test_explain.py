"""`mesorch explain` and `batch --explain` from outside, with a network of random values."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from pypdf import PdfReader
from typer.testing import CliRunner, Result

from mesorch_cli.cli.app import app
from mesorch_cli.explanation.facts import NO_GATE, Explanation
from mesorch_cli.files.hashing import sha256_file
from mesorch_cli.network import store
from mesorch_cli.network.config import MESORCH_S
from mesorch_cli.network.mesorch import Mesorch
from mesorch_cli.network.passport import Passport
from mesorch_cli.network.rules import InferenceRule, InputRule, Scale, ScoreRule
from mesorch_cli.network.weights import save_weights

Write = Callable[..., Path]
SCALES = [f"scale_{name}.png" for name in MESORCH_S.scales]
PICTURES = [*SCALES, "high.png", "low.png"]


def own_weights(folder: Path, name: str, gate_width: int | None, threshold: float = 0.48) -> Path:
    """Write weights of random values with their regions at a threshold that such values reach."""
    torch.manual_seed(3)
    network = Mesorch(replace(MESORCH_S, name=name, gate_width=gate_width))
    passport = Passport(
        name=name,
        version="test",
        network=network.config,
        licence="test only",
        input=InputRule(side=64, smallest_photo_side=32),
        inference=InferenceRule(scales=(Scale(kind="whole"), Scale(kind="tiles", long_side=0))),
        pixel_threshold=threshold,
        score=ScoreRule(inconclusive_at=0.0, evidence_at=0.0),
    )
    path = folder / f"{name}.safetensors"
    store.record_sum(path, save_weights(path, network.state_dict(), passport))
    return path


@pytest.fixture(scope="module")
def gated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return own_weights(tmp_path_factory.mktemp("gated"), "gated", 24)


@pytest.fixture
def run(gated: Path, tmp_path: Path) -> Callable[..., Result]:
    def explain(*words: object, command: str = "explain", weights: Path = gated, output: str = "out") -> Result:
        line = [
            command,
            *(os.fspath(word) for word in map(str, words)),
            "-w",
            str(weights),
            "-o",
            str(tmp_path / output),
        ]
        return CliRunner().invoke(app, line)

    return explain


def facts_in(folder: Path) -> Explanation:
    return Explanation.model_validate_json((folder / "explanation.json").read_text())


def test_the_explained_map_is_the_detected_map(run: Callable[..., Result], write_photo: Write, tmp_path: Path) -> None:
    photo = write_photo("a.png")
    done = run(photo)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.strip() == str(tmp_path / "out" / "a.png" / "index.html")
    assert run(photo, command="detect", output="detected").exit_code == 0
    explained, detected = tmp_path / "out" / "a.png", tmp_path / "detected" / "a.png"
    for name in ("heatmap.png", "mask.png", "overlay.png"):
        assert (explained / name).read_bytes() == (detected / name).read_bytes()
    records = [json.loads((folder / "record.json").read_text()) for folder in (explained, detected)]
    assert records[0]["result"] == records[1]["result"]
    hashes = {artefact["path"].split("/")[-1]: artefact["sha256"] for artefact in records[0]["artefacts"]}
    assert {*PICTURES, "explanation.json"} <= hashes.keys()
    assert all(sha256_file(explained / name) == sha256 for name, sha256 in hashes.items())

    facts = facts_in(explained)
    assert facts.photo_sha256 == records[0]["input"]["sha256"]
    assert facts.weights.sha256 == records[0]["weights"]["sha256"]
    assert facts.score == records[0]["result"]["score"]
    assert facts.pictures.items() <= hashes.items()
    assert [scale.name for scale in facts.scales] == list(MESORCH_S.scales)
    assert sum(scale.gate.mean for scale in facts.scales if scale.gate) == pytest.approx(1, abs=1e-3)
    regions = records[0]["result"]["regions"]
    assert len(regions) > 1
    assert [(one.x, one.y, one.width, one.height) for one in facts.regions] == [
        (one["x"], one["y"], one["width"], one["height"]) for one in regions
    ]
    assert [check.name for check in facts.checks] == ["shifted", "resized", "resaved", "mirrored"]


def test_the_page_shows_every_picture_and_asks_nobody(
    run: Callable[..., Result], write_photo: Write, tmp_path: Path
) -> None:
    name = "<img src=x onerror=alert(1)>.png"
    assert run(write_photo(name)).exit_code == 0
    (folder,) = (tmp_path / "out").iterdir()
    page = (folder / "index.html").read_text()
    assert "<img src=x" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert "<script" not in page
    for picture in PICTURES:
        assert f'src="{picture}"' in page
    assert facts_in(folder).regions[0].survived in page


def test_json_lines_tell_of_every_photo(run: Callable[..., Result], write_photo: Write) -> None:
    photo, broken = write_photo("a.png"), write_photo("b.png")
    broken.write_bytes(b"no photo")
    done = run(photo, broken, "--json")
    assert done.exit_code == 3
    first, second = map(json.loads, done.stdout.splitlines())
    assert Explanation.model_validate(first).width == 160
    assert first["schema"] == second["schema"] == "mesorch.explanation/1"
    assert (second["verdict"], second["reason"]) == ("not analysed", "not an image")


@pytest.mark.parametrize(
    ("name", "pixels", "code"),
    [
        ("deep.png", (np.indices((70, 90)).sum(axis=0) * 400 % 65536).astype(np.uint16)[..., None].repeat(3, 2), 0),
        ("grey.png", np.random.default_rng(0).integers(0, 256, (70, 90), np.uint8), 0),
        ("tiny.png", np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8), 0),
        ("smaller.png", np.random.default_rng(0).integers(0, 256, (31, 90, 3), np.uint8), 4),
        ("row.png", np.random.default_rng(0).integers(0, 256, (1, 90, 3), np.uint8), 4),
        ("flat.png", np.full((80, 80, 3), 9, np.uint8), 4),
    ],
)
def test_odd_photos(run: Callable[..., Result], tmp_path: Path, name: str, pixels: np.ndarray, code: int) -> None:
    (tmp_path / "evidence").mkdir()
    assert cv2.imwrite(str(tmp_path / "evidence" / name), pixels)
    done = run(tmp_path / "evidence" / name)
    assert done.exit_code == code, done.stderr
    folder = tmp_path / "out" / name
    assert (folder / "index.html").exists() == (code == 0)
    assert (folder / "record.json").exists()
    if code:
        assert len(done.stderr.splitlines()) == 1
        return
    reasons = {check.name: check.reason for check in facts_in(folder).checks}
    assert (reasons["resized"] is not None) == (name == "tiny.png")  # 98 % of it is too small to analyse
    assert (reasons["shifted"] is not None) == (name == "tiny.png")  # and one tile covers it


def test_a_damaged_photo_is_refused_unless_it_is_accepted(
    run: Callable[..., Result], write_photo: Write, tmp_path: Path
) -> None:
    photo = write_photo("cut.jpg")
    photo.write_bytes(photo.read_bytes()[:-800])
    assert run(photo).exit_code == 4
    assert not (tmp_path / "out" / "cut.jpg" / "index.html").exists()
    assert run(photo, "--accept-damaged").exit_code == 0
    assert "damaged input accepted" in (tmp_path / "out" / "cut.jpg" / "index.html").read_text()


def test_a_network_without_gate_is_explained_without_weights(
    run: Callable[..., Result], write_photo: Write, tmp_path: Path
) -> None:
    done = run(write_photo("a.png"), weights=own_weights(tmp_path, "plain", None))
    assert done.exit_code == 0
    assert NO_GATE in " ".join(done.stderr.split())
    folder = tmp_path / "out" / "a.png"
    facts = facts_in(folder)
    assert facts.gate_words == NO_GATE
    assert not facts.gate
    assert all(scale.gate is None for scale in facts.scales)
    assert all(part.gate is None for region in facts.regions for part in region.branches.values())
    page = (folder / "index.html").read_text()
    assert NO_GATE in page
    assert "weight 0" not in page


def test_a_region_that_is_the_whole_photo_rises_above_nothing(
    run: Callable[..., Result], write_photo: Write, tmp_path: Path
) -> None:
    assert run(write_photo("a.png"), weights=own_weights(tmp_path, "all", 24, 0.4)).exit_code == 0
    (region,) = facts_in(tmp_path / "out" / "a.png").regions
    assert region.lift is None
    assert region.survived == "4 of 4"
    assert "none outside" in (tmp_path / "out" / "a.png" / "index.html").read_text()


def test_what_cannot_be_asked_is_said(run: Callable[..., Result], write_photo: Write, tmp_path: Path) -> None:
    photo = write_photo("a.png")
    assert run(photo, "--page", "all").exit_code == 2
    assert run(tmp_path / "evidence" / "gone.png").exit_code == 4
    assert CliRunner().invoke(app, ["explain", str(photo), "-o", str(photo.parent)]).exit_code == 2


def test_a_case_shows_explanations_and_seals_them(
    run: Callable[..., Result], write_photo: Write, tmp_path: Path
) -> None:
    photo = write_photo("a.png")
    (photo.parent / "b.png").write_bytes(photo.read_bytes())
    (photo.parent / "c.png").write_bytes(b"\x89PNG no photo")
    assert run(photo.parent, "--explain", "-q", command="batch", output="case").exit_code == 3
    case = tmp_path / "case"
    for name in ("a.png", "b.png"):
        page = (case / "photos" / name / "index.html").read_text()
        assert "What the network saw" in page
        assert all(f'src="{picture}"' in page for picture in PICTURES)
    assert "What the network saw" not in (case / "photos" / "c.png" / "index.html").read_text()
    assert CliRunner().invoke(app, ["report", str(case), "--pdf", "-q"]).exit_code == 0
    pages = PdfReader(case / "report.pdf").pages
    assert sum("What the network saw" in page.extract_text() for page in pages) == 2
    assert sum(len(page.images) for page in pages) >= 2 * len(PICTURES)
    assert CliRunner().invoke(app, ["verify", str(case)]).exit_code == 0
    numbers = case / "photos" / "a.png" / "explanation.json"
    numbers.write_text(numbers.read_text().replace("gate", "gait", 1))
    assert CliRunner().invoke(app, ["verify", str(case)]).exit_code == 6
    CliRunner().invoke(app, ["report", str(case)])
    assert "not the one that the record names" in (case / "photos" / "a.png" / "index.html").read_text()


def test_a_record_of_an_explanation_can_be_repeated(
    run: Callable[..., Result], write_photo: Write, tmp_path: Path, gated: Path
) -> None:
    assert run(write_photo("a.png")).exit_code == 0
    record = tmp_path / "out" / "a.png" / "record.json"
    done = CliRunner().invoke(app, ["rerun", str(record), "-w", str(gated)])
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("identical")


def test_a_case_without_explanations_knows_nothing_of_them(
    run: Callable[..., Result], write_photo: Write, tmp_path: Path
) -> None:
    assert run(write_photo("a.png").parent, "-q", command="batch", output="case").exit_code == 0
    place = tmp_path / "case" / "photos" / "a.png"
    record = json.loads((place / "record.json").read_text())
    assert "explain" not in record["settings"]
    assert not {artefact["role"] for artefact in record["artefacts"]} & {"explanation", "high", "low", "scale_c1"}
    page = (place / "index.html").read_text()
    assert "What the network saw" not in page
    assert ".panels" not in page
