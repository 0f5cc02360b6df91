"""The door: paths of every kind, names of every kind, and the limits before decoding."""

import os
import socket
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mesorch_cli.errors import InputError
from mesorch_cli.evidence import ReadOptions, read_photo
from mesorch_cli.files.hashing import sha256_bytes, sha256_file
from tests.evidence.samples import encoded, picture, png_chunk, png_header


def refusal(source: str | Path, **options: object) -> InputError:
    with pytest.raises(InputError) as caught:
        read_photo(source, **options)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    return caught.value


def test_photo_holds_bytes_and_pixels_of_the_same_read(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(encoded(picture(), "PNG"))
    photo = read_photo(path)
    assert photo.source == str(path)
    assert photo.size_bytes == path.stat().st_size
    assert photo.sha256 == sha256_file(path, chunk_bytes=100) == sha256_bytes(path.read_bytes())
    assert np.array_equal(photo.pixels, picture())
    assert photo.pixels.flags.c_contiguous
    assert photo.decode.integrity.ok
    assert photo.decode.integrity.findings == ()


def test_bytes_of_standard_input_need_no_file() -> None:
    photo = read_photo("-", data=encoded(picture(), "PNG"))
    assert photo.source == "-"
    assert np.array_equal(photo.pixels, picture())


def test_content_decides_and_not_the_name(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(encoded(picture(), "PNG"))
    assert read_photo(path).decode.format == "PNG"


@pytest.mark.parametrize("name", ["line\nbreak.png", "tab\t.png", "späß.png", os.fsdecode(b"\xff\xfe.png")])
def test_odd_names_are_kept(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(encoded(picture(), "PNG"))
    assert read_photo(path).source == str(path)
    path.write_bytes(b"")
    assert refusal(path).reason == "empty"


def test_missing(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.jpg").reason == "missing"
    (tmp_path / "file").write_bytes(b"x")
    assert refusal(tmp_path / "file" / "below.jpg").reason == "missing"
    assert refusal("a\0b").reason == "missing"
    assert refusal("n" * 5000).reason == "missing"
    (tmp_path / "dangling").symlink_to(tmp_path / "gone")
    assert refusal(tmp_path / "dangling").reason == "missing"


def test_a_link_to_a_file_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real.png").write_bytes(encoded(picture(), "PNG"))
    (tmp_path / "link").symlink_to(tmp_path / "real.png")
    assert read_photo(tmp_path / "link").source == str(tmp_path / "link")


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    error = refusal(tmp_path)
    assert error.reason == "not a file"
    assert "a folder" in str(error)


def test_a_pipe_is_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    results: list[InputError] = []
    thread = threading.Thread(target=lambda: results.append(refusal(tmp_path / "pipe")), daemon=True)
    thread.start()
    thread.join(20)
    assert [error.reason for error in results] == ["not a file"]


def test_devices_and_sockets_are_not_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "device" in str(refusal("/dev/zero"))
    with socket.socket(socket.AF_UNIX) as server:
        monkeypatch.chdir(tmp_path)  # a socket's path must be short
        server.bind("s")
        assert "a socket" in str(refusal(tmp_path / "s"))


def test_permission_denied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(encoded(picture(), "PNG"))

    def deny(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", deny)  # a mode of 000 does not stop a test that runs as root
    error = refusal(path)
    assert error.reason == "unreadable"
    assert "Permission denied" in str(error)


def test_a_file_that_grows_while_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(encoded(picture(), "PNG"))
    fstat = os.fstat

    def fstat_then_grow(descriptor: int) -> os.stat_result:
        status = fstat(descriptor)
        with path.open("ab") as stream:
            stream.write(b"more")
        return status

    monkeypatch.setattr(os, "fstat", fstat_then_grow)
    assert refusal(path).reason == "unreadable"


def test_empty(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").write_bytes(b"")
    assert refusal(tmp_path / "empty.jpg").reason == "empty"
    assert refusal("-", data=b"").reason == "empty"


@pytest.mark.parametrize(
    "content", [b"just some text\n", b"\0" * 100, b"\xff", b"BM but not a bitmap, only text", b"GIF"]
)
def test_not_an_image(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "photo.jpg").write_bytes(content)
    assert refusal(tmp_path / "photo.jpg").reason == "not an image"


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"%PDF-1.7\n", "PDF"),
        (b"\0\0\0\x14ftypisom\0\0\0\1isom", "video"),
        (b"<?xml version='1.0'?><svg xmlns='x'/>", "SVG"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\x04CgBI" + bytes(40), "CgBI"),
    ],
)
def test_known_formats_that_are_not_read_are_named(content: bytes, word: str) -> None:
    error = refusal("-", data=content)
    assert error.reason == "unsupported format"
    assert word in str(error)


def test_the_number_of_pixels_is_checked_before_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr("mesorch_cli.evidence.decoding.reader.decode", never)
    bomb = png_header(60_000, 60_000) + png_chunk(b"IDAT", b"x\x9c\x03\0\0\0\0\x01") + png_chunk(b"IEND", b"")
    error = refusal("-", data=bomb)
    assert error.reason == "too many pixels"
    assert "3600000000" in str(error)
    for format_name in ("JPEG", "PNG", "TIFF", "WEBP", "BMP", "GIF", "AVIF"):
        error = refusal("-", data=encoded(picture(), format_name), options=ReadOptions(max_pixels=61 * 83 - 1))
        assert error.reason == "too many pixels", format_name


def test_a_picture_of_exactly_the_limit_is_read() -> None:
    assert read_photo("-", data=encoded(picture(), "BMP"), options=ReadOptions(max_pixels=61 * 83)).decode.width == 83


def test_reading_leaves_the_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(encoded(picture(), "PNG"))
    path.chmod(0o444)
    before = path.stat()
    read_photo(path)
    after = path.stat()
    assert (before.st_mtime_ns, before.st_size, before.st_mode) == (after.st_mtime_ns, after.st_size, after.st_mode)


def test_pillow_limit_of_its_own_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    for format_name in ("BMP", "GIF", "AVIF"):
        assert read_photo("-", data=encoded(picture(), format_name)).decode.integrity.ok
