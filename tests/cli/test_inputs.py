"""`--files-from`: lists of any encoding and ending, names with anything in them."""

import os
from pathlib import Path

import pytest

from mesorch_cli.cli.inputs import named_inputs
from mesorch_cli.errors import UsageError

NAMES = ['a, "b";c.jpg', "Gemälde 猫.jpg", " x .jpg", "it's.jpg"]


def listed(path: Path, data: bytes, *, null: bool = False) -> list[str]:
    path.write_bytes(data)
    return list(named_inputs([], str(path), null))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_lists_in_lines(encoding: str, ending: str, tmp_path: Path) -> None:
    text = ending.join([*NAMES, "", ""])
    assert listed(tmp_path / "list", text.encode(encoding)) == NAMES


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_lists_separated_by_nul(encoding: str, tmp_path: Path) -> None:
    names = [*NAMES, "two\nlines.jpg", "end\r"]
    assert listed(tmp_path / "list", "\0".join([*names, ""]).encode(encoding), null=True) == names


def test_names_that_are_no_text_are_taken_as_they_are(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/Gem\xe4lde.jpg"
    Path(os.fsdecode(name)).touch()
    for null, end in ((False, b"\n"), (True, b"\0")):
        found = listed(tmp_path / "list", end.join([name, os.fsencode(tmp_path) + b"/gone\xe4.jpg"]), null=null)
        assert os.fsencode(found[0]) == name


@pytest.mark.parametrize(
    ("data", "named"),
    [
        ("a.jpg\nGemälde.jpg\n".encode("latin-1"), "line 2 has the byte 0xe4. It seems to be in Latin-1"),
        ("a.jpg\r\n".encode("utf-16-le"), "UTF-16 without a byte-order mark, or NUL separates its names"),
        (b"a.jpg\0b.jpg\0", "give --null"),
        (b"\xff\xfea", "begins like UTF-16"),
    ],
)
def test_lists_in_another_encoding_are_refused_by_its_name(data: bytes, named: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        listed(tmp_path / "list", data)
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)
