"""Files are written whole, where they belong, and nothing that was laid in the way is touched."""

import os
import stat
from pathlib import Path

import pytest

from mesorch_cli.errors import OutputError
from mesorch_cli.files import writing
from mesorch_cli.files.writing import (
    link_or_copy_below,
    remove_unfinished,
    require_writable,
    take_whole,
    write_below,
    write_whole,
    writing_below,
    writing_folder,
)


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


def test_a_file_is_made_with_its_folders_and_replaced_whole(tmp_path: Path) -> None:
    write_below(tmp_path / "new", "a/b/file", b"one")
    write_below(tmp_path / "new", "a/b/file", b"two")
    write_whole(tmp_path / "new" / "own", b"three")
    assert names(tmp_path) == ["new/a/b/file", "new/own"]
    assert (tmp_path / "new" / "a" / "b" / "file").read_bytes() == b"two"


def test_links_and_pipes_under_the_name_are_replaced_and_their_targets_stay(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    case = tmp_path / "case"
    case.mkdir()
    (case / "link").symlink_to(victim)
    (case / "file.part").symlink_to(victim)
    os.mkfifo(case / "pipe")
    for name in ("link", "pipe", "file"):
        write_below(case, name, b"ours")
        assert (case / name).read_bytes() == b"ours"
        assert not (case / name).is_symlink()
    assert victim.read_bytes() == b"precious"


def test_a_link_in_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "case").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "case" / "photos").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputError, match="symbolic link"):
        write_below(tmp_path / "case", "photos/x/record.json", b"x")
    with pytest.raises(OutputError, match="does not stay below"):
        write_below(tmp_path / "case", "../escaped", b"x")
    assert names(tmp_path / "elsewhere") == []
    assert not (tmp_path / "escaped").exists()


def test_what_fails_half_way_leaves_nothing_and_the_old_file(tmp_path: Path) -> None:
    write_below(tmp_path, "file", b"old")

    def fail_half_way() -> None:
        with writing_below(tmp_path, "file") as file:
            file.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert names(tmp_path) == ["file"]
    assert (tmp_path / "file").read_bytes() == b"old"


@pytest.mark.parametrize("durable", [True, False])
def test_only_what_cannot_be_made_again_waits_for_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, durable: bool
) -> None:
    waited: list[str] = []
    monkeypatch.setattr(
        os, "fsync", lambda file: waited.append("folder" if stat.S_ISDIR(os.fstat(file).st_mode) else "file")
    )
    write_below(tmp_path, "file", b"x", durable=durable)
    assert waited == (["file", "folder"] if durable else [])


def test_a_new_folder_is_on_the_disk_before_what_lies_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda file: waited.append(os.fstat(file).st_ino))
    write_below(tmp_path, "a/b/file", b"x")
    places = [tmp_path, tmp_path / "a", tmp_path / "a" / "b" / "file", tmp_path / "a" / "b"]
    assert waited == [place.stat().st_ino for place in places]


def test_what_a_library_wrote_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "apart").write_bytes(b"whole")
    (tmp_path / "place").write_bytes(b"old")
    waited: list[tuple[bool, bytes]] = []

    def wait(file: int) -> None:
        waited.append((stat.S_ISDIR(os.fstat(file).st_mode), (tmp_path / "place").read_bytes()))

    monkeypatch.setattr(os, "fsync", wait)
    take_whole(tmp_path / "apart", tmp_path / "place")
    assert waited == [(False, b"old"), (True, b"whole")]
    assert names(tmp_path) == ["place"]


def test_the_same_bytes_leave_a_file_alone_and_others_do_not(tmp_path: Path) -> None:
    write_below(tmp_path, "page", b"same")
    before = (tmp_path / "page").stat().st_ino
    write_below(tmp_path, "page", b"same", same_stays=True)
    assert (tmp_path / "page").stat().st_ino == before
    write_below(tmp_path, "page", b"other", same_stays=True)
    assert (tmp_path / "page").read_bytes() == b"other"


def test_what_killed_runs_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / ".x.0123456789abcdef.part").write_bytes(b"precious")
    case = tmp_path / "case"
    (case / "photos").mkdir(parents=True)
    kept = ["mine.part", ".record.json.part", "photos/x.0123456789abcdef.part", ".x.0123456789abcdeg.part"]
    for name in [*kept, ".record.json.0123456789abcdef.part", "photos/.mask.png.0123456789abcdef.part"]:
        (case / name).write_bytes(b"half")
    (case / "away").symlink_to(victim)
    remove_unfinished(case)
    assert names(case) == sorted(kept)
    assert names(victim) == [".x.0123456789abcdef.part"]


@pytest.mark.parametrize("linkable", [True, False])
def test_a_duplicate_is_the_file_and_never_what_a_link_points_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, linkable: bool
) -> None:
    if not linkable:

        def refuse(*_: object) -> None:
            raise OSError("no second names here")

        monkeypatch.setattr(writing.Folder, "second_name", refuse)
    write_below(tmp_path / "share", "photos/x/mask.png", b"mask")
    for _ in range(2):  # the second time over itself
        link_or_copy_below(tmp_path / "share", "photos/x/mask.png", tmp_path / "case", "photos/x/mask.png")
    assert names(tmp_path / "case") == ["photos/x/mask.png"]
    assert (tmp_path / "case" / "photos" / "x" / "mask.png").read_bytes() == b"mask"
    (tmp_path / "share" / "link").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "share" / "pipe")
    for name in ("link", "pipe"):
        with pytest.raises(OutputError):
            link_or_copy_below(tmp_path / "share", name, tmp_path / "case", name)
    assert names(tmp_path / "case") == ["photos/x/mask.png"]


def test_a_folder_that_takes_no_files_is_known_before_work_begins(tmp_path: Path) -> None:
    require_writable(tmp_path / "new")
    assert names(tmp_path) == []
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError):  # noqa: PT011
        require_writable(tmp_path / "file")


def test_a_folder_takes_its_name_when_it_is_whole(tmp_path: Path) -> None:
    """What was foreseen and laid in the way is not written into, and what a killed run left is removed."""
    victim = tmp_path / "victim"
    (victim / "Tp").mkdir(parents=True)
    parent = tmp_path / "run"
    (parent / ".set.0123456789abcdef.part" / "Tp").mkdir(parents=True)
    (parent / ".set.fedcba9876543210.part").symlink_to(victim)
    (parent / "set.part").symlink_to(victim)
    with writing_folder(parent, "set") as made:
        write_below(parent, f"{made}/Tp/a", b"a")
        assert sorted(path.name for path in parent.iterdir()) == sorted(
            [".set.fedcba9876543210.part", made, "set.part"]
        )
    assert sorted(path.name for path in parent.iterdir()) == [".set.fedcba9876543210.part", "set", "set.part"]
    assert (parent / "set" / "Tp" / "a").read_bytes() == b"a"
    assert [path.name for path in victim.iterdir()] == ["Tp"]
    assert list((victim / "Tp").iterdir()) == []


def test_a_folder_that_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with writing_folder(tmp_path, "set") as made:
            write_below(tmp_path, f"{made}/a", b"a")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert list(tmp_path.iterdir()) == []
