"""The list of formats: every file has one at most, and what the rest takes from the list is there for each."""

import io

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from mesorch_cli.errors import InputError
from mesorch_cli.evidence import read_photo
from mesorch_cli.evidence.format import HEAD_BYTES
from mesorch_cli.evidence.formats.registry import FORMATS, NAMES, SUFFIXES, named
from mesorch_cli.evidence.formats.sniffing import sniff
from mesorch_cli.evidence.inspection import UnsupportedError

PIECES = (
    *(
        b"\xff\xd8\xff",
        b"\xf7",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        b"II*\0",
        b"MM\0*",
        b"II+\0",
        b"RIFF",
        b"WEBP",
        b"BM",
        b"CR",
    ),
    *(
        b"ftyp",
        b"avif",
        b"heic",
        b"mif1",
        b"crx ",
        b"\0\0\0\x0cjP  \r\n\x87\n",
        b"\xff\x4f\xff\x51",
        b"\xff\x0a",
        b"IIRO",
    ),
    *(b"\0\0\0\x20", b"\0\0\0\0", b"\x28\0\0\0", b"FUJIFILMCCD-RAW", b"abcd"),
)


@given(st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join))
@example(b"\xff\x4f\xff\x51ftypavif")  # a JPEG 2000 codestream
@example(b"II*\0ftypheic")  # a TIFF
def test_no_two_formats_claim_the_same_file(head: bytes) -> None:
    claims = [format_ for format_ in FORMATS if format_.recognises(head)]
    assert len(claims) <= 1
    try:
        found = sniff(head)
    except UnsupportedError:
        found = None
    assert claims == ([] if found is None else [found])


def test_every_format_has_a_name_and_suffixes_of_its_own() -> None:
    assert len(set(NAMES)) == len(FORMATS)
    assert sum(len(format_.suffixes) for format_ in FORMATS) == len(SUFFIXES)
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in SUFFIXES)
    assert [named(name) for name in NAMES] == list(FORMATS)


def test_suffixes_that_pillow_takes_for_one_format_are_of_one_format() -> None:
    groups: dict[str, set[str]] = {}
    for format_ in FORMATS:
        for suffix in format_.suffixes:
            if name := Image.registered_extensions().get(suffix):
                groups.setdefault(name, set()).add(format_.name)
    assert groups
    assert all(len(names) == 1 for names in groups.values()), groups


def test_a_message_names_every_format() -> None:
    with pytest.raises(InputError, match=", ".join(NAMES)):
        read_photo("-", data=b"no image at all")


def test_the_head_is_long_enough_for_pillows_own_files() -> None:
    picture = Image.fromarray(np.zeros((8, 8, 3), np.uint8))
    for name in ("JPEG", "PNG", "TIFF", "WEBP", "BMP", "GIF", "AVIF", "JPEG2000"):
        buffer = io.BytesIO()
        picture.save(buffer, name)
        found = sniff(buffer.getvalue()[:HEAD_BYTES])
        assert found is not None
        assert found.name.replace(" ", "").upper() == name
