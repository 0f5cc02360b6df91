"""Cases that others hand over: nothing outside is opened or written, tampering is not sealed anew, nothing hangs."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from mesorch_cli.cli.app import app
from tests.case.folders import fill, made_case, own_case, photo, without_times
from tests.security.hostile_cases import exchange, execute, list_anew, reseal, within

PATIENCE_S = 60  # far more than any of it takes


def invoke(*words: object) -> Result:
    with within(PATIENCE_S):
        return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, tiny_weights: Path) -> Path:
    root = tmp_path_factory.mktemp("handed over")
    fill(root / "evidence", {"a/x.png": photo(1), "b.png": photo(2), "copy.png": photo(2), "bad.jpg": b"no photo"})
    return made_case(root, tiny_weights, code=3)


@pytest.fixture
def case(made: Path, tmp_path: Path) -> Path:
    return own_case(made, tmp_path)


def commands(case: Path, weights: Path) -> dict[str, tuple[object, ...]]:
    """Return the commands that open a case, by name."""
    return {
        "batch": ("batch", case.parent / "evidence", "-o", case, "-w", weights, "--device", "cpu", "-q", "--moved"),
        "merge": ("case", "merge", case, "-o", case.parent / "whole", "-q"),
        "report": ("report", case, "--pdf", "-q"),
    }


def state(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and not path.name.endswith(("-wal", "-shm"))
    }


def record_of(case: Path, path: str) -> dict[str, Any]:
    for line in (case / "results.jsonl").read_text().splitlines():
        record: dict[str, Any] = json.loads(line)
        if record["input"]["path"] == path:
            return record
    raise KeyError(path)


OF_B = "WHERE path = CAST('b.png' AS BLOB)"
VERDICT = f"UPDATE files SET verdict = 'no evidence found', score = 0.0 {OF_B}"
TAMPERINGS = {
    "a verdict": (VERDICT, "b.png"),
    "a path that leads outside": (f"UPDATE files SET path = CAST('../b.png' AS BLOB) {OF_B}", "../b.png"),
    "an absolute path": (f"UPDATE files SET path = CAST('/b.png' AS BLOB) {OF_B}", "/b.png"),
    "a place outside": (f"UPDATE files SET place = CAST('photos/../../out' AS BLOB) {OF_B}", "b.png"),
    "the place of another": (f"UPDATE files SET place = CAST('photos/a/x.png' AS BLOB) {OF_B}", "b.png"),
    "the original of a copy": ("UPDATE files SET copy_of = CAST('../b.png' AS BLOB) WHERE copy_of IS NOT NULL", "copy.png"),
    "another type": (f"UPDATE files SET verdict = x'00ff' {OF_B}", "b.png"),
    "a path that is text": (f"UPDATE files SET path = 'b.png' {OF_B}", "'b.png'"),
    "no record": (f"UPDATE files SET record = 'x' {OF_B}", "b.png"),
    "half a record": (f"UPDATE files SET record = substr(record, 1, 400) {OF_B}", "b.png"),
    "depth": (f"UPDATE files SET record = printf('%.*c', 200000, '[') {OF_B}", "b.png"),
    "a picture's name": ("UPDATE files SET record = replace(record, 'photos/b.png/mask.png', 'photos/b.png/..')", "b.png"),
    "a hash": (f"UPDATE files SET sha256 = 'x' {OF_B}", "b.png"),
    "a table": ("CREATE TABLE more (x)", "journal.sqlite"),
    "a trigger": (
        "CREATE TRIGGER later AFTER INSERT ON files BEGIN UPDATE files SET verdict = 'no evidence found'; END",
        "journal.sqlite",
    ),
    "a generated column": ("ALTER TABLE files ADD COLUMN more TEXT GENERATED ALWAYS AS ('x') VIRTUAL", "journal.sqlite"),
    "a view": ("CREATE VIEW other AS SELECT * FROM files", "journal.sqlite"),
    "a lost index": ("DROP INDEX files_by_content", "journal.sqlite"),
}  # fmt: skip


@pytest.mark.parametrize("fitting", [False, True], ids=["as it was left", "with a digest that fits"])
@pytest.mark.parametrize("name", TAMPERINGS)
def test_a_changed_journal_is_named_and_nothing_is_built_on_it(
    case: Path, tiny_weights: Path, name: str, fitting: bool
) -> None:
    command, named = TAMPERINGS[name]
    execute(case, command)
    if fitting:
        reseal(case)
    before = state(case.parent)
    verified = invoke("verify", case, "--evidence", case.parent / "evidence", "--json", "-q")
    assert verified.exit_code == 6, verified.output
    assert named in {json.loads(line)["name"] for line in verified.stdout.splitlines()}
    for command_name, words in commands(case, tiny_weights).items():
        refused = invoke(*words)
        assert refused.exit_code == 6, f"{command_name}: {refused.output}"
        (line,) = refused.stderr.splitlines()
        assert named in line
        assert "fault of mesorch" not in line
    after = state(case.parent)
    assert {path: data for path, data in after.items() if not path.startswith("whole/")} == before


def test_what_stands_in_a_row_is_compared_with_its_record_and_not_with_the_digest_alone(case: Path) -> None:
    """A changed row and record that agree, sealed anew, still differ from the record that lies in the case."""
    record = record_of(case, "b.png")
    changed = record | {"result": record["result"] | {"verdict": "no evidence found", "score": 0.0}}
    execute(case, VERDICT)
    execute(case, f"UPDATE files SET record = ? {OF_B}", json.dumps(changed))
    reseal(case)
    verified = invoke("verify", case, "--without-evidence", "-q")
    assert verified.exit_code == 6
    assert "photos/b.png/record.json" in verified.stdout


def test_an_unfinished_case_goes_on_and_a_marker_does_not_hide_a_change(case: Path, tiny_weights: Path) -> None:
    execute(case, "INSERT INTO facts VALUES ('unfinished', 'x')")
    execute(case, f"DELETE FROM files {OF_B}")
    words = commands(case, tiny_weights)
    for name in ("merge", "report"):
        refused = invoke(*words[name])
        assert refused.exit_code == 2
        assert "Give its batch command again" in refused.stderr
    verified = invoke("verify", case, "--without-evidence", "-q")
    assert "is unfinished: its last run was interrupted" in verified.stdout
    execute(case, VERDICT.replace("b.png", "a/x.png"))
    assert invoke(*words["batch"]).exit_code == 6
    execute(case, "DELETE FROM files WHERE path = CAST('a/x.png' AS BLOB)")
    went_on = invoke(*words["batch"])
    assert went_on.exit_code == 3, went_on.output
    assert invoke("verify", case, "--evidence", case.parent / "evidence", "-q").exit_code == 0


def test_a_case_of_an_older_version_is_read_and_gets_the_new_seal(case: Path, tiny_weights: Path) -> None:
    from mesorch_cli.case.journal import Journal

    facts = json.loads((case / "case.json").read_text())
    del facts["journal_digest"]
    with Journal(case, read_only=True) as journal:
        facts["journal_sha256"] = journal.digest(1)
    (case / "case.json").write_text(json.dumps(facts, indent=2) + "\n")
    list_anew(case)
    assert invoke(*commands(case, tiny_weights)["report"]).exit_code == 0
    assert invoke(*commands(case, tiny_weights)["batch"]).exit_code == 3
    assert json.loads((case / "case.json").read_text())["journal_digest"] == 2


IN_THE_WAY = (
    "journal.sqlite", "journal.sqlite-wal", "case.json", "SHA256SUMS", "results.jsonl", "results.csv", "index.html",
    "report.pdf",    "photos/b.png/record.json", "photos/b.png/mask.png", "photos/b.png/index.html", "photos/a", "photos",
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "kind"),
    [(name, kind) for name in IN_THE_WAY for kind in ("link", "pipe")]
    + [("case.json", "device"), ("photos/b.png/mask.png", "device")],
)
def test_links_pipes_and_devices_in_a_case_neither_hang_nor_lead_anywhere(
    case: Path, tiny_weights: Path, tmp_path: Path, name: str, kind: str
) -> None:
    victim = tmp_path / "victim"
    if (case / name).is_dir():
        shutil.copytree(case / name, victim)
    else:
        victim.write_bytes((case / name).read_bytes() if (case / name).exists() else b"precious")
    before = state(tmp_path / "victim") if victim.is_dir() else victim.read_bytes()
    exchange(case / name, kind, victim)
    verified = invoke("verify", case, "--evidence", case.parent / "evidence", "-q")
    assert verified.exit_code in (2, 6), verified.output
    if verified.exit_code == 6 and name != "journal.sqlite-wal":
        assert name in verified.output
    for command_name, words in commands(case, tiny_weights).items():
        result = invoke(*words)
        assert "fault of mesorch" not in result.output, f"{command_name}: {result.output}"
        assert result.exit_code in (0, 2, 3, 6), f"{command_name}: {result.output}"
    after = state(tmp_path / "victim") if victim.is_dir() else victim.read_bytes()
    assert after == before


@pytest.mark.parametrize("kind", ["link", "pipe", "device"])
def test_evidence_that_was_exchanged_is_named(case: Path, tiny_weights: Path, tmp_path: Path, kind: str) -> None:
    (tmp_path / "victim").write_bytes(photo(7))
    exchange(case.parent / "evidence" / "b.png", kind, tmp_path / "victim")
    verified = invoke("verify", case, "--evidence", case.parent / "evidence", "-q")
    assert verified.exit_code == 6
    assert verified.stdout.startswith("evidence\tb.png\tis gone or cannot be read")
    assert invoke(*commands(case, tiny_weights)["batch"]).exit_code == 3


def test_what_does_not_belong_to_a_case_is_listed(case: Path) -> None:
    fill(case, {"photos/extra": b"x", "photos/.b.png.0123.part": b"x", "notes/mine.txt": b"x"})
    (case / "photos" / "link").symlink_to("/etc/passwd")
    (case / "empty link").symlink_to("nowhere")
    verified = invoke("verify", case, "--without-evidence", "-q")
    found = {line.split("\t")[1] for line in verified.stdout.splitlines()}
    assert found == {"photos/extra", "photos/.b.png.0123.part", "notes/mine.txt", "photos/link", "empty link"}


@pytest.mark.parametrize("trap", ["folder", "record", "probe"])
def test_a_default_output_on_a_medium_of_evidence(
    made: Path, tiny_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trap: str
) -> None:
    medium, victim = fill(tmp_path / "medium", {"b.png": photo(2)}), tmp_path / "victim"
    victim.mkdir()
    fill(victim, {"record.json": b"precious"})
    out = medium / "mesorch-out"
    (out / "b.png").mkdir(parents=True)
    if trap == "folder":
        (out / "b.png").rmdir()
        (out / "b.png").symlink_to(victim)
    elif trap == "record":
        shutil.copy(made / "case" / "photos" / "b.png" / "record.json", victim / "record.json")
        (out / "b.png" / "record.json").symlink_to(victim / "record.json")
        (out / "b.png" / "record.json.part").symlink_to(victim / "record.json")
    else:
        (out / ".mesorch-probe.part").symlink_to(victim / "record.json")
    before = state(victim)
    monkeypatch.chdir(medium)
    result = invoke("detect", "b.png", "-w", tiny_weights, "-q")
    assert result.exit_code == 0, result.output
    assert state(victim) == before


def test_a_default_output_that_is_a_link_is_not_written_to(
    tiny_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    medium = fill(tmp_path / "medium", {"b.png": photo(2)})
    (tmp_path / "home").mkdir()
    (medium / "mesorch-out").symlink_to(tmp_path / "home")
    monkeypatch.chdir(medium)
    result = invoke("detect", "b.png", "-w", tiny_weights, "-q")
    assert result.exit_code == 2
    assert "symbolic link" in result.stderr
    assert invoke("detect", "b.png", "-w", tiny_weights, "-q", "-o", "mesorch-out").exit_code == 2
    assert list((tmp_path / "home").iterdir()) == []
    assert invoke("detect", "b.png", "-w", tiny_weights, "-q", "-o", tmp_path / "home").exit_code == 0


def falsified(record: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what a forger of records would change, by name, as blocks to replace."""
    result, decode = record["result"], record["decode"]
    region = {
        "x": 1, "y": 1, "width": 9, "height": 9, "area_px": 81, "share": 0.02, "centroid_x": 5.0, "centroid_y": 5.0,
        "mean": 0.9, "peak": 0.9, "upright": None,
    }  # fmt: skip
    damaged = {"ok": False, "findings": ["the end of the file is missing"]}
    statement = {"kind": "generated", "where": "XMP", "text": "trainedAlgorithmicMedia", "signed": "no"}
    ratio = {"value": 4000.0, "log10": 3.6, "lowest": 0.1, "highest": 10000.0}
    return {
        "regions": {"result": result | {"regions": [region]}},
        "a ratio": {"result": result | {"likelihood_ratio": ratio}},
        "a size": {"decode": decode | {"width": 4096}},
        "damage": {"decode": decode | {"integrity": damaged}},
        "a domain": {"result": result | {"domain": [{"set": "x", "photos": 9, "outside": []}]}},
        "a flag": {"result": result | {"flags": ["score and map disagree"]}},
        "metadata": {"metadata": record["metadata"] | {"software": "Photoshop"}},
        "a copy's certainty": {"result": result | {"probability": 0.9}},
        "a statement of the file": {"declared": {"looked_at": ["EXIF"], "statements": [statement]}},
    }


@pytest.mark.parametrize("name", falsified({"result": {}, "decode": {}, "metadata": {}}))
def test_a_falsified_record_is_no_matter_of_tolerance(case: Path, made: Path, tiny_weights: Path, name: str) -> None:
    path = case / "photos" / "b.png" / "record.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps(record | falsified(record)[name]))
    result = invoke("rerun", path, "-w", tiny_weights, "--input", made / "evidence" / "b.png")
    assert result.exit_code == 6, result.output
    assert result.stdout.startswith("different")


def test_a_record_names_no_weights_that_are_opened(case: Path, made: Path, tmp_path: Path) -> None:
    path = case / "photos" / "b.png" / "record.json"
    record = json.loads(path.read_text())
    code = tmp_path / "code.pt2"
    code.write_bytes(b"PK, and whatever runs when this is loaded")
    for name in (str(code), "/dev/zero", "../../x"):
        path.write_text(json.dumps(record | {"weights": record["weights"] | {"name": name}}))
        result = invoke("rerun", path, "--input", made / "evidence" / "b.png")
        assert result.exit_code == 5
        assert "no installed weights have that hash" in result.stderr


@pytest.mark.parametrize("threads", ["0", "2000", "9" * 40])
def test_a_record_starts_no_thousand_threads(case: Path, made: Path, tiny_weights: Path, threads: str) -> None:
    path = case / "photos" / "b.png" / "record.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps(record | {"tool": record["tool"] | {"threads": threads}}))
    result = invoke("rerun", path, "-w", tiny_weights, "--input", made / "evidence" / "b.png")
    assert result.exit_code == 2
    assert "threads. Expected 1 to" in result.stderr


def test_a_heat_map_that_claims_to_be_huge_is_not_decoded(case: Path, made: Path, tiny_weights: Path) -> None:
    folder = case / "photos" / "b.png"
    head = bytearray((folder / "heatmap.png").read_bytes())
    head[16:24] = (60_000).to_bytes(4, "big") * 2
    (folder / "heatmap.png").write_bytes(bytes(head))
    record = json.loads((folder / "record.json").read_text())
    (folder / "record.json").write_text(json.dumps(without_times(record) | {"timing": record["timing"], "argv": []}))
    result = invoke("rerun", folder / "record.json", "-w", tiny_weights, "--input", made / "evidence" / "b.png")
    assert result.exit_code == 0, result.output  # the record itself is as it was
