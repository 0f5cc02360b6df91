"""Who is known to write JPEGs of a kind: named where everything agrees, all of them, and nobody otherwise."""

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import pytest
from PIL import ExifTags, Image

from mesorch_cli.evidence import read_photo
from tests.evidence.samples import encoded, picture

ROWS: list[dict[str, Any]] = json.loads(files("mesorch_cli.evidence.jpeg").joinpath("writers.json").read_text("ascii"))
SEGMENTS = {
    "Adobe": b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x01",
    "Photoshop": b"\xff\xed\x00\x10Photoshop 3.0\0",
    "Ducky": b"\xff\xec\x00\x11Ducky\0\1\0\4\0\0\0\x3c\0\0",
}
HISTORY = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
    'xmlns:stEvt="http://ns.adobe.com/xap/1.0/sType/ResourceEvent#">'
    '<rdf:li stEvt:action="{action}" stEvt:softwareAgent="{agent}"/></x:xmpmeta>'
)


@dataclass(frozen=True)
class Written:
    """How a JPEG is to be written: tables as hexadecimal digits, the rest as a row of the collection has it."""

    luma: str
    chroma: str
    subsampling: str
    progressive: bool
    segments: tuple[str, ...]

    def data(self, software: str | None = None, **options: Any) -> bytes:
        if software is not None:
            exif = Image.Exif()
            exif[ExifTags.Base.Software] = software
            options["exif"] = exif.tobytes()
        tables = [list(bytes.fromhex(self.luma)), list(bytes.fromhex(self.chroma))]
        jpeg = encoded(
            picture(), "JPEG", qtables=tables, subsampling=self.subsampling, progressive=self.progressive, **options
        )
        end = 4 + int.from_bytes(jpeg[4:6], "big") if jpeg[2:4] == b"\xff\xe0" else 2
        head = jpeg[2:end] if "JFIF" in self.segments else b""
        return jpeg[:2] + head + b"".join(SEGMENTS[name] for name in self.segments if name != "JFIF") + jpeg[end:]


def written(row: dict[str, Any]) -> Written:
    return Written(row["luma"], row["chroma"], row["subsampling"], row["progressive"], tuple(row["segments"]))


def can_be_written(row: dict[str, Any]) -> bool:
    return row["chroma"] is not None and row["subsampling"] in ("4:4:4", "4:2:2", "4:2:0")


def named(data: bytes) -> list[str]:
    return list(read_photo("-", data=data).metadata["jpeg"].get("known_writers", []))


def with_writer(word: str) -> dict[str, Any]:
    return next(row for row in ROWS if can_be_written(row) and any(word in writer for writer in row["writers"]))


def test_the_collection_is_what_its_readers_expect() -> None:
    kinds = {writer.rpartition(" ")[2] for row in ROWS for writer in row["writers"]}
    assert kinds == {"(camera)", "(program)"}
    for row in ROWS:
        assert row["writers"] == sorted(set(row["writers"]))
        if any(writer.startswith("Adobe ") for writer in row["writers"]):
            assert "Adobe" in row["segments"]
        if any(writer.endswith("(camera)") for writer in row["writers"]):
            assert not {"Adobe", "Photoshop", "Ducky"} & set(row["segments"])


@pytest.mark.parametrize("row", [row for row in ROWS if can_be_written(row)][::7])
def test_all_writers_are_named_where_everything_agrees(row: dict[str, Any]) -> None:
    assert named(written(row).data()) == row["writers"]


@pytest.mark.parametrize("word", ["Adobe Photoshop (program)", "Apple iPhone"])
def test_nothing_is_named_that_is_known_of_another_way_to_write(word: str) -> None:
    row = with_writer(word)
    own = written(row)
    assert named(own.data()) == row["writers"]
    turned = "4:2:2" if own.subsampling != "4:2:2" else "4:2:0"
    longer = tuple(sorted({*own.segments, "Ducky"}))
    others = [
        Written(own.luma[2:] + "07", own.chroma, own.subsampling, own.progressive, own.segments),
        Written(own.luma, own.chroma[2:] + "07", own.subsampling, own.progressive, own.segments),
        Written(own.luma, own.chroma, turned, own.progressive, own.segments),
        Written(own.luma, own.chroma, own.subsampling, not own.progressive, own.segments),
        Written(own.luma, own.chroma, own.subsampling, own.progressive, longer),
    ]
    for other in others:
        known = [row["writers"] for row in ROWS if can_be_written(row) and written(row) == other]
        assert named(other.data()) == (known[0] if known else []), other


def test_a_photo_with_photoshops_tables_and_no_segment_of_adobe_is_not_photoshops() -> None:
    for row in ROWS:
        if can_be_written(row) and "Adobe" in row["segments"]:
            plain = Written(row["luma"], row["chroma"], row["subsampling"], row["progressive"], ())
            assert not [writer for writer in named(plain.data()) if writer.startswith("Adobe ")]


def last_saved(data: bytes) -> list[str]:
    return [note for note in read_photo("-", data=data).metadata["notes"] if "last saved by an editor" in note]


def test_last_saved_by_an_editor_is_said_where_reasons_agree() -> None:
    photoshop, phone = written(with_writer("Adobe Photoshop (program)")), written(with_writer("Apple iPhone"))
    saved = HISTORY.format(action="saved", agent="Adobe Photoshop 25.0").encode()
    (by_form,) = last_saved(photoshop.data("Adobe Photoshop 25.0 (Windows)"))
    assert "(Adobe Photoshop)" in by_form
    assert "tables, subsampling, order and segments" in by_form
    (by_history,) = last_saved(encoded(picture(), "JPEG", exif=software("Adobe Photoshop 25.0"), xmp=saved))
    assert "the last step of the XMP history" in by_history
    assert len(last_saved(photoshop.data("Adobe Lightroom 7", xmp=saved))) == 1
    created = HISTORY.format(action="created", agent="Adobe Photoshop 25.0").encode()
    other = HISTORY.format(action="saved", agent="GIMP 2.10").encode()
    for data in (
        photoshop.data(),  # nobody is named
        photoshop.data("iPhone 99.1"),
        encoded(picture(), "JPEG", exif=software("Adobe Photoshop 25.0")),  # a name alone
        encoded(picture(), "JPEG", exif=software("Adobe Photoshop 25.0"), xmp=created),
        encoded(picture(), "JPEG", exif=software("Adobe Photoshop 25.0"), xmp=other),
        phone.data("Adobe Photoshop 25.0", xmp=saved),  # a camera writes like this
        photoshop.data("GIMP 2.10"),  # another program than the one that writes like this
    ):
        assert last_saved(data) == []


def software(name: str) -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Software] = name
    return exif.tobytes()
