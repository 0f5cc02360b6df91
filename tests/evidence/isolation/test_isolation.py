"""The reader in its own process: the same photos as without it, and one lost file where a decoder dies or hangs."""

import os
import signal
import socket
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mesorch_cli.errors import InputError
from mesorch_cli.evidence import ReadOptions, read_photo, storage
from mesorch_cli.evidence.isolation.channel import Channel
from mesorch_cli.evidence.isolation.isolated_reader import IsolatedReader
from mesorch_cli.evidence.isolation.reading_process import Limits
from tests.evidence.samples import encoded, picture, png16, png_chunk, png_header, ramp16, tiff, with_exif_orientation


@pytest.fixture(scope="module")
def reader() -> Iterator[IsolatedReader]:
    with IsolatedReader(Limits(seconds=120)) as isolated:
        yield isolated


def worker_pid(isolated: IsolatedReader) -> int:
    (worker,) = isolated._idle
    return worker._process.pid


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize(
    "data",
    [
        encoded(picture(), "JPEG", quality=90),
        encoded(picture(), "JPEG", quality=90)[:-300],
        with_exif_orientation(picture(), "WEBP", 6),
        png16(ramp16()),
        tiff(picture(), photometric="rgb", compression="lzw"),
        encoded(picture(), "AVIF"),
    ],
    ids=["jpeg", "damaged jpeg", "webp", "png 16", "tiff", "avif"],
)
def test_the_same_photo_comes_back(reader: IsolatedReader, data: bytes) -> None:
    options = ReadOptions(provenance=True, compare_decoders=True)
    far, near = reader.read("-", data=data, options=options), read_photo("-", data=data, options=options)
    assert np.array_equal(far.pixels, near.pixels)
    assert far.pixels.dtype == near.pixels.dtype
    assert (far.source, far.size_bytes, far.sha256) == (near.source, near.size_bytes, near.sha256)
    assert (far.decode, far.metadata, far.provenance) == (near.decode, near.metadata, near.provenance)
    assert not far.pixels.flags.writeable


@pytest.mark.parametrize(
    "name", ["plain.png", "line\nbreak.png", "rtl\u202e.png", os.fsdecode(b"\xff\xfe.png"), "n" * 250 + ".png"]
)
def test_files_of_any_name_and_place(
    reader: IsolatedReader, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).write_bytes(encoded(picture(), "PNG"))
    assert reader.read(tmp_path / name).source == str(tmp_path / name)
    monkeypatch.chdir(tmp_path)  # after the worker started
    photo = reader.read(name)
    assert photo.source == name
    assert np.array_equal(photo.pixels, picture())


def test_refusals_come_back_with_their_reason_and_the_name_as_given(reader: IsolatedReader, tmp_path: Path) -> None:
    for source, data, reason in (
        (str(tmp_path / "none"), None, "missing"),
        (str(tmp_path), None, "not a file"),
        ("a\0b", None, "missing"),
        ("-", b"", "empty"),
        ("-", b"text", "not an image"),
        ("-", encoded(picture(), "PNG")[:40], "damaged"),
    ):
        with pytest.raises(InputError) as caught:
            reader.read(source, data=data)
        assert caught.value.reason == reason
        assert repr(source) in str(caught.value)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="named pipe"):
        reader.read(tmp_path / "pipe")


def test_a_decoder_that_dies_costs_one_file() -> None:
    with IsolatedReader() as isolated:
        isolated.start()
        isolated.read("-", data=encoded(picture(), "PNG"))
        pid = worker_pid(isolated)
        os.kill(pid, signal.SIGSEGV)
        with pytest.raises(InputError, match="signal 11") as caught:
            isolated.read("-", data=encoded(picture(), "PNG"))
        assert caught.value.reason == "decoder crashed"
        assert isolated.read("-", data=encoded(picture(), "PNG")).decode.width == 83
        assert worker_pid(isolated) != pid


def test_the_last_words_are_about_the_photo_that_was_read() -> None:
    with IsolatedReader() as isolated:
        isolated.read("-", data=encoded(picture(), "PNG"))
        (worker,) = isolated._idle
        os.pwrite(worker._words.fileno(), b"an oddity of the first photo\n", os.fstat(worker._words.fileno()).st_size)
        os.kill(worker_pid(isolated), signal.SIGSEGV)
        with pytest.raises(InputError, match=r"signal 11\. The file"):
            isolated.read("-", data=encoded(picture(), "PNG"))


def test_a_decoder_that_hangs_is_ended_after_its_time() -> None:
    with IsolatedReader(Limits(seconds=1)) as isolated:
        isolated.start()
        isolated.read("-", data=encoded(picture(), "PNG"))
        pid = worker_pid(isolated)
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(InputError, match="--decode-timeout") as caught:
            isolated.read("-", data=encoded(picture(), "PNG"))
        assert caught.value.reason == "decoding took too long"
        assert not is_running(pid)


def grey_bomb(side: int) -> bytes:
    """A few kilobytes that are side x side pixels of one bit, and as many bytes in memory."""
    rows = zlib.compress(bytes((side // 8 + 1) * side), 9)
    return png_header(side, side, depth=1, colour=0) + png_chunk(b"IDAT", rows) + png_chunk(b"IEND", b"")


def test_memory_has_a_limit() -> None:
    data = grey_bomb(20_000)  # 400 megapixels, less than the pixel limit
    assert len(data) < 100_000
    with IsolatedReader(Limits(memory_bytes=300 << 20)) as isolated:
        with pytest.raises(InputError, match="--decode-memory") as caught:
            isolated.read("-", data=data)
        assert caught.value.reason in ("too little memory", "decoder crashed")
        assert isolated.read("-", data=encoded(picture(), "PNG")).decode.integrity.ok


def test_many_threads_read_at_once(tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / f"{number}.png").write_bytes(encoded(picture(seed=number), "PNG"))
    right: list[bool] = []

    def read_some(isolated: IsolatedReader, number: int) -> None:
        photos = [isolated.read(tmp_path / f"{number}.png") for _ in range(3)]
        right.extend(np.array_equal(photo.pixels, picture(seed=number)) for photo in photos)

    with IsolatedReader() as isolated:
        threads = [threading.Thread(target=read_some, args=(isolated, number)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert 1 <= len(isolated._idle) <= 4
    assert right == [True] * 12


def test_a_photo_that_was_begun_is_what_the_next_read_of_it_gives(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(encoded(picture(seed=number), "PNG"))
    options = ReadOptions(max_pixels=10**6)
    with IsolatedReader() as isolated:
        isolated.start()
        pid = worker_pid(isolated)
        isolated.begin(tmp_path / "0.png", options)
        begun = isolated._begun
        assert begun is not None
        assert isolated._idle == []
        begun.answer.result(60)
        (tmp_path / "0.png").write_bytes(encoded(picture(seed=9), "PNG"))  # too late: it has been read
        isolated.begin(tmp_path / "1.png", options)  # one at a time
        assert isolated._begun is begun
        for name, wanted, other in (("1.png", 1, options), ("0.png", 9, ReadOptions()), ("0.png", 0, options)):
            assert np.array_equal(isolated.read(tmp_path / name, options=other).pixels, picture(seed=wanted))
        assert isolated._begun is None
        assert pid in [worker._process.pid for worker in isolated._idle]
        assert np.array_equal(isolated.read(tmp_path / "0.png", options=options).pixels, picture(seed=9))


def test_what_was_begun_in_vain_is_told_when_it_is_asked_for(tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no photo")
    with IsolatedReader() as isolated:
        isolated.begin(broken)
        with pytest.raises(InputError) as caught:
            isolated.read(broken)
        with pytest.raises(InputError) as usual:
            isolated.read(broken)
        assert str(caught.value) == str(usual.value)
        assert caught.value.reason == usual.value.reason


def test_closing_does_not_wait_for_what_was_only_begun(tmp_path: Path) -> None:
    (tmp_path / "never.png").write_bytes(encoded(picture(), "PNG"))
    with IsolatedReader() as isolated:
        isolated.start()
        pid = worker_pid(isolated)
        isolated.read("-", data=encoded(picture(), "PNG"))
        os.kill(pid, signal.SIGSTOP)
        isolated.begin(tmp_path / "never.png")
    assert not is_running(pid)


def test_workers_end_with_the_reader() -> None:
    isolated = IsolatedReader()
    isolated.start()
    pid = worker_pid(isolated)
    photo = isolated.read("-", data=encoded(picture(), "PNG"))
    isolated.close()
    assert not is_running(pid)
    assert np.array_equal(photo.pixels, picture())  # what was read stays
    with pytest.raises(ValueError, match="closed"):
        isolated.read("-", data=b"")
    forgotten = IsolatedReader()
    forgotten.start()
    pid = worker_pid(forgotten)
    del forgotten
    assert not is_running(pid)


def test_large_pixels_come_back_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "DISK_BYTES", 1000)
    for array in (picture(), ramp16()):
        stored = storage.allocate(array.shape, array.dtype)
        assert not stored.any()
        stored[:] = array
        descriptor = storage.shared(stored)
        copy = storage.mapped(descriptor, array.shape, array.dtype)
        assert np.array_equal(copy, array)
        stored[0, 0] = 7  # the same file, not a copy of it
        assert (copy[0, 0] == 7).all()
    photo = read_photo("-", data=tiff(picture(), photometric="rgb", tile=(32, 32)))
    assert np.array_equal(photo.pixels, picture())
    grey = read_photo("-", data=encoded(picture()[..., 0], "PNG"))
    assert np.array_equal(grey.pixels, np.repeat(picture()[..., :1], 3, 2))


def test_messages_are_objects_of_bounded_length() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        channel = Channel(ours)
        theirs.sendall((2).to_bytes(8, "big") + b"[]")
        with pytest.raises(ValueError, match="list"):
            channel.receive(5)
        theirs.sendall((1 << 40).to_bytes(8, "big"))
        with pytest.raises(ValueError, match="at most"):
            channel.receive(5)
        theirs.sendall((99).to_bytes(8, "big") + b"{")
        with pytest.raises(TimeoutError):
            channel.receive(0.05)
        theirs.close()
        with pytest.raises(EOFError):
            channel.receive(5)
