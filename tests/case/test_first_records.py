"""A case of a version whose records are `mesorch.record/1`: read, checked, repeated and gone on with like any other."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from mesorch_cli.case.journal import Journal
from mesorch_cli.case.rerun import GEOMETRY_DRAWN
from mesorch_cli.case.tables import write_sums, write_tables
from mesorch_cli.cli.app import app
from mesorch_cli.examination.record import text_of
from tests.security.hostile_cases import reseal

EXAMPLE = Path(__file__).parents[2] / "examples" / "removal.jpg"  # has a finding of every witness
Case = tuple[Path, dict[str, bytes]]


def run(*words: object) -> Result:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.stderr
    return result


def first_version(line: str) -> str:
    """Return a record's line as the first version wrote it."""
    record: dict[str, Any] = json.loads(line)
    findings = record["result"].pop("findings")
    told = [
        (
            found["witness"],
            {place["role"]: {side: place[side] for side in ("x", "y", "width", "height")} for place in found["places"]}
            | found["measures"]
            | {"certainty": found["certainty"]},
        )
        for found in findings
    ]
    record["result"]["copies"] = [values for name, values in told if name == "copies"]
    record["result"]["quantisation"] = next((values for name, values in told if name == "quantisation"), None)
    return json.dumps(record | {"schema": "mesorch.record/1"})


def without_geometry(line: str) -> str:
    """Return a record's line as a version wrote it whose findings had no geometry."""
    record: dict[str, Any] = json.loads(line)
    for found in record["result"]["findings"]:
        del found["geometry"]
    return json.dumps(record)


def rewrite(case: Path, earlier: Callable[[str], str]) -> None:
    """Put the rows and records of a case into the form of an earlier version, and seal it again."""
    with Journal(case) as journal:
        for row in list(journal.rows()):
            old = replace(row, record=earlier(row.record))
            journal.add(old)
            (case / row.place / "record.json").write_text(text_of(old.record))
            settings = row.settings
        write_tables(case, journal, settings)
    reseal(case)
    with Journal(case) as journal:
        write_sums(case, journal, settings)


def pages(case: Path) -> dict[str, bytes]:
    return {path.relative_to(case).as_posix(): path.read_bytes() for path in case.rglob("*.html")}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """A case whose rows and records are put into the form of the first version, and its pages from before that.

    The first version had no geometry, so the pages are those of the findings without it.
    """
    root = tmp_path_factory.mktemp("first")
    (root / "evidence").mkdir()
    shutil.copy(EXAMPLE, root / "evidence" / "a.jpg")
    case = root / "case"
    run("batch", root / "evidence", "-o", case, "--quiet", "--device", "cpu", "--no-history")
    findings = json.loads((case / "results.jsonl").read_text())["result"]["findings"]
    assert {found["witness"] for found in findings} == {"copies", "quantisation"}
    assert {found["witness"] for found in findings if found["geometry"]} == {"copies"}
    with_geometry = pages(case)
    rewrite(case, without_geometry)
    run("report", case)
    before = pages(case)
    assert before != with_geometry
    shutil.copytree(root, root.with_name("second"))
    rewrite(case, first_version)
    return case, before


@pytest.fixture
def old(made: Case, tmp_path: Path) -> Case:
    shutil.copytree(made[0].parent, tmp_path / "first")
    case = tmp_path / "first" / "case"
    return case, made[1]


def test_a_case_whose_findings_have_no_geometry_is_read_like_any_other(made: Case) -> None:
    root = made[0].parent.with_name("second")
    case, photo = root / "case", root / "evidence" / "a.jpg"
    assert "geometry" not in (case / "results.jsonl").read_text()
    run("verify", case, "--evidence", photo.parent)
    run("report", case)
    assert pages(case) == made[1]
    assert run("rerun", case / "photos/a.jpg/record.json", "--input", photo, "--device", "cpu").stdout.startswith(
        "identical\t"
    )
    before = (case / "results.jsonl").read_text()
    shutil.copy(EXAMPLE, photo.with_name("b.jpg"))
    run("batch", photo.parent, "-o", case, "--moved", "--quiet", "--device", "cpu", "--no-history")
    assert (case / "results.jsonl").read_text().startswith(before)  # nothing was analysed again
    run("verify", case)


@pytest.mark.parametrize("command", ["verify", "report"])
def test_it_is_as_it_was_made_and_has_the_same_pages(old: Case, command: str) -> None:
    case, before = old
    evidence = ["--evidence", case.parent / "evidence"] if command == "verify" else []
    run(command, case, *evidence)
    assert pages(case) == before


def test_a_record_can_be_repeated(old: Case) -> None:
    case, _ = old
    record = case / "photos" / "a.jpg" / "record.json"
    assert json.loads(record.read_text())["schema"] == "mesorch.record/1"
    result = run("rerun", record, "--input", case.parent / "evidence" / "a.jpg", "--device", "cpu")
    assert result.stdout.startswith("identical\t")


def test_a_repetition_does_not_call_geometry_a_changed_result(old: Case) -> None:
    """The pictures of that version had boxes; here, other bytes stand for them."""
    case, _ = old
    path = case / "photos" / "a.jpg" / "record.json"
    record = json.loads(path.read_text())
    for artefact in record["artefacts"]:
        if artefact["role"] in ("overlay", "panel"):
            artefact["sha256"] = "0" * 64
    path.write_text(json.dumps(record))
    result = run("rerun", path, "--input", case.parent / "evidence" / "a.jpg", "--device", "cpu", "--json")
    answer = json.loads(result.stdout)
    assert answer["answer"] == "within tolerance"
    assert answer["differences"] == ["pictures: overlay, panel", "map: at most 0.000000 at any pixel"]
    assert answer["causes"] == [GEOMETRY_DRAWN]
    assert f"because of {GEOMETRY_DRAWN}" in " ".join(result.stderr.split())


def test_a_run_goes_on_and_takes_its_results_for_the_same_bytes(old: Case) -> None:
    case, _ = old
    before = (case / "results.jsonl").read_text()
    shutil.copy(EXAMPLE, case.parent / "evidence" / "b.jpg")
    run("batch", case.parent / "evidence", "-o", case, "--moved", "--quiet", "--device", "cpu", "--no-history")
    after = (case / "results.jsonl").read_text()
    assert after.startswith(before)  # nothing was analysed again
    first, second = (json.loads(line) for line in after.splitlines())
    assert (first["schema"], second["schema"]) == ("mesorch.record/1", "mesorch.record/2")
    assert second["result"]["flags"] == ["same bytes as a.jpg"]
    assert json.loads(first_version(json.dumps(second)))["result"]["copies"] == first["result"]["copies"]
    run("verify", case)
