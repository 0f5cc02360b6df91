"""What cameras and apps do to whole photos: the subject stays, nothing is marked, everything is written down."""

import json

import cv2
import numpy as np
import pytest

from mesorch_cli.forge.history import live_after, live_before
from mesorch_cli.forge.life import Life
from mesorch_cli.forge.looks import LOOKS, portrait
from mesorch_cli.forge.matte import grain_matched, matted, noise_of
from mesorch_cli.forge.patch import Patch
from tests.forge.pictures import HOST, disc

SUBJECT = disc(*HOST.shape[:2], 90, 100, 45)


@pytest.mark.parametrize("name", LOOKS)
def test_a_look_changes_the_whole_photo_and_is_written_down(name: str) -> None:
    for seed in range(4):
        first, second = (LOOKS[name](np.random.default_rng(seed), HOST) for _ in range(2))
        assert np.array_equal(first[0], second[0])
        assert first[0].shape == HOST.shape
        assert not np.array_equal(first[0], HOST)
        assert json.loads(json.dumps(first[1]))["look"] == name
        assert np.corrcoef(first[0].ravel(), HOST.ravel())[0, 1] > 0.8


def test_a_portrait_keeps_its_subject_and_blurs_the_rest() -> None:
    inner, outer = disc(*HOST.shape[:2], 90, 100, 35), ~disc(*HOST.shape[:2], 90, 100, 60)
    for seed in range(6):
        done, step = portrait(np.random.default_rng(seed), HOST, SUBJECT)
        apart = np.abs(done.astype(np.int16) - HOST).mean(axis=2)
        assert apart[inner].mean() < 1.5 < apart[outer].mean()
        assert step["sigma"] > 1


def test_photos_with_known_subjects_become_portraits_and_no_mask_says_so() -> None:
    looks = [
        step["look"]
        for seed in range(120)
        for step in live_before(np.random.default_rng(seed), HOST, SUBJECT).steps
        if step["step"] == "look"
    ]
    assert "portrait" in looks
    assert len(set(looks)) > 2
    assert 6 <= len(looks) <= 40


def test_a_frame_moves_the_mask_with_the_photo_and_a_caption_leaves_it() -> None:
    seen = set()
    for seed in range(160):
        life, _ = live_after(np.random.default_rng(seed), HOST, SUBJECT)
        first = life.steps[0]["step"] if life.steps else ""
        if first in ("frame", "caption"):
            seen.add(first)
    assert seen == {"frame", "caption"}
    for seed in range(6):
        life = Life(np.random.default_rng(seed), HOST, SUBJECT)
        life.frame()
        assert life.plane is not None
        assert life.plane.shape == life.pixels.shape[:2] > SUBJECT.shape
        assert life.plane.sum() == SUBJECT.sum()
        assert np.array_equal(life.pixels[life.plane.astype(bool)], HOST[SUBJECT])
        life = Life(np.random.default_rng(seed), HOST, SUBJECT)
        life.caption()
        assert life.plane is SUBJECT
        changed = (life.pixels != HOST).any(axis=2)
        assert 0 < changed.mean() < 0.12
        assert life.steps[0]["text"]


def test_a_result_is_often_saved_better_than_what_it_was_made_of() -> None:
    poor = [
        step["quality"]
        for seed in range(200)
        for step in live_before(np.random.default_rng(seed), HOST).steps
        if step["step"] == "jpeg"
    ]
    assert np.mean([quality <= 86 for quality in poor]) > 0.5
    lives = [live_after(np.random.default_rng(seed), HOST, SUBJECT)[0] for seed in range(80)]
    better = [life for life in lives if not life.steps or life.steps[-1].get("quality", 0) >= 88]
    assert len(better) >= 25


def test_a_matte_follows_hair_that_a_mask_does_not_know() -> None:
    picture = np.full((80, 80, 3), 230, np.uint8)
    picture[40:] = 20
    for x in range(8, 80, 16):
        picture[34:40, x : x + 2] = 20
    mask = np.zeros((80, 80), np.float32)
    mask[40:] = 1
    opacity = matted(picture, mask, 5)
    assert 0 <= opacity.min() <= opacity.max() <= 1
    assert opacity[60:].min() > 0.95
    assert opacity[:20].max() < 0.05
    assert opacity[37, 8:10].mean() > opacity[37, 14:20].mean() + 0.3


@pytest.mark.parametrize(("own", "wanted"), [(0.5, 5.0), (6.0, 1.0)])
def test_grain_comes_nearer_to_the_surroundings(own: float, wanted: float) -> None:
    rng = np.random.default_rng(0)
    ground = cv2.GaussianBlur(rng.integers(60, 190, (96, 96, 3), dtype=np.uint8), (0, 0), 5).astype(np.float32)
    patch, around = (
        np.clip(ground + rng.normal(0, sigma, (96, 96, 1)), 0, 255).astype(np.uint8) for sigma in (own, wanted)
    )
    assert noise_of(around) == pytest.approx(wanted, abs=0.6)
    done, step = grain_matched(np.random.default_rng(1), Patch.of(patch, np.ones((96, 96), bool)), around)
    assert step["step"] == "grain"
    assert abs(noise_of(done.pixels) - wanted) < 0.6 * abs(noise_of(patch) - wanted)
    same, nothing = grain_matched(np.random.default_rng(1), Patch.of(patch, np.ones((96, 96), bool)), patch)
    assert not nothing
    assert same.pixels is patch
