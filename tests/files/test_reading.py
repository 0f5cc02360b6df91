"""Files are opened to read without waiting, without end and without following links below a folder."""

import os
import socket
from pathlib import Path

import pytest

from mesorch_cli.files.reading import opened, opened_below, read, read_below


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "deep" / "file").write_bytes(b"inside")
    (tmp_path / "secret").write_bytes(b"outside")
    (tmp_path / "in" / "link").symlink_to(tmp_path / "secret")
    (tmp_path / "in" / "away").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "in" / "pipe")
    return tmp_path / "in"


def test_a_plain_file_is_read(folder: Path) -> None:
    assert read_below(folder, "deep/file", 6) == b"inside"
    assert read(folder / "link", 100) == b"outside"  # the user named it


@pytest.mark.parametrize("name", ["link", "away/secret", "pipe", "deep", "none", "deep/file/more"])
def test_anything_else_is_an_error_at_once(folder: Path, name: str) -> None:
    with pytest.raises(OSError):  # noqa: PT011  # of several numbers, by the system
        opened_below(folder, name)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "deep/../../secret"])
def test_a_name_that_leads_outside_is_no_name(folder: Path, name: str) -> None:
    with pytest.raises(ValueError, match="does not stay below"):
        opened_below(folder, name)


def test_pipes_and_devices_are_no_files(folder: Path, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        for path in (folder / "pipe", Path("/dev/zero"), tmp_path / "socket"):
            with pytest.raises(OSError):  # noqa: PT011
                opened(path)


def test_a_file_larger_than_allowed_is_not_taken_in_part(folder: Path) -> None:
    with pytest.raises(OSError, match="is larger than 5 bytes"):
        read_below(folder, "deep/file", 5)


def test_a_folder_may_be_reached_by_a_link_of_the_user(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "named").symlink_to(folder)
    assert read_below(tmp_path / "named", "deep/file", 100) == b"inside"
