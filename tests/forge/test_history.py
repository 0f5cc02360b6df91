"""Lives: mask and photo stay together, files are what their steps say, authentic photos live as forged ones do."""

import io
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from mesorch_cli.evidence.decoding.reader import read_photo
from mesorch_cli.forge.encoding import JpegSettings, decoded, drawn_settings, encode_jpeg, encode_png, fitting, rescaled
from mesorch_cli.forge.framing import framed
from mesorch_cli.forge.history import live_after, live_before
from mesorch_cli.forge.life import BAYER, Life
from mesorch_cli.forge.tables import Tables, known_tables
from tests.forge.pictures import HOST, disc, square

EMPTY = np.zeros(HOST.shape[:2], bool)


@given(st.integers(0, 2**31))
@settings(max_examples=40, deadline=None)
def test_mask_and_photo_stay_together(seed: int) -> None:
    """A bright square marks the mask: wherever the photo goes, the square must stay under the mask."""
    mask = square(230, 260, np.s_[80:150], np.s_[90:190])
    pixels = np.where(mask[..., None], np.uint8(220), np.uint8(60)).repeat(3, axis=2)
    rng = np.random.default_rng(seed)
    before = live_before(rng, pixels, mask)
    assert before.plane is not None
    life, kept = live_after(rng, before.pixels, before.plane.astype(bool))
    assert life.pixels.shape[:2] == kept.shape
    assert kept.dtype == bool
    # Frames, letters and looks change the light that tells the square here; they have tests of their own.
    assume(not {"frame", "caption", "look"} & {step["step"] for step in (*before.steps, *life.steps)})
    assert ((life.pixels.mean(axis=2) > 140) == kept).mean() > 0.96


@given(st.integers(0, 2**31))
@settings(max_examples=25, deadline=None)
def test_the_file_of_a_life_holds_its_pixels(seed: int) -> None:
    life, _ = live_after(np.random.default_rng(seed), HOST, EMPTY)
    if life.encoded is None:
        assert life.suffix == "png"
        assert np.array_equal(decoded(encode_png(life.pixels)), life.pixels)
    else:
        assert np.array_equal(decoded(life.encoded), life.pixels)
        assert life.steps[-1]["step"] == {"jpg": "jpeg", "webp": "webp"}[life.suffix]


@pytest.mark.parametrize("seed", range(8))
def test_a_jpeg_step_names_the_tables_and_subsampling_of_its_file(seed: int) -> None:
    life = Life(np.random.default_rng(seed), HOST)
    life.jpeg(60, 98)
    assert life.encoded is not None
    facts: dict[str, Any] = read_photo("step.jpg", data=life.encoded).metadata["jpeg"]
    (step,) = life.steps
    assert facts["subsampling"] == step["subsampling"]
    assert facts["progressive"] == step.get("progressive", False)
    if step["tables"] == "standard":
        assert facts["standard_tables"]
        assert facts["quality"] == step["quality"]
    else:
        assert not facts["standard_tables"]


def test_tables_of_cameras_and_programs_are_known_and_used_as_they_are() -> None:
    cameras, programs = known_tables("camera"), known_tables("program")
    assert len(cameras) > 60
    assert len(programs) > 20
    for known in (cameras, programs):
        assert len({(tables.luma, tables.chroma) for tables in known}) == len(known)
    data = encode_jpeg(HOST, JpegSettings(90, "4:2:0", (cameras[0].luma, cameras[0].chroma), "camera"))
    stored = read_photo("camera.jpg", data=data).metadata["jpeg"]["quantisation"]
    assert [tuple(table) for table in stored.values()] == [cameras[0].luma, cameras[0].chroma]
    rng = np.random.default_rng(0)
    origins = Counter(drawn_settings(rng, 70, 95).origin for _ in range(400))
    assert set(origins) == {"standard", "shaped", "camera", "camera shape", "program"}
    with pytest.raises(ValueError, match="64 entries"):
        Tables("camera", "nothing", (1,) * 63, (1,) * 64, 90)
    with pytest.raises(ValueError, match="quality 0"):
        JpegSettings(0)


def test_rescaled_tables_keep_their_shape() -> None:
    coarse = min(known_tables("camera"), key=lambda tables: tables.quality)
    luma, _ = rescaled(coarse, 50)
    assert np.corrcoef(luma, coarse.luma)[0, 1] > 0.97
    finer, _ = rescaled(coarse, 90)
    assert sum(finer) < sum(luma)


def test_authentic_photos_live_the_same_kinds_of_lives() -> None:
    """The steps after, with and without a forged region, come from one distribution (a chi-square would need p tests)."""
    mask = disc(197, 203, 90, 100, 40)
    counts = []
    for region in (EMPTY, mask):
        lives = [live_after(np.random.default_rng(seed), HOST, region)[0] for seed in range(60)]
        counts.append(Counter(step["step"] for life in lives for step in life.steps))
    assert counts[0] == counts[1]


def test_a_sensor_leaves_one_measured_colour_in_each_place() -> None:
    rng = np.random.default_rng(3)
    life = Life(rng, np.full((64, 64, 3), (200, 120, 40), np.uint8))
    life.sensor()
    assert life.steps[0]["pattern"] in BAYER
    for channel, level in enumerate((200, 120, 40)):
        assert abs(life.pixels[..., channel].mean() - level) < 4
    assert life.pixels.std(axis=(0, 1)).min() > 0.3


def test_a_life_before_often_leaves_the_jpeg_grid() -> None:
    crops = [
        step
        for seed in range(60)
        for step in live_before(np.random.default_rng(seed), HOST).steps
        if step["step"] == "crop"
    ]
    assert 15 <= len(crops) <= 45
    assert {step["y"] % 8 for step in crops} == set(range(8))


def test_large_photos_are_brought_to_the_longest_side() -> None:
    large = np.zeros((300, 900, 3), np.uint8)
    kinds = set()
    for seed in range(20):
        life = Life(np.random.default_rng(seed), large, np.ones((300, 900), bool))
        framed(life, 400)
        assert max(life.pixels.shape) <= 400
        assert life.plane is not None
        assert life.plane.shape == life.pixels.shape[:2]
        kinds.add(life.steps[0]["step"])
    assert kinds == {"resize", "crop"}
    small = Life(np.random.default_rng(0), HOST)
    framed(small, 400)
    assert small.steps == []


def test_a_plane_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="a plane of"):
        Life(np.random.default_rng(0), HOST, np.ones((3, 3), bool))


@pytest.mark.parametrize("tables", [None, ((1,) * 64, (1,) * 64)], ids=["standard tables", "finest tables"])
@pytest.mark.parametrize("noisy", [False, True], ids=["smooth", "noise"])
def test_only_a_file_too_large_for_it_is_not_progressive(tables: object, noisy: bool) -> None:
    size = (200, 240, 3)
    pixels = np.random.default_rng(0).integers(0, 256, size, dtype=np.uint8) if noisy else np.full(size, 90, np.uint8)
    wanted = JpegSettings(94, "4:4:4", tables, progressive=True)  # type: ignore[arg-type]
    assert fitting(pixels, wanted).progressive == (not noisy)
    with Image.open(io.BytesIO(encode_jpeg(pixels, wanted))) as file:
        assert bool(file.info.get("progressive")) == (not noisy)
