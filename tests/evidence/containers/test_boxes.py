"""HEIC and AVIF: EXIF as it stands in the file, and how the container turns the picture, beside each other."""

import base64
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mesorch_cli.evidence.containers.boxes import read_main_item
from tests.evidence.decoding.test_decoders import HEIC
from tests.evidence.samples import encoded, picture, read, with_exif_orientation

STAND_IN = 0x0107  # a tag that the encoder leaves alone, to be renamed: it takes an orientation out of the block


def avif_with_exif(orientation: int, *, container: int = 1) -> bytes:
    """Return an AVIF whose EXIF block says one orientation and whose boxes say another."""
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif[STAND_IN] = orientation
    if container != 1:
        exif[0x0112] = container
    data = encoded(picture(), "AVIF", exif=exif)
    for order in ("little", "big"):
        old, new, kind = (number.to_bytes(2, order) for number in (STAND_IN, 0x0112, 3))
        data = data.replace(old + kind, new + kind)
    return data


def test_what_exif_says_is_recorded_where_the_container_turns_nothing() -> None:
    photo = read(avif_with_exif(6))
    assert photo.metadata["exif"]["main"] == {"Make": "Maker", "Orientation": 6}
    assert photo.metadata["avif"] == {"turned_left_by_degrees": 0, "mirrored": "no"}
    assert photo.decode.orientation == 1
    assert photo.metadata["notes"] == [
        "note: EXIF says orientation 6, the container 1; by the standard, and in viewers, the container decides"
    ]


@pytest.mark.parametrize(
    ("orientation", "turned", "mirrored"),
    [(1, 0, "no"), (3, 180, "no"), (6, 270, "no"), (8, 90, "no"), (2, 0, "left to right"), (4, 0, "top to bottom")],
)
def test_a_container_that_turns_is_no_exif(orientation: int, turned: int, mirrored: str) -> None:
    photo = read(with_exif_orientation(picture(), "AVIF", orientation))
    assert photo.metadata["exif"].get("main", {}) == {}
    assert photo.metadata["avif"] == {"turned_left_by_degrees": turned, "mirrored": mirrored}
    assert photo.decode.orientation == orientation
    assert photo.metadata["notes"] == []


def test_both_are_stated_and_agree_or_not() -> None:
    both = read(avif_with_exif(8, container=8)).metadata
    assert (both["exif"]["main"]["Orientation"], both["avif"]["turned_left_by_degrees"]) == (8, 90)
    assert both["notes"] == []
    assert len(read(avif_with_exif(3, container=8)).metadata["notes"]) == 1


def test_heic_states_what_its_decoder_carried_out() -> None:
    turned = read(base64.b64decode(HEIC["turned"]))
    assert turned.metadata["exif"]["main"]["Orientation"] == 6
    assert turned.metadata["heic"]["turned_left_by_degrees"] == 270
    assert turned.metadata["notes"] == []
    plain = read(base64.b64decode(HEIC["plain"]))
    assert plain.metadata["heic"] == {"turned_left_by_degrees": 0, "mirrored": "no"}
    assert plain.decode.conversions == ()


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damaged_boxes_are_never_a_crash(choice: Any) -> None:
    data = bytearray(avif_with_exif(6, container=8))
    for _ in range(choice.draw(st.integers(1, 8))):
        data[choice.draw(st.integers(0, 600))] = choice.draw(st.integers(0, 255))
    item = read_main_item(bytes(data[: choice.draw(st.integers(0, len(data)))]))
    assert item is None or 1 <= item.orientation <= 8


def test_boxes_that_cannot_be_followed_are_a_note() -> None:
    data = avif_with_exif(6)
    at = data.index(b"iloc")
    photo = read(data)
    broken = data[: at + 4] + b"\x09" + data[at + 5 :]  # a version that nobody knows
    assert photo.metadata["exif"]
    assert read_main_item(data) is not None
    item = read_main_item(broken)
    assert item is None or item.exif is None
