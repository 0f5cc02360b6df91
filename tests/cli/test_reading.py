"""Reading options of `mesorch detect` from outside: pages, frames of reference, limits, trust lists, odd files."""

import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import cv2
import jsonschema
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from mesorch_cli.cli.app import app
from mesorch_cli.examination.record import record_schema
from tests.evidence.isolation.test_isolation import grey_bomb
from tests.evidence.signing import Authority


@pytest.fixture
def run(tiny_weights: Path, tmp_path: Path) -> Callable[..., Result]:
    def run_detect(*arguments: object) -> Result:
        words = ["detect", *(os.fsdecode(str(word)) for word in arguments), "--weights", str(tiny_weights), "--json"]
        return CliRunner().invoke(app, [*words, "-o", str(tmp_path / "out")])

    return run_detect


def records(result: Result) -> list[dict]:
    found = [json.loads(line) for line in result.stdout.splitlines()]
    for record in found:
        jsonschema.validate(record, record_schema())
    return found


def three_pages(path: Path, astronaut: np.ndarray) -> Path:
    pages = [Image.fromarray(np.roll(astronaut, 20 * number, axis=1)) for number in range(3)]
    pages[0].save(path, "TIFF", save_all=True, append_images=pages[1:])
    return path


def test_pages_one_or_all(run: Callable[..., Result], tmp_path: Path, astronaut: np.ndarray) -> None:
    path = three_pages(tmp_path / "pages.tif", astronaut)
    (first,) = records(run(path))
    assert (first["decode"]["page"], first["decode"]["pages"]) == (1, 3)
    (second,) = records(run(path, "--page", 2))
    assert second["decode"]["page"] == 2
    every = records(run(path, "--page", "all"))
    assert [record["decode"]["page"] for record in every] == [1, 2, 3]
    assert every[1]["result"] == second["result"]
    assert len({record["result"]["score"] for record in every}) == 3
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "pages.tif", "pages.tif-page-1", "pages.tif-page-2", "pages.tif-page-3",
    }  # fmt: skip
    missing = run(path, "--page", 9)
    assert missing.exit_code == 4
    assert records(missing)[0]["result"]["reason"] == "no such page"
    for wrong in ("0", "-1", "first", "\u0663"):
        assert run(path, "--page", wrong).exit_code == 2


def test_every_orientation_gives_the_same_map_and_boxes_that_turn_with_the_picture(
    run: Callable[..., Result], tmp_path: Path, astronaut: np.ndarray
) -> None:
    paths = []
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[274] = orientation
        paths.append(tmp_path / f"{orientation}.png")
        Image.fromarray(astronaut).save(paths[-1], exif=exif)
    found = records(run(*paths, "--threshold", 0.3))
    maps = [(tmp_path / "out" / record["artefacts"][1]["path"]).read_bytes() for record in found]
    assert maps == [maps[0]] * 8
    for orientation, record in enumerate(found, start=1):
        decode, result = record["decode"], record["result"]
        assert decode["orientation"] == orientation
        assert decode["upright"] == (
            {"width": 120, "height": 160} if orientation > 4 else {"width": 160, "height": 120}
        )
        plain = [{**region, "upright": None} for region in result["regions"]]
        assert plain == [{**region, "upright": None} for region in found[0]["result"]["regions"]]
        for region in result["regions"]:
            sides = [region["width"], region["height"]]
            upright = [region["upright"]["width"], region["upright"]["height"]]
            assert upright == (sides[::-1] if orientation > 4 else sides)
            if orientation == 1:
                assert region["upright"] == {name: region[name] for name in ("x", "y", "width", "height")}


def test_a_file_that_takes_too_much_costs_one_file(
    run: Callable[..., Result], tmp_path: Path, write_photo: Callable[..., Path]
) -> None:
    (tmp_path / "bomb.png").write_bytes(grey_bomb(20_000))
    result = run(tmp_path / "bomb.png", write_photo("good.png"), "--decode-memory", 300)
    assert result.exit_code == 3
    bomb, good = records(result)
    assert bomb["result"]["reason"] in ("too little memory", "decoder crashed")
    assert bomb["input"]["sha256"]
    assert good["result"]["score"] is not None
    refused = run(tmp_path / "bomb.png", "--max-pixels", 1_000_000)
    assert records(refused)[0]["result"]["reason"] == "too many pixels"
    assert "--max-pixels" in refused.stderr


def test_pipes_and_loops_of_links_are_refused(run: Callable[..., Result], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "a.jpg").symlink_to(tmp_path / "b.jpg")
    (tmp_path / "b.jpg").symlink_to(tmp_path / "a.jpg")
    result = run(tmp_path / "pipe.jpg", tmp_path / "a.jpg", "/dev/zero")
    assert result.exit_code == 4
    assert [record["result"]["reason"] for record in records(result)] == ["not a file", "unreadable", "not a file"]


def test_decoders_are_compared_where_asked(run: Callable[..., Result], write_photo: Callable[..., Path]) -> None:
    photo = write_photo("photo.png")
    assert records(run(photo))[0]["decode"]["comparison"] is None
    comparison = records(run(photo, "--compare-decoders"))[0]["decode"]["comparison"]
    assert comparison["compared"]
    assert (comparison["decoder"], comparison["largest_difference"]) == ("pillow", 0)


def test_provenance_stands_apart_from_the_verdict(
    run: Callable[..., Result], tmp_path: Path, astronaut: np.ndarray
) -> None:
    authority = Authority("Cli")
    plain = cv2.imencode(".jpg", astronaut[..., ::-1])[1].tobytes()
    (tmp_path / "signed.jpg").write_bytes(authority.sign(plain))
    (tmp_path / "roots.pem").write_text(authority.root_pem)
    (record,) = records(run(tmp_path / "signed.jpg", "--trust-list", tmp_path / "roots.pem"))
    assert record["provenance"]["state"] == "Trusted"
    assert len(record["provenance"]["trust_list_sha256"]) == 64
    (tmp_path / "plain.jpg").write_bytes(plain)
    (without,) = records(run(tmp_path / "plain.jpg"))
    assert without["provenance"]["status"] == "absent"
    assert without["result"] == record["result"]
    (tmp_path / "empty.pem").write_text("nothing")
    for wrong in (tmp_path / "empty.pem", tmp_path / "none.pem", tmp_path / "signed.jpg"):
        result = run(tmp_path / "signed.jpg", "--trust-list", wrong)
        assert result.exit_code == 2
        assert "trust list" in result.stderr


def test_sixteen_bit_and_float_files_are_analysed_at_their_depth(run: Callable[..., Result], tmp_path: Path) -> None:
    import tifffile

    ramp = np.linspace(0, 1, 128 * 96).reshape(96, 128)
    image = np.stack([ramp, ramp[::-1], ramp[:, ::-1]], -1)
    tifffile.imwrite(tmp_path / "deep.tif", np.rint(image * 65535).astype(np.uint16), photometric="rgb")
    tifffile.imwrite(tmp_path / "float.tif", image.astype(np.float32), photometric="rgb")
    deep, floating = records(run(tmp_path / "deep.tif", tmp_path / "float.tif"))
    assert (deep["decode"]["bits"], floating["decode"]["bits"]) == (16, 32)
    assert deep["result"]["score"] == pytest.approx(floating["result"]["score"], abs=1e-3)
    assert io.StringIO(json.dumps(floating["decode"]["conversions"])).read().count("floating-point") == 1
