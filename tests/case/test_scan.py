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
    with pytest.raises(UsageError, match="is no folder"):
        scan(root / "notes.txt", Selection())


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
