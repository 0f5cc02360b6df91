"""What a file says of itself: by name, bounded, fit for JSON, and never a crash."""

import io
import json
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, JpegImagePlugin, PngImagePlugin

from mesorch_cli.evidence import read_photo
from mesorch_cli.evidence.exif import MAX_TEXT, MAX_VALUES, read_exif
from mesorch_cli.evidence.metadata import estimate_quality, scaled_table

from .samples import encoded, picture, tiff


def sample_exif() -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Maker"
    exif[ExifTags.Base.Software] = "Editor 2"
    exif[ExifTags.Base.DateTime] = "2024:01:02 03:04:05"
    exif[ExifTags.Base.XResolution] = 72.5
    photo = exif.get_ifd(ExifTags.IFD.Exif)
    photo[ExifTags.Base.DateTimeOriginal] = "2023:12:31 23:59:59"
    photo[ExifTags.Base.ISOSpeedRatings] = 400
    photo[ExifTags.Base.MakerNote] = b"\1\2\3" * 50
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    gps[ExifTags.GPS.GPSLatitudeRef] = "N"
    gps[ExifTags.GPS.GPSLatitude] = (52.0, 30.0, 15.5)
    return exif


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_exif_is_read_by_name_from_every_container(format_name: str) -> None:
    metadata = read_photo("-", data=encoded(picture(), format_name, exif=sample_exif().tobytes())).metadata
    assert metadata["exif"]["main"]["Make"] == "Maker"
    assert metadata["exif"]["main"]["XResolution"] == "145/2"
    assert metadata["exif"]["photo"]["ISOSpeedRatings"] == 400
    assert metadata["exif"]["photo"]["MakerNote"] == "150 bytes"
    assert metadata["exif"]["gps"]["GPSLatitude"] == ["52/1", "30/1", "31/2"]
    assert metadata["software"] == "Editor 2"
    assert metadata["dates"] == {"DateTimeOriginal": "2023:12:31 23:59:59", "DateTime": "2024:01:02 03:04:05"}
    json.dumps(metadata, allow_nan=False)


def entry(code: int, kind: int, count: int, value: bytes) -> bytes:
    return struct.pack("<HHI", code, kind, count) + value.ljust(4, b"\0")


def exif_block(*entries: bytes, tail: bytes = b"") -> bytes:
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4) + tail


def test_long_values_are_cut_with_a_note() -> None:
    start = 8 + 2 + 24 + 4
    block = exif_block(
        entry(0x010E, 2, 2000, struct.pack("<I", start)),
        entry(0x0111, 4, 200, struct.pack("<I", start + 2000)),
        tail=b"x" * 2000 + bytes(800),
    )
    exif = read_exif(block)
    assert exif.tags["main"]["ImageDescription"] == "x" * MAX_TEXT
    assert exif.tags["main"]["StripOffsets"] == [0] * MAX_VALUES
    assert len(exif.notes) == 2


@pytest.mark.parametrize(
    ("block", "note"),
    [
        (b"nonsense", "no valid header"),
        (b"II*\0\xff\xff\xff\x7f", "outside the data"),
        (exif_block(entry(0x010E, 2, 9999, struct.pack("<I", 8))), "points outside"),
        (exif_block(entry(0x010E, 99, 1, b"")), "unknown type 99"),
        (b"II*\0\x08\0\0\0\x05\0" + entry(0x0112, 3, 1, b"\1"), "cut short after 1 of 5"),
        (exif_block(entry(0x0112, 3, 1, b"\x09")), "not in 1 to 8"),
        (exif_block(entry(0x8769, 4, 1, struct.pack("<I", 1 << 30))), "photo directory lies outside"),
    ],
)
def test_malformed_exif_is_a_note(block: bytes, note: str) -> None:
    exif = read_exif(block)
    assert exif.orientation == 1
    assert len(exif.notes) == 1
    assert note in exif.notes[0]
    data = encoded(picture(), "JPEG", exif=b"Exif\0\0" + block)
    photo = read_photo("-", data=data)
    assert photo.decode.integrity.ok
    assert photo.metadata["notes"] == exif.notes


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=300),
    st.sampled_from([b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08", b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0"]),
)
def test_noise_as_exif_is_never_a_crash(noise: bytes, start: bytes) -> None:
    exif = read_exif(start + noise)
    json.dumps(exif.tags, allow_nan=False)
    assert 1 <= exif.orientation <= 8


def test_numbers_that_json_has_no_word_for_become_texts() -> None:
    exif = read_exif(exif_block(entry(0xC000, 11, 1, struct.pack("<f", float("nan")))))
    assert exif.tags["main"] == {"0xC000": "nan"}


def test_jpeg_structure() -> None:
    options = {"quality": 80, "subsampling": 2, "progressive": True, "comment": b"a comment"}
    data = encoded(picture(), "JPEG", **options)
    facts = read_photo("-", data=data).metadata["jpeg"]
    assert facts["subsampling"] == "4:2:0"
    assert facts["progressive"]
    assert facts["scans"] == 10
    assert (facts["quality"], facts["standard_tables"]) == (80, True)
    assert facts["markers"][0] == "APP0"
    assert facts["markers"].count("SOS") == 10
    assert "SOF2" in facts["markers"]
    assert facts["comment"] == "a comment"
    with Image.open(io.BytesIO(data)) as image:
        assert isinstance(image, JpegImagePlugin.JpegImageFile)
        tables = {str(number): table for number, table in image.quantization.items()}
    assert facts["quantisation"] == tables


@pytest.mark.parametrize("quality", [1, 10, 25, 49, 50, 51, 75, 90, 95, 99, 100])
def test_quality_is_found_again(quality: int) -> None:
    facts = read_photo("-", data=encoded(picture(), "JPEG", quality=quality)).metadata["jpeg"]
    assert (facts["quality"], facts["standard_tables"]) == (quality, True)


def test_quality_of_makers_own_tables_is_an_estimate() -> None:
    own = [min(value + index % 3, 255) for index, value in enumerate(scaled_table(85))]
    quality, standard = estimate_quality(own)
    assert not standard
    assert abs(quality - 85) <= 6
    assert estimate_quality(scaled_table(85), [1] * 64) == (85, False)


def test_png_texts_and_chunks() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Software", "Painter")
    info.add_text("Comment", "z" * 3000, zip=True)
    info.add_itxt("Title", "Grüße", zip=True)
    metadata = read_photo("-", data=encoded(picture(), "PNG", pnginfo=info)).metadata
    assert metadata["software"] == "Painter"
    assert metadata["png"]["text"] == {"Software": "Painter", "Comment": "z" * MAX_TEXT, "Title": "Grüße"}
    assert metadata["png"]["chunks"][0] == "IHDR"
    assert metadata["png"]["chunks"][-1] == "IEND"
    assert any("cut at 512" in note for note in metadata["notes"])


def test_software_is_found_in_xmp() -> None:
    xmp = b'<x:xmpmeta><rdf:Description xmp:CreatorTool="Some Editor 9"/></x:xmpmeta>'
    metadata = read_photo("-", data=encoded(picture(), "JPEG", xmp=xmp)).metadata
    assert metadata["software"] == "Some Editor 9"
    assert metadata["xmp"]["bytes"] == len(xmp)


def test_tiff_facts_and_big_tiff() -> None:
    metadata = read_photo(
        "-", data=tiff(np.asarray(picture()), bigtiff=True, software="Scanner", photometric="rgb")
    ).metadata
    assert metadata["tiff"] == {"compression": "NONE", "photometric": "RGB", "planar": False, "tiled": False}
    assert metadata["software"] == "Scanner"
    assert metadata["notes"] == []
