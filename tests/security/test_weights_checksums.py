"""The checksums cover every value of a passport, the topology as well as the constants, and say so where they do not."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner, Result

from mesorch_cli.cli.app import app
from mesorch_cli.errors import WeightsError
from mesorch_cli.inference.backends.onnx import seal_entry, split_seal
from mesorch_cli.inference.backends.openvino import split_seal as split_topology
from mesorch_cli.inference.backends.openvino import with_seal
from mesorch_cli.inference.loading import open_exported
from mesorch_cli.network.header import PASSPORT_KEY, read_passport
from mesorch_cli.network.passport import Passport, parse_passport
from mesorch_cli.network.store import shipped_folder
from mesorch_cli.network.weights import add_checksum, load_weights
from tests.security import graphs

SHIPPED = shipped_folder() / "mesorch-s.safetensors"


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def passport_text(path: Path) -> str:
    with safe_open(path, framework="pt") as file:
        return str(file.metadata()[PASSPORT_KEY])


def with_text(source: Path, target: Path, text: str) -> Path:
    """Write the tensors of a file with another passport, by the library's own writer."""
    save_file(load_file(source), target, metadata={PASSPORT_KEY: text})
    return target


def leaves(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [leaf for key, part in value.items() for leaf in leaves(part, (*place, key))]
    if isinstance(value, list):
        return [leaf for index, part in enumerate(value) for leaf in leaves(part, (*place, index))]
    return [place]


def changed(value: Any) -> Any:
    """Return another value of the same kind, as near as there is."""
    if isinstance(value, bool) or value is None:
        return not value if isinstance(value, bool) else None
    if isinstance(value, float):
        return value * (1 - 1e-9) if value else 1e-9
    return value + 1 if isinstance(value, int) else value + " "


def test_a_threshold_that_was_changed_is_noticed(tmp_path: Path, write_photo: Any) -> None:
    text = passport_text(SHIPPED)
    lower = re.sub(r'"(evidence|inconclusive)_at":[\d.]+', r'"\1_at":0.01', text)
    assert lower != text
    path = with_text(SHIPPED, tmp_path / "changed.safetensors", lower)
    for words in (
        ("weights", "verify", path),
        ("weights", "info", path),
        ("detect", write_photo("photo.png"), "--weights", path, "--no-artefacts"),
    ):
        result = run(*words)
        assert result.exit_code == 5, result.output
        assert "A value in it was changed" in result.stderr


def test_no_value_of_a_passport_can_be_changed_unnoticed() -> None:
    text = passport_text(SHIPPED)
    places = [place for place in leaves(json.loads(text)) if place != ("passport_sha256",)]
    assert len(places) > 50
    tried = 0
    for place in places:
        values = json.loads(text)
        holder = values
        for part in place[:-1]:
            holder = holder[part]
        if (other := changed(holder[place[-1]])) is None:
            continue
        holder[place[-1]] = other
        tried += 1
        with pytest.raises(WeightsError, match=r"passport of here"):
            parse_passport(json.dumps(values), "here")
    assert tried > 50


def test_two_values_under_one_name_are_refused() -> None:
    twice = passport_text(SHIPPED).replace('"pixel_threshold":', '"pixel_threshold":0.99,"pixel_threshold":', 1)
    with pytest.raises(WeightsError, match="occurs twice"):
        parse_passport(twice, "here")


def test_the_form_of_the_text_does_not_matter() -> None:
    text = passport_text(SHIPPED)
    again = json.dumps(json.loads(text), indent=3, sort_keys=True)
    assert parse_passport(again, "here") == parse_passport(text, "here")


def test_weights_of_before_load_with_a_word_about_it(tmp_path: Path) -> None:
    values = json.loads(passport_text(SHIPPED))
    del values["passport_sha256"]
    old = with_text(SHIPPED, tmp_path / "old.safetensors", json.dumps(values))
    result = run("weights", "verify", old)
    assert result.exit_code == 0, result.stderr
    assert "Only the tensors have a checksum" in result.stderr
    assert json.loads(run("weights", "verify", old, "--json").stdout)["passport"] is False
    assert "Only the tensors have a checksum" in run("weights", "info", old).stderr
    shipped = run("weights", "verify")
    assert shipped.exit_code == 0
    assert "Only the tensors" not in shipped.stderr
    new = tmp_path / "new.safetensors"
    add_checksum(old, new)
    assert passport_text(new) == passport_text(SHIPPED)
    before, after = load_file(old), load_file(new)
    assert all(before[name].equal(after[name]) for name in before)
    assert load_weights(new).passport.passport_sha256 == load_weights(SHIPPED).passport.passport_sha256


@pytest.fixture
def passport(tiny_weights: Path) -> Passport:
    return read_passport(tiny_weights).model_copy(update={"passport_sha256": None})


def test_a_value_in_an_exported_file_cannot_be_changed_unnoticed(passport: Passport, tmp_path: Path) -> None:
    onnx, xml = graphs.write(tmp_path / "own.onnx", passport), graphs.write(tmp_path / "own.xml", passport)
    for path in (onnx, xml):
        assert run("weights", "verify", path).exit_code == 0
    graph, text = split_seal(onnx.read_bytes())
    onnx.write_bytes(graph + seal_entry(str(text).replace('"evidence_at":0.5', '"evidence_at":0.9')))
    _, text = split_topology(xml.read_bytes(), xml)
    xml.write_bytes(with_seal(xml.read_bytes(), str(text).replace('"evidence_at":0.5', '"evidence_at":0.9'), xml))
    for path in (onnx, xml):
        result = run("weights", "verify", path)
        assert result.exit_code == 5, result.output
        assert "A value in it was changed" in result.stderr


def test_the_topology_is_covered_with_the_constants(passport: Passport, tmp_path: Path) -> None:
    path = graphs.write(tmp_path / "own.xml", passport)
    whole, constants = path.read_bytes(), path.with_suffix(".bin").read_bytes()
    path.write_bytes(whole.replace(b'type="Multiply"', b'type="Subtract"'))
    assert path.read_bytes() != whole
    with pytest.raises(WeightsError, match="belongs to another network"):
        open_exported(path)
    path.write_bytes(whole)
    path.with_suffix(".bin").write_bytes(bytes([constants[0] ^ 1]) + constants[1:])
    with pytest.raises(WeightsError, match="belongs to another network"):
        open_exported(path)


def test_exported_files_of_before_load_with_a_word_about_it(passport: Passport, tmp_path: Path) -> None:
    path = graphs.write(tmp_path / "own.onnx", passport)
    graph, text = split_seal(path.read_bytes())
    values = json.loads(str(text))
    del values["seal_sha256"], values["topology_sha256"]
    path.write_bytes(graph + seal_entry(json.dumps(values)))
    result = run("weights", "verify", path)
    assert result.exit_code == 0, result.stderr
    assert "No checksum covers the passport" in result.stderr
    xml = graphs.write(tmp_path / "own.xml", passport)
    _, text = split_topology(xml.read_bytes(), xml)
    values = json.loads(str(text))
    del values["seal_sha256"], values["topology_sha256"]
    xml.write_bytes(with_seal(xml.read_bytes(), json.dumps(values), xml))
    assert run("weights", "verify", xml).exit_code == 0
