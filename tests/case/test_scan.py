"""Looking at a folder: photos by content, links not followed, shares that together are the whole."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesorch_cli.case.scan import Selection, matching, scan
from mesorch_cli.errors import UsageError
from tests.case.folders import fill, mixed, photo


def test_photos_are_told_by_content_and_nothing_is_passed_over(tmp_path: Path) -> None:
    root = mixed(tmp_path / "in")
    (root / "link.png").symlink_to(root / "a" / "x.png")
    (root / "loop").symlink_to(root)
    os.mkfifo(root / "pipe.jpg")
    found = scan(root, Selection())
    assert len(found.paths) == 11
    assert list(found.paths) == sorted(found.paths, key=os.fsencode)
    assert found.others == {"no regular file": 1, "not a photo": 2, "symbolic link, not followed": 2}
    with pytest.raises(UsageError, match="is not a folder"):
        scan(root / "notes.txt", Selection())


def test_side_files_are_counted_as_what_they_are(tmp_path: Path) -> None:
    double = b"\x00\x05\x16\x07" + b"\0" * 4092
    files = {
        "a.png": photo(1),
        "._a.png": double,
        "b/._b.jpg": double,
        "b/.DS_Store": b"\0\0\0\1Bud1",
        "b/Thumbs.db": bytes.fromhex("d0cf11e0a1b11ae1"),
        "desktop.ini": b"[.ShellClassInfo]",
        "._hidden.png": photo(2),  # a photo under such a name is a photo
        "._broken.jpg": b"no side file either",
        "x.jpg": double,  # nor is such content, where the name is that of a photo
    }
    found = scan(fill(tmp_path / "in", files), Selection())
    assert set(found.paths) == {"a.png", "._hidden.png", "._broken.jpg", "x.jpg"}
    assert found.others == {
        "Windows folder settings (desktop.ini)": 1,
        "Windows thumbnail cache": 1,
        "macOS folder settings (.DS_Store)": 1,
        "macOS side file (AppleDouble)": 2,
    }


@given(st.lists(st.binary(min_size=1, max_size=9), unique=True), st.integers(1, 9))
def test_shares_are_disjoint_and_complete(names: list[bytes], count: int) -> None:
    shares = [Selection(shard=(number, count)) for number in range(1, count + 1)]
    for name in map(os.fsdecode, names):
        assert [share.wants(name) for share in shares].count(True) == 1


def test_patterns(tmp_path: Path) -> None:
    root = fill(tmp_path / "in", {name: photo(1) for name in ("x.png", "a/x.png", "a/b/y.png", "b/x.PNG")})

    def chosen(include: tuple[str, ...] = (), exclude: tuple[str, ...] = ()) -> list[str]:
        return list(scan(root, Selection(matching(include), matching(exclude))).paths)

    assert chosen(("x.png",)) == ["a/x.png", "x.png"]
    assert chosen(("a/*",)) == ["a/b/y.png", "a/x.png"]
    assert chosen((), ("*.png",)) == ["b/x.PNG"]
    assert chosen(("*",), ("a/b/*", "x.png")) == ["b/x.PNG"]
    with pytest.raises(UsageError, match="from 1 to N"):
        Selection(shard=(0, 4))
