"""What a decoding process hands back: pixels that it cannot take away again, and an answer of which nothing is believed."""

import json
import mmap
import os
import sys
from typing import Any

import numpy as np
import pytest

from mesorch_cli.errors import InputError
from mesorch_cli.evidence import read_photo, storage
from mesorch_cli.evidence.isolation.answer import photo_of
from mesorch_cli.evidence.isolation.isolated_reader import IsolatedReader
from mesorch_cli.evidence.isolation.worker import described
from mesorch_cli.examination.parts import decode_part
from tests.evidence.samples import encoded, picture, tiff
from tests.security.taken_over import PNG, TAKEN_OVER, TakenOver

from .dying import put_into_workers

LINUX = sys.platform == "linux"


UNSEALED = """
def unsealed(array):
    global kept
    kept = os.memfd_create("unsealed", os.MFD_ALLOW_SEALING)
    os.write(kept, array.tobytes())
    return os.dup(kept)
storage.shared = unsealed
"""


def test_pixels_cannot_be_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shortening a file under a mapping would end the parent by SIGBUS."""
    put_into_workers(monkeypatch, TAKEN_OVER + UNSEALED)
    with IsolatedReader() as reader:
        taken = TakenOver(reader)
        photo = reader.read("-", data=PNG)
        assert taken.run("import __main__; os.ftruncate(__main__.kept, 0)") == "done"
        assert np.array_equal(photo.pixels, picture())
        assert not photo.pixels.flags.writeable


def test_pixels_that_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    for code in ("os.ftruncate(kept, 5)", "kept = os.open('/', os.O_RDONLY)", "kept = os.pipe()[0]"):
        put_into_workers(monkeypatch, TAKEN_OVER + UNSEALED.replace("    return", f"    {code}\n    return"))
        with IsolatedReader() as reader, pytest.raises(InputError) as caught:
            reader.read("-", data=PNG)
        assert caught.value.reason == "decoder crashed"
        monkeypatch.undo()


@pytest.mark.parametrize("nameless", [True, False], ids=["files without a name", "files begin with a name"])
def test_large_pixels_still_find_room(nameless: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is too large for memory goes to a file in the temporary folder, where its file system has files without a name."""
    code = "import tempfile\nfrom mesorch_cli.evidence import storage\nstorage.DISK_BYTES = 1000\n"
    put_into_workers(monkeypatch, code if nameless else code + "tempfile._O_TMPFILE_WORKS = False\n")
    with IsolatedReader() as reader:
        for data in (tiff(picture(), photometric="rgb", tile=(32, 32)), encoded(picture()[..., 0], "PNG")):
            photo = reader.read("-", data=data)
            assert np.array_equal(photo.pixels, read_photo("-", data=data).pixels)
            assert not photo.pixels.flags.writeable


@pytest.mark.skipif(not LINUX, reason="files without a name that can be sealed are Linux's")
def test_shared_memory_is_sealed() -> None:
    descriptor = storage.shared(picture())
    for change in (lambda: os.ftruncate(descriptor, 0), lambda: os.pwrite(descriptor, b"x", 0)):
        with pytest.raises(PermissionError):
            change()
    with pytest.raises(PermissionError):
        mmap.mmap(descriptor, 100, access=mmap.ACCESS_WRITE)
    array = picture()
    assert np.array_equal(storage.received(descriptor, array.shape, array.dtype), array)


def answered() -> dict[str, Any]:
    return json.loads(json.dumps(described(read_photo("-", data=PNG))))


def test_the_answer_of_a_worker_is_put_together_again() -> None:
    photo = photo_of("-", answered(), storage.shared(picture()))
    assert not isinstance(photo, InputError)
    assert np.array_equal(photo.pixels, picture())


@pytest.mark.parametrize("junk", [None, -1, 1e300, "x", [], {}, [[]], {"a": 1}, True], ids=repr)
def test_no_part_of_an_answer_is_believed(junk: object) -> None:
    """Whatever stands in the place of any part: a photo whose parts have their types, or a ValueError."""
    places: list[tuple[str, ...]] = [(key,) for key in answered()]
    places += [(part, key) for part in ("photo", "decode") for key in answered()[part]]
    places += [("decode", "integrity", key) for key in ("ok", "findings")]
    for place in places:
        answer: Any = answered()
        inside = answer
        for key in place[:-1]:
            inside = inside[key]
        inside[place[-1]] = junk
        before = len(os.listdir("/proc/self/fd")) if LINUX else 0  # noqa: PTH208
        try:
            photo = photo_of("-", answer, storage.shared(picture()))
        except ValueError:
            assert not LINUX or len(os.listdir("/proc/self/fd")) == before, place  # noqa: PTH208
            continue
        assert not isinstance(photo, InputError)
        decode_part(photo)  # the record's own types
        assert photo.pixels.shape == (photo.decode.height, photo.decode.width, 3), place
        assert photo.source == "-"


def many(count: int) -> list[list[int]]:
    return [[] for _ in range(count)]


def nested(depth: int) -> object:
    return [] if depth == 0 else [nested(depth - 1)]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("decode", "conversions"), ["c" * 1000] * 100_000),
        (("decode", "integrity", "findings"), ["f"] * 100_000),
        (("decode", "format"), "F" * 100_000),
        (("decode", "version"), "V" * 100_000),
        (("photo", "metadata", "software"), "S" * (10 << 20)),
        (("photo", "metadata", "x"), many(1_000_000)),
        (("photo", "metadata", "x"), nested(200)),
        (("photo", "metadata", "x"), float("inf")),
        (("photo", "provenance", "x"), 10**400),
    ],
    ids=lambda value: ".".join(value) if isinstance(value, tuple) else "",
)
def test_no_part_of_an_answer_fills_a_case(place: tuple[str, ...], value: object) -> None:
    answer: Any = answered()
    inside = answer
    for key in place[:-1]:
        inside = inside[key]
    inside[place[-1]] = value
    with pytest.raises(ValueError, match="more than|at most|no list|expected"):
        photo_of("-", answer, storage.shared(picture()))


def test_no_reason_of_an_answer_fills_a_case() -> None:
    for answer in ({"error": "E" * (1 << 20), "reason": "damaged"}, {"error": "E", "reason": "R" * 1000}):
        with pytest.raises(ValueError, match="at most"):
            photo_of("-", answer, None)
    told = photo_of("-", {"fault": "F" * (1 << 20), "kind": "K" * 1000}, None)
    assert isinstance(told, InputError)
    assert len(str(told)) < 1000
    assert len(told.reason) < 100
