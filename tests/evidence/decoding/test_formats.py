"""Formats beyond the everyday ones, and pages: pixels against what went in, facts against the headers."""

import io

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from mesorch_cli.errors import InputError
from mesorch_cli.evidence import Photo, ReadOptions, read_photo
from mesorch_cli.evidence.decoding import reader
from tests.evidence.samples import encoded, picture, ramp16, tiff


def read(data: bytes, **options: int) -> Photo:
    photo = read_photo("-", data=data, options=ReadOptions(**options))
    assert photo.decode.integrity.ok, photo.decode.integrity
    return photo


def test_lossless_jpeg_is_read_and_jpeg_ls_is_refused_by_name() -> None:
    assert np.array_equal(read(bytes(imagecodecs.jpeg8_encode(picture(), lossless=True))).pixels, picture())
    grey = picture()[..., 0].copy()
    assert np.array_equal(read(bytes(imagecodecs.ljpeg_encode(grey))).pixels[..., 1], grey)
    with pytest.raises(InputError, match="JPEG-LS") as caught:
        read_photo("-", data=bytes(imagecodecs.jpegls_encode(picture())))
    assert caught.value.reason == "unsupported format"


@pytest.mark.parametrize("codec", ["jp2", "j2k"])
def test_jpeg_2000_boxed_and_bare(codec: str) -> None:
    data = bytes(imagecodecs.jpeg2k_encode(picture(), level=0, reversible=True, codecformat=codec))
    photo = read(data)
    assert (photo.decode.format, photo.decode.bits, photo.decode.integrity.findings) == ("JPEG 2000", 8, ())
    assert np.array_equal(photo.pixels, picture())
    for share in (0.1, 0.5, 0.99):
        assert is_damaged(data[: int(len(data) * share)]), share


def test_jpeg_2000_of_twelve_and_sixteen_bits() -> None:
    assert np.array_equal(read(bytes(imagecodecs.jpeg2k_encode(ramp16(), level=0, reversible=True))).pixels, ramp16())
    twelve = imagecodecs.jpeg2k_encode(ramp16() >> 4, level=0, reversible=True, bitspersample=12)
    photo = read(bytes(twelve))
    assert photo.decode.conversions == ("12-bit samples scaled to 16 bits",)
    assert np.abs(photo.pixels.astype(int) - ramp16()).max() <= 16
    assert len(np.unique(photo.pixels)) > 256


@pytest.mark.parametrize("boxed", [False, True])
def test_jpeg_xl(boxed: bool) -> None:
    data = bytes(imagecodecs.jpegxl_encode(picture(), lossless=True, usecontainer=boxed))
    photo = read(data)
    assert (photo.decode.format, photo.decode.width, photo.decode.height) == ("JPEG XL", 83, 61)
    assert np.array_equal(photo.pixels, picture())
    for share in (0.1, 0.5, 0.99):
        assert is_damaged(data[: int(len(data) * share)]), share


@pytest.mark.parametrize("side", [1, 8, 64, 255, 256, 257])
def test_jpeg_xl_sizes_are_read_from_the_bits(side: int) -> None:
    for height, width in ((side, side), (side, side * 3 // 2 + 1), (side, side * 2), (3, side)):
        photo = read(bytes(imagecodecs.jpegxl_encode(np.zeros((height, width), np.uint8), lossless=True)))
        assert (photo.decode.height, photo.decode.width) == (height, width)


def test_jpeg_xl_of_more_bits() -> None:
    assert np.array_equal(read(bytes(imagecodecs.jpegxl_encode(ramp16(), lossless=True))).pixels, ramp16())
    ten = read(bytes(imagecodecs.jpegxl_encode(ramp16() >> 6, lossless=True, bitspersample=10)))
    assert (ten.decode.bits, ten.decode.conversions) == (10, ("10-bit samples scaled to 16 bits",))
    assert np.abs(ten.pixels.astype(int) - ramp16()).max() <= 64
    unit = (ramp16() / 65535).astype(np.float32)
    assert np.abs(read(bytes(imagecodecs.jpegxl_encode(unit, lossless=True))).pixels.astype(int) - ramp16()).max() <= 1


def test_a_jpeg_inside_jpeg_xl_gives_nearly_its_pixels() -> None:
    """The standard leaves the decoder of the new format its own filters."""
    jpeg = encoded(picture(), "JPEG", quality=95, subsampling=0)
    photo = read(bytes(imagecodecs.jpegxl_encode_jpeg(jpeg)))
    assert np.abs(photo.pixels.astype(int) - read(jpeg).pixels).mean() < 5


def dng(height: int = 64, width: int = 96) -> bytes:
    """A raw file as a camera would write it: one 16-bit value under each colour filter, rising to the right and downwards."""
    y, x = np.mgrid[:height, :width]
    matrix = (10000, 10000, 0, 1, 0, 1, 0, 1, 10000, 10000, 0, 1, 0, 1, 0, 1, 10000, 10000)
    tags = [
        (271, 2, 6, "Maker", True),
        (272, 2, 6, "Model", True),
        (33421, 3, 2, (2, 2), True),
        (33422, 1, 4, (0, 1, 1, 2), True),
        (50706, 1, 4, (1, 4, 0, 0), True),
        (50707, 1, 4, (1, 1, 0, 0), True),
        (50708, 2, 12, "Maker Model", True),
        (50717, 4, 1, 65535, True),
        (50721, 10, 9, matrix, True),
        (50728, 5, 3, (1, 1, 1, 1, 1, 1), True),
        (50778, 3, 1, 21, True),
    ]
    with io.BytesIO() as stream:
        raw = (2000 + x * 300 + y * 200).astype(np.uint16)
        tifffile.imwrite(stream, raw, photometric=32803, extratags=tags, metadata=None)
        return stream.getvalue()


def test_camera_raw_is_developed_by_one_recipe() -> None:
    photo = read(dng())
    assert (photo.decode.format, photo.decode.reader, photo.decode.bits) == ("camera raw", "rawpy", 16)
    assert photo.pixels.shape == (64, 96, 3)
    assert photo.pixels.dtype == np.uint16
    assert photo.decode.conversions[0].startswith("developed from camera raw")
    assert photo.metadata["camera raw"]["development"]["demosaic"] == "AHD"
    assert photo.metadata["camera raw"]["sensor"] == {"width": 96, "height": 64, "kind": "Flat"}
    assert photo.metadata["exif"]["main"]["Model"] == "Model"
    inner = photo.pixels[8:-8, 8:-8].astype(int)
    assert (np.diff(inner.mean(axis=(0, 2))) > 0).all()
    assert (np.diff(inner.mean(axis=(1, 2))) > 0).all()
    assert np.array_equal(read(dng()).pixels, photo.pixels)
    for data in (dng()[:-4000], dng()[:600]):
        assert is_damaged(data)


@pytest.mark.parametrize(
    "content", [b"II*\0\x10\0\0\0CR\x02\0" + bytes(20), b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", b"FUJIFILMCCD-RAW 0201"]
)
def test_raw_files_of_no_content_are_damaged_or_unknown(content: bytes) -> None:
    with pytest.raises(InputError) as caught:
        read_photo("-", data=content)
    assert caught.value.reason in ("damaged", "unsupported format")


def is_damaged(data: bytes) -> bool:
    try:
        return not read_photo("-", data=data).decode.integrity.ok
    except InputError as error:
        return error.reason == "damaged"


def pages_of(format_name: str) -> bytes:
    frames = [Image.fromarray(picture(seed=seed)) for seed in (1, 2, 3)]
    options = {"lossless": True} if format_name == "WEBP" else {}
    return encoded(frames[0], format_name, save_all=True, append_images=frames[1:], **options)


@pytest.mark.parametrize("format_name", ["TIFF", "PNG", "WEBP", "GIF", "AVIF"])
def test_any_page_or_frame_can_be_asked_for(format_name: str) -> None:
    data = pages_of(format_name)
    for page in (1, 2, 3):
        photo = read(data, page=page)
        assert (photo.decode.page, photo.decode.pages) == (page, 3)
        assert photo.decode.conversions[0] == f"page {page} of 3 read"
        difference = np.abs(photo.pixels.astype(int) - picture(seed=page)).mean()
        assert difference == 0 if format_name in ("TIFF", "PNG", "WEBP") else difference < 25
    with pytest.raises(InputError, match="has 3 pages or frames and no page 4") as caught:
        read_photo("-", data=data, options=ReadOptions(page=4))
    assert caught.value.reason == "no such page"


def test_pages_of_a_tiff_may_differ_in_everything() -> None:
    with io.BytesIO() as stream:
        with tifffile.TiffWriter(stream, bigtiff=True) as writer:
            writer.write(picture(), photometric="rgb", compression="jpeg")
            writer.write(ramp16()[..., 0], compression="zlib", tile=(16, 16))
            writer.write(picture()[::4, ::4].copy(), subfiletype=1, photometric="rgb")
        data = stream.getvalue()
    assert read(data).decode.page == 1
    second = read(data, page=2)
    assert (second.decode.width, second.decode.bits, second.pixels.dtype) == (64, 16, np.uint16)
    assert np.array_equal(second.pixels[..., 2], ramp16()[..., 0])
    assert np.array_equal(read(data, page=3).pixels, picture()[::4, ::4])


def test_a_very_large_tiff_is_mapped_and_gives_the_same(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the bounds lowered: mapped input, pixels in a file, conversions in bands."""
    from pathlib import Path

    from mesorch_cli.evidence import storage

    assert isinstance(tmp_path, Path)
    files = {
        "tiled": tiff(picture(), photometric="rgb", tile=(32, 32), compression="zlib"),
        "plain": tiff(ramp16(), photometric="rgb"),
        "float": tiff((ramp16() / 65535).astype(np.float32), photometric="rgb"),
        "planar": tiff(picture().transpose(2, 0, 1), photometric="rgb", planarconfig="separate"),
        "grey": tiff(picture()[..., 0]),
    }
    usual = {name: read_photo("-", data=data) for name, data in files.items()}
    monkeypatch.setattr(reader, "MAPPED_BYTES", 1000)
    monkeypatch.setattr(storage, "DISK_BYTES", 1000)
    for name, data in files.items():
        path = tmp_path / f"{name}.tif"
        path.write_bytes(data)
        photo = read_photo(path, options=ReadOptions(provenance=True))
        assert np.array_equal(photo.pixels, usual[name].pixels), name
        assert photo.sha256 == usual[name].sha256
        assert photo.decode == usual[name].decode
        assert photo.metadata == usual[name].metadata
        cut = tmp_path / "cut.tif"
        cut.write_bytes(data[: len(data) * 2 // 3])
        assert is_damaged(cut.read_bytes())
