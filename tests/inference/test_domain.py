"""What is in a measured set, and where a photo lies outside of it."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesorch_cli.evidence import Decode, Integrity, Photo, read_photo
from mesorch_cli.evidence.metadata.history import CAMERA, SAVED_AGAIN
from mesorch_cli.inference.domain import (
    COLOUR,
    GREY,
    KEY,
    MEASURES,
    Domain,
    Range,
    Traits,
    compared,
    domain_in,
    traits_of,
)
from mesorch_cli.inference.rates import Rate
from mesorch_cli.inference.scoring import Verdict
from mesorch_cli.network.config import MESORCH_S
from mesorch_cli.network.passport import Passport, parse_passport
from tests.evidence.samples import encoded, picture, png16, ramp16, tiff

PHOTO = Traits(400, 600, "JPEG", 8, COLOUR, SAVED_AGAIN, 85, "4:2:0", 2.0)


def many(**changes: Any) -> list[Traits]:
    """Return traits of 101 photos, sides of 300 to 400 and 500 to 700, qualities 70 to 95; and of one that differs."""
    steps = np.linspace(0, 1, 101)
    return [
        replace(
            PHOTO,
            shorter_side=round(300 + 100 * step),
            longer_side=round(500 + 200 * step),
            quality=round(70 + 25 * step),
            bits_per_pixel=round(1 + 2 * step, 2),
        )
        for step in steps
    ] + ([replace(PHOTO, **changes)] if changes else [])


DOMAIN = Domain.of(many())


@given(st.lists(st.integers(1, 100_000), min_size=1, max_size=300))
def test_a_range_holds_the_middle_of_a_set_and_nothing_outside_of_it(values: list[int]) -> None:
    found = Range.of(values)
    assert (found.least, found.most) == (min(values), max(values))
    left_out = sum(not found.low <= value <= found.high for value in values)
    assert left_out <= 0.02 * len(values) + 2
    if len(values) <= 50:
        assert found.low <= np.sort(values)[1 if len(values) > 1 else 0]


@given(st.lists(st.integers(1, 900), min_size=1, max_size=100))
def test_ranges_of_fractions_keep_their_decimals(hundredths: list[int]) -> None:
    values = [value / 100 for value in hundredths]
    found = Range.of(values, 2)
    assert (found.least, found.most) == (min(values), max(values))


def test_a_photo_like_those_of_the_set_lies_within() -> None:
    assert DOMAIN.outside(replace(PHOTO, shorter_side=350)) == ()


@pytest.mark.parametrize(
    ("changes", "measure", "theirs"),
    [
        ({"shorter_side": 212}, "shorter side", (301, 399)),
        ({"longer_side": 4000}, "longer side", (502, 698)),
        ({"quality": 30}, "quality", (70, 95)),
        ({"bits_per_pixel": 0.2}, "bits per pixel", (1.02, 2.98)),
        ({"history": CAMERA}, "history", ("saved again",)),
        ({"bits": 16}, "bits", ("8",)),
        ({"sampling": "4:2:2"}, "sampling", ("4:2:0",)),
    ],
)
def test_what_differs_is_named_with_both_values(changes: dict[str, Any], measure: str, theirs: tuple[Any, ...]) -> None:
    (found,) = DOMAIN.outside(replace(PHOTO, **({"shorter_side": 350} | changes)))
    assert found.measure == measure
    assert found.value == next(iter(changes.values()))
    assert (found.known or (found.lowest, found.highest)) == theirs


def test_a_kind_seen_once_in_a_hundred_photos_is_known_and_a_rarer_one_is_not() -> None:
    seen_once = many(history=CAMERA)
    at_least = Domain.of(seen_once[2:])  # 1 of 100
    rarer = Domain.of(seen_once)  # 1 of 102
    camera = replace(PHOTO, shorter_side=350, history=CAMERA)
    assert at_least.outside(camera) == ()
    assert [one.measure for one in rarer.outside(camera)] == ["history"]


def test_a_png_is_compared_by_format_and_size_only() -> None:
    png = Traits(350, 600, "PNG", 8, COLOUR, SAVED_AGAIN)
    assert [one.measure for one in DOMAIN.outside(png)] == ["format"]


def test_a_grey_jpeg_differs_in_its_colour_and_not_again_in_its_chroma() -> None:
    grey = replace(PHOTO, shorter_side=350, colour=GREY, sampling="grey")
    assert [one.measure for one in DOMAIN.outside(grey)] == ["colour"]


def test_every_measure_of_a_photo_unlike_all_is_told_in_order() -> None:
    other = Traits(1, 9000, "JPEG", 12, GREY, CAMERA, 5, "grey", 0.01)
    assert [one.measure for one in DOMAIN.outside(other)] == [
        one for one in MEASURES if one not in ("format", "sampling")
    ]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (encoded(picture()[:1], "PNG"), Traits(1, 83, "PNG", 8, COLOUR, SAVED_AGAIN)),
        (encoded(picture()[:, :, 0], "PNG"), Traits(61, 83, "PNG", 8, GREY, SAVED_AGAIN)),
        (tiff(ramp16()), Traits(40, 64, "TIFF", 16, COLOUR, SAVED_AGAIN)),
        (png16(ramp16()), Traits(40, 64, "PNG", 16, COLOUR, SAVED_AGAIN)),
    ],
)
def test_odd_photos_have_traits(data: bytes, expected: Traits) -> None:
    assert traits_of(read_photo("-", data=data)) == expected


def test_a_heic_photo_has_traits() -> None:
    photo = made_photo("HEIC", 3024, 4032, {"exif": {"main": {"Make": "Apple", "Model": "iPhone 4"}}})
    assert traits_of(photo) == Traits(3024, 4032, "HEIC", 8, COLOUR, CAMERA)


def test_a_photo_of_a_hundred_megapixels_is_not_read_again() -> None:
    photo = made_photo("JPEG", 12_000, 8_500, {"jpeg": {"quality": 90, "subsampling": "4:2:0"}})
    assert traits_of(photo) == Traits(8500, 12_000, "JPEG", 8, COLOUR, SAVED_AGAIN, 90, "4:2:0", round(8e6 / 102e6, 2))


def made_photo(kind: str, width: int, height: int, metadata: dict[str, Any]) -> Photo:
    """Return a photo without pixels of its size: traits are not taken from pixels."""
    decode = Decode("made", "0", kind, width, height, 8, 1, 1, (), Integrity(True, ()))
    return Photo("x", 10**6, "0" * 64, np.zeros((1, 1, 3), np.uint8), decode, metadata)


def test_a_jpeg_has_quality_sampling_and_bits_per_pixel() -> None:
    data = encoded(picture(), "JPEG", quality=83, subsampling="4:2:2")
    found = traits_of(read_photo("-", data=data))
    assert (found.quality, found.sampling) == (83, "4:2:2")
    assert found.bits_per_pixel == pytest.approx(8 * len(data) / (61 * 83), abs=0.005)


def passport(figures: dict[str, Any]) -> Passport:
    return Passport(name="made", version="1", network=MESORCH_S, licence="test only", figures=figures)


def rate(name: str) -> Rate:
    return Rate(name, "authentic", (Verdict.EVIDENCE,), 1, 100)


def photo() -> Photo:
    return read_photo("-", data=encoded(picture(), "PNG"))


def test_only_sets_with_rates_and_a_domain_are_compared() -> None:
    told = {KEY: DOMAIN.model_dump(mode="json")}
    figures = {"a": told, "b": {"pixel_auc": 0.9}, "c": told}
    found = compared(passport(figures), [rate("a"), rate("a"), rate("b")], photo())
    assert [(one.set, one.photos) for one in found] == [("a", 101)]
    assert {one.measure for one in found[0].outside} == {"shorter side", "longer side", "format"}
    assert compared(passport(figures), (), photo()) == ()


def test_a_domain_survives_its_way_through_a_passport() -> None:
    text = passport({"a": {KEY: DOMAIN.model_dump(mode="json")}}).to_json()
    assert domain_in(parse_passport(text, "x").figures["a"]) == DOMAIN


@pytest.mark.parametrize(
    "changes",
    [
        {"photos": 0},
        {"photos": 10**10},
        {"shorter_side": {"least": 5, "low": 4, "high": 9, "most": 9}},
        {"formats": {}},
        {"formats": {"x" * 101: 1}},
        {"formats": {f"f{number}": 1 for number in range(101)}},
        {"history": {"saved again": -1}},
        {"more": 1},
        {"jpeg": 3},
    ],
)
def test_a_domain_that_makes_no_sense_says_nothing(changes: dict[str, Any]) -> None:
    assert domain_in({KEY: DOMAIN.model_dump(mode="json") | changes}) is None  # type: ignore[dict-item]


@pytest.mark.parametrize("figures", [None, 3, [], {}, {KEY: None}, {KEY: "x"}, {KEY: []}])
def test_figures_without_a_domain_say_nothing(figures: Any) -> None:
    assert domain_in(figures) is None
