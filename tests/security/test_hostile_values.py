"""Values that no run writes, in records, cases, journals and signatures; pipes and links where a plain file belongs."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from typer.testing import CliRunner, Result

from mesorch_cli.case.rerun import PIXEL_TOLERANCE, _map_distance
from mesorch_cli.cli.app import app
from mesorch_cli.errors import OutputError
from mesorch_cli.evaluation.outputs import write
from mesorch_cli.evaluation.rows import RowFile
from mesorch_cli.files.reading import opened
from mesorch_cli.inference.recorded_settings import digest
from mesorch_cli.network.store import record_sum
from tests.case.folders import fill, photo
from tests.security.hostile_cases import execute, reseal, within

PATIENCE_S = 60
Change = Callable[[dict[str, Any]], object]


def invoke(*words: object) -> Result:
    with within(PATIENCE_S):
        return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, tiny_weights: Path) -> Path:
    root = tmp_path_factory.mktemp("values")
    fill(root / "evidence", {"a.png": photo(1), "b.png": photo(2)})
    result = invoke("batch", root / "evidence", "-o", root / "case", "-w", tiny_weights, "--device", "cpu", "-q")
    assert result.exit_code == 0, result.output
    return root


@pytest.fixture
def case(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "own")
    return tmp_path / "own" / "case"


def refused(result: Result, *codes: int) -> str:
    """Return the one line of a refusal."""
    assert result.exit_code in codes, result.output
    assert "fault of mesorch" not in result.stderr
    return result.stderr.splitlines()[-1]


SETTINGS: dict[str, Change] = {
    "accept_damaged": lambda settings: settings.pop("accept_damaged"),
    "side": lambda settings: settings.update(side=10**6),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_of_a_record_is_refused_by_its_name(case: Path, tiny_weights: Path, name: str) -> None:
    path = case.parent / "record.json"
    record = json.loads((case / "photos/b.png/record.json").read_text())
    SETTINGS[name](record["settings"])
    path.write_text(json.dumps(record | {"settings_sha256": digest(record["settings"])}))
    assert name in refused(invoke("rerun", path, "-w", tiny_weights, "-i", case.parent / "evidence/b.png"), 2)


def test_a_signature_that_is_no_base64_is_none(case: Path) -> None:
    key = Ed25519PrivateKey.generate().public_key()
    public = case.parent / "public.pem"
    public.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    sums = hashlib.sha256((case / "SHA256SUMS").read_bytes()).hexdigest()
    values = {"schema": "mesorch.signature/1", "sha256": sums, "public_key": "0" * 64, "signature": "é" * 80}
    (case / "SHA256SUMS.sig").write_text(json.dumps(values))
    assert "was not signed" in refused(invoke("verify", case, "-q", "--public-key", public), 6)


FACTS: dict[str, tuple[Change, str]] = {
    "a share of none": (lambda facts: facts["selection"].update(shard=[0, 0]), "selection.shard"),
    "a share of endless ones": (lambda facts: facts["selection"].update(shard=[1, 10**30]), "selection.shard"),
    "endless patterns": (lambda facts: facts["selection"].update(include=["*a"] * 200_000), "selection.include"),
    "a path without end": (lambda facts: facts.update(evidence="/" + "a" * 10**6), "evidence"),
    "no number": (lambda facts: facts["settings"].update(overlap=float("nan")), "settings.overlap"),
    "a count below none": (lambda facts: facts.update(others={"x": -1}), "others.x"),
}


@pytest.mark.parametrize("name", FACTS)
def test_a_value_of_case_json_is_refused_by_its_name(case: Path, name: str) -> None:
    change, named = FACTS[name]
    facts = json.loads((case / "case.json").read_text())
    change(facts)
    (case / "case.json").write_text(json.dumps(facts))
    for words in (("verify", case), ("report", case), ("case", "merge", case, "-o", case.parent / "whole")):
        assert named in refused(invoke(*words, "-q"), 2), words


def test_evidence_of_a_name_too_long_for_any_system_is_a_change(case: Path) -> None:
    facts = json.loads((case / "case.json").read_text()) | {"evidence": "/" + "a" * 5000}
    (case / "case.json").write_text(json.dumps(facts))
    refused(invoke("verify", case, "-q"), 6)


@pytest.mark.parametrize("name", ["tool", "weights", "evidence"])
def test_what_case_json_says_otherwise_is_not_taken_over(case: Path, name: str) -> None:
    facts = json.loads((case / "case.json").read_text())
    facts[name] = "/elsewhere" if name == "evidence" else facts[name] | {"name": "another"}
    (case / "case.json").write_text(json.dumps(facts))
    before = (case / "index.html").read_bytes()
    for words in (("report", case), ("case", "merge", case, "-o", case.parent / "whole")):
        assert "case.json" in refused(invoke(*words, "-q"), 6), words
    assert (case / "index.html").read_bytes() == before
    assert not (case.parent / "whole").exists()


JOURNALS = {
    "a generated column": "ALTER TABLE files ADD COLUMN more AS (record || record)",
    "a fact of its own": "INSERT INTO facts VALUES ('more', 'x')",
    "a fact without end": "UPDATE facts SET value = CAST(zeroblob(200000000) AS TEXT) WHERE name = 'shard'",
    "a path without end": "UPDATE files SET path = zeroblob(10000000) WHERE path = CAST('b.png' AS BLOB)",
}


@pytest.mark.parametrize("name", JOURNALS)
def test_an_absurd_journal_is_named_and_takes_no_time(case: Path, name: str) -> None:
    execute(case, JOURNALS[name])
    if "without end" not in name:
        reseal(case)
    with within(15):
        for words in (("verify", case), ("report", case), ("case", "merge", case, "-o", case.parent / "whole")):
            result = CliRunner().invoke(app, [*map(str, words), "-q"])
            refused(result, 6)
            assert len(result.output) < 100_000


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs files of the kernel")
def test_what_says_that_it_is_empty_and_is_not_is_no_file() -> None:
    with pytest.raises(OSError, match="no regular file"):
        opened("/proc/self/environ")


def test_an_empty_file_is_one(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with opened(tmp_path / "empty") as file:
        assert file.read() == b""


@pytest.mark.parametrize("option", ["--calibration", "--trust-list"])
def test_a_pipe_in_place_of_an_option_s_file_does_not_block(
    made: Path, tiny_weights: Path, tmp_path: Path, option: str
) -> None:
    os.mkfifo(tmp_path / "pipe")
    words = ("detect", made / "evidence/b.png", "-w", tiny_weights, "-o", tmp_path / "out", option, tmp_path / "pipe")
    assert "no regular file" in refused(invoke(*words), 2)


def test_a_pipe_in_place_of_training_settings_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    assert "no regular file" in refused(invoke("train", tmp_path / "pipe.toml", "-o", tmp_path / "out"), 2)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs /dev/zero")
def test_a_list_without_an_end_is_refused(tmp_path: Path, tiny_weights: Path) -> None:
    words = ("detect", "--files-from", "/dev/zero", "-w", tiny_weights, "-o", tmp_path / "out")
    assert "more than" in refused(invoke(*words), 2)


def test_a_link_under_a_temporary_name_is_not_written_through(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    folder = tmp_path / "out"
    folder.mkdir()
    for name in ("SHA256SUMS", "report.json"):
        (folder / f"{name}.part").symlink_to(victim)
    record_sum(folder / "x.safetensors", "0" * 64)
    write(folder, {"report.json": b"{}"})
    assert victim.read_text() == "precious"


@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_rows_are_neither_read_nor_written_through_a_link_or_pipe(tmp_path: Path, kind: str) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    rows = tmp_path / "out" / "rows-0.jsonl"
    rows.parent.mkdir()
    if kind == "link":
        rows.symlink_to(victim)
    else:
        os.mkfifo(rows)
    with within(10), pytest.raises(OutputError):
        RowFile(rows.parent)
    assert victim.read_text() == "precious"


def test_a_heat_map_beside_a_record_is_decoded_where_photos_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = np.arange(64 * 48, dtype=np.uint16).reshape(48, 64)
    now = cv2.imencode(".png", values)[1].tobytes()
    other = cv2.imencode(".png", values + np.uint16(655))[1].tobytes()
    (tmp_path / "heatmap.png").write_bytes(other)
    decode = cv2.imdecode
    seen: list[bytes] = []

    def watched(data: Any, flags: int) -> Any:
        seen.append(bytes(data))
        return decode(data, flags)

    monkeypatch.setattr(cv2, "imdecode", watched)
    distance = _map_distance(tmp_path / "heatmap.png", now)
    assert distance == pytest.approx(655 / 65535)
    assert distance is not None
    assert distance < PIXEL_TOLERANCE
    assert seen == [now]
    (tmp_path / "heatmap.png").write_bytes(other[:40] + bytes(3000))
    assert _map_distance(tmp_path / "heatmap.png", now) is None
