"""The compression history: its traces and its network against oracles, its effect on a map, and what it reports."""

import importlib.util
import io
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.numpy import load_file
from scipy.fft import dctn
from skimage import data
from sklearn.metrics import roc_auc_score

from mesorch_cli.errors import UsageError, WeightsError
from mesorch_cli.evidence.decoding.reader import read_photo
from mesorch_cli.inference.detector import Detector
from mesorch_cli.inference.witnesses import block_statistics
from mesorch_cli.inference.witnesses.block_logits import mark_blocks, reported, top_mean
from mesorch_cli.inference.witnesses.block_statistics import MOST_BLOCKS, BlockStatistics, can_be_measured
from mesorch_cli.inference.witnesses.blocks import BLOCK
from mesorch_cli.inference.witnesses.history.network import FILE, HistoryNetwork, history_network
from mesorch_cli.inference.witnesses.history.traces import (
    FEWEST_SIDE,
    FREQUENCIES,
    LEVELS,
    PLANES,
    Traces,
    traces,
)
from mesorch_cli.inference.witnesses.history.witness import HISTORY
from mesorch_cli.inference.witnesses.witness import Material
from mesorch_cli.network.rules import HistoryRule
from tests.inference.networks import WHOLE, Pixelwise, settings

RULE = HistoryRule(network_sha256=history_network().sha256, slope=1.0, centre=-2.0, lowest=-4.0, highest=8.0, least=1.0)
PART = np.s_[96:256, 160:320]
TRAINING = Path(__file__).parents[3] / "configs" / "history" / "train.py"


def file_of(pixels: np.ndarray, quality: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=quality, subsampling=0)
    return stream.getvalue()


def decoded(file: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))


def test_evidence_that_is_no_number_is_no_silent_nothing() -> None:
    map_ = np.full((64, 64), 0.5, np.float32)
    logits = np.zeros((8, 8), np.float32)
    logits[3, 3] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        mark_blocks(map_, logits, RULE)


def seen_with(pixels: np.ndarray, steps: np.ndarray) -> Traces:
    return traces(pixels, steps, BlockStatistics.of(pixels))


def seen_in(file: bytes) -> Traces:
    steps = np.array(Image.open(io.BytesIO(file)).quantization[0], np.int64).reshape(BLOCK, BLOCK)
    return seen_with(decoded(file), steps)


def edited(name: str, first: int, last: int) -> tuple[bytes, np.ndarray]:
    """Return a photo saved twice whose PART comes from before the first save, and the mask of its blocks."""
    photo = np.ascontiguousarray(getattr(data, name)())
    before = decoded(file_of(photo, first)).copy()
    before[PART] = photo[PART]
    mask = np.zeros((photo.shape[0] // BLOCK, photo.shape[1] // BLOCK), bool)
    mask[12:32, 20:40] = True
    return file_of(before, last), mask


@pytest.fixture(scope="module")
def training() -> ModuleType:
    spec = importlib.util.spec_from_file_location("history_training", TRAINING)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_levels_are_those_of_the_transform() -> None:
    file = file_of(data.astronaut(), 80)
    steps = np.array(Image.open(io.BytesIO(file)).quantization[0]).reshape(BLOCK, BLOCK)
    plane = decoded(file).astype(np.float64) @ [0.299, 0.587, 0.114]
    seen = seen_in(file)
    for row, column in ((0, 0), (17, 40), (63, 63)):
        block = dctn(plane[row * 8 : row * 8 + 8, column * 8 : column * 8 + 8], norm="ortho")
        expected = [min(abs(round(block[place] / steps[place])), LEVELS - 1) for place in FREQUENCIES]
        assert list(seen.levels[row, column]) == expected
    counted = np.stack([np.bincount(seen.levels[..., f].ravel(), minlength=LEVELS) for f in range(len(FREQUENCIES))])
    np.testing.assert_allclose(seen.own, counted / seen.levels[..., 0].size, atol=1e-6)


def test_a_second_grid_stands_in_the_edges() -> None:
    photo = data.chelsea()
    moved = decoded(file_of(decoded(file_of(photo, 40))[3:, 5:].copy(), 95))
    flat = np.ones((BLOCK, BLOCK), np.int64)
    seen = seen_with(moved, flat)
    edges = seen.planes[..., : 2 * BLOCK].mean(axis=(0, 1))
    # The photo lost 5 columns and 3 rows: a block of the first grid ends after column 2 and row 4.
    assert edges[:BLOCK].argmax() == 2
    assert edges[BLOCK:].argmax() == 4


@pytest.mark.parametrize("rows", [1, 7, 64])
def test_traces_do_not_depend_on_the_bands(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    file = file_of(np.ascontiguousarray(data.coffee()[:250, :331]), 85)
    whole = seen_in(file)
    monkeypatch.setattr(block_statistics, "BAND_ROWS", rows)
    banded = seen_in(file)
    np.testing.assert_array_equal(banded.levels, whole.levels)
    np.testing.assert_allclose(banded.shifted, whole.shifted, atol=1e-6)
    np.testing.assert_allclose(banded.planes, whole.planes, atol=1e-4)


@hypothesis_settings(max_examples=25, deadline=None)
@given(height=st.integers(1, 200), width=st.integers(1, 200), seed=st.integers(0, 9))
def test_any_size_is_measured_or_left_alone(height: int, width: int, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    assert can_be_measured(pixels, FEWEST_SIDE) == (min(height, width) // BLOCK >= FEWEST_SIDE)
    if can_be_measured(pixels, FEWEST_SIDE):
        seen = seen_with(pixels, np.full((BLOCK, BLOCK), 5, np.int64))
        assert seen.planes.shape == (height // BLOCK, width // BLOCK, PLANES)
        assert np.isfinite(seen.planes).all()
        logits = history_network().logits(seen)
        assert logits.shape == (height // BLOCK, width // BLOCK)
        assert np.isfinite(logits).all()


def test_a_photo_with_too_many_blocks_is_left_alone() -> None:
    row = np.broadcast_to(np.zeros((1, 1, 3), np.uint8), (8 * FEWEST_SIDE, MOST_BLOCKS // FEWEST_SIDE * 8 + 8, 3))
    assert not can_be_measured(row, FEWEST_SIDE)
    assert HISTORY.look(Material(row, np.full((BLOCK, BLOCK), 5, np.int64)), RULE) is None


def test_the_network_gives_what_its_trained_form_gives(training: ModuleType) -> None:
    torch.manual_seed(5)
    network = training.History().eval()
    torch.nn.init.normal_(network.head.weight, std=0.3)
    tensors = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    seen = seen_in(file_of(data.coffee(), 75))
    item = {name: torch.from_numpy(values) for name, values in vars(seen).items()}
    with torch.no_grad():
        expected = network(item).numpy()
    assert expected.std() > 0.05
    np.testing.assert_allclose(HistoryNetwork(tensors, "").logits(seen), expected, atol=2e-4)


def test_the_shipped_tensors_fit_the_trained_form(training: ModuleType) -> None:
    expected = {name: tuple(tensor.shape) for name, tensor in training.History().state_dict().items()}
    shipped = load_file(FILE)
    assert {name: tensor.shape for name, tensor in shipped.items()} == expected
    assert all(np.isfinite(tensor).all() and tensor.dtype == np.float16 for tensor in shipped.values())


@pytest.mark.parametrize("name", ["astronaut", "coffee"])
@pytest.mark.parametrize(("first", "last"), [(60, 90), (70, 85)])
def test_an_edited_part_differs(name: str, first: int, last: int) -> None:
    file, mask = edited(name, first, last)
    logits = history_network().logits(seen_in(file))
    assert roc_auc_score(mask.ravel(), logits.ravel()) > 0.9
    finding = reported("history", logits, RULE)
    assert finding is not None
    assert 0.7 < finding.certainty <= 1
    assert 0 < finding.measures["share"] < 0.3


@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea", "rocket"])
@pytest.mark.parametrize("quality", [70, 92])
def test_an_authentic_photo_is_not_reported(name: str, quality: int) -> None:
    logits = history_network().logits(seen_in(file_of(np.ascontiguousarray(getattr(data, name)()), quality)))
    assert reported("history", logits, RULE) is None


def test_the_largest_per_cent_decides() -> None:
    logits = np.full((20, 50), -6.0, np.float32)
    logits[0, :10] = 3.0
    assert top_mean(logits) == 3.0
    assert top_mean(np.float32([[2.0]])) == 2.0


def test_the_map_is_shifted_within_the_limits() -> None:
    logits = np.float32([[-50, -50], [-50, 50]]).repeat(8, 0).repeat(8, 1)
    map_ = np.full((128, 128), 0.5, np.float32)
    mark_blocks(map_, logits, RULE)
    assert map_[0, 0] == pytest.approx(1 / (1 + np.exp(4.0)), rel=1e-5)
    assert map_[-1, -1] == pytest.approx(1 / (1 + np.exp(-8.0)), rel=1e-5)


def test_the_engine_looks_at_a_jpeg_and_at_no_other_file(tmp_path: Path) -> None:
    file, mask = edited("coffee", 60, 90)
    (tmp_path / "a.jpg").write_bytes(file)
    cv2.imwrite(str(tmp_path / "a.png"), decoded(file)[:, :, ::-1])
    plain, looking = (Detector(Pixelwise(), settings(history=rule)) for rule in (None, RULE))
    jpeg = read_photo(tmp_path / "a.jpg")
    before, after = plain.detect_photo(jpeg), looking.detect_photo(jpeg)
    assert before.map is not None
    assert after.map is not None
    assert [finding.witness for finding in after.findings] == ["history"]
    wide = mask.repeat(8, 0).repeat(8, 1)
    high, wide_map = after.map - before.map, wide[: after.map.shape[0], : after.map.shape[1]]
    assert (
        high[: wide.shape[0], : wide.shape[1]][wide_map].mean()
        > high[: wide.shape[0], : wide.shape[1]][~wide_map].mean()
    )
    png = read_photo(tmp_path / "a.png")
    np.testing.assert_array_equal(looking.detect_photo(png).map, plain.detect_photo(png).map)


def test_rules_of_another_network_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(file_of(data.coffee(), 85))
    other = RULE.model_copy(update={"network_sha256": "0" * 64})
    detector = Detector(Pixelwise(), settings(history=other))
    with pytest.raises(WeightsError, match="0000000000000000.*--no-history"):
        detector.detect_photo(read_photo(tmp_path / "a.jpg"))


def test_the_reference_analysis_has_no_history() -> None:
    with pytest.raises(UsageError, match="--history"):
        settings(scales=(WHOLE,), reference=True, history=RULE)
