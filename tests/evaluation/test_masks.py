"""Masks in all the ways in which they are written: read right, or refused by what was found in them."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mesorch_cli.errors import InputError, UsageError
from mesorch_cli.evaluation.masks import EMPTY, GROUPS, MaskRule, parse_colour, read_mask, readings
from tests.evaluation.written_masks import WAYS, in_two_colours, png

RED, GREEN, BLACK, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 0), (255, 255, 255)


@pytest.fixture(scope="module")
def mask() -> np.ndarray:
    """An outline with curves and a small hole, (60, 80) bool."""
    drawn = np.zeros((60, 80), np.uint8)
    cv2.ellipse(drawn, (40, 30), (22, 14), 20, 0, 360, 1, -1)
    drawn[28:32, 38:44] = 0
    return drawn > 0


def refused(path: Path, rule: MaskRule | None = None) -> str:
    """Return the reason of a refusal."""
    with pytest.raises(InputError) as caught:
        read_mask(path, rule)
    assert caught.value.reason.startswith("mask: ")
    return caught.value.reason


@pytest.mark.parametrize("way", WAYS)
def test_every_way_gives_the_same_pixels(way: str, mask: np.ndarray, tmp_path: Path) -> None:
    read = read_mask(WAYS[way](tmp_path / "mask", mask))
    assert np.array_equal(read.tampered, mask)
    assert "tampered" in read.reading


@pytest.mark.parametrize("format_name", ["jpeg", "webp", "avif"])
@pytest.mark.parametrize("quality", [50, 75, 95])
@pytest.mark.parametrize("colour", ["L", "RGB"])
def test_what_compression_does_to_a_mask(
    format_name: str, quality: int, colour: str, mask: np.ndarray, tmp_path: Path
) -> None:
    path = tmp_path / f"mask.{format_name}"
    Image.fromarray(mask.astype(np.uint8) * 255).convert(colour).save(path, quality=quality)
    read = read_mask(path)
    assert "tampered" in read.reading
    assert np.mean(read.tampered != mask) < 0.02
    half = np.asarray(Image.open(path).convert("L")) > 127
    assert np.mean(read.tampered != half) < 0.002


def test_smoothed_edges_are_halved_over_the_used_range(mask: np.ndarray, tmp_path: Path) -> None:
    square = cv2.resize(np.float32([[0, 0, 0], [0, 1, 0], [0, 0, 0]]), (61, 61), interpolation=cv2.INTER_NEAREST)
    few = cv2.blur(square, (3, 3))
    assert np.array_equal(read_mask(png(tmp_path / "few", np.rint(few * 255).astype(np.uint8))).tampered, few > 0.5)
    smooth = cv2.GaussianBlur(mask.astype(np.float32), (5, 5), 0.8)
    for top, dtype in ((255, np.uint8), (255, np.uint16), (60000, np.uint16)):
        read = read_mask(png(tmp_path / f"m{top}{np.dtype(dtype).name}", np.rint(smooth * top).astype(dtype)))
        assert read.reading == GROUPS
        assert np.array_equal(read.tampered, smooth > 0.5)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ((0, 1, 2), "3 values: 0, 1, 2"),
        ((0, 128, 255), "3 values: 0, 128, 255"),
        ((0, 15, 255), "3 values: 0, 15, 255"),  # a label, and the border that data sets of labels leave out
        ((0, 1, 2, 3, 4, 5, 6), "7 values: 0, 1, 2, 3, 4, ..."),
    ],
)
def test_labels_are_refused(values: tuple[int, ...], named: str, mask: np.ndarray, tmp_path: Path) -> None:
    labels = np.where(mask, values[-1], 0).astype(np.uint8)
    for place, value in enumerate(values):
        labels[5 * place : 5 * place + 5, :20] = value
    assert named in refused(png(tmp_path / "labels", labels))


def test_heat_maps_and_photos_are_refused(astronaut: np.ndarray, mask: np.ndarray, tmp_path: Path) -> None:
    heat = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 8)
    assert "values: " in refused(png(tmp_path / "heat", np.rint(heat * 255).astype(np.uint8)))
    assert "values: " in refused(png(tmp_path / "grey", astronaut[..., 0]))
    assert "more than two colours: (" in refused(png(tmp_path / "photo", astronaut))
    cut_out = np.dstack([astronaut[:60, :80], mask * np.uint8(255)])
    assert "both vary" in refused(png(tmp_path / "cut", cut_out))


@pytest.mark.parametrize(
    ("tampered", "untouched"), [(RED, GREEN), (GREEN, (200, 0, 0)), (RED, WHITE), (BLACK, (9, 0, 0))]
)
def test_two_colours_that_do_not_say_which(
    tampered: tuple[int, int, int], untouched: tuple[int, int, int], mask: np.ndarray, tmp_path: Path
) -> None:
    path = in_two_colours(tmp_path / "mask", mask, tampered, untouched)
    reason = refused(path)
    assert all(str(colour) in reason or str(colour[0]) in reason for colour in (tampered, untouched))
    assert np.array_equal(read_mask(path, MaskRule(colour=tampered)).tampered, mask)
    assert np.array_equal(read_mask(path, MaskRule(colour=untouched)).tampered, ~mask)
    assert "not the colour asked for" in refused(path, MaskRule(colour=(1, 2, 3)))


def test_inverted_masks_can_be_asked_for(mask: np.ndarray, tmp_path: Path) -> None:
    path = png(tmp_path / "mask", (~mask).astype(np.uint16) * 65535)
    assert np.array_equal(read_mask(path, MaskRule(colour=BLACK)).tampered, mask)


def test_masks_of_one_value(tmp_path: Path) -> None:
    flat = np.ones((20, 30), np.uint8)
    assert refused(png(tmp_path / "none", flat * 0)) == EMPTY
    allowed = read_mask(png(tmp_path / "none", flat * 0), MaskRule(allow_empty=True))
    assert not allowed.tampered.any()
    assert read_mask(png(tmp_path / "all", flat * 255)).tampered.all()
    assert "one value, 1," in refused(png(tmp_path / "one", flat), MaskRule(allow_empty=True))
    assert "one value, 255," in refused(png(tmp_path / "deep", flat.astype(np.uint16) * 255))
    clear = np.zeros((20, 30, 4), np.uint8)
    assert refused(png(tmp_path / "clear", clear)) == EMPTY


def test_a_mask_that_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "mask.png").write_bytes(b"nothing")
    assert refused(tmp_path / "mask.png") == "mask: not an image"
    assert refused(tmp_path / "gone.png") == "mask: missing"
    whole = png(tmp_path / "half", np.random.default_rng(0).integers(0, 2, (60, 80), np.uint8) * 255).read_bytes()
    (tmp_path / "half.png").write_bytes(whole[: len(whole) // 2])
    assert refused(tmp_path / "half.png") == "mask: damaged"


def test_colours_are_parsed() -> None:
    assert parse_colour("ff0000") == parse_colour("#FF0000") == RED
    for text in ("red", "ff00", "ff00zz", ""):
        with pytest.raises(UsageError, match="six hexadecimal digits"):
            parse_colour(text)


def test_readings_are_counted() -> None:
    assert readings(["a", None, "b", "b"]) == {"b": 2, "a": 1}
