"""`mesorch verify`, `rerun` and `case merge`: what was changed is named, what was analysed can be repeated."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner, Result

from mesorch_cli.case.rerun import read_record, reading_of
from mesorch_cli.cli.app import app
from mesorch_cli.evidence.photo import MAX_PIXELS
from tests.case.folders import counts, fill, made_case, mixed, own_case, photo, steady


def invoke(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, tiny_weights: Path) -> Path:
    """A folder with evidence, and a case of it."""
    root = tmp_path_factory.mktemp("made")
    mixed(root / "evidence")
    return made_case(root, tiny_weights, code=3)


@pytest.fixture
def case(made: Path, tmp_path: Path) -> Path:
    return own_case(made, tmp_path)


def verified(case: Path, *words: object) -> tuple[int, set[tuple[str, str]]]:
    result = invoke("verify", case, "--evidence", case.parent / "evidence", "--json", *words)
    found = [json.loads(line) for line in result.stdout.splitlines()]
    return result.exit_code, {(one["what"], one["name"]) for one in found}


def test_a_case_as_it_was(case: Path) -> None:
    assert verified(case) == (0, set())
    plain = invoke("verify", case, "--evidence", case.parent / "evidence", "-q")
    assert plain.stdout.startswith("ok\t")
    assert invoke("verify", case.parent / "evidence").exit_code == 2


def touched(case: Path) -> dict[str, tuple[Callable[[], object], set[tuple[str, str]]]]:
    """Return changes to a case by name, each with what has to be named."""
    evidence, photos = case.parent / "evidence", case / "photos"

    def edit_journal() -> None:
        with sqlite3.connect(case / "journal.sqlite") as journal:
            journal.execute("UPDATE files SET score = 0.0 WHERE path = ?", (b"b/x.png",))
        journal.close()

    def edit_record() -> None:
        path = photos / "b" / "x.png" / "record.json"
        path.write_text(path.read_text().replace('"tiles"', '"tiles" '))

    def edit_sums() -> None:
        path = case / "SHA256SUMS"
        path.write_bytes(path.read_bytes().replace(b"0", b"1", 1))

    return {
        "evidence": (lambda: fill(evidence, {"b/x.png": photo(9)}), {("evidence", "b/x.png")}),
        "evidence gone": (lambda: (evidence / "half.jpg").unlink(), {("evidence", "half.jpg")}),
        "evidence new": (lambda: fill(evidence, {"z.png": photo(9)}), {("evidence", "z.png")}),
        "picture": (lambda: fill(photos, {"b/x.png/mask.png": b"x"}), {("output", "photos/b/x.png/mask.png")}),
        "picture gone": (
            lambda: (photos / "c" / "same.bin" / "overlay.png").unlink(),
            {("output", "photos/c/same.bin/overlay.png")},
        ),
        "record": (edit_record, {("output", "photos/b/x.png/record.json")}),
        "stranger": (lambda: fill(photos, {"b/extra.txt": b"x"}), {("output", "photos/b/extra.txt")}),
        "table": (lambda: fill(case, {"results.csv": b"path\r\n"}), {("case", "results.csv")}),
        "journal": (edit_journal, {("journal", "journal.sqlite"), ("journal", "b/x.png")}),
        "sums": (edit_sums, set()),
    }


@pytest.mark.parametrize("name", sorted(touched(Path("x"))))
def test_what_changed_is_named(case: Path, name: str) -> None:
    change, named = touched(case)[name]
    change()
    code, found = verified(case)
    assert code == 6
    assert found == named or (name == "sums" and {what for what, _ in found} == {"case"})
    if name.startswith("evidence"):
        assert verified(case, "--without-evidence")[0] == 0


def test_a_record_of_a_jpeg_from_before_its_components_were_told(tiny_weights: Path, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    assert cv2.imwrite(str(photo), np.random.default_rng(1).integers(0, 256, (90, 90, 3), np.uint8))
    words = ("detect", photo, "-w", tiny_weights, "-o", tmp_path / "out", "--device", "cpu", "-q")
    assert invoke(*words).exit_code == 0
    record = tmp_path / "out" / "photo.jpg" / "record.json"
    values = json.loads(record.read_text())
    for name in ("stores", "tables"):
        del values["metadata"]["jpeg"][name]
    record.write_text(json.dumps(values))
    result = invoke("rerun", record, "-w", tiny_weights)
    assert (result.exit_code, result.stdout.split("\t")[0]) == (0, "identical"), result.output


def test_a_photo_of_a_case_again(case: Path, made: Path, tiny_weights: Path, tmp_path: Path) -> None:
    record = made / "case" / "photos" / "c" / "same.bin" / "record.json"
    weights = ("-w", tiny_weights)
    result = invoke("rerun", record, *weights)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"identical\t{made / 'evidence' / 'c' / 'same.bin'}\n"
    assert invoke("rerun", made / "case/photos/half.jpg/record.json", *weights).stdout.startswith("identical")

    other = invoke("rerun", record, *weights, "--json", "--input", fill(tmp_path, {"o.png": photo(70)}) / "o.png")
    assert other.exit_code == 6
    answer = json.loads(other.stdout)
    assert answer["answer"] == "different"
    assert any(cause.startswith("input: ") for cause in answer["causes"])

    own = case / "photos" / "c" / "same.bin" / "record.json"
    values = json.loads(own.read_text())
    changed = values | {"result": values["result"] | {"score": round(values["result"]["score"] * 0.5, 6)}}
    own.write_text(json.dumps(changed))
    result = invoke("rerun", own, *weights, "--input", made / "evidence" / "c" / "same.bin")
    assert result.exit_code == 6
    assert "result.score" in result.stderr
    assert "No recorded cause explains this" in result.stderr

    nearly = values | {"result": values["result"] | {"score": round(values["result"]["score"] + 0.0005, 6)}}
    own.write_text(json.dumps(nearly | {"tool": values["tool"] | {"torch": "0.1"}}))
    result = invoke("rerun", own, *weights, "--json", "--input", made / "evidence" / "c" / "same.bin")
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert answer["answer"] == "within tolerance"
    assert [cause.split(":")[0] for cause in answer["causes"]] == ["version of torch"]

    forged = values | {"settings": values["settings"] | {"overlap": 0.5}}
    own.write_text(json.dumps(forged))
    result = invoke("rerun", own, *weights)
    assert result.exit_code == 6
    assert "The settings in" in result.stderr
    own.write_text("{}")
    assert invoke("rerun", own, *weights).exit_code == 2


def test_other_weights_are_named_as_the_cause(made: Path, tiny_weights: Path, tmp_path: Path) -> None:
    from mesorch_cli.network.weights import read_file, save_weights

    passport, tensors, _ = read_file(tiny_weights)
    turned = {name: tensor * -1 if name.startswith("heads.") else tensor for name, tensor in tensors.items()}
    assert any(name.startswith("heads.") for name in tensors)
    save_weights(tmp_path / "turned.safetensors", turned, passport)
    record = made / "case" / "photos" / "b" / "x.png" / "record.json"
    result = invoke("rerun", record, "-w", tmp_path / "turned.safetensors", "--json")
    assert result.exit_code == 6
    assert [cause.split(":")[0] for cause in json.loads(result.stdout)["causes"]] == ["weights"]
    assert invoke("rerun", record).exit_code == 5  # nobody knows weights of that hash or name


def test_shares_join_to_what_one_run_makes(made: Path, tiny_weights: Path, tmp_path: Path) -> None:
    shares = [tmp_path / f"share{number}" for number in (1, 2, 3)]
    for number, share in enumerate(shares, start=1):
        invoke(
            "batch",
            made / "evidence",
            "-o",
            share,
            "-w",
            tiny_weights,
            "--device",
            "cpu",
            "-q",
            "--shard",
            f"{number}/3",
        )
    assert sum(counts(share)["found"] for share in shares) == 11
    result = invoke("case", "merge", *reversed(shares), "-o", tmp_path / "whole")
    assert result.exit_code == 3, result.output
    assert steady(tmp_path / "whole") == steady(made / "case")
    assert invoke("verify", tmp_path / "whole", "-q").exit_code == 0
    assert invoke("case", "merge", *shares, "-o", tmp_path / "whole").exit_code == 3  # once more changes nothing
    assert steady(tmp_path / "whole") == steady(made / "case")

    for message, given in {
        "Expected 1/3 to 3/3": shares[:2],
        "each once": [shares[0], *shares[:2]],
        "is not a finished case": [*shares[:2], tmp_path],
    }.items():
        failed = invoke("case", "merge", *given, "-o", tmp_path / "none")
        assert failed.exit_code == 2
        assert message in failed.stderr
    victim = next(path for share in shares for path in share.rglob("x.png.png/heatmap.png"))
    victim.unlink()
    victim.write_bytes(b"another")
    broken = invoke("case", "merge", *shares, "-o", tmp_path / "broken")
    assert broken.exit_code == 6
    assert "is not what its journal records" in broken.stderr


def test_pages_are_repeated_as_they_were_asked_for(tmp_path: Path, tiny_weights: Path) -> None:
    """The first page because nothing else was said, and a page by its number, are two decodings, and each repeats."""
    pages = [np.random.default_rng(seed).integers(0, 256, (64, 64, 3), dtype=np.uint8) for seed in range(3)]
    tifffile.imwrite(tmp_path / "pages.tif", np.stack(pages), photometric="rgb")
    for asked in ((), ("--page", 2)):
        out = tmp_path / f"out{len(asked)}"
        assert invoke("detect", tmp_path / "pages.tif", "-o", out, "-w", tiny_weights, "-q", *asked).exit_code == 0
        [record] = out.rglob("record.json")
        assert invoke("rerun", record, "-w", tiny_weights).stdout.startswith("identical")


def test_what_was_read_past_the_limit_of_pixels_is_read_again(case: Path) -> None:
    record = read_record(case / "photos" / "b" / "x.png" / "record.json")
    assert record.decode is not None
    assert reading_of(record).max_pixels == MAX_PIXELS
    large = record.decode.model_copy(update={"width": 30_000, "height": 30_000})
    assert reading_of(record.model_copy(update={"decode": large})).max_pixels == 900_000_000


@pytest.mark.parametrize("words", [(), ("--input", "elsewhere.png")])
def test_a_photo_that_is_not_found_is_not_another_result(
    made: Path, tiny_weights: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    shutil.copytree(made / "case" / "photos" / "b" / "x.png", tmp_path / "out")
    path = tmp_path / "out" / "record.json"
    record = json.loads(path.read_text())
    record["input"]["path"] = str(tmp_path / "gone.png")
    path.write_text(json.dumps(record))
    result = invoke("rerun", path, "-w", tiny_weights, *words)
    assert result.exit_code == 4
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert "does not exist" in line
    assert "--input" in line
    found = invoke("rerun", path, "-w", tiny_weights, "--input", made / "evidence" / "b" / "x.png")
    assert found.exit_code == 0, found.output
