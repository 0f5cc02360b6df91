"""What a file says of itself: by name, bounded, fit for JSON, and never a crash."""

import io
import json
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, JpegImagePlugin, PngImagePlugin

from mesorch_cli.evidence import ReadOptions, read_photo
from mesorch_cli.evidence.metadata.summary import estimate_quality, scaled_table
from mesorch_cli.evidence.tags.exif import MAX_TEXT, MAX_VALUES, read_exif
from tests.evidence.samples import encoded, picture, tiff


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


XMP = b"""<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?>
<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>
<rdf:Description rdf:about='' xmlns:xmp='http://ns.adobe.com/xap/1.0/' xmlns:dc='http://purl.org/dc/elements/1.1/'
 xmlns:xmpMM='http://ns.adobe.com/xap/1.0/mm/' xmlns:stEvt='http://ns.adobe.com/xap/1.0/sType/ResourceEvent#'
 xmp:CreatorTool='Some Editor 9'><dc:creator><rdf:Seq><rdf:li>A. Person</rdf:li></rdf:Seq></dc:creator>
<xmpMM:History><rdf:Seq><rdf:li stEvt:action='saved'/><rdf:li stEvt:action='derived'/></rdf:Seq></xmpMM:History>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end='w'?>"""


def test_xmp_properties_by_group_and_name() -> None:
    metadata = read_photo("-", data=encoded(picture(), "JPEG", xmp=XMP, exif=sample_exif().tobytes())).metadata
    properties = metadata["xmp"]["properties"]
    assert properties["xmp:CreatorTool"] == "Some Editor 9"
    assert properties["dc:creator"] == "A. Person"
    assert properties["stEvt:action"] == ["saved", "derived"]
    assert any("history has 2 step" in note for note in metadata["notes"])
    assert any("EXIF names the software 'Editor 2', XMP 'Some Editor 9'" in note for note in metadata["notes"])


@pytest.mark.parametrize(
    ("packet", "word"),
    [
        (b"<x:xmpmeta", "malformed"),
        (b"<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><x>&b;</x>", "declares entities"),
        (b"<x xmlns:a='b'>" + b"".join(b"<a:p%d>v</a:p%d>" % (i, i) for i in range(900)) + b"</x>", "200 kept"),
        (b"x" * ((1 << 20) + 1), "was not read"),
    ],
    ids=["malformed", "entities", "many", "large"],
)
def test_odd_xmp_is_a_note(packet: bytes, word: str) -> None:
    from mesorch_cli.evidence.tags.xmp import MAX_VALUES, read_xmp

    notes: list[str] = []
    assert len(read_xmp(packet, notes)) <= MAX_VALUES
    assert len(notes) == 1
    assert word in notes[0]


def iptc(*datasets: tuple[int, bytes]) -> bytes:
    return b"".join(b"\x1c\x02" + bytes((number,)) + len(text).to_bytes(2, "big") + text for number, text in datasets)


def test_iptc_of_a_jpeg_and_of_a_tiff() -> None:
    block = iptc((5, b"Title"), (25, b"one"), (25, "zw\u00f6lf".encode()), (80, b"A. Person"))
    resource = b"8BIM\x04\x04\0\0" + len(block).to_bytes(4, "big") + block
    payload = b"Photoshop 3.0\0" + b"8BIM\x03\xed\x03abc" + (4).to_bytes(4, "big") + b"\1\2\3\4" + resource
    jpeg = encoded(picture(), "JPEG")
    segment = b"\xff\xed" + (len(payload) + 2).to_bytes(2, "big") + payload
    wanted = {"ObjectName": "Title", "Keywords": ["one", "zw\u00f6lf"], "By-line": "A. Person"}
    assert read_photo("-", data=jpeg[:2] + segment + jpeg[2:]).metadata["iptc"] == wanted
    in_tiff = tiff(picture(), photometric="rgb", extratags=[(33723, 7, len(block), block, True)])
    assert read_photo("-", data=in_tiff).metadata["iptc"] == wanted
    cut = jpeg[:2] + segment[:-3] + b"\xff\xff\xff" + jpeg[2:]
    assert read_photo("-", data=cut).decode.integrity.ok


def with_thumbnail(photo: np.ndarray, thumbnail: bytes) -> bytes:
    """Return a JPEG with an EXIF block whose second directory holds `thumbnail`."""
    second = struct.pack("<H", 2) + entry(0x0201, 4, 1, struct.pack("<I", 8 + 2 + 4 + 2 + 24 + 4))
    second += entry(0x0202, 4, 1, struct.pack("<I", len(thumbnail))) + bytes(4)
    block = b"II*\0\x08\0\0\0" + struct.pack("<H", 0) + struct.pack("<I", 14) + second + thumbnail
    return encoded(photo, "JPEG", quality=90, exif=b"Exif\0\0" + block)


def test_the_embedded_thumbnail_is_compared_with_the_photo() -> None:
    from skimage import data as pictures

    photo = np.ascontiguousarray(pictures.astronaut()[:384])  # 4:3
    small = Image.fromarray(photo).resize((160, 120), Image.Resampling.BOX)
    alike = read_photo("-", data=with_thumbnail(photo, encoded(small, "JPEG"))).metadata
    assert (alike["thumbnail"]["width"], alike["thumbnail"]["height"]) == (160, 120)
    assert alike["thumbnail"]["correlation"] > 0.98
    assert not any("thumbnail" in note for note in alike["notes"])
    barred = Image.new("RGB", (160, 120))
    wide = np.ascontiguousarray(photo[:256])  # 2:1, as a thumbnail between black bars
    barred.paste(Image.fromarray(wide).resize((160, 80), Image.Resampling.BOX), (0, 20))
    assert (
        read_photo("-", data=with_thumbnail(wide, encoded(barred, "JPEG"))).metadata["thumbnail"]["correlation"] > 0.95
    )
    other = Image.fromarray(np.ascontiguousarray(pictures.coffee()[:, ::-1])).resize((160, 120))
    unlike = read_photo("-", data=with_thumbnail(photo, encoded(other, "JPEG"))).metadata
    assert unlike["thumbnail"]["correlation"] < 0.6
    assert any(note.startswith("note: the embedded thumbnail does not look like the photo") for note in unlike["notes"])
    broken = read_photo("-", data=with_thumbnail(photo, b"\xff\xd8\xff\xe0 nothing")).metadata
    assert any("does not decode" in note for note in broken["notes"])
    assert broken["thumbnail"]["bytes"] == 12


def test_statements_that_do_not_fit_are_notes_and_no_proof() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Maker"
    exif[ExifTags.Base.Software] = "Adobe Photoshop 25.1 (Windows)"
    exif[ExifTags.Base.DateTime] = "2023:01:02 03:04:05"
    photo = exif.get_ifd(ExifTags.IFD.Exif)
    photo[ExifTags.Base.DateTimeOriginal] = "2024:12:31 23:59:59"
    photo[ExifTags.Base.ExifImageWidth], photo[ExifTags.Base.ExifImageHeight] = 4000, 3000
    metadata = read_photo("-", data=encoded(picture(), "JPEG", quality=80, exif=exif.tobytes())).metadata
    text = "\n".join(metadata["notes"])
    assert "the software named is an editor" in text
    assert "DateTime (2023-01-02 03:04:05) lies before DateTimeOriginal" in text
    assert "EXIF says 4000 x 3000 pixels, the picture has 83 x 61" in text
    assert "the standard ones at quality 80" in text
    assert all(note.startswith("note: ") for note in metadata["notes"])
    plain = read_photo("-", data=encoded(picture(), "JPEG")).metadata
    assert plain["notes"] == []


def test_maker_notes_are_flagged() -> None:
    metadata = read_photo("-", data=encoded(picture(), "JPEG", exif=sample_exif().tobytes())).metadata
    assert metadata["maker_note"] == {"size": "150 bytes", "interpreted": False}


def test_double_tables_and_export_for_the_web() -> None:
    data = encoded(picture(), "JPEG")
    at = data.index(b"\xff\xdb")
    table = data[at : at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")]
    ducky = b"\xff\xec\x00\x11Ducky\0\1\0\4\0\0\0\x3c\0\0"
    metadata = read_photo("-", data=data[:2] + ducky + data[2:at] + table + data[at:]).metadata
    assert metadata["jpeg"]["tables_defined_again"]
    assert metadata["jpeg"]["save_for_web_quality"] == 60
    assert any("defined more than once" in note for note in metadata["notes"])


def test_exiftool_is_asked_once_and_only_where_it_is_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a program of that name that answers as ExifTool does; without one there is a note and no answer."""
    data = encoded(picture(), "JPEG")
    options = ReadOptions(exiftool=True)
    monkeypatch.setenv("PATH", str(tmp_path))
    without = read_photo("-", data=data, options=options).metadata
    assert "exiftool" not in without
    assert without["notes"] == ["ExifTool was asked for and is not installed"]
    program, starts = tmp_path / "exiftool", tmp_path / "starts"
    program.write_text(
        f"#!{sys.executable}\n"
        "import json, sys\n"
        f"open({str(starts)!r}, 'a').write('x')\n"
        "size = len(sys.stdin.buffer.read())\n"
        "tags = {'System:FileName': '-', 'IFD0:Make': 'x' * 900, 'Test:Size': size, 'Test:Share': 0.5}\n"
        "answer = json.dumps([{'SourceFile': '-'} | tags])[:-2]\n"
        "print(answer + ', \"ExifTool:ExifToolVersion\": 13.30}]')\n"
    )
    program.chmod(0o755)
    photo = read_photo("-", data=data, options=options)
    tags = {"IFD0:Make": "x" * 512, "Test:Size": len(data), "Test:Share": 0.5}
    assert photo.metadata["exiftool"] == {"version": "13.30", "tags": tags}
    assert starts.read_text() == "x"
    assert "exiftool" not in read_photo("-", data=data).metadata
    assert starts.read_text() == "x"
    program.write_text("#!/bin/sh\nexit 3\n")
    metadata = read_photo("-", data=data, options=options).metadata
    assert "exiftool" not in metadata
    assert any("ExifTool is installed and gave no result" in note for note in metadata["notes"])
