"""Sets of photos and masks: pairing by name, and what is refused."""

import json
from pathlib import Path

import pytest

from mesorch_cli.errors import InputError, UsageError
from mesorch_cli.evaluation.datasets import read_dataset, read_folders


def fill(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(name.encode())
    return folder


@pytest.mark.parametrize(("photos", "masks", "authentic"), [("Tp", "Gt", "Au"), ("image", "mask", "authentic")])
def test_folders_pair_by_stem_whatever_the_order(tmp_path: Path, photos: str, masks: str, authentic: str) -> None:
    fill(tmp_path / photos, "b.jpg", "a10.png", "a9.tif", ".hidden")
    fill(tmp_path / masks, "a9_gt.png", "b.png", "a10_mask.png")
    fill(tmp_path / authentic, "z.jpg")
    dataset = read_dataset(tmp_path)
    assert {s.photo.name: s.mask.name for s in dataset.tampered if s.mask} == {
        "a10.png": "a10_mask.png",
        "a9.tif": "a9_gt.png",
        "b.jpg": "b.png",
    }
    assert [s.photo.name for s in dataset.authentic] == ["z.jpg"]


def test_what_does_not_pair_is_named(tmp_path: Path) -> None:
    photos = fill(tmp_path / "p", *(f"{index}.jpg" for index in range(8)))
    masks = fill(tmp_path / "m", "0.png")
    with pytest.raises(InputError, match=r"without a mask.*1.jpg, 2.jpg, 3.jpg, 4.jpg, 5.jpg and 2 more"):
        read_folders(photos, masks, None)
    with pytest.raises(InputError, match=r"without a photo.*extra.png"):
        read_folders(fill(tmp_path / "q", "0.jpg"), fill(tmp_path / "n", "0.png", "extra.png"), None)
    with pytest.raises(InputError, match=r"share a mask: 0.bmp, 0.jpg"):
        read_folders(fill(tmp_path / "q", "0.bmp"), masks, None)


def test_side_files_are_no_photos(tmp_path: Path) -> None:
    names = ("a.jpg", "._a.jpg", ".DS_Store", "Thumbs.db", "desktop.ini")
    fill(tmp_path / "Tp", *names)
    fill(tmp_path / "Gt", "a.png", *names[1:])
    assert [sample.photo.name for sample in read_dataset(tmp_path).samples] == ["a.jpg"]


def test_lists_and_tables(tmp_path: Path) -> None:
    fill(tmp_path, "a.jpg", "a.png", "b.jpg")
    (tmp_path / "list.json").write_text(json.dumps([["a.jpg", "a.png"], ["b.jpg", "Negative"]]))
    (tmp_path / "table.csv").write_text("photo,mask\na.jpg,a.png\nb.jpg,\n")
    for name in ("list.json", "table.csv"):
        dataset = read_dataset(tmp_path / name)
        assert [(s.photo.name, s.mask and s.mask.name) for s in dataset.samples] == [
            ("a.jpg", "a.png"),
            ("b.jpg", None),
        ]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.json", "{}", "contains a dict"),
        ("x.json", "[1", "not JSON"),
        ("x.json", '[["a"]]', "has the entry"),
        ("x.json", "[]", "lists no photos"),
        ("x.csv", "a,b\n1,2\n", "Expected photo and mask"),
        ("x.txt", "", "not a set"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(UsageError, match=message):
        read_dataset(tmp_path / name)


def test_missing_things_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("photo,mask\ngone.jpg,\n")
    with pytest.raises(InputError, match=r"gone.jpg"):
        read_dataset(tmp_path / "x.csv")
    with pytest.raises(UsageError, match="does not exist"):
        read_dataset(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="Expected Tp/ and Gt/"):
        read_dataset(fill(tmp_path / "empty"))
