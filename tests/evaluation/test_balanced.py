"""Balanced lists beside the sets that every command reads."""

import json
from pathlib import Path

import pytest

from mesorch_cli.errors import InputError, UsageError
from mesorch_cli.evaluation.balanced import read_sets


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("first/Tp/a.jpg", "first/Gt/a.png", "first/Au/clean.jpg", "b.jpg", "b.png", "c.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "pairs.json").write_text(json.dumps([["b.jpg", "b.png"], ["c.jpg", "Negative"]]))
    return tmp_path


def balanced(root: Path, *entries: object) -> Path:
    path = root / "balanced.json"
    path.write_text(json.dumps(list(entries)))
    return path


def test_every_entry_is_a_set_of_its_own(root: Path) -> None:
    folder, pairs = read_sets(balanced(root, ["ManiDataset", "first"], ["JsonDataset", "pairs.json"]))
    assert [sample.photo.name for sample in folder.samples] == ["a.jpg"], "tampered photos alone, as published"
    assert [(sample.photo.name, sample.mask is None) for sample in pairs.samples] == [("b.jpg", False), ("c.jpg", True)]


def test_other_sets_are_read_as_everywhere(root: Path) -> None:
    assert [one.name for one in read_sets(root / "pairs.json")] == ["pairs"]
    (one,) = read_sets(root / "first")
    assert len(one.samples) == 2
    (root / "table.csv").write_text("photo,mask\nb.jpg,b.png\nc.jpg,\n")
    assert len(read_sets(root / "table.csv")[0].authentic) == 1


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([["ManiDataset", "first"], ["b.jpg", "b.png"]], 'entry \\["b.jpg", "b.png"\\]'),
        ([["JsonDataset", "first"]], "names 'first' as a JsonDataset"),
        ([["ManiDataset", "nowhere"]], "nowhere/Tp is not a folder"),
        ([["ManiDataset", 3]], "throughout"),
    ],
)
def test_a_wrong_list_is_named(root: Path, entries: list[object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_sets(balanced(root, *entries))


def test_what_does_not_pair_is_refused(root: Path) -> None:
    (root / "first" / "Tp" / "lonely.jpg").write_bytes(b"x")
    with pytest.raises(InputError, match="without a mask.*lonely.jpg"):
        read_sets(balanced(root, ["ManiDataset", "first"]))
