"""Perturbations: levels as published, the same for every run, masks that stay on their photo."""

import hashlib

import cv2
import numpy as np
import pytest
from skimage import data

from mesorch_cli.errors import InputError, UsageError
from mesorch_cli.evaluation.perturb import LEVELS, Perturbation, parse, saved

SHA = hashlib.sha256(b"photo").hexdigest()
PHOTO = cv2.resize(data.astronaut(), (160, 120), interpolation=cv2.INTER_AREA)
MASK = np.zeros((120, 160), bool)
MASK[40:70, 60:110] = True


@pytest.mark.parametrize("name", LEVELS)
def test_a_perturbation_depends_on_the_photo_and_level_alone(name: str) -> None:
    for level in (LEVELS[name][0], LEVELS[name][-1]):
        change = Perturbation(name, level)
        (pixels, mask), again = change.apply(PHOTO, MASK, SHA), change.apply(PHOTO.copy(), MASK.copy(), SHA)
        assert np.array_equal(pixels, again[0])
        assert np.array_equal(mask, again[1])
        assert pixels.dtype == np.uint8
        if name != "resize":
            assert mask.shape == pixels.shape[:2]
        assert mask.any()


def test_a_worse_level_is_worse() -> None:
    for name, order in (
        ("blur", (3, 11, 23)),
        ("noise", (3, 11, 23)),
        ("jpeg", (100, 80, 50)),
        ("webp", (100, 70, 50)),
    ):
        errors = [
            float(np.abs(Perturbation(name, level).apply(PHOTO, MASK, SHA)[0].astype(int) - PHOTO).mean())
            for level in order
        ]
        assert errors == sorted(errors), name
        assert errors[0] > 0


def test_levels_mean_what_the_published_test_means() -> None:
    flat = np.full((200, 200, 3), 128, np.uint8)
    noisy, _ = Perturbation("noise", 23).apply(flat, np.zeros((200, 200), bool), SHA)
    assert np.var(noisy.astype(float)) == pytest.approx(23, rel=0.05)  # a variance, whatever axis labels say
    assert np.array_equal(Perturbation("blur", 0).apply(PHOTO, MASK, SHA)[0], PHOTO)
    sigma = 0.3 * ((23 - 1) * 0.5 - 1) + 0.8
    assert np.array_equal(Perturbation("blur", 23).apply(PHOTO, MASK, SHA)[0], cv2.GaussianBlur(PHOTO, (23, 23), sigma))
    drawn = {Perturbation("jpeg", 80).apply(PHOTO, MASK, f"{number:064x}")[0].tobytes() for number in range(12)}
    assert len(drawn) == 2  # quality 80 or 79


def test_cropping_keeps_the_mask_on_the_photo() -> None:
    marked = np.where(MASK[..., None], 255, 0).astype(np.uint8).repeat(3, axis=2)
    for level in LEVELS["crop"]:
        pixels, mask = Perturbation("crop", level).apply(marked, MASK, SHA)
        assert np.array_equal(pixels[..., 0] > 0, mask)
        assert mask.any()
        assert pixels.shape[:2] == (round(120 * level), round(160 * level))
    pixels, mask = Perturbation("double-jpeg", 90).apply(marked, MASK, SHA)
    assert np.mean((pixels[..., 0] > 127) == mask) > 0.999


def test_sixteen_bits_are_brought_to_eight() -> None:
    pixels, _ = Perturbation("blur", 0).apply(PHOTO.astype(np.uint16) * 257, MASK, SHA)
    assert np.array_equal(pixels, PHOTO)


def test_lists_of_perturbations() -> None:
    assert [change.level for change in parse("jpeg")] == list(LEVELS["jpeg"])
    assert parse("jpeg=70:90,resize=0.5") == (
        Perturbation("jpeg", 70),
        Perturbation("jpeg", 90),
        Perturbation("resize", 0.5),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gif", "There is no perturbation 'gif'"),
        ("jpeg=high", "Expected numbers"),
        ("jpeg=101", "jpeg has no level 101"),
        ("jpeg=70.5", "whole number"),
        ("blur=4", "odd side"),
        ("crop=0", "crop has no level 0"),
        ("resize=nan", "resize has no level nan"),
        ("jpeg=70,jpeg=70", "twice"),
    ],
)
def test_nonsense_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse(text)


def test_a_photo_too_wide_for_the_format_is_that_photos_fault() -> None:
    with pytest.raises(InputError, match="16400 x 20 pixels cannot be saved as .webp"):
        saved(np.zeros((20, 16_400, 3), np.uint8), ".webp", 80)
