"""The engine with networks whose answer is known for every pixel, and once with the real one."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mesorch_cli.errors import UsageError
from mesorch_cli.evidence import storage
from mesorch_cli.inference import scoring
from mesorch_cli.inference.analysis import Analysis
from mesorch_cli.inference.backends import TorchBackend, choose_device
from mesorch_cli.inference.detector import Detector
from mesorch_cli.inference.scoring import Verdict
from mesorch_cli.network.config import MESORCH_S
from mesorch_cli.network.mesorch import Mesorch
from mesorch_cli.network.normalise import normalise
from mesorch_cli.network.passport import Scale
from mesorch_cli.network.weights import load_weights
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


@pytest.mark.parametrize("tile_batch", [1, 2, 5, 64])
def test_the_batch_size_changes_nothing(tile_batch: int) -> None:
    pixels = noise(200, 333)
    levels = (WHOLE, Scale(kind="tiles", long_side=150), NATIVE)
    base = Detector(Pixelwise(), settings(scales=levels, tile_batch=3)).detect(pixels)
    other = Detector(Pixelwise(), settings(scales=levels, tile_batch=tile_batch)).detect(pixels)
    assert base.map is not None
    assert other.map is not None
    assert np.array_equal(base.map, other.map)
    assert base.score == other.score
    assert base.regions == other.regions


def test_the_order_of_tiles_changes_nothing() -> None:
    pixels = noise(150, 210)
    detector = Detector(Pixelwise(), settings(overlap=0.5))
    forward = detector.detect(pixels).map
    backward = detector.detect(np.ascontiguousarray(pixels[::-1, ::-1])).map
    assert forward is not None
    assert backward is not None
    np.testing.assert_allclose(forward, backward[::-1, ::-1], atol=2e-6)


def test_sixteen_bits_are_not_eight() -> None:
    pixels = noise(70, 90)
    wide = pixels.astype(np.uint16) * 257
    detector = Detector(Pixelwise(), settings(scales=(NATIVE,)))
    eight, sixteen = detector.detect(pixels).map, detector.detect(wide).map
    assert eight is not None
    assert sixteen is not None
    np.testing.assert_allclose(eight, sixteen, atol=1e-6)
    finer = wide.copy()
    finer[10:20, 10:20, 0] ^= 1  # below one level of 8 bits
    changed = detector.detect(finer).map
    assert changed is not None
    assert not np.array_equal(changed[10:20, 10:20], sixteen[10:20, 10:20])


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


def test_the_real_network_is_the_same_in_any_batch() -> None:
    torch.manual_seed(0)
    backend = TorchBackend(Mesorch(MESORCH_S), "cpu")
    pixels = cv2.GaussianBlur(noise(150, 100), (0, 0), 1)
    maps = [
        Detector(backend, settings(scales=(WHOLE, NATIVE), tile_batch=batch)).detect(pixels).map for batch in (1, 4)
    ]
    again = Detector(backend, settings(scales=(WHOLE, NATIVE), tile_batch=4)).detect(pixels).map
    assert maps[0] is not None
    assert maps[1] is not None
    assert again is not None
    np.testing.assert_allclose(maps[0], maps[1], atol=1e-5)
    assert np.array_equal(maps[1], again)


@pytest.mark.parametrize("value", [0, 255, 128])
def test_a_flat_photo_is_refused_as_featureless(value: int) -> None:
    detection = Detector(Pixelwise(), settings()).detect(np.full((100, 80, 3), value, np.uint8))
    assert detection.verdict is Verdict.NOT_ANALYSED
    assert detection.reason == "featureless"
    assert detection.map is None


def test_featureless_tiles_are_left_out_and_flagged() -> None:
    pixels = np.full((64, 640, 3), 200, np.uint8)
    pixels[:, :100] = noise(64, 100)
    detection = Detector(Pixelwise(), settings(overlap=0.0)).detect(pixels)
    assert "featureless tiles" in detection.flags
    assert "parts not analysed" in detection.flags
    assert detection.map is not None
    assert 0 < detection.coverage < 1
    assert detection.covered is not None
    assert not detection.covered[:, 300:].any()
    assert detection.covered.mean() == detection.coverage
    assert (detection.map[~detection.covered] == 0).all()


def test_tiles_that_are_not_finite_are_left_out_and_flagged() -> None:
    def broken(images: np.ndarray) -> np.ndarray:
        logits = images.mean(axis=1, keepdims=True).copy()
        if len(backend.shapes) == 1:
            logits[0, 0, 5, 5] = np.nan
        return logits

    backend = Pixelwise(broken)
    detection = Detector(backend, settings(tile_batch=1, overlap=0.0)).detect(noise(64, 128))
    assert "non-finite logits" in detection.flags
    assert detection.coverage == 0.5
    assert detection.score is not None
    assert np.isfinite(detection.score)

    nowhere = Detector(Pixelwise(lambda images: np.full((len(images), 1, 64, 64), np.inf)), settings()).detect(
        noise(64, 64)
    )
    assert nowhere.verdict is Verdict.NOT_ANALYSED
    assert nowhere.reason == "non-finite logits"


def test_sizes_from_a_pixel_to_a_strip() -> None:
    detector = Detector(Pixelwise(), settings(scales=(WHOLE, NATIVE), side=512))
    for height, width in ((1, 2), (16, 16), (20, 20_000)):
        detection = detector.detect(noise(height, width))
        assert detection.map is not None
        assert detection.map.shape == (height, width)
        assert np.isfinite(detection.map).all()
    small = Detector(Pixelwise(), settings(smallest_photo_side=32)).detect(noise(31, 500))
    assert (small.verdict, small.reason) == (Verdict.NOT_ANALYSED, "too small")


def test_padding_reflects_the_photo() -> None:
    seen: list[np.ndarray] = []

    def remember(images: np.ndarray) -> np.ndarray:
        seen.append(images)
        return images.mean(axis=1, keepdims=True)

    pixels = noise(40, 50)
    Detector(Pixelwise(remember), settings(side=64)).detect(pixels)
    expected = normalise(np.pad(pixels, ((0, 24), (0, 14), (0, 0)), "reflect"))
    np.testing.assert_array_equal(seen[0][0], expected)


def test_progress_counts_every_tile() -> None:
    calls: list[tuple[int, int]] = []
    detection = Detector(Pixelwise(), settings(scales=(WHOLE, NATIVE))).detect(
        noise(100, 100), lambda done, total: calls.append((done, total))
    )
    assert calls == [(index + 1, detection.tiles) for index in range(detection.tiles)]


@pytest.mark.parametrize("device", ["cuda:99", "gpu", "tpu", "cpu:3", "cuda:"])
def test_a_device_that_is_not_there_is_refused(device: str) -> None:
    with pytest.raises(UsageError, match=device):
        choose_device(device)


def test_a_network_that_is_still_starting_gives_the_same_detection(tiny_weights: Path) -> None:
    analysis, pixels = Analysis.load(tiny_weights), noise(120, 150)
    at_once, started = Detector.starting(analysis, "cpu").detect(pixels), Detector.of(analysis, "cpu").detect(pixels)
    assert at_once.map is not None
    assert np.array_equal(at_once.map, started.map)
    assert (at_once.verdict, at_once.score) == (started.verdict, started.score)


def test_what_a_start_refuses_is_said_where_the_network_is_needed(tiny_weights: Path) -> None:
    starting = Detector.starting(Analysis.load(tiny_weights), "abacus")
    with pytest.raises(UsageError, match="abacus"):
        starting.detect(noise(120, 150))


class Narrow(Pixelwise):
    """A network on a device with room for so many tiles."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    def __call__(self, images: np.ndarray, at_once: int = 1) -> np.ndarray:
        logits = super().__call__(images, at_once)
        if len(images) > self.room:
            raise MemoryError(f"no room for {len(images)} tiles")
        return logits


@pytest.mark.parametrize("room", [1, 2, 3, 5])
def test_a_batch_that_does_not_fit_is_halved(room: int) -> None:
    pixels = noise(200, 260)
    wide, narrow = Narrow(100), Narrow(room)
    expected = Detector(wide, settings(tile_batch=8)).detect(pixels)
    found = Detector(narrow, settings(tile_batch=8)).detect(pixels)
    assert np.array_equal(found.map, expected.map)
    assert found.score == expected.score
    assert set(found.flags) - set(expected.flags) == {"fewer tiles at once: out of memory"}
    assert max(shape[0] for shape in narrow.shapes) == 8


def test_a_tile_that_does_not_fit_is_an_error() -> None:
    with pytest.raises(MemoryError, match="no room for 1 tiles"):
        Detector(Narrow(0), settings()).detect(noise(100, 100))


def test_a_device_without_memory_says_so_in_one_way(tiny_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch has an error of its own for GPUs and a plain one for the CPU, here a real one."""
    backend = TorchBackend(load_weights(tiny_weights).network, "cpu")
    for fault in (lambda *_: torch.empty(1 << 55), lambda *_: (_ for _ in ()).throw(torch.OutOfMemoryError("CUDA"))):
        monkeypatch.setattr(backend, "_network", fault)
        with pytest.raises(MemoryError):
            backend(np.zeros((1, 64, 64, 3), np.uint8))
    monkeypatch.setattr(backend, "_network", lambda *_: torch.empty(-1))
    with pytest.raises(RuntimeError, match="negative"):
        backend(np.zeros((1, 64, 64, 3), np.uint8))


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
