"""Datasets: same bytes whatever the workers, exact pairs and hashes, and every kind of bad input named."""

import hashlib
import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mesorch_cli.errors import InputError, UsageError
from mesorch_cli.forge.dataset import MANIFEST, ForgedDataset
from mesorch_cli.forge.item import ItemSettings, make_item
from mesorch_cli.forge.photos import SoundPhotos
from mesorch_cli.forge.pools import Pools
from mesorch_cli.forge.sheet import contact_sheet
from mesorch_cli.forge.sources import ObjectFolder, PhotoFolder
from tests.forge.pictures import DONOR, HOST, disc


def write(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def photos(tmp_path: Path) -> PhotoFolder:
    write(tmp_path / "photos" / "one.png", HOST)
    write(tmp_path / "photos" / "deeper" / "two.JPG", DONOR)
    (tmp_path / "photos" / "notes.txt").write_text("no photo")
    return PhotoFolder.of(tmp_path / "photos")


@pytest.fixture
def objects(tmp_path: Path) -> ObjectFolder:
    folder = tmp_path / "objects"
    write(folder / "masked.jpg", DONOR)
    write(folder / "masked.png", disc(240, 180, 120, 90, 60).astype(np.uint8) * 255)
    write(folder / "labelled.jpg", DONOR)
    labels = np.zeros((240, 180), np.uint8)
    labels[30:100, 30:100], labels[140:220, 40:150] = 1, 7
    write(folder / "labelled.png", labels)
    alpha = (disc(240, 180, 120, 90, 70) * 255).astype(np.uint8)
    write(folder / "cut.png", np.dstack([DONOR, alpha]))
    return ObjectFolder.of(folder)


def content(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_two_processes_and_a_resumed_run_make_the_bytes_of_one(
    photos: PhotoFolder, objects: ObjectFolder, tmp_path: Path
) -> None:
    settings = ItemSettings(seed=5)
    made = ForgedDataset(Pools.of(photos, objects), settings, tmp_path / "one", resume=False).make(9)
    assert made.found == 0
    assert sum(made.operations.values()) == 9
    ForgedDataset(Pools.of(photos, objects), settings, tmp_path / "two", resume=False).make(9, workers=2)
    assert content(tmp_path / "one") == content(tmp_path / "two")
    ForgedDataset(Pools.of(photos, objects), settings, tmp_path / "three", resume=False).make(4)
    with (tmp_path / "three" / MANIFEST).open("ab") as manifest:
        manifest.write(b'{"schema":"mesorch.for')  # torn while it was being written
    resumed = ForgedDataset(Pools.of(photos, objects), settings, tmp_path / "three", resume=True).make(9)
    assert resumed.found == 4
    assert resumed.manifest_sha256 == made.manifest_sha256
    assert content(tmp_path / "one") == content(tmp_path / "three")
    ForgedDataset(Pools.of(photos, objects), ItemSettings(seed=6), tmp_path / "four", resume=False).make(9)
    assert content(tmp_path / "one")[MANIFEST] != content(tmp_path / "four")[MANIFEST]


def test_the_manifest_says_what_is_there(photos: PhotoFolder, objects: ObjectFolder, tmp_path: Path) -> None:
    out = tmp_path / "out"
    dataset = ForgedDataset(Pools.of(photos, objects), ItemSettings(seed=2), out, resume=False)
    seen: list[tuple[int, int]] = []
    dataset.make(14, on_item=lambda _, done, total: seen.append((done, total)))
    assert seen == [(done, 14) for done in range(1, 15)]
    files = content(out)
    records = [json.loads(line) for line in (out / MANIFEST).read_text().splitlines()]
    named = {path: digest for record in records for path, digest in record["files"].items()}
    assert named == {path: digest for path, digest in files.items() if "/" in path}
    sources = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in tmp_path.rglob("*.*")
        if out not in path.parents
    }
    for number, record in enumerate(records):
        assert record["item"] == number
        for source in record["sources"]:
            assert source["sha256"] == sources[Path(source["path"]).name]
        forged = [path for path in record["files"] if path.startswith("Tp/")]
        if record["operation"] == "authentic":
            assert [Path(path).parent.name for path in record["files"]] == ["Au"]
            continue
        (mask_path,) = (path for path in record["files"] if path.startswith("Gt/"))
        assert Path(mask_path).stem == Path(forged[0]).stem == f"{number:06d}"
        mask = cv2.imread(str(out / mask_path), cv2.IMREAD_UNCHANGED)
        assert cv2.imread(str(out / forged[0])).shape[:2] == mask.shape == (record["height"], record["width"])
        assert set(np.unique(mask)) <= {0, 255}
        assert abs((mask > 0).mean() - record["tampered"]) < 1e-6
        assert 0.001 <= record["tampered"] <= 0.9
        assert record["parameters"]
    with Image.open(out / next(iter(records[0]["files"]))) as image:
        image.load()
    sheet = cv2.imdecode(np.frombuffer(contact_sheet(out, dataset.lines), np.uint8), cv2.IMREAD_COLOR)
    assert sheet.shape[1] == 1800
    assert sheet.min() < 50
    (out / next(iter(records[0]["files"]))).write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    with pytest.raises(InputError, match="leave --sheet out"):
        contact_sheet(out, dataset.lines)


def test_objects_are_read_for_what_they_are(objects: ObjectFolder) -> None:
    assert objects.paths == ("cut.png", "labelled.jpg", "masked.jpg")
    cut, labelled, masked = (objects.read(path, SoundPhotos()) for path in objects.paths)
    assert cut.donor.alpha is not None
    assert cut.mask_sha256 is None
    assert labelled.donor.labels is not None
    assert set(np.unique(labelled.donor.labels)) == {0, 1, 7}
    assert masked.donor.mask is not None
    assert masked.donor.mask.sum() == disc(240, 180, 120, 90, 60).sum()
    assert masked.mask_sha256 == hashlib.sha256((objects.root / "masked.png").read_bytes()).hexdigest()


@pytest.mark.parametrize("suffix", [".PNG", ".Png"])
def test_a_mask_is_found_whatever_the_case_of_its_suffix(objects: ObjectFolder, suffix: str) -> None:
    mask = objects.root / "masked.png"
    sha256 = hashlib.sha256(mask.read_bytes()).hexdigest()
    mask.rename(mask.with_suffix(suffix))
    listed = ObjectFolder.of(objects.root)
    assert listed.read("masked.jpg", SoundPhotos()).mask_sha256 == sha256
    mask.with_suffix(suffix).unlink()
    with pytest.raises(InputError, match="has no mask any more"):
        listed.read("masked.jpg", SoundPhotos())


def test_photos_of_objects_are_hosts_too(photos: PhotoFolder, objects: ObjectFolder) -> None:
    made = [
        json.loads(make_item(Pools.of(photos, objects), ItemSettings(seed=4), number, SoundPhotos()).line)
        for number in range(40)
    ]
    hosts = [record["sources"][0]["path"] for record in made]
    assert 12 <= sum(path in objects.paths for path in hosts) <= 32
    assert "cut.png" not in hosts


def test_large_photos_are_shrunk_or_cut(tmp_path: Path) -> None:
    write(tmp_path / "photos" / "large.png", cv2.resize(HOST, (900, 700)))
    folder = PhotoFolder.of(tmp_path / "photos")
    for number in range(6):
        record = json.loads(make_item(Pools.of(folder), ItemSettings(seed=1, longest=256), number, SoundPhotos()).line)
        assert max(record["width"], record["height"]) <= 330  # a life may enlarge by a quarter
        assert record["sources"][0]["history"][0]["step"] in ("resize", "crop")


def test_a_panorama_stays_wide_enough_to_be_forged(tmp_path: Path) -> None:
    write(tmp_path / "photos" / "wide.png", cv2.resize(HOST, (2400, 120)))
    folder = PhotoFolder.of(tmp_path / "photos")
    for number in range(6):
        made = make_item(Pools.of(folder), ItemSettings(seed=1, longest=256), number, SoundPhotos())
        assert json.loads(made.line)["height"] >= 64


def test_a_dataset_begun_before_hosts_had_a_share_is_gone_on_with(photos: PhotoFolder, tmp_path: Path) -> None:
    settings, out = ItemSettings(seed=5), tmp_path / "out"
    ForgedDataset(Pools.of(photos), settings, out, resume=False).make(1)
    begun = json.loads((out / "forge.json").read_text())
    del begun["object_host_share"]
    (out / "forge.json").write_text(json.dumps(begun))
    assert ForgedDataset(Pools.of(photos), settings, out, resume=True).make(2).found == 1
    other = ItemSettings(seed=5, object_host_share=0.1)
    with pytest.raises(UsageError, match="begun with other object_host_share"):
        ForgedDataset(Pools.of(photos), other, out, resume=True)


def test_unusable_photos_are_left_out_and_named(photos: PhotoFolder, tmp_path: Path) -> None:
    root = photos.root
    (root / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a photo")
    (root / "cut short.png").write_bytes((root / "one.png").read_bytes()[:3000])
    write(root / "tiny.png", HOST[:50, :50])
    made = ForgedDataset(Pools.of(PhotoFolder.of(root)), ItemSettings(seed=0), tmp_path / "out", resume=False).make(12)
    assert sum(made.operations.values()) == 12
    assert dict(made.refused) == {"broken.jpg": "damaged", "cut short.png": "damaged", "tiny.png": "too small"}
    for name in ("one.png", "deeper/two.JPG"):
        (root / name).unlink()
    for workers in (1, 2):  # the error comes whole out of a process of its own, too
        dataset = ForgedDataset(
            Pools.of(PhotoFolder.of(root)), ItemSettings(seed=0), tmp_path / f"none-{workers}", resume=False
        )
        with pytest.raises(InputError, match="20 files in a row from") as caught:
            dataset.make(2, workers=workers)
        assert caught.value.reason == "no usable photo"


@pytest.mark.parametrize(
    ("make", "message", "reason"),
    [
        (
            lambda folder: write(folder / "masked.png", np.full((20, 30), 255, np.uint8)),
            "30 x 20 pixels",
            "mask of another size",
        ),
        (lambda folder: write(folder / "masked.png", np.zeros((240, 180), np.uint8)), "all zero", "empty mask"),
        (lambda folder: (folder / "masked.png").write_bytes(b"no PNG"), "Cannot read the mask", "unreadable mask"),
    ],
)
def test_bad_masks_are_named(objects: ObjectFolder, make: object, message: str, reason: str) -> None:
    make(objects.root)  # type: ignore[operator]
    with pytest.raises(InputError, match=message) as caught:
        objects.read("masked.jpg", SoundPhotos())
    assert caught.value.reason == reason


def test_cut_outs_without_transparency_are_named(tmp_path: Path) -> None:
    write(tmp_path / "solid.png", DONOR)
    (tmp_path / "broken.png").write_bytes(b"no PNG")
    folder = ObjectFolder.of(tmp_path)
    with pytest.raises(InputError, match="no transparency"):
        folder.read("solid.png", SoundPhotos())
    with pytest.raises(InputError, match="is not an image"):
        folder.read("broken.png", SoundPhotos())


def test_folders_that_cannot_serve_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        PhotoFolder.of(tmp_path / "nowhere")
    file = write(tmp_path / "bare" / "photo.jpg", HOST)
    with pytest.raises(UsageError, match="is not a folder"):
        PhotoFolder.of(file)
    with pytest.raises(UsageError, match=r"1 photos .* have no mask: photo.jpg"):
        ObjectFolder.of(tmp_path / "bare")
    (tmp_path / "empty").mkdir()
    for folder in (PhotoFolder, ObjectFolder):
        with pytest.raises(UsageError, match="There is no (photo|object) in"):
            folder.of(tmp_path / "empty")


def test_a_folder_in_use_is_not_written_over(photos: PhotoFolder, tmp_path: Path) -> None:
    settings, out = ItemSettings(seed=5), tmp_path / "out"
    with pytest.raises(UsageError, match="is inside"):
        ForgedDataset(Pools.of(photos), settings, photos.root / "forged", resume=False)
    ForgedDataset(Pools.of(photos), settings, out, resume=False).make(3)
    before = content(out)
    with pytest.raises(UsageError, match="is not empty"):
        ForgedDataset(Pools.of(photos), settings, out, resume=False)
    with pytest.raises(UsageError, match="begun with other seed"):
        ForgedDataset(Pools.of(photos), ItemSettings(seed=6), out, resume=True)
    with pytest.raises(UsageError, match="has 3 items already"):
        ForgedDataset(Pools.of(photos), settings, out, resume=True).make(2)
    with pytest.raises(UsageError, match="at least one of each"):
        ForgedDataset(Pools.of(photos), settings, out, resume=True).make(5, workers=0)
    assert content(out) == before
    next((out / "Gt").glob("*.png"), out / "Au").replace(tmp_path / "gone")
    with pytest.raises(UsageError, match="are gone"):
        ForgedDataset(Pools.of(photos), settings, out, resume=True)
    (out / MANIFEST).write_text("nonsense\n")
    with pytest.raises(UsageError, match="Line 1 of"):
        ForgedDataset(Pools.of(photos), settings, out, resume=True)
    shutil.rmtree(out)
    write(out / "other.png", HOST)
    with pytest.raises(UsageError, match="no readable forge.json"):
        ForgedDataset(Pools.of(photos), settings, out, resume=True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": -1}, "The seed -1"),
        ({"longest": 20}, "128 pixels or more"),
        ({"object_share": 2.0}, "0 to 1"),
        ({"object_host_share": -1.0}, "0 to 1"),
    ],
)
def test_settings_refuse_nonsense(changes: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ItemSettings(**({"seed": 0} | changes))  # type: ignore[arg-type]
