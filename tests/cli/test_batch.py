"""`mesorch batch` from outside: nothing lost, nothing overwritten, nothing repeated, the evidence untouched."""

import csv
import hashlib
import io
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
from typer.testing import CliRunner, Result

from mesorch_cli.case.journal import Journal
from mesorch_cli.case.row import row_of
from mesorch_cli.cli.app import app
from mesorch_cli.examination.record import Record, record_schema
from tests.case.folders import counts, fill, mixed, photo, steady, without_times
from tests.security.hostile_cases import reseal

Run = Callable[..., Result]


pytestmark = pytest.mark.usefixtures("evidence")


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    return mixed(tmp_path / "evidence")


@pytest.fixture
def run(tiny_weights: Path, tmp_path: Path) -> Run:
    def run_batch(*words: object, case: str = "case", folder: Path | None = None) -> Result:
        source = folder or tmp_path / "evidence"
        command = ["batch", str(source), "-o", str(tmp_path / case), "-w", str(tiny_weights), "--device", "cpu"]
        return CliRunner().invoke(app, [*command, *map(str, words)] if "--devices" not in words else
                                  [*command[:-2], *map(str, words)])  # fmt: skip

    return run_batch


def sums_hold(case: Path) -> None:
    command = ["sha256sum", "--check", "--quiet", "--strict", "SHA256SUMS"]
    done = subprocess.run(command, cwd=case, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_file_is_in_the_case_once(run: Run, evidence: Path, tmp_path: Path) -> None:
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in evidence.rglob("*") if path.is_file()}
    result = run("--json")
    assert result.exit_code == 3, result.stderr
    case = tmp_path / "case"
    found = counts(case)
    assert found == {
        "found": 11, "analysed": 7, "not_analysed": 2, "failed": 2, "waiting": 0, "findings": found["findings"],
        "copies": 2, "gone": 0,
    }  # fmt: skip
    assert json.loads((case / "case.json").read_text())["others"] == {"not a photo": 2}
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    for record in lines:
        jsonschema.validate(record, record_schema())
    assert len({record["input"]["path"] for record in lines}) == 11
    reasons = {record["input"]["path"]: record["result"]["reason"] for record in lines if record["result"]["reason"]}
    assert reasons == {
        "half.jpg": "damaged", "tiny.png": "too small", "text.jpg": "not an image", "empty.tif": "empty",
    }  # fmt: skip
    assert sum(line.startswith("error: ") for line in result.stderr.splitlines()) == 4
    after = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in evidence.rglob("*") if path.is_file()}
    assert after == before
    sums_hold(case)


def test_the_results_are_those_of_detect(run: Run, evidence: Path, tmp_path: Path, tiny_weights: Path) -> None:
    run()
    words = ["detect", str(evidence / "b" / "x.png"), "-w", str(tiny_weights), "-o", str(tmp_path / "alone"), "--json"]
    alone = json.loads(CliRunner().invoke(app, [*words, "--device", "cpu"]).stdout)
    among = json.loads((tmp_path / "case" / "photos" / "b" / "x.png" / "record.json").read_text())
    for record in (alone, among):
        assert Path(record["input"].pop("path")).parts[-2:] == ("b", "x.png")
        record["artefacts"] = {a["role"]: a["sha256"] for a in record["artefacts"] if "pre" not in a["role"]}
        for role in ("thumbnail", "thumbnail_map"):
            record["artefacts"].pop(role, None)
    assert without_times(alone) == without_times(among)
    for name in ("heatmap.png", "overlay.png", "mask.png", "panel.png"):
        other = tmp_path / "alone" / "x.png" / name
        assert (tmp_path / "case" / "photos" / "b" / "x.png" / name).read_bytes() == other.read_bytes()


def test_the_tree_of_the_case_is_the_tree_of_the_evidence(run: Run, evidence: Path, tmp_path: Path) -> None:
    run()
    photos = os.fsencode(tmp_path / "case" / "photos")
    places = [os.path.relpath(folder, photos) for folder, _, files in os.walk(photos) if b"record.json" in files]
    names = [
        os.path.relpath(folder + b"/" + name, os.fsencode(evidence))
        for folder, _, files in os.walk(os.fsencode(evidence))
        for name in files
    ]
    assert sorted(places) == sorted(name for name in names if name not in (b"notes.txt", b"b/list.csv"))
    same = [
        tmp_path / "case" / "photos" / name / "heatmap.png" for name in ("a/x.png", "c/same.bin", "d/deep/er/still.png")
    ]
    assert len({path.read_bytes() for path in same}) == 1
    record = json.loads(same[1].with_name("record.json").read_text())
    assert record["input"]["path"] == "c/same.bin"
    assert "same bytes as a/x.png" in record["result"]["flags"]
    for artefact in record["artefacts"]:
        data = (tmp_path / "case" / artefact["path"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == artefact["sha256"]
        assert artefact["path"].startswith("photos/c/same.bin/")


def test_the_table_runs_nothing_in_a_spreadsheet(run: Run, tmp_path: Path) -> None:
    folder = fill(
        tmp_path / "sums", {"=cmd|' calc'!A0.png": photo(1), '"quoted", comma.png': photo(2), "+1.png": photo(3)}
    )
    assert run(folder=folder).exit_code == 0
    text = (tmp_path / "case" / "results.csv").read_bytes().decode()
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert [row[0] for row in rows[1:]] == ['"quoted", comma.png', "'+1.png", "'=cmd|' calc'!A0.png"]
    assert {len(row) for row in rows} == {len(rows[0])}
    assert text.count("\r\n") == 4


def test_the_same_command_again_does_nothing_again(run: Run, tmp_path: Path) -> None:
    run()
    case = tmp_path / "case"
    first, times = steady(case), {path: path.stat().st_mtime_ns for path in (case / "photos").rglob("*")}
    sums = (case / "SHA256SUMS").read_bytes()
    result = run("--json")
    assert result.exit_code == 3
    assert len(result.stdout.splitlines()) == 11
    assert steady(case) == first
    # Whatever was final is not touched, and what may pass (a file that could not be read) is not among these.
    assert {path: path.stat().st_mtime_ns for path in (case / "photos").rglob("*")} == times
    assert (case / "SHA256SUMS").read_bytes() == sums


def test_changed_bytes_settings_and_outputs_are_analysed_again(run: Run, evidence: Path, tmp_path: Path) -> None:
    run()
    case = tmp_path / "case"

    def score(name: str) -> float:
        return float(json.loads((case / "photos" / name / "record.json").read_text())["result"]["score"])

    before = score("a/x.png")
    (evidence / "a" / "x.png").write_bytes(photo(99))
    (case / "photos" / "b" / "x.png" / "mask.png").unlink()
    run()
    assert score("a/x.png") != before
    assert score("c/same.bin") == score("d/deep/er/still.png") == before  # copies of bytes that the first no longer has
    assert "same bytes as c/same.bin" in (case / "photos/d/deep/er/still.png/record.json").read_text()
    assert (case / "photos" / "b" / "x.png" / "mask.png").is_file()
    assert counts(case)["copies"] == 1
    run("--threshold", "0.9", case="other")
    run("--threshold", "0.9")
    assert steady(case) == steady(tmp_path / "other")
    sums_hold(case)


def test_files_that_go_keep_their_results(run: Run, evidence: Path, tmp_path: Path) -> None:
    run()
    (evidence / "b" / "x.png").unlink()
    fill(evidence, {"new.png": photo(50)})
    result = run()
    assert counts(tmp_path / "case") | {"findings": 0} == {
        "found": 12, "analysed": 8, "not_analysed": 2, "failed": 2, "waiting": 0, "findings": 0, "copies": 2, "gone": 1,
    }  # fmt: skip
    assert "1 are no longer in the folder" in result.stderr


def test_include_and_exclude(run: Run, tmp_path: Path) -> None:
    run("--include", "*.png", "--exclude", "odd/*", "--exclude", "tiny.png")
    with (tmp_path / "case" / "results.csv").open(newline="") as file:
        assert [row["path"] for row in csv.DictReader(file)] == [
            "a/x.png",
            "a/x.png.png",
            "b/x.png",
            "d/deep/er/still.png",
        ]


def test_two_engines_give_what_one_gives(run: Run, tmp_path: Path) -> None:
    run()
    assert run("--devices", "cpu,cpu", case="two").exit_code == 3
    assert steady(tmp_path / "case") == steady(tmp_path / "two")


def test_exit_codes(run: Run, tmp_path: Path, tiny_weights: Path) -> None:
    from mesorch_cli.network.weights import read_file, save_weights

    good = fill(tmp_path / "good", {"x.png": photo(1)})
    bad = fill(tmp_path / "bad", {"x.jpg": b"no photo"})
    empty = fill(tmp_path / "empty", {"notes.txt": b""})
    assert run(folder=good, case="1").exit_code == 0
    assert run(folder=bad, case="2").exit_code == 4
    assert run(folder=empty, case="3").exit_code == 4
    passport, tensors, _ = read_file(tiny_weights)
    eager = passport.score.model_copy(update={"evidence_at": 0.0, "inconclusive_at": 0.0})
    save_weights(tmp_path / "eager.safetensors", tensors, passport.model_copy(update={"score": eager}))
    eagerly = ("-w", tmp_path / "eager.safetensors", "--fail-on-findings")
    assert run(*eagerly, folder=good, case="4").exit_code == 10
    assert run("-w", "nowhere", folder=good, case="5").exit_code == 5
    assert not (tmp_path / "5").exists()


def test_usage_errors_are_code_2_and_one_line(run: Run, evidence: Path, tmp_path: Path) -> None:
    fill(tmp_path / "taken", {"letter.txt": b"an examiner's own"})
    (tmp_path / "link").symlink_to(evidence)
    run(case="old")
    other = fill(tmp_path / "elsewhere", {"x.png": photo(1)})
    cases = {
        "overlap: one folder contains the other": run(case="evidence/case"),
        "one folder contains": run(case="link"),
        "never written to": run(folder=tmp_path),
        "is not a folder": run(folder=tmp_path / "nothing"),
        "is not a case": run(case="taken"),
        "has the evidence": run(folder=other, case="old"),
        "has the shard": run("--shard", "1/2", case="old"),
        "expected K/N": run("--shard", "half"),
        "from 1 to N": run("--shard", "3/2"),
        "overlap of 0.9": run("--overlap", "0.9"),
        "apply to a Ray cluster": run("--address", "auto"),
    }
    for message, result in cases.items():
        assert result.exit_code == 2, (message, result.output)
        assert message in result.stderr
        assert len(result.stderr.splitlines()) == 1, result.stderr
    assert list((tmp_path / "taken").iterdir()) == [tmp_path / "taken" / "letter.txt"]
    assert (
        run("--moved", folder=other, case="old").exit_code == 3
    )  # what was there is gone now, and still has its results


def test_one_process_at_a_time(run: Run, tmp_path: Path) -> None:
    run()
    holder = sqlite3.connect(tmp_path / "case" / "journal.sqlite", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    result = run()
    assert result.exit_code == 2
    assert "Another process works on the case" in result.stderr
    holder.close()


def test_plain_text_tells_the_case_and_its_seal(run: Run, tmp_path: Path) -> None:
    result = run()
    case, *numbers, seal = result.stdout.rstrip("\n").split("\t")
    assert case == str(tmp_path / "case")
    assert numbers[:4] == ["11", "7", "2", "2"]
    assert seal == hashlib.sha256((tmp_path / "case" / "SHA256SUMS").read_bytes()).hexdigest()
    assert "found: 11 photos, 2 duplicates among them" in result.stderr
    assert "\x1b" not in result.stderr + result.stdout


def test_a_fault_of_ours_is_a_record_and_not_the_end(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mesorch_cli.inference.detector import Detector

    detect, seen = Detector.detect, []

    def failing(self: Detector, *given: object, **named: object) -> object:
        seen.append(1)
        if len(seen) == 2:
            raise MemoryError("no room for this one")
        return detect(self, *given, **named)  # type: ignore[arg-type]

    folder = fill(tmp_path / "four", {f"{number}.png": photo(number) for number in range(4)})
    monkeypatch.setattr(Detector, "detect", failing)
    assert run(folder=folder).exit_code == 3
    assert counts(tmp_path / "case")["failed"] == 1
    assert run(folder=folder).exit_code == 0  # a fault may pass: the file is tried again, the others are not
    assert len(seen) == 5
    assert counts(tmp_path / "case")["analysed"] == 4


def test_progress_is_plain_lines_without_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from mesorch_cli.cli import console

    monkeypatch.setattr(console.FileProgress, "EVERY_S", 0.0)
    with console.file_progress(True) as progress:
        progress.total = 3
        progress.file(new=True, finding=True)
        progress.file(new=True, failed=True)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("1 of 3 photos: 1 analysed, 1 with evidence, 0 not analysed, 0 failed, ")
    assert lines[1].startswith("2 of 3 photos: 1 analysed, 1 with evidence, 0 not analysed, 1 failed, ")
    assert "/s, 0:00:00 left" in lines[1]


def test_help_needs_no_torch() -> None:
    for words in (["batch"], ["verify"], ["rerun"], ["case", "merge"]):
        program = (
            "import sys\nfrom mesorch_cli.cli.app import app\n"
            f"try:\n    app({[*words, '--help']!r})\nexcept SystemExit as stop:\n    assert not stop.code\n"
            "assert not {'torch', 'ray', 'numpy', 'cv2', 'sqlite3'} & set(sys.modules)\n"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_a_reader_that_leaves_does_not_end_the_work(tiny_weights: Path, evidence: Path, tmp_path: Path) -> None:
    """`mesorch batch --json | head -1`: the case is whole all the same."""
    command = [
        sys.executable,
        "-m",
        "mesorch_cli",
        "batch",
        str(evidence),
        "-o",
        str(tmp_path / "case"),
        "--json",
        "-q",
    ]
    command += ["-w", str(tiny_weights), "--device", "cpu"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        errors = running.stderr.read().decode()
    assert running.returncode == 3
    assert "Traceback" not in errors
    assert counts(tmp_path / "case")["found"] == 11
    sums_hold(tmp_path / "case")


def test_what_more_may_help_is_tried_again(run: Run, tmp_path: Path) -> None:
    """A file that took too long is not finished for good: the message says to allow more."""
    folder = fill(tmp_path / "slow", {"a.png": photo(1), "b.png": photo(2)})

    def started() -> dict[str, str]:
        result = run("--json", folder=folder)
        assert result.exit_code == 0
        records = [json.loads(line) for line in result.stdout.splitlines()]
        return {Path(one["input"]["path"]).name: one["timing"]["started_at"] for one in records}

    before = started()
    with Journal(tmp_path / "case") as journal:
        row = journal.get("a.png")
        assert row is not None
        record = json.loads(row.record)
        record |= {"decode": None, "artefacts": []}
        record["result"] |= {
            "reason": "decoding took too long",
            "verdict": "not analysed",
            "score": None,
            "regions": [],
        }
        journal.add(row_of(row.path, row.place, Record.model_validate(record)))
    reseal(tmp_path / "case")
    after = started()
    assert after["a.png"] != before["a.png"]
    assert after["b.png"] == before["b.png"]


def test_a_document_for_print_goes_with_the_case_it_tells_of(run: Run, tmp_path: Path) -> None:
    folder = fill(tmp_path / "growing", {"a.png": photo(1)})
    assert run(folder=folder).exit_code == 0
    document = tmp_path / "case" / "report.pdf"
    document.write_bytes(b"as it was")
    assert run(folder=folder).exit_code == 0
    assert document.exists()  # nothing came, so it still tells of the case
    fill(folder, {"b.png": photo(2)})
    assert run(folder=folder).exit_code == 0
    assert not document.exists()
    sums_hold(tmp_path / "case")


def test_a_case_without_a_photo_says_so(run: Run, tmp_path: Path) -> None:
    fill(tmp_path / "texts", {"a.txt": b"no photo"})
    result = run(folder=tmp_path / "texts", case="empty")
    assert result.exit_code == 4
    assert "no photo was found in" in result.stderr
    assert "No photo was found in the evidence folder." in (tmp_path / "empty" / "index.html").read_text()


def test_folders_that_cannot_be_followed_are_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for given in ({"case": "loop/case"}, {"case": "x" * 300}):
        result = run(**given)
        assert result.exit_code == 2, result.output
        assert result.stderr.startswith("error: ")
        assert "fault of mesorch" not in result.stderr


def test_merged_duplicates_are_those_of_the_first_path(run: Run, tmp_path: Path) -> None:
    evidence = fill(tmp_path / "twice", {"b.png": photo(1)})
    run(folder=evidence, case="share")
    fill(evidence, {"a.png": photo(1)})
    run(folder=evidence, case="share")
    merged = CliRunner().invoke(app, ["case", "merge", str(tmp_path / "share"), "-o", str(tmp_path / "whole"), "-q"])
    assert merged.exit_code == 0, merged.output
    lines = [json.loads(line) for line in (tmp_path / "whole" / "results.jsonl").read_text().splitlines()]
    same = [[flag for flag in line["result"]["flags"] if flag.startswith("same bytes")] for line in lines]
    assert same == [[], ["same bytes as a.png"]]
    sums_hold(tmp_path / "whole")
