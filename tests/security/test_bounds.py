"""Numbers from files have bounds: each door names the field and the value, and ends with its exit code."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from mesorch_cli.bounds import MOST_DEPTH, OutOfBoundsError, json_within, toml_within
from mesorch_cli.cli.app import app
from mesorch_cli.errors import UsageError
from mesorch_cli.forge.recipe import ForgeRecipe
from mesorch_cli.inference.scoring import calibrate
from mesorch_cli.inference.witnesses.copies.search import Features
from mesorch_cli.inference.witnesses.copies.witness import certainty_of
from mesorch_cli.network.passport import with_checksum
from mesorch_cli.network.rules import Calibration, CopyRule, ScoreRule
from mesorch_cli.network.store import shipped_folder
from tests.security.test_weights_checksums import passport_text, with_text
from tests.training.runs import values as training_values
from tests.training.runs import write_toml

SHIPPED = shipped_folder() / "mesorch-s.safetensors"
PASSPORT = {  # field: the value as JSON, which today's engine takes or falls over
    "input.side": "64000",
    "input.smallest_photo_side": "1000000000000000000000000000000",
    "inference.levels.0.weight": "1e308",
    "inference.levels.1.weight": "1e-320",
    "inference.levels.2.long_side": "1e30",
    "inference.overlap": "NaN",
    "inference.copies.intercept": "-1e30",
    "inference.copies.matches": "Infinity",
    "inference.copies.preference": "1e300",
    "inference.quantisation.offset": "1e30",
    "pixel_threshold": "NaN",
    "score.evidence_at": "1e999",
    "network.gate_width": "1000000000",
    "training.steps": "-Infinity",
    "figures.more": "NaN",
    "limits": json.dumps(["x"] * 1000),
}


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def with_value(text: str, field: str, value: str) -> str:
    """Return JSON with one value replaced by a piece of text, which need not be JSON."""
    values = json.loads(text)
    holder: Any = values
    *parts, last = [int(part) if part.isdecimal() else part for part in field.split(".")]
    for part in parts:
        holder = holder[part]
    holder[last] = "HERE"
    return json.dumps(values).replace('"HERE"', value)


@pytest.mark.parametrize("field", PASSPORT)
def test_a_passport_beyond_bounds_is_refused(field: str, tmp_path: Path, write_photo: Callable[..., Path]) -> None:
    values = json.loads(passport_text(SHIPPED))
    del values["passport_sha256"]  # its maker could write one that fits
    text = with_value(json.dumps(values), field, PASSPORT[field])
    path = with_text(SHIPPED, tmp_path / "beyond.safetensors", text)
    for words in (("weights", "verify", path), ("detect", write_photo("photo.png"), "-w", path, "--no-artefacts")):
        result = run(*words)
        assert result.exit_code == 5, result.output
        assert field.rpartition(".")[2] in result.stderr
    if field in ("input.side", "inference.levels.0.weight", "network.gate_width"):
        value = json.loads(PASSPORT[field])
        assert str(value) in result.stderr


def test_weights_cannot_be_nested_without_end(tmp_path: Path) -> None:
    values = json.loads(passport_text(SHIPPED))
    del values["passport_sha256"]
    for text in ('{"a":' * 100_000, "[" * 100, with_value(json.dumps(values), "figures", "[" * 90 + "]" * 90)):
        result = run("weights", "info", with_text(SHIPPED, tmp_path / "deep.safetensors", text))
        assert result.exit_code == 5, result.output
        assert "nested more than" in result.stderr
    header = ('{"a":' * 100_000).encode()
    (tmp_path / "header.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    result = run("weights", "info", tmp_path / "header.safetensors")
    assert result.exit_code == 5, result.output


def test_rules_at_the_edge_of_their_bounds_give_probabilities() -> None:
    rule = CopyRule(
        **dict.fromkeys(("intercept", "matches", "brightness", "grain", "filled", "overlap", "returned"), -100.0)
    )
    features = Features(matches=10**6, area=0.1, brightness=1.0, grain=1.0, filled=1.0, overlap=1.0, returned=1.0)
    assert certainty_of(features, rule) >= 0.0
    for slope in (-1e6, 1e6):
        score = ScoreRule(calibration=Calibration(slope=slope, intercept=-1e7, fitted_on="x"))
        found = calibrate(1.0, score)
        assert found is not None
        assert 0.0 <= found <= 1.0


TRAINING = {
    "schedule.learning_rate": "inf",
    "schedule.steps": "1000000000000000000000000000000",
    "schedule.clip_norm": "nan",
    "schedule.weight_decay": "1e300",
    "side": "64000",
    "batch": "1000000000000",
    "threads": "100000",
    "workers": "100000",
    "seed": "1000000000000000000000000000000",
    "data.working_side": "1000000000",
    "data.views": "1000000",
}


@pytest.mark.parametrize("field", TRAINING)
def test_a_training_file_beyond_bounds_is_refused(field: str, tmp_path: Path) -> None:
    content = json.loads(with_value(json.dumps(training_values(tmp_path)), field, '"HERE"'))
    path = write_toml(tmp_path / "train.toml", content)
    path.write_text(path.read_text().replace('"HERE"', TRAINING[field]))
    result = run("train", path, "-o", tmp_path / "run")
    assert result.exit_code == 2, result.output
    assert field in result.stderr
    given = TRAINING[field] if "e" in TRAINING[field] else TRAINING[field][:30]
    assert any(text in result.stderr for text in (given, repr(float(given))))


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 100_000,
        "a = " + "{b = " * 5000 + "1" + "}" * 5000,
        ".".join("a" * 100_000) + " = 1",
        "[" + ".".join("a" * 5000) + "]",
        "a = 1" + "0" * 10_000,
        'a = """' * 10_000,
        "#" * 2_000_000,
    ],
    ids=lambda text: text[:12],
)
def test_toml_without_end_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "train.toml"
    path.write_text(text)
    result = run("train", path, "-o", tmp_path / "run")
    assert result.exit_code == 2, result.output
    assert str(path) in result.stderr


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("deep.json", "[" * 100_000, "nested more than"),
        ("digits.json", "[" + "1" * 10_000 + "]", "not JSON"),
        ("infinite.json", '[["a", 1e999]]', "expected a finite number"),
        ("long.json", json.dumps([["a" * 5000, "b"]]), "5000 characters"),
        ("name.json", json.dumps([["a" * 300, "b"]]), "no existing file"),
        ("long.csv", "photo,mask\n" + "a" * 5000 + ",b\n", "the field photo has 5000 characters"),
        ("larger.csv", "photo,mask\n" + "a" * 200_000 + ",b\n", "field larger than"),
        ("name.csv", "photo,mask\n" + "a" * 300 + ",b\n", "no existing file"),
    ],
)
def test_lists_beyond_bounds_are_refused(name: str, text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(text)
    result = run("evaluate", path, "-o", tmp_path / "out")
    assert result.exit_code in (2, 3, 4), result.output
    assert words in result.stderr
    assert "fault of mesorch" not in result.stderr


@pytest.mark.parametrize(
    ("field", "value"), [("score.share", "NaN"), ("photos.authentic", "-1"), ("score.evidence_at", "1e999")]
)
def test_a_calibration_beyond_bounds_is_refused(
    field: str, value: str, tmp_path: Path, write_photo: Callable[..., Path]
) -> None:
    digest = "0" * 64
    values = {
        "schema": "mesorch.calibration/1",
        "weights": {"name": "x", "sha256": digest},
        "analysis": {},
        "analysis_sha256": digest,
        "photos": {"name": "x", "authentic": 1, "tampered": 1, "not_analysed": 0, "sha256": digest},
        "score": {"share": 0.5, "evidence_at": 0.5},
        "limits": {},
        "held_out": {},
        "tool": {},
    }
    path = tmp_path / "calibration.json"
    path.write_text(with_value(json.dumps(values), field, value))
    result = run("detect", write_photo("photo.png"), "--calibration", path, "--no-artefacts")
    assert result.exit_code == 2, result.output
    assert field in result.stderr


def test_recipes_of_no_numbers_are_refused() -> None:
    shares = list(ForgeRecipe().shares)
    for wrong in (math.nan, math.inf, -math.inf):
        with pytest.raises(UsageError):
            ForgeRecipe(shares=(wrong, *shares[1:]))
        with pytest.raises(UsageError):
            ForgeRecipe(area_range=(0.1, wrong))
        with pytest.raises(UsageError):
            ForgeRecipe(large_share=wrong)


def test_a_font_that_is_none_is_refused(real_case: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.ttf"
    # A table directory that names more tables than there are, and lengths beyond the file.
    broken.write_bytes(b"\0\1\0\0\xff\xff\0\0\0\0\0\0" + b"head" + b"\xff" * 12)
    device = tmp_path / "device.ttf"
    device.symlink_to("/dev/zero")
    for font in (broken, device):
        result = run("report", real_case, "--pdf", "--pdf-font", font)
        assert result.exit_code == 2, result.output
        assert "Cannot use the font" in result.stderr


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(plain)
def test_plain_values_come_back_as_they_are(value: object) -> None:
    assert json_within(json.dumps(value)) == value


@given(st.integers(1, 2 * MOST_DEPTH))
def test_depth_has_one_bound(depth: int) -> None:
    opening, closing = "[" * depth, "]" * depth
    strings = json.dumps(opening + '"\\') + ","  # brackets within texts do not count
    for read, text in (
        (json_within, f'{{"s": {strings} "a": {opening[1:]}{closing[1:]}}}'),
        (toml_within, f"a = {opening}{closing}"),
    ):
        if depth <= MOST_DEPTH and (depth > 1 or read is toml_within):
            read(text)
        elif depth > MOST_DEPTH:
            with pytest.raises(OutOfBoundsError, match="nested"):
                read(text)


def test_a_checksum_is_made_only_of_what_can_be_read() -> None:
    with pytest.raises(OutOfBoundsError):
        with_checksum('{"a": NaN}')
