"""Lists as spreadsheets and other programs save them: read right, or refused in one line."""

import csv
import io
import json
from pathlib import Path

import pytest

from mesorch_cli.errors import UsageError
from mesorch_cli.evaluation.balanced import read_sets
from mesorch_cli.evaluation.datasets import read_dataset
from mesorch_cli.evaluation.lists import Row, read_rows

NAMES = ("plain", "a, b", 'the "left" one', "semi;colon", "Gemälde 猫", " space", "it's")
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16")


def table(delimiter: str, ending: str) -> str:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=ending)
    writer.writerow(["photo", "mask", "kind"])
    for name in NAMES:
        writer.writerow([f"{name}.jpg", f"{name}.png", "splice"])
    writer.writerow(["authentic.jpg", "", ""])
    return text.getvalue()


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_tables(encoding: str, delimiter: str, ending: str, tmp_path: Path) -> None:
    path = tmp_path / "set.csv"
    path.write_bytes(table(delimiter, ending).encode(encoding))
    expected = [Row(f"{name}.jpg", f"{name}.png", "splice") for name in NAMES]
    assert read_rows(path) == [*expected, Row("authentic.jpg", "")]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_pairs(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "a, ä.jpg").touch()
    (tmp_path / "m.png").touch()
    (tmp_path / "set.json").write_bytes(json.dumps([["a, ä.jpg", "m.png"]], ensure_ascii=False).encode(encoding))
    assert [sample.photo.name for sample in read_dataset(tmp_path / "set.json").samples] == ["a, ä.jpg"]
    (tmp_path / "all.json").write_bytes(json.dumps([["JsonDataset", "set.json"]]).encode(encoding))
    assert [one.name for one in read_sets(tmp_path / "all.json")] == ["set"]


@pytest.mark.parametrize("header", ['"photo";"mask"', "Photo ; Mask", "sep=;\r\nphoto;mask", "\r\nphoto;mask"])
def test_headers_of_spreadsheets(header: str, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(f"{header}\r\na.jpg;m.png\r\n;\r\n\r\n", newline="")
    assert read_rows(tmp_path / "x.csv") == [Row("a.jpg", "m.png")]


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"photo,mask\na, b.jpg,m.png\n", "line 2: 'a, b.jpg,m.png' has 3 fields, the header 2"),
        (b"photo,mask\na.jpg\n", "has 1 fields"),  # else the photo would count as authentic
        (b"photo,mask\n,m.png\n", "Expected a photo"),
        (b'photo,mask\n"a.jpg,m.png\n', "quotes in pairs"),
        (b"name,truth\na,b\n", "has the header 'name,truth'"),
        (b"", "Expected photo and mask"),
        ("photo,mask\nä.jpg,m.png\n".encode("latin-1"), "line 2 has the byte 0xe4. It seems to be in Latin-1"),
        ("photo,mask\n".encode("utf-16-le"), "UTF-16 without a byte-order mark"),
        (b"photo,mask\n" + b"x" * 200_000 + b",m\n", "field larger"),
    ],
)
def test_tables_that_would_be_misread(content: bytes, named: str, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read_rows(tmp_path / "x.csv")
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)


def test_json_that_is_nested_too_deeply(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("[" * 100_000)
    with pytest.raises(UsageError, match=r"nested|no JSON"):
        read_rows(tmp_path / "x.json")
