"""`mesorch forge` from outside: streams, exit codes, bad options."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from mesorch_cli.cli.app import app

Write = Callable[..., Path]


@pytest.fixture
def photos(write_photo: Write) -> Path:
    write_photo("one.png")
    return write_photo("two.jpg").parent


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["forge", *(str(word) for word in words), "--workers", "1"])


def test_the_same_seed_gives_the_same_manifest(photos: Path, tmp_path: Path) -> None:
    results = [run(photos, tmp_path / name, "-n", 4, "-s", 3, "--sheet", 4) for name in ("a", "b")]
    for result in results:
        assert result.exit_code == 0, result.stderr
        assert result.stderr == ""
    (path, count, digest), (_, _, again) = (result.stdout.rstrip("\n").split("\t") for result in results)
    assert (path, count) == (str(tmp_path / "a" / "manifest.jsonl"), "4")
    assert digest == again
    assert (tmp_path / "a" / "contact.png").read_bytes() == (tmp_path / "b" / "contact.png").read_bytes()


def test_json_is_the_manifest_and_operations_are_chosen(photos: Path, tmp_path: Path) -> None:
    result = run(photos, tmp_path / "out", "-n", 5, "--json", "--operations", "copy_move=3,removal", "--largest", 0.2)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == (tmp_path / "out" / "manifest.jsonl").read_text()
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert {record["wanted"] for record in records} <= {"copy_move", "removal"}
    assert len(records) == 5


def test_resume_extends(photos: Path, tmp_path: Path) -> None:
    assert run(photos, tmp_path / "out", "-n", 2).exit_code == 0
    refused = run(photos, tmp_path / "out", "-n", 4)
    assert refused.exit_code == 2
    assert "is not empty" in refused.stderr
    assert "--resume" in refused.stderr
    assert run(photos, tmp_path / "out", "-n", 4, "--resume").exit_code == 0
    whole = run(photos, tmp_path / "whole", "-n", 4)
    assert (tmp_path / "out" / "manifest.jsonl").read_text() == (tmp_path / "whole" / "manifest.jsonl").read_text()
    assert whole.stdout.split("\t")[1] == "4"


def test_a_run_killed_outright_is_resumed_to_the_same_dataset(photos: Path, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "mesorch_cli", "forge", str(photos), str(tmp_path / "killed"), "-n", "400"]
    running = subprocess.Popen([*words, "--workers", "2", "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert running.stdout is not None
    for _ in range(3):
        assert running.stdout.readline()
    running.kill()
    running.communicate()  # ends only when the workers, which hold the pipe too, have ended
    (tmp_path / "killed" / "Tp" / ".000399.jpg.0123456789abcdef.part").write_bytes(b"half")
    count = len((tmp_path / "killed" / "manifest.jsonl").read_text().splitlines()) + 2
    for name, more in (("killed", ["--resume"]), ("whole", [])):
        assert run(photos, tmp_path / name, "-n", count, *more).exit_code == 0
    files = [
        {path.relative_to(tmp_path / name).as_posix(): path.read_bytes() for path in (tmp_path / name).rglob("*.*")}
        for name in ("killed", "whole")
    ]
    assert files[0] == files[1]


def test_an_unusable_photo_is_named_and_the_exit_code_says_so(photos: Path, tmp_path: Path) -> None:
    (photos / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    result = run(photos, tmp_path / "out", "-n", 8)
    assert result.exit_code == 3
    assert "'broken.jpg' (damaged)" in result.stderr
    assert len((tmp_path / "out" / "manifest.jsonl").read_text().splitlines()) == 8


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--operations", "splice,teleport"], "'teleport'"),
        (["--operations", "splice=much"], "'splice=much'"),
        (["--operations", "splice=0"], "above 0"),
        (["--smallest", "0.5", "--largest", "0.1"], "rising"),
        (["--largest", "0.95"], "at most 0.9"),
        (["--side", "10"], "128 pixels or more"),
        (["--objects", "nowhere"], "does not exist"),
    ],
)
def test_bad_options_are_named(photos: Path, tmp_path: Path, options: list[str], message: str) -> None:
    result = run(photos, tmp_path / "out", *options)
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert message in result.stderr
    assert not (tmp_path / "out").exists()


def test_missing_photos_are_named(tmp_path: Path) -> None:
    result = run(tmp_path / "nowhere", tmp_path / "out")
    assert result.exit_code == 2
    assert "nowhere" in result.stderr


def test_a_panorama_is_forged_like_any_other_photo(tmp_path: Path) -> None:
    (tmp_path / "strips").mkdir()
    strip = np.random.default_rng(0).integers(0, 256, (100, 2400, 3), dtype=np.uint8)
    for name, pixels in (("strip", strip), ("plain", strip[:, :400].repeat(3, axis=0))):
        assert cv2.imwrite(str(tmp_path / "strips" / f"{name}.png"), pixels)
    result = run(
        tmp_path / "strips", tmp_path / "out", "-n", 24, "-s", 1, "--side", 128, "--operations", "splice,background"
    )
    assert result.exit_code == 0, result.stderr
