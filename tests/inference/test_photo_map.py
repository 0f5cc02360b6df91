"""Tiles and scales give one map of the photo back."""

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mesorch_cli.evidence import storage
from mesorch_cli.inference import scoring
from mesorch_cli.inference.backends import TorchBackend
from mesorch_cli.inference.detector import Detector
from mesorch_cli.inference.scoring import Verdict
from mesorch_cli.network.config import MESORCH_S
from mesorch_cli.network.mesorch import Mesorch
from mesorch_cli.network.normalise import normalise
from mesorch_cli.network.rules import Scale
from mesorch_cli.report import overlay
from tests.inference.networks import NATIVE, WHOLE, Pixelwise, noise, settings


def sigmoid(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits))


def expected_native(pixels: np.ndarray) -> np.ndarray:
    return sigmoid(normalise(pixels).mean(axis=0))


@given(st.integers(1, 300), st.integers(1, 300), st.sampled_from([32, 64, 96]), st.floats(0, 0.75), st.integers(1, 7))
@hypothesis_settings(max_examples=150, deadline=None)
def test_tiles_of_a_pixelwise_network_give_the_map_back(
    height: int, width: int, side: int, overlap: float, tile_batch: int
) -> None:
    pixels = noise(height, width, seed=height * 301 + width)
    pixels[0, 0], pixels[-1, -1] = 0, 255  # never featureless, unless it is one pixel
    detector = Detector(Pixelwise(), settings(side=side, overlap=overlap, tile_batch=tile_batch))
    detection = detector.detect(pixels)
    if height == width == 1:
        assert detection.reason == "featureless"
        return
    assert detection.map is not None
    if not detection.flags or "featureless tiles" not in detection.flags:
        np.testing.assert_allclose(detection.map, expected_native(pixels), atol=2e-6)
        assert detection.coverage == 1.0


def test_one_tile_equals_no_tiling() -> None:
    pixels = noise(64, 64)
    backend = Pixelwise()
    detection = Detector(backend, settings(side=64)).detect(pixels)
    assert backend.shapes == [(1, 3, 64, 64)]
    assert detection.map is not None
    direct = Pixelwise()(pixels[None])[0, 0]
    np.testing.assert_array_equal(detection.map, np.float32(1) / (np.exp(-direct) + np.float32(1)))


def test_levels_are_averaged_by_weight() -> None:
    pixels = noise(128, 128)

    def by_size(images: np.ndarray) -> np.ndarray:
        return np.full((images.shape[0], 1, *images.shape[2:]), 3.0 if len(backend.shapes) == 1 else -1.0)

    backend = Pixelwise(by_size)
    levels = (Scale(kind="whole", weight=1.0), Scale(kind="tiles", long_side=0, weight=3.0))
    detection = Detector(backend, settings(scales=levels)).detect(pixels)
    assert detection.map is not None
    np.testing.assert_allclose(detection.map, sigmoid(np.float64((3.0 - 3.0) / 4)), atol=1e-6)
    assert detection.scales == ("whole", "native")


@pytest.mark.parametrize("size", [(64, 64), (64, 150), (90, 40), (200, 333)])
def test_a_mirrored_level_is_the_mirrored_photo_s_whole_level_turned_back(size: tuple[int, int]) -> None:
    def uneven(images: np.ndarray) -> np.ndarray:
        return images.mean(axis=1, keepdims=True) + np.linspace(-2, 2, images.shape[3])  # left is not right

    pixels = noise(*size)
    mirrored = Detector(Pixelwise(uneven), settings(scales=(Scale(kind="mirrored"),))).detect(pixels)
    turned = np.ascontiguousarray(pixels[:, ::-1])
    whole = Detector(Pixelwise(uneven), settings(scales=(WHOLE,))).detect(turned)
    assert mirrored.scales == ("mirrored",)
    assert mirrored.map is not None
    assert whole.map is not None
    np.testing.assert_allclose(mirrored.map, whole.map[:, ::-1], atol=1e-5)
    plain = Detector(Pixelwise(uneven), settings(scales=(WHOLE,))).detect(pixels)
    assert plain.map is not None
    assert np.abs(plain.map - mirrored.map).max() > 0.1


def test_a_level_that_would_repeat_another_is_left_out() -> None:
    levels = (WHOLE, Scale(kind="tiles", long_side=500), Scale(kind="tiles", long_side=200), NATIVE)
    detection = Detector(Pixelwise(), settings(scales=levels)).detect(noise(100, 300))
    assert detection.scales == ("whole", "tiles-200", "native")


def test_reference_is_the_published_way() -> None:
    torch.manual_seed(0)
    network = Mesorch(MESORCH_S).eval()
    pixels = cv2.GaussianBlur(noise(90, 140), (0, 0), 2)
    chosen = settings(side=96, scales=(WHOLE,), reference=True)
    detection = Detector(TorchBackend(network, "cpu"), chosen).detect(pixels)
    squashed = cv2.resize(pixels, (96, 96), interpolation=cv2.INTER_LINEAR)
    with torch.inference_mode():
        probability = torch.sigmoid(network(torch.from_numpy(normalise(squashed))[None]))
        expected = torch.nn.functional.interpolate(probability, size=(90, 140), mode="bilinear", align_corners=False)
    assert detection.map is not None
    np.testing.assert_allclose(detection.map, expected[0, 0].numpy(), atol=1e-5)
    assert detection.scales == ("reference",)


def test_sizes_from_a_pixel_to_a_strip() -> None:
    detector = Detector(Pixelwise(), settings(scales=(WHOLE, NATIVE), side=512))
    for height, width in ((1, 2), (16, 16), (20, 20_000)):
        detection = detector.detect(noise(height, width))
        assert detection.map is not None
        assert detection.map.shape == (height, width)
        assert np.isfinite(detection.map).all()
    small = Detector(Pixelwise(), settings(smallest_photo_side=32)).detect(noise(31, 500))
    assert (small.verdict, small.reason) == (Verdict.NOT_ANALYSED, "too small")


def test_a_canvas_in_a_file_gives_the_same_detection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Large photos: pixels mapped read-only, canvas, labels and pictures in files, the score without a sorted copy."""
    pixels = noise(200, 333)
    levels = (WHOLE, Scale(kind="tiles", long_side=150), NATIVE)
    detector = Detector(Pixelwise(), settings(scales=levels))
    usual = detector.detect(pixels)
    assert usual.map is not None
    pictures = (overlay.heatmap(usual.map), overlay.mask(usual.map, 0.5))
    monkeypatch.setattr(storage, "DISK_BYTES", 100)
    monkeypatch.setattr(scoring, "MOST_PARTITIONED", 100)
    lying = storage.mapped(storage.shared(pixels), pixels.shape, pixels.dtype)
    assert not lying.flags.writeable
    large = detector.detect(lying)
    assert large.map is not None
    assert np.array_equal(usual.map, large.map)
    assert np.array_equal(usual.covered, large.covered)
    assert usual.regions == large.regions
    assert usual.score == pytest.approx(large.score, abs=1e-9)
    assert pictures == (overlay.heatmap(large.map), overlay.mask(large.map, 0.5))
