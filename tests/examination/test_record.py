"""The record's schema: published, current, and without room for surprises."""

import json
from pathlib import Path

import jsonschema
import pytest

from mesorch_cli.errors import OutputError, UsageError
from mesorch_cli.examination.outputs import OutputFolder, safe_name
from mesorch_cli.examination.record import record_schema
from mesorch_cli.files.names import json_path

DOCS = Path(__file__).parents[2] / "docs"
NAMES = {
    "schema", "input", "decode", "metadata", "provenance", "analysis", "result", "artefacts", "weights", "tool",
    "settings", "settings_sha256", "argv", "timing",
}  # fmt: skip


def test_the_published_schema_is_the_programs() -> None:
    published = json.loads((DOCS / "record.schema.json").read_text())
    assert published == record_schema(), "write it again: python docs/generate.py"
    jsonschema.Draft202012Validator.check_schema(published)


def test_the_fixed_names_are_there() -> None:
    schema = record_schema()
    assert set(schema["properties"]) == NAMES | {"declared"}  # older records have no such block
    assert set(schema["required"]) | {"schema"} == NAMES
    assert schema["additionalProperties"] is False
    results = schema["$defs"]["ResultPart"]["properties"]
    fixed = {"score", "pooling", "probability", "threshold", "verdict", "reason", "regions", "flags"}
    assert set(results) == fixed | {"likelihood_ratio", "calibration", "findings", "rates", "domain"}


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("/a/b/photo.jpg", "photo.jpg"),
        ("-", "stdin"),
        ("../..", "_.."),
        ("a\nb.png", "a_b.png"),
        (".hidden.png", "_.hidden.png"),
        ("/", "input"),
        ("x" * 300 + ".png", "x" * 120),
    ],
)
def test_folder_names_are_harmless(source: str, name: str) -> None:
    assert safe_name(source) == name


def test_paths_that_are_no_text_become_text() -> None:
    assert json_path("a\udcff.png") == "a\\xff.png"
    assert json_path("ü.png") == "ü.png"


def test_an_output_folder_is_checked_before_anything_is_done(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="Cannot write"):
        OutputFolder(tmp_path / "file")
    folder = OutputFolder(tmp_path / "new" / "deep")
    assert list(folder.root.iterdir()) == []
    with pytest.raises(UsageError, match="--in-tree"):
        folder.refuse_beside([str(tmp_path / "new" / "deep" / "photo.jpg")])


def test_results_of_something_else_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").mkdir()
    (tmp_path / "photo.jpg" / "notes.txt").write_text("an examiner's own")
    folder = OutputFolder(tmp_path).folder_for("photo.jpg", "ab" * 32)
    assert folder == "photo.jpg-abababab"


@pytest.mark.parametrize("content", ['{"input": "x"}', '{"input": [1]}', "[]", "{", '{"input": null}'])
def test_a_record_of_something_else_is_no_earlier_result(tmp_path: Path, content: str) -> None:
    (tmp_path / "photo.jpg").mkdir()
    (tmp_path / "photo.jpg" / "record.json").write_text(content)
    assert OutputFolder(tmp_path).folder_for("photo.jpg", "ab" * 32) == "photo.jpg-abababab"
