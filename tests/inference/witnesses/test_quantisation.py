"""Double quantisation: found where a part lost the first one, not believed elsewhere, and put on the map block by block."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from scipy.fft import dctn
from skimage import data
from sklearn.metrics import roc_auc_score

from mesorch_cli.errors import UsageError
from mesorch_cli.evidence.decoding.reader import read_photo
from mesorch_cli.inference.detector import Detector
from mesorch_cli.inference.scoring import photo_threshold
from mesorch_cli.inference.witnesses.blocks import BLOCK
from mesorch_cli.inference.witnesses.quantisation.coefficients import (
    FEATURES,
    REACH,
    TEXTURES,
    _histograms,
    _level_counts,
    _sorted_by_kind,
    coefficients,
    quantisations,
)
from mesorch_cli.inference.witnesses.quantisation.witness import believed, mark_quantisation, prepared
from mesorch_cli.network.rules import QuantisationRule, ThresholdRule
from tests.inference.networks import WHOLE, Pixelwise, noise, settings

# Believed where the mixture gains half a nat a block: enough for photos that differ as clearly as these.
RULE = QuantisationRule(intercept=0.69, weights=(1.0, *[0.0] * 9), slope=0.8, offset=0.0, network=0.3)
PART = np.s_[96:256, 160:320]
Pixels = np.ndarray


def saved(pixels: Pixels, quality: int) -> Pixels:
    """Return the pixels after a save as JPEG with all colour kept."""
    return decoded(file_of(pixels, quality))


def file_of(pixels: Pixels, quality: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=quality, subsampling=0)
    return stream.getvalue()


def decoded(file: bytes) -> Pixels:
    return np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))


def steps_of(file: bytes) -> np.ndarray:
    return np.array(Image.open(io.BytesIO(file)).quantization[0], np.int64).reshape(8, 8)


def edited(name: str, first: int, last: int) -> tuple[bytes, np.ndarray]:
    """Return a photo saved twice whose PART comes from before the first save, and the mask of its blocks."""
    photo = np.ascontiguousarray(getattr(data, name)())
    before = saved(photo, first).copy()
    before[PART] = photo[PART]
    mask = np.zeros((photo.shape[0] // BLOCK, photo.shape[1] // BLOCK), bool)
    mask[12:32, 20:40] = True
    return file_of(before, last), mask


@pytest.mark.parametrize("name", ["astronaut", "coffee"])
@pytest.mark.parametrize(("first", "last"), [(60, 90), (75, 95), (70, 85)])
def test_the_part_that_was_quantised_once_is_found(name: str, first: int, last: int) -> None:
    file, mask = edited(name, first, last)
    found = quantisations(decoded(file), steps_of(file))
    assert found is not None
    assert roc_auc_score(mask.ravel(), found.evidence.ravel()) > 0.95
    finding = believed(found, RULE)
    assert finding is not None
    assert finding.measures["share"] == pytest.approx(mask.mean(), abs=0.06)
    assert finding.measures["frequencies"] >= 10


@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea"])
def test_a_photo_that_was_saved_once_is_not_believed_to_have_such_a_part(name: str) -> None:
    file = file_of(np.ascontiguousarray(getattr(data, name)()), 85)
    found = quantisations(decoded(file), steps_of(file))
    assert found is None or believed(found, RULE) is None


@pytest.mark.parametrize("name", ["astronaut", "coffee"])
def test_of_a_whole_photo_that_was_saved_twice_hardly_a_block_is_called_once(name: str) -> None:
    file = file_of(saved(np.ascontiguousarray(getattr(data, name)()), 65), 92)
    found = quantisations(decoded(file), steps_of(file))
    assert found is not None
    assert found.features[FEATURES.index("share")] < 0.1  # black and flat blocks know nothing of a first save


@pytest.mark.parametrize("pixels", [noise(64, 64), np.full((300, 300, 3), 128, np.uint8), noise(1000, 24)])
def test_small_flat_and_narrow_pictures_say_nothing(pixels: Pixels) -> None:
    found = quantisations(pixels, np.full((8, 8), 4))
    assert found is None or believed(found, RULE) is None


def test_coefficients_are_those_of_scipy() -> None:
    plane = np.random.default_rng(0).normal(0, 40, (24, 40)).astype(np.float32)
    blocks = plane.reshape(3, 8, 5, 8).transpose(0, 2, 1, 3)
    wanted = dctn(blocks, axes=(2, 3), norm="ortho")[..., :REACH, :REACH]
    np.testing.assert_allclose(coefficients(plane), wanted, atol=1e-3)


@hypothesis_settings(max_examples=40, deadline=None)
@given(st.integers(1, 70), st.integers(1, 70), st.data())
def test_the_evidence_of_a_block_changes_its_own_pixels_most(height: int, width: int, draw: st.DataObject) -> None:
    rows, columns = max(1, height // BLOCK), max(1, width // BLOCK)
    row, column = draw.draw(st.integers(0, rows - 1)), draw.draw(st.integers(0, columns - 1))
    evidence = np.zeros((rows, columns), np.float32)
    evidence[row, column] = 5
    probability = np.full((height, width), 0.5, np.float32)
    mark_quantisation(probability, evidence, RULE)
    assert probability.min() >= 0.5
    y, x = np.unravel_index(int(probability.argmax()), probability.shape)
    # Pixels beyond the last whole block go with it.
    assert (min(y // BLOCK, rows - 1), min(x // BLOCK, columns - 1)) == (row, column)


def test_without_evidence_the_map_keeps_a_part_of_its_own_logit() -> None:
    probability = np.array([[0.2, 0.9]], np.float32)
    mark_quantisation(probability, np.zeros((1, 1), np.float32), RULE)
    own = np.log(np.array([0.2, 0.9]) / np.array([0.8, 0.1]))
    np.testing.assert_allclose(np.log(probability[0] / (1 - probability[0])), 0.3 * own, rtol=1e-4)


def test_the_engine_marks_the_part_and_says_so(tmp_path: Path) -> None:
    file, mask = edited("astronaut", 60, 90)
    path = tmp_path / "edited.jpg"
    path.write_bytes(file)
    photo = read_photo(path)
    assert photo.steps is not None
    np.testing.assert_array_equal(photo.steps, steps_of(file))
    plain = Detector(Pixelwise(), settings()).detect(photo.pixels, steps=photo.steps)
    assert plain.findings == ()
    looking = Detector(Pixelwise(), settings(quantisation=RULE))
    assert looking.detect(photo.pixels).findings == ()  # pixels alone: there are no steps to look at
    found = looking.detect(photo.pixels, steps=photo.steps)
    assert [finding.witness for finding in found.findings] == ["quantisation"]
    assert found.map is not None
    assert plain.map is not None
    whole = cv2.resize(mask.astype(np.uint8), photo.pixels.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    truth = whole.ravel() > 0
    assert roc_auc_score(truth, found.map.ravel()) > 0.95
    assert roc_auc_score(truth, plain.map.ravel()) < 0.8


@pytest.mark.parametrize("suffix", ["png", "gray.jpg", "cmyk.jpg"])
def test_which_photos_have_steps(tmp_path: Path, suffix: str) -> None:
    mode = {"png": "RGB", "gray.jpg": "L", "cmyk.jpg": "CMYK"}[suffix]
    path = tmp_path / f"photo.{suffix}"
    Image.fromarray(noise(64, 64)).convert(mode).save(path)
    assert (read_photo(path).steps is not None) == (suffix == "gray.jpg")


def test_the_reference_analysis_reads_no_coefficients() -> None:
    with pytest.raises(UsageError, match="quantisation"):
        settings(scales=(WHOLE,), reference=True, quantisation=RULE)


def test_measurements_are_finite_whatever_they_are() -> None:
    assert np.isfinite(prepared([0.0] * len(FEATURES))).all()


@pytest.mark.parametrize(("top", "wanted"), [(0.9, 0.18), (0.05, 0.02)])
def test_the_threshold_follows_the_photo(top: float, wanted: float) -> None:
    probability = np.zeros((100, 100), np.float32)
    probability[0] = top  # the top hundredth
    rule = ThresholdRule(floor=0.02, share=0.2, top=0.01)
    assert photo_threshold(probability, rule, 0.5) == pytest.approx(wanted)
    assert photo_threshold(probability, None, 0.5) == 0.5


def test_a_photo_without_evidence_lists_no_region_below_the_common_threshold() -> None:
    rule = ThresholdRule(floor=0.02, share=0.2, top=0.01)
    dim = Pixelwise(lambda images: np.where(images[:, :1] > 0, -1.5, -9.0))  # probabilities of .18 and nearly 0
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[20:40, 20:40] = 255
    found = Detector(dim, settings(photo_threshold=rule, threshold=0.3)).detect(pixels)
    assert found.threshold == 0.3
    assert found.regions == ()
    bright = Pixelwise(lambda images: np.where(images[:, :1] > 0, 2.0, -9.0))
    found = Detector(bright, settings(photo_threshold=rule, threshold=0.3)).detect(pixels)
    assert found.threshold == pytest.approx(0.2 / (1 + np.exp(-2)), abs=1e-4)
    assert len(found.regions) == 1


@given(
    values=arrays(np.float32, 200, elements=st.floats(-300, 300, width=32)),
    halves=st.lists(st.integers(-40, 40), max_size=20),
    step=st.integers(1, 60),
    reach=st.integers(1, 60),
)
def test_counts_from_ordered_values_are_those_of_rounding_every_value(
    values: np.ndarray, halves: list[int], step: int, reach: int
) -> None:
    # Values on the border between two levels are the ones that could fall to the other side.
    values[: len(halves)] = (np.array(halves, np.float32) + np.float32(0.5)) * np.float32(step)
    kinds = np.arange(len(values)) % TEXTURES
    found = _level_counts(_sorted_by_kind(values, kinds), step, reach)
    rounded = np.rint(values / step).astype(np.intp)
    assert np.array_equal(found, _histograms(rounded, kinds, reach))
