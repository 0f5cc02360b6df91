"""`verify` reads the evidence of a case, and not the whole machine because a case of others says so."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mesorch_cli.case import scan, verify
from mesorch_cli.case.journal import Journal
from mesorch_cli.cli.app import app
from tests.case.folders import fill, made_case, own_case, photo

from .hostile_cases import list_anew, reseal


@pytest.fixture
def case(tmp_path: Path, tiny_weights: Path) -> Path:
    fill(tmp_path / "made" / "evidence", {"a.png": photo(1)})
    return own_case(made_case(tmp_path / "made", tiny_weights, code=0), tmp_path)


def name_as_evidence(case: Path, folder: Path) -> None:
    """Make a case name another folder, with every checksum made to fit."""
    facts = json.loads((case / "case.json").read_text())
    (case / "case.json").write_text(json.dumps(facts | {"evidence": str(folder)}))
    with Journal(case) as journal:
        journal.set_fact("evidence", str(folder))
    reseal(case)
    list_anew(case)


def verified(case: Path, *words: object) -> list[dict[str, str]]:
    result = CliRunner().invoke(app, ["verify", str(case), "--json", "-q", *map(str, words)])
    assert result.exit_code in (0, 6), result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.parametrize("above", [0, 1, -1], ids=["the case itself", "above it", "everything"])
def test_a_folder_around_the_case_is_named_and_not_looked_through(
    above: int, case: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = [case, *case.parents][above]
    name_as_evidence(case, folder)

    def looked(*_: object) -> None:
        raise AssertionError("it was looked through")

    monkeypatch.setattr(verify, "scan", looked)
    (change,) = [one for one in verified(case) if one["what"] == "evidence"]
    assert change["name"] == str(folder)
    assert "was not searched" in change["change"]
    monkeypatch.undo()
    evidence = case.parent / "evidence"
    assert [one for one in verified(case, "--evidence", evidence) if one["what"] == "evidence"] == []


def test_a_folder_of_far_more_files_is_not_looked_through_to_its_end(
    case: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evidence = case.parent / "evidence"
    fill(evidence, {f"{number}.png": photo(number) for number in range(2, 12)})
    monkeypatch.setattr(verify, "MORE_FILES", 3)
    seen: list[str] = []
    kinds = scan._kind
    monkeypatch.setattr(scan, "_kind", lambda root, path: seen.append(path) or kinds(root, path))
    changes = verified(case, "--evidence", evidence)
    assert any("holds more than 4 files" in one["change"] for one in changes)
    assert len(seen) <= 4
