"""Tiles through the network: batches, padding, memory, and tiles that give nothing."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from mesorch_cli.inference.backends import TorchBackend
from mesorch_cli.inference.detector import Detector
from mesorch_cli.inference.scoring import Verdict
from mesorch_cli.network.config import MESORCH_S
from mesorch_cli.network.mesorch import Mesorch
from mesorch_cli.network.normalise import normalise
from mesorch_cli.network.rules import Scale
from mesorch_cli.network.weights import load_weights
from tests.inference.networks import NATIVE, WHOLE, Pixelwise, noise, settings


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


def test_padding_reflects_the_photo() -> None:
    seen: list[np.ndarray] = []

    def remember(images: np.ndarray) -> np.ndarray:
        seen.append(images)
        return images.mean(axis=1, keepdims=True)

    pixels = noise(40, 50)
    Detector(Pixelwise(remember), settings(side=64)).detect(pixels)
    expected = normalise(np.pad(pixels, ((0, 24), (0, 14), (0, 0)), "reflect"))
    np.testing.assert_array_equal(seen[0][0], expected)


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
