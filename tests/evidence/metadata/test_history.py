"""Whether a file looks as a camera wrote it: by its own statements and its structure, never by its pixels."""

import io

import pytest
from PIL import ExifTags, Image

from mesorch_cli.evidence import read_photo
from mesorch_cli.evidence.metadata.history import CAMERA, SAVED_AGAIN, history_of
from tests.evidence.samples import encoded, picture

WIDTH, HEIGHT = 83, 61


def exif(make: str | None = "Maker", model: str | None = "One", software: str = "1.0", width: int = WIDTH) -> bytes:
    made = Image.Exif()
    for tag, value in ((ExifTags.Base.Make, make), (ExifTags.Base.Model, model), (ExifTags.Base.Software, software)):
        if value is not None:
            made[tag] = value
    photo = made.get_ifd(ExifTags.IFD.Exif)
    photo[ExifTags.Base.ExifImageWidth] = width
    photo[ExifTags.Base.ExifImageHeight] = HEIGHT
    return made.tobytes()


def history(data: bytes) -> str:
    photo = read_photo("-", data=data)
    return history_of(photo.metadata, photo.decode.width, photo.decode.height)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_a_file_with_a_camera_and_no_program_is_as_the_camera_wrote_it(kind: str) -> None:
    assert history(encoded(picture(), kind, exif=exif())) == CAMERA


@pytest.mark.parametrize(
    "block",
    [
        exif(make=None),
        exif(model=None),
        exif(software="Adobe Photoshop 25.4 (Windows)"),
        exif(width=2 * WIDTH),
    ],
)
def test_without_a_camera_or_with_a_program_or_another_size_it_was_saved_again(block: bytes) -> None:
    assert history(encoded(picture(), "JPEG", exif=block)) == SAVED_AGAIN


def test_a_file_without_metadata_was_saved_again() -> None:
    assert history(encoded(picture(), "JPEG")) == SAVED_AGAIN


def test_the_size_of_a_turned_photo_is_its_own() -> None:
    photo = read_photo("-", data=encoded(picture(), "JPEG", exif=exif()))
    assert history_of(photo.metadata, HEIGHT, WIDTH) == CAMERA


@pytest.mark.parametrize(
    ("writers", "expected"), [(["Maker One (camera)", "X (program)"], CAMERA), (["X (program)"], SAVED_AGAIN)]
)
def test_the_structure_tells_a_program_from_a_camera(writers: list[str], expected: str) -> None:
    metadata = read_photo("-", data=encoded(picture(), "JPEG", exif=exif())).metadata
    metadata["jpeg"]["known_writers"] = writers
    assert history_of(metadata, WIDTH, HEIGHT) == expected


def test_an_edit_history_and_an_export_for_the_web_are_programs() -> None:
    with io.BytesIO() as stream:
        Image.fromarray(picture()).save(
            stream,
            "JPEG",
            exif=exif(),
            xmp=b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
            b'<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:CreatorTool="Snapseed 2"/>'
            b"</rdf:RDF></x:xmpmeta>",
        )
        assert history(stream.getvalue()) == SAVED_AGAIN
    metadata = read_photo("-", data=encoded(picture(), "JPEG", exif=exif())).metadata
    metadata["jpeg"]["save_for_web_quality"] = 60
    assert history_of(metadata, WIDTH, HEIGHT) == SAVED_AGAIN
