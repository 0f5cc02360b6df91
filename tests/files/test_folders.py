"""Folders are listed as they are; without descriptors of folders the same links are refused."""

import os
from pathlib import Path

import pytest

from mesorch_cli.files import folders
from mesorch_cli.files.folders import Kind, entries, listed, opened_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "b" / "c").mkdir(parents=True)
    (tmp_path / "b" / "c" / "file").write_bytes(b"x")
    (tmp_path / "a").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "b")
    os.mkfifo(tmp_path / "pipe")
    return tmp_path


def test_everything_is_named_with_its_kind_and_no_link_is_followed(folder: Path) -> None:
    assert list(entries(folder)) == [
        ("a", Kind.FILE),
        ("b", Kind.FOLDER),
        ("link", Kind.LINK),
        ("pipe", Kind.OTHER),
        ("b/c", Kind.FOLDER),
        ("b/c/file", Kind.FILE),
    ]
    assert [name for name, _ in entries(folder, leave_out=("b",))] == ["a", "b", "link", "pipe"]
    assert listed(folder, "b/c") == [("file", Kind.FILE)]
    with pytest.raises(OSError, match="symbolic link"):
        listed(folder, "link/c")


@pytest.mark.parametrize("has_descriptors", [True, False])
def test_a_link_on_the_way_is_refused_with_and_without_descriptors(
    folder: Path, monkeypatch: pytest.MonkeyPatch, has_descriptors: bool
) -> None:
    monkeypatch.setattr(folders, "HAS_DESCRIPTORS", has_descriptors)
    with opened_folder(folder, ["new", "deep"], make=True) as made:
        assert made.path == folder / "new" / "deep"
        assert (made.descriptor is None) == (not has_descriptors)
        os.close(made.open("file", os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        made.rename("file", "other")
        made.second_name(made, "other", "third")
        made.remove("other")
        made.sync()
    assert sorted(path.name for path in (folder / "new" / "deep").iterdir()) == ["third"]
    with pytest.raises(OSError, match="symbolic link"), opened_folder(folder, ["link", "c"], make=True):
        pass
