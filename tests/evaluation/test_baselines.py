"""Baselines as entrants: their maps, and figures made of these by the one path of an evaluation."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import f1_score, roc_auc_score

from mesorch_cli.errors import UsageError
from mesorch_cli.evaluation.baselines import BASELINES, parse_baselines
from mesorch_cli.evaluation.comparison import compare
from mesorch_cli.evaluation.datasets import Dataset, read_dataset
from mesorch_cli.evaluation.entrants import BaselineEntrant
from mesorch_cli.evaluation.outputs import as_json, photo_table
from mesorch_cli.evaluation.processes import Processes
from mesorch_cli.evaluation.protocol import THRESHOLDS, Protocol
from mesorch_cli.evaluation.study import Result, Study

from .outcomes import outcome

SIDES = ((96, 128), (110, 90), (64, 64))


def centre_by_hand(height: int, width: int) -> NDArray[np.float64]:
    """The centre prior from its description: a Gaussian about the middle, a quarter of each side its deviation."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    away_y, away_x = (y - (height - 1) / 2) / (height / 4), (x - (width - 1) / 2) / (width / 4)
    return np.exp(-(away_y**2 + away_x**2) / 2)


def textured(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return np.asarray(cv2.GaussianBlur(noise, (0, 0), 2), np.uint8)


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """Three tampered photos with off-centre masks, and an authentic one."""
    for folder in ("image", "mask", "authentic"):
        (tmp_path / folder).mkdir()
    for number, (height, width) in enumerate(SIDES):
        mask = np.zeros((height, width), np.uint8)
        mask[10 : 40 + 5 * number, 20:50] = 255
        cv2.imwrite(str(tmp_path / "image" / f"{number}.png"), textured(height, width, number))
        cv2.imwrite(str(tmp_path / "mask" / f"{number}.png"), mask)
    cv2.imwrite(str(tmp_path / "authentic" / "a.png"), textured(80, 80, 9))
    return read_dataset(tmp_path)


def measured(dataset: Dataset, *names: str) -> dict[str, Result]:
    entrants = [BaselineEntrant(BASELINES[name]) for name in names]
    study = Study(entrants, [dataset], Protocol(), resamples=50)
    return {result.entrant: result for result in study.run(Processes(0, 1))}


def test_the_centre_prior_has_the_figures_that_scikit_learn_gives_it(dataset: Dataset) -> None:
    result = measured(dataset, "centre-prior")["centre-prior"]
    aucs, curves = [], []
    for sample in dataset.tampered:
        truth = cv2.imread(str(sample.mask), cv2.IMREAD_GRAYSCALE).ravel() > 127
        score = centre_by_hand(*cv2.imread(str(sample.photo)).shape[:2]).astype(np.float32).ravel()
        aucs.append(roc_auc_score(truth, score))
        curves.append([f1_score(truth, score > threshold, zero_division=0) for threshold in THRESHOLDS])
    figures = result.summary.figures
    assert figures["auc"].value == pytest.approx(np.mean(aucs), abs=1e-9)
    assert figures["f1_best"].value == pytest.approx(np.mean(curves, axis=0).max(), abs=1e-9)
    assert figures["auc"].photos == 3
    assert figures["auc"].low <= figures["auc"].value <= figures["auc"].high


def test_an_even_map_is_chance(dataset: Dataset) -> None:
    figures = measured(dataset, "constant")["constant"].summary.figures
    shares = [float((cv2.imread(str(one.mask), cv2.IMREAD_GRAYSCALE) > 127).mean()) for one in dataset.tampered]
    assert figures["auc"].value == pytest.approx(0.5)
    assert figures["f1_best"].value == pytest.approx(np.mean([2 * share / (1 + share) for share in shares]))


def test_a_baseline_decides_nothing(dataset: Dataset) -> None:
    result = measured(dataset, "ela")["ela"]
    names = result.summary.figures.keys()
    assert not {"f1", "iou", "authentic_flagged", "tampered_flagged", "image_auc", "balanced_accuracy"} & names
    line = as_json(result, Protocol(), None)
    assert line["weights"] is None
    assert line["baseline"]["name"] == "ela"
    assert line["threshold"] is None
    assert all(group["f1"] is None and group["authentic_flagged"] is None for group in line["groups"])
    json.dumps(line, allow_nan=False)
    header, *rows = photo_table([result], Protocol()).splitlines()
    columns = header.split(",")
    tampered = dict(zip(columns, rows[0].split(","), strict=True))
    assert tampered["auc"] != "" == tampered["f1"] == tampered["verdict"] == tampered["score"]


def test_only_what_both_have_is_compared() -> None:
    own = [outcome(seed) for seed in range(12)]
    other = [outcome(seed, skill=0.05) for seed in range(12)]
    gaps = {gap.figure: gap for gap in compare(own, other, Protocol(), (0.5, None))}
    assert gaps.keys() == {"f1_best", "auc"}
    by_hand = np.mean([a.pixels.auc - b.pixels.auc for a, b in zip(own, other, strict=True) if a.pixels and b.pixels])
    assert gaps["auc"].value == pytest.approx(by_hand)
    assert gaps["auc"].low < by_hand < gaps["auc"].high


@pytest.mark.parametrize("name", BASELINES)
@settings(max_examples=12, deadline=None)
@given(height=st.integers(1, 70), width=st.integers(1, 70), flat=st.booleans(), deep=st.booleans())
def test_every_map_is_whole(name: str, height: int, width: int, flat: bool, deep: bool) -> None:
    pixels = np.full((height, width, 3), 90, np.uint8) if flat else textured(height, width)
    answer = BaselineEntrant(BASELINES[name]).answer(pixels.astype(np.uint16) * 257 if deep else pixels, None)
    assert answer.map is not None
    assert answer.map.shape == (height, width)
    assert answer.map.dtype == np.float32
    assert np.isfinite(answer.map).all()
    assert 0 <= answer.map.min() <= answer.map.max() <= 1
    assert (answer.verdict, answer.score) == (None, None)


def test_the_depth_of_a_photo_changes_no_map() -> None:
    pixels = textured(60, 80)
    entrant = BaselineEntrant(BASELINES["ela"])
    shallow, deep = entrant.answer(pixels, None), entrant.answer(pixels.astype(np.uint16) * 257, None)
    assert np.array_equal(shallow.map, deep.map)  # type: ignore[arg-type]


def auc_of(name: str, pixels: NDArray[np.uint8], region: tuple[slice, slice]) -> float:
    mask = np.zeros(pixels.shape[:2], bool)
    mask[region] = True
    return float(roc_auc_score(mask.ravel(), BASELINES[name].map_of(pixels).ravel()))


def test_error_level_analysis_finds_what_was_saved_less_often() -> None:
    fresh = np.random.default_rng(3).integers(0, 256, (160, 160, 3), dtype=np.uint8)
    data = cv2.imencode(".jpg", fresh[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 60])[1]
    photo = np.array(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1])
    region = (slice(40, 90), slice(50, 110))
    photo[region] = fresh[region]
    assert auc_of("ela", photo, region) > 0.95


def test_block_noise_finds_another_noise() -> None:
    rng = np.random.default_rng(4)
    photo = rng.normal(128, 2, (256, 256, 3))
    region = (slice(64, 128), slice(96, 192))
    photo[region] += rng.normal(0, 12, (64, 96, 3))
    assert auc_of("block-noise", photo.clip(0, 255).astype(np.uint8), region) > 0.9


def test_self_matches_find_a_copy() -> None:
    photo = np.asarray(cv2.normalize(textured(240, 240, 5), None, 0, 255, cv2.NORM_MINMAX), np.uint8)  # type: ignore[call-overload]
    photo[150:210, 150:210] = photo[30:90, 20:80]
    both = np.zeros((240, 240), bool)
    both[150:210, 150:210] = both[30:90, 20:80] = True
    assert roc_auc_score(both.ravel(), BASELINES["self-match"].map_of(photo).ravel()) > 0.9


def test_names() -> None:
    assert [one.name for one in parse_baselines("ela, centre-prior")] == ["ela", "centre-prior"]
    assert parse_baselines("all") == tuple(BASELINES.values())
    with pytest.raises(UsageError, match="Unknown baseline 'beauty'") as refused:
        parse_baselines("ela,beauty")
    assert all(name in str(refused.value) for name in BASELINES)
    with pytest.raises(UsageError, match="twice"):
        parse_baselines("ela,ela")


def test_a_row_of_one_baseline_is_no_row_of_another(dataset: Dataset) -> None:
    keys = {one.key for result in measured(dataset, *BASELINES).values() for one in result.outcomes}
    assert len(keys) == len(BASELINES) * len(dataset.samples)
