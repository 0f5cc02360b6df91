"""`mesorch detect` from outside: streams, files, exit codes, and every kind of bad input."""

import hashlib
import json
import os
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import jsonschema
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from mesorch_cli.cli.app import app
from mesorch_cli.evidence.isolation.isolated_reader import IsolatedReader
from mesorch_cli.examination.record import record_schema
from mesorch_cli.inference.screen_rule import LIKE_A_SCREEN
from tests.inference.screens import screenshot

Write = Callable[..., Path]


@pytest.fixture
def run(tiny_weights: Path, tmp_path: Path) -> Callable[..., Result]:
    def run_detect(*arguments: object, output: bool = True, data: bytes | None = None) -> Result:
        words = ["detect", *(os.fsdecode(str(word)) for word in arguments), "--weights", str(tiny_weights)]
        if output:
            words += ["-o", str(tmp_path / "out")]
        return CliRunner().invoke(app, words, input=data)

    return run_detect


def records(result: Result) -> list[dict]:
    found = [json.loads(line) for line in result.stdout.splitlines()]
    for record in found:
        jsonschema.validate(record, record_schema())
    return found


def test_a_photo_gives_a_record_and_three_pictures(
    run: Callable[..., Result], write_photo: Write, tmp_path: Path
) -> None:
    photo = write_photo("photo.png")
    before = (photo.read_bytes(), photo.stat().st_mtime_ns)
    result = run(photo, "--json")
    assert result.exit_code == 0, result.stderr
    (record,) = records(result)
    digest = hashlib.sha256(before[0]).hexdigest()
    assert record["input"] == {"path": str(photo), "size": len(before[0]), "sha256": digest, "sha256_after": digest}
    assert (photo.read_bytes(), photo.stat().st_mtime_ns) == before
    folder = tmp_path / "out" / "photo.png"
    assert json.loads((folder / "record.json").read_text()) == record
    assert {path.name for path in folder.iterdir()} == {
        "record.json",
        "overlay.png",
        "panel.png",
        "heatmap.png",
        "mask.png",
    }
    for artefact in record["artefacts"]:
        data = (tmp_path / "out" / artefact["path"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == artefact["sha256"]
    heat = cv2.imread(str(folder / "heatmap.png"), cv2.IMREAD_UNCHANGED)
    mask = cv2.imread(str(folder / "mask.png"), cv2.IMREAD_UNCHANGED)
    assert heat.shape == mask.shape == (120, 160)
    assert heat.dtype == np.uint16
    assert set(np.unique(mask)) <= {0, 255}
    assert np.array_equal(mask > 0, heat > 0.5 * 65535)
    assert record["result"]["verdict"] in {"no evidence found", "inconclusive", "evidence of manipulation"}
    assert record["analysis"]["coverage"] == 1.0


def test_the_same_run_gives_the_same_bytes(run: Callable[..., Result], write_photo: Write, tmp_path: Path) -> None:
    photo = write_photo("photo.png")
    seen = []
    for _ in range(2):
        (record,) = records(run(photo, "--json"))
        record.pop("timing")
        pictures = [path.read_bytes() for path in sorted((tmp_path / "out" / "photo.png").glob("*.png"))]
        seen.append((record, pictures))
    assert seen[0] == seen[1]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["photo.png"]


def test_a_photo_alone_and_among_others_gives_the_same_result(run: Callable[..., Result], write_photo: Write) -> None:
    first, second = write_photo("a.png"), write_photo("b.png", np.random.default_rng(0).integers(0, 255, (90, 130, 3)))
    alone = records(run(second, "--json"))[0]
    among = records(run(first, second, "--json"))[1]
    for record in (alone, among):
        record.pop("timing")
        record.pop("argv")
    assert alone == among


def test_without_json_stdout_has_a_plain_line_and_stderr_no_noise(
    run: Callable[..., Result], write_photo: Write
) -> None:
    photo = write_photo("photo.png")
    result = run(photo)
    verdict, score, path = result.stdout.rstrip("\n").split("\t")
    assert verdict
    assert 0 <= float(score) <= 1
    assert path == str(photo)
    assert result.stderr == ""


def bad_inputs(folder: Path) -> dict[str, tuple[Path, str]]:
    """Make one file of each bad kind; returns name -> (path, reason)."""
    folder.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8)
    whole = cv2.imencode(".jpg", noise)[1].tobytes()
    whole_png = cv2.imencode(".png", noise)[1].tobytes()
    header = b"IHDR" + (60_000).to_bytes(4, "big") * 2 + whole_png[24:29]  # 3.6 gigapixels
    contents = {
        "half.jpg": (whole[: len(whole) // 2], "damaged"),
        "text.jpg": (b"this is no photo\n" * 20, "not an image"),
        "empty.jpg": (b"", "empty"),
        "pixel.png": (cv2.imencode(".png", noise[:1, :1])[1].tobytes(), "too small"),
        "black.png": (cv2.imencode(".png", np.zeros((100, 100, 3), np.uint8))[1].tobytes(), "featureless"),
        "white.png": (cv2.imencode(".png", np.full((100, 100, 3), 255, np.uint8))[1].tobytes(), "featureless"),
        "strip.png": (cv2.imencode(".png", np.tile(noise[:20], (1, 100, 1)))[1].tobytes(), "too small"),
        "huge.png": (
            whole_png[:16] + header[4:] + zlib.crc32(header).to_bytes(4, "big") + whole_png[33:],
            "too many pixels",
        ),
    }
    found = {}
    for name, (data, reason) in contents.items():
        (folder / name).write_bytes(data)
        found[name] = (folder / name, reason)
    (folder / "folder.jpg").mkdir()
    return found | {
        "missing.jpg": (folder / "missing.jpg", "missing"),
        "folder.jpg": (folder / "folder.jpg", "not a file"),
    }


def test_bad_inputs_each_have_a_line_a_reason_and_a_record(run: Callable[..., Result], tmp_path: Path) -> None:
    found = bad_inputs(tmp_path / "bad")
    for name, (path, reason) in found.items():
        result = run(path, "--json")
        assert result.exit_code == 4, name
        (record,) = records(result)
        assert record["result"]["verdict"] == "not analysed"
        assert record["result"]["reason"] == reason, name
        lines = result.stderr.splitlines()
        assert len(lines) == 1, result.stderr
        assert lines[0].startswith("error: ")
        assert name in lines[0]
        assert "Traceback" not in result.stderr


def test_the_other_photos_of_a_call_are_still_done(
    run: Callable[..., Result], write_photo: Write, tmp_path: Path
) -> None:
    bad = [path for path, _ in bad_inputs(tmp_path / "bad").values()]
    good = write_photo("good.png")
    result = run(*bad[:4], good, *bad[4:], "--json")
    assert result.exit_code == 3
    found = records(result)
    assert len(found) == len(bad) + 1
    assert [record["result"]["verdict"] == "not analysed" for record in found].count(False) == 1
    assert found[4]["input"]["path"] == str(good)
    assert len(list((tmp_path / "out").iterdir())) == len(found)


def test_damage_can_be_accepted_and_stays_in_the_record(run: Callable[..., Result], tmp_path: Path) -> None:
    half, _ = bad_inputs(tmp_path / "bad")["half.jpg"]
    result = run(half, "--json", "--accept-damaged")
    assert result.exit_code == 0, result.stderr
    (record,) = records(result)
    assert "damaged input accepted" in record["result"]["flags"]
    assert record["decode"]["integrity"]["ok"] is False
    assert record["result"]["score"] is not None


@pytest.mark.parametrize(
    "name", ["line\nbreak.png", "\x1b[31mred.png", "rtl\u202egnp.png", "a'b\"c;d.png", "ü" * 60 + ".png"]
)
def test_odd_names_survive(run: Callable[..., Result], write_photo: Write, name: str) -> None:
    photo = write_photo("plain.png")
    odd = photo.with_name(name)
    photo.rename(odd)
    (record,) = records(run(odd, "--json"))
    assert record["input"]["path"] == str(odd)
    plain = run(odd).stdout
    assert len(plain.splitlines()) == 1
    assert "\x1b" not in plain
    assert "\u202e" not in plain


def test_a_name_that_is_no_text_survives(run: Callable[..., Result], write_photo: Write, tmp_path: Path) -> None:
    photo = write_photo("plain.png")
    odd = os.fsencode(photo.parent) + b"/\xff\xfe.png"
    os.rename(photo, odd)  # noqa: PTH104 - bytes
    (tmp_path / "list").write_bytes(odd + b"\0")
    result = run("--files-from", tmp_path / "list", "--null", "--json")
    assert result.exit_code == 0, result.stderr
    assert records(result)[0]["input"]["path"].endswith(r"\xff\xfe.png")


def test_standard_input_and_lists(run: Callable[..., Result], write_photo: Write, tmp_path: Path) -> None:
    photo = write_photo("photo.png")
    (record,) = records(run("-", "--json", data=photo.read_bytes()))
    assert record["input"]["path"] == "-"
    assert record["input"]["sha256"] == hashlib.sha256(photo.read_bytes()).hexdigest()
    other = write_photo("other.png")
    (tmp_path / "list.txt").write_text(f"{photo}\n\n{other}\r\n")
    assert len(records(run("--files-from", tmp_path / "list.txt", "--json"))) == 2
    assert len(records(run("--files-from", "-", "--json", data=f"{photo}\n".encode()))) == 1


def test_same_names_never_share_a_folder(run: Callable[..., Result], write_photo: Write, tmp_path: Path) -> None:
    paths = [write_photo("a/x.png"), write_photo("b/x.png", np.random.default_rng(1).integers(0, 255, (80, 80, 3)))]
    paths.append(write_photo("c/x.png"))  # the bytes of the first
    found = records(run(*paths, "--json"))
    places = {record["artefacts"][0]["path"] for record in found}
    assert len(places) == 3
    again = records(run(*reversed(paths), "--json"))
    for record in found + again:
        on_disk = json.loads(
            (tmp_path / "out" / Path(record["artefacts"][0]["path"]).parent / "record.json").read_text()
        )
        assert on_disk["input"]["path"] in {str(path) for path in paths}
    assert len({r["artefacts"][0]["path"] for r in again}) == 3


def test_usage_errors_are_code_2_and_one_line(run: Callable[..., Result], write_photo: Write, tmp_path: Path) -> None:
    photo = write_photo("photo.png")
    (tmp_path / "file").write_text("")
    cases = {
        "Cannot write to the output folder": run(photo, "-o", tmp_path / "file" / "out", output=False),
        "Evidence folders are not written": run(photo, "-o", photo.parent, output=False),
        "Unknown scale": run(photo, "--scales", "hole"),
        "overlap of 0.9": run(photo, "--overlap", "0.9"),
        "threshold of 7": run(photo, "--threshold", "7"),
        "Unknown device": run(photo, "--device", "toaster"),
        "needs a GPU": run(photo, "--precision", "fp16", "--device", "cpu"),
        "No photo was given": run(),
        "Cannot read the list": run("--files-from", tmp_path / "nowhere"),
        "more than once": run("-", "-"),
    }
    for message, result in cases.items():
        assert result.exit_code == 2, (message, result.output)
        assert message in result.stderr
        assert len(result.stderr.splitlines()) == 1
        assert result.stdout == ""
    assert run(photo, "--treshold", "0.5").exit_code == 2
    allowed = run(photo, "-o", photo.parent, "--in-tree", output=False)
    assert allowed.exit_code == 0


def test_weights_errors_are_code_5(write_photo: Write, tiny_weights: Path, tmp_path: Path) -> None:
    photo = write_photo("photo.png")
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(tiny_weights.read_bytes()[:-7] + b"1234567")
    for weights, message in (
        ("mesorch-x", "No weights are named"),
        (damaged, "changed or damaged"),
        (photo, "safetensors"),
    ):
        arguments = ["detect", str(photo), "--weights", str(weights), "-o", str(tmp_path / "out")]
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 5, message
        assert message in result.stderr
        assert len(result.stderr.splitlines()) == 1


def test_options_reach_the_record(run: Callable[..., Result], write_photo: Write, tmp_path: Path) -> None:
    photo = write_photo("photo.png")
    base, reference = (records(run(photo, "--json", *more))[0] for more in ((), ("--scales", "reference")))
    assert base["analysis"]["scales"] == ["whole", "native"]
    assert reference["analysis"]["scales"] == ["reference"]
    assert base["settings_sha256"] != reference["settings_sha256"]
    assert records(run(photo, "--json", "--threshold", "0.1"))[0]["result"]["threshold"] == 0.1
    nothing = CliRunner().invoke(app, ["detect", str(photo), "--no-artefacts", "-o", str(tmp_path / "none"), "-w", "x"])
    assert nothing.exit_code == 5
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("words", [(), ("--page", "1"), ("--compare-decoders",)])
def test_the_first_photo_is_decoded_ahead_and_only_once(
    run: Callable[..., Result], write_photo: Write, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    taken: list[bool] = []
    usual = IsolatedReader._begun_of
    monkeypatch.setattr(
        IsolatedReader, "_begun_of", lambda *given: (found := usual(*given), taken.append(found is not None))[0]
    )
    assert run(write_photo("first.png"), write_photo("second.png"), *words).exit_code == 0
    assert taken == [True, False]


def test_fail_on_findings(write_photo: Write, tiny_weights: Path, tmp_path: Path) -> None:
    from mesorch_cli.network.weights import read_file, save_weights

    passport, tensors, _ = read_file(tiny_weights)
    eager = passport.score.model_copy(update={"evidence_at": 0.0, "inconclusive_at": 0.0})
    save_weights(tmp_path / "eager.safetensors", tensors, passport.model_copy(update={"score": eager}))
    arguments = ["detect", str(write_photo("photo.png")), "-w", str(tmp_path / "eager.safetensors"), "--no-artefacts"]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert CliRunner().invoke(app, [*arguments, "--fail-on-findings"]).exit_code == 10
    # A screenshot is no finding, whatever its score.
    arguments[1] = str(write_photo("shot.png", screenshot(640, 480)))
    result = CliRunner().invoke(app, [*arguments, "--fail-on-findings", "--json"])
    assert result.exit_code == 0, result.stderr
    (record,) = records(result)
    told = record["result"]
    assert (told["verdict"], told["probability"], told["rates"]) == ("inconclusive", None, [])
    assert LIKE_A_SCREEN in told["flags"]
    assert told["score"] >= 0.0


def test_from_the_shell(write_photo: Write, tiny_weights: Path, tmp_path: Path) -> None:
    """A real process: streams apart, no terminal codes, an early closed pipe is no error."""
    photo = write_photo("photo.png")
    command = [sys.executable, "-m", "mesorch_cli", "detect", str(photo), str(tmp_path / "gone.jpg"), "--json"]
    command += ["-w", str(tiny_weights), "-o", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert [json.loads(line)["input"]["path"] for line in done.stdout.splitlines()] == [str(photo), command[5]]
    assert done.stderr.splitlines()[0].startswith("error: ")
    assert "\x1b" not in done.stderr
