"""Text of others: its encoding is seen and read, or named in the refusal."""

from pathlib import Path

import pytest

from mesorch_cli.errors import UsageError
from mesorch_cli.texts import decoded, read_text

TEXT = "photo,mask\nGemälde 猫.jpg,m.png\n"
READ = ("utf-8", "utf-8-sig", "utf-16", "utf-32")


@pytest.mark.parametrize("encoding", READ)
def test_what_is_marked_is_read(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(TEXT.encode(encoding))
    assert read_text(tmp_path / "x") == TEXT


def test_both_orders_of_utf_16() -> None:
    assert decoded(b"\xfe\xff" + TEXT.encode("utf-16-be"), "x") == TEXT
    assert decoded(b"\xff\xfe" + TEXT.encode("utf-16-le"), "x") == TEXT


@pytest.mark.parametrize(
    ("data", "named"),
    [
        ("a\nGemälde".encode("latin-1"), "line 2 has the byte 0xe4. It seems to be in Latin-1"),
        ("€".encode("cp1252"), "Windows-1252"),
        ("photo".encode("utf-16-le"), "UTF-16 without a byte-order mark"),
        (b"\xff\xfea", "begins like UTF-16"),
        (b"\xef\xbb\xbf\xff", "not UTF-8"),
        (b"\x89PNG\0\0", "no text"),
    ],
)
def test_what_is_not_text_of_a_known_kind_is_named(data: bytes, named: str) -> None:
    with pytest.raises(UsageError, match=r"^The list .*Save it as UTF-8\.$") as caught:
        decoded(data, "The list x")
    assert named in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Cannot read"):
        read_text(tmp_path / "gone")
    with pytest.raises(UsageError, match="Cannot read"):
        read_text(tmp_path)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_mark_that_was_saved_as_text_is_no_text(encoding: str) -> None:
    assert decoded("\ufeffphoto,mask\n".encode(encoding), "list.csv") == "photo,mask\n"
