"""The grain: its planes and its network against oracles, its effect on a map, and what it reports."""

import importlib.util
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from safetensors.numpy import load_file
from scipy.fft import dctn
from scipy.ndimage import uniform_filter1d
from skimage import data
from sklearn.metrics import roc_auc_score

from mesorch_cli.errors import UsageError, WeightsError
from mesorch_cli.forge.in_place import apply
from mesorch_cli.inference.detector import Detector
from mesorch_cli.inference.witnesses import block_statistics
from mesorch_cli.inference.witnesses.block_logits import reported
from mesorch_cli.inference.witnesses.block_statistics import MOST_BLOCKS, BlockStatistics, can_be_measured
from mesorch_cli.inference.witnesses.blocks import BLOCK
from mesorch_cli.inference.witnesses.grain.network import CELL, FILE, GrainNetwork, grain_network
from mesorch_cli.inference.witnesses.grain.planes import (
    COEFFICIENTS,
    EDGES,
    FEWEST_SIDE,
    LEAST,
    PEAK_LIMIT,
    PHASES,
    PLANES,
    grain_planes,
)
from mesorch_cli.inference.witnesses.grain.witness import GRAIN
from mesorch_cli.inference.witnesses.witness import Material
from mesorch_cli.network.rules import GrainRule
from tests.inference.networks import WHOLE, Pixelwise, settings

RULE = GrainRule(network_sha256=grain_network().sha256, slope=1.0, centre=-2.0, lowest=-4.0, highest=8.0, least=5.0)
PART = np.s_[96:256, 160:320]
TRAINING = Path(__file__).parents[3] / "configs" / "grain" / "train.py"
AFTER_EDGES = COEFFICIENTS + 2 * EDGES
PEAKS = AFTER_EDGES + PHASES + 1  # behind the mean of the phases


def planes_of(pixels: np.ndarray) -> np.ndarray:
    return half(pixels).astype(np.float32)


def half(pixels: np.ndarray) -> np.ndarray:
    whole = np.ascontiguousarray(pixels)
    return grain_planes(whole, BlockStatistics.of(whole))


def photo(name: str) -> np.ndarray:
    """Return a photo at four fifths of its size, so that no trace of its file is left."""
    pixels = np.ascontiguousarray(getattr(data, name)())
    return cv2.resize(pixels, None, fx=0.8, fy=0.8, interpolation=cv2.INTER_AREA)


def edited(name: str, kind: str, strength: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a photo of which PART was edited in place, and the mask of its blocks."""
    before = photo(name)
    after = before.copy()
    after[PART] = apply(kind, strength, before, np.random.default_rng(3))[PART]
    mask = np.zeros((before.shape[0] // BLOCK, before.shape[1] // BLOCK), bool)
    mask[12:32, 20:40] = True
    return after, mask


@pytest.fixture(scope="module")
def training() -> ModuleType:
    spec = importlib.util.spec_from_file_location("grain_training", TRAINING)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_coefficients_are_those_of_the_transform() -> None:
    pixels = photo("astronaut")
    plane = pixels.astype(np.float64) @ [0.299, 0.587, 0.114]
    planes = planes_of(pixels)
    for row, column in ((0, 0), (17, 33), (50, 50)):
        block = np.abs(dctn(plane[row * 8 : row * 8 + 8, column * 8 : column * 8 + 8], norm="ortho"))
        expected = np.log(LEAST + block.ravel()[1:])
        np.testing.assert_allclose(planes[row, column, :COEFFICIENTS], expected, atol=4e-3)


def test_a_pattern_of_two_pixels_stands_in_the_phases() -> None:
    pixels = np.full((128, 128, 3), 128, np.uint8)
    pixels[1::2, 0::2] = 140
    phases = planes_of(pixels)[4:12, 4:12, AFTER_EDGES : AFTER_EDGES + PHASES].mean(axis=(0, 1))
    assert phases.argmax() == 2  # the second row, the first column
    assert abs(phases.sum()) < 0.01


def test_peaks_of_the_histogram_are_those_of_a_running_mean() -> None:
    pixels = photo("coffee")
    pixels[..., 0] = pixels[..., 0] // 3 * 3  # leaves two of three levels empty
    counts = np.bincount(pixels[..., 0].ravel(), minlength=256).astype(np.float64)
    expected = np.clip(np.log((counts + 1) / (uniform_filter1d(counts, 5, mode="mirror") + 1)), -PEAK_LIMIT, PEAK_LIMIT)
    planes = planes_of(pixels)
    red, green = planes[..., PEAKS], planes[..., PEAKS + 1]
    block = pixels[40:48, 80:88, 0]
    assert red[5, 10] == pytest.approx(expected[block].mean(), abs=2e-3)
    assert red.mean() > 0.5 > abs(green).mean()


def test_noise_raises_what_measures_noise() -> None:
    pixels = photo("coffee").astype(np.float64)
    before = planes_of(pixels.astype(np.uint8))
    pixels[PART] += np.random.default_rng(1).normal(0, 6, pixels[PART].shape)
    raised = planes_of(np.clip(pixels, 0, 255).astype(np.uint8)) - before
    high = slice(COEFFICIENTS - 8, COEFFICIENTS)
    assert raised[14:30, 22:38, high].mean() > 0.5
    np.testing.assert_array_equal(raised[:10, :, high], 0)


@pytest.mark.parametrize("rows", [1, 7, 64])
def test_planes_do_not_depend_on_the_bands(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.ascontiguousarray(data.coffee()[:250, :331])
    whole = planes_of(pixels)
    monkeypatch.setattr(block_statistics, "BAND_ROWS", rows)
    np.testing.assert_allclose(planes_of(pixels), whole, atol=4e-3)


def test_sixteen_bits_are_seen_as_eight() -> None:
    pixels = photo("coffee")
    np.testing.assert_array_equal(planes_of(pixels.astype(np.uint16) * 257), planes_of(pixels))


@hypothesis_settings(max_examples=25, deadline=None)
@given(st.integers(8, 300), st.integers(8, 300), st.integers(0, 9))
def test_any_size_is_measured_or_left_alone(height: int, width: int, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    assert can_be_measured(pixels, FEWEST_SIDE) == (min(height, width) // BLOCK >= FEWEST_SIDE)
    if can_be_measured(pixels, FEWEST_SIDE):
        planes = half(pixels)
        assert planes.shape == (height // BLOCK, width // BLOCK, PLANES)
        assert np.isfinite(planes).all()
        logits = grain_network().logits(planes)
        assert logits.shape == (height // BLOCK, width // BLOCK)
        assert np.isfinite(logits).all()


def test_a_photo_of_one_colour_has_finite_logits() -> None:
    for level in (0, 128, 255):
        planes = half(np.full((200, 200, 3), level, np.uint8))
        assert np.isfinite(grain_network().logits(planes)).all()


def test_a_photo_with_too_many_blocks_is_left_alone() -> None:
    row = np.broadcast_to(np.zeros((1, 1, 3), np.uint8), (8 * FEWEST_SIDE, MOST_BLOCKS // FEWEST_SIDE * 8 + 8, 3))
    assert not can_be_measured(row, FEWEST_SIDE)
    assert GRAIN.look(Material(row, None), RULE) is None


def test_the_network_gives_what_its_trained_form_gives(training: ModuleType) -> None:
    torch.manual_seed(5)
    network = training.Grain().eval()
    torch.nn.init.normal_(network.head.weight, std=0.3)
    torch.nn.init.uniform_(network.spread, 0.5, 2)
    tensors = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    planes = half(data.coffee()[:249, :331])  # 31 x 41 blocks, 15 x 20 whole cells
    every = torch.from_numpy(planes).view(-1, PLANES).float()
    item = {"planes": torch.from_numpy(planes), "mean": every.mean(0), "deviation": every.std(0, correction=0)}
    with torch.no_grad():
        expected = network(item).numpy()
    assert expected.std() > 0.05
    logits = GrainNetwork(tensors, "").logits(planes)
    # Between the centres of four cells, the interpolation is exact in their mean.
    cells = logits[: 15 * CELL, : 20 * CELL].reshape(15, CELL, 20, CELL)
    inner = np.s_[1:-1, 1:-1]
    weights = np.array([0.25, 0.75])
    first = cells[1:-1, 0, 1:-1, 0]
    around = expected[:-2, :-2], expected[:-2, 1:-1], expected[1:-1, :-2], expected[1:-1, 1:-1]
    by_hand = sum(weight * value for weight, value in zip(np.outer(weights, weights).ravel(), around, strict=True))
    np.testing.assert_allclose(first, by_hand, atol=2e-4)
    assert abs(cells.mean(axis=(1, 3))[inner] - expected[inner]).mean() < expected.std()


def test_the_shipped_tensors_fit_the_trained_form(training: ModuleType) -> None:
    expected = {name: tuple(tensor.shape) for name, tensor in training.Grain().state_dict().items()}
    shipped = load_file(FILE)
    assert {name: tensor.shape for name, tensor in shipped.items()} == expected
    assert all(np.isfinite(tensor).all() and tensor.dtype == np.float16 for tensor in shipped.values())


@pytest.mark.parametrize(("kind", "strength"), [("blur", 0.5), ("resample", 0.5), ("jpeg", 0.8), ("demosaic", 0.5)])
@pytest.mark.parametrize("name", ["astronaut", "coffee"])
def test_an_edited_part_differs(name: str, kind: str, strength: float) -> None:
    pixels, mask = edited(name, kind, strength)
    planes = half(pixels)
    assert roc_auc_score(mask.ravel(), grain_network().logits(planes).ravel()) > 0.9


@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea", "rocket"])
def test_an_authentic_photo_is_not_reported(name: str) -> None:
    planes = half(photo(name))
    assert reported("grain", grain_network().logits(planes), RULE) is None


def test_blocks_are_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    material, calls = Material(photo("coffee"), None), []
    measure = BlockStatistics.of
    monkeypatch.setattr(BlockStatistics, "of", lambda pixels: (calls.append(1), measure(pixels))[1])
    first, second = material.blocks, material.blocks
    assert first is second
    assert len(calls) == 1


def test_the_engine_changes_the_map_of_any_file() -> None:
    pixels, mask = edited("coffee", "noise", 0.6)
    plain, looking = (Detector(Pixelwise(), settings(grain=rule)) for rule in (None, RULE))
    before, after = plain.detect(pixels), looking.detect(pixels)
    assert before.map is not None
    assert after.map is not None
    wide = np.zeros(pixels.shape[:2], bool)
    wide[PART] = True
    change = after.map - before.map
    assert change[wide].mean() > change[~wide].mean()
    assert mask.any()


def test_rules_of_another_network_are_refused() -> None:
    other = RULE.model_copy(update={"network_sha256": "0" * 64})
    detector = Detector(Pixelwise(), settings(grain=other))
    with pytest.raises(WeightsError, match="0000000000000000.*--no-grain"):
        detector.detect(photo("coffee"))


def test_the_reference_analysis_has_no_grain() -> None:
    with pytest.raises(UsageError, match="--grain"):
        settings(scales=(WHOLE,), reference=True, grain=RULE)
