"""Parts beside the logits, and the same analysis laid over a photo in other ways."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mesorch_cli.inference import parts as parts_module
from mesorch_cli.inference.backends import TorchBackend
from mesorch_cli.inference.detector import Detector
from mesorch_cli.inference.parts import Parts, PartSamples
from mesorch_cli.inference.passes import Variation
from mesorch_cli.inference.tiling import Plan, between, starts
from mesorch_cli.network.config import MESORCH_S
from mesorch_cli.network.mesorch import Mesorch
from mesorch_cli.network.rules import Scale
from tests.inference.networks import NATIVE, WHOLE, Pixelwise, noise, settings

COUNT = len(MESORCH_S.scales)
MIRRORED = Scale(kind="mirrored", weight=0.7)
SMALLER = Scale(kind="tiles", long_side=100, weight=0.5)


@pytest.fixture(scope="module")
def backend() -> TorchBackend:
    torch.manual_seed(2)
    return TorchBackend(Mesorch(MESORCH_S), "cpu")


def explained(backend: TorchBackend, pixels: np.ndarray, **changes: object) -> tuple[Detector, PartSamples, np.ndarray]:
    detector = Detector(backend, settings(**changes))
    parts = Parts(backend.explained, COUNT)
    detection = detector.detect(pixels, parts=parts)
    assert detection.map is not None
    return detector, parts.finish(), detection.map


@pytest.mark.parametrize("scales", [(NATIVE,), (WHOLE, MIRRORED, SMALLER, NATIVE), (MIRRORED,)])
@pytest.mark.parametrize("size", [(150, 210), (64, 64), (40, 90)])
def test_the_map_is_the_same_to_the_last_bit(
    backend: TorchBackend, scales: tuple[Scale, ...], size: tuple[int, int]
) -> None:
    pixels = noise(*size)
    detector, samples, found = explained(backend, pixels, scales=scales)
    usual = detector.detect(pixels).map
    assert usual is not None
    assert np.array_equal(found, usual)
    fused = 1 / (1 + np.exp(-samples.products.sum(axis=0, dtype=np.float64)))
    np.testing.assert_allclose(fused, samples.of(usual), atol=2e-6)
    np.testing.assert_allclose(samples.weights.sum(axis=0), 1, atol=1e-5)
    assert samples.views.min() >= 0
    assert samples.views.max() <= 1


def test_so_it_is_in_the_published_analysis(backend: TorchBackend) -> None:
    pixels = noise(90, 120)
    detector, _, found = explained(backend, pixels, scales=(WHOLE,), reference=True)
    assert np.array_equal(found, detector.detect(pixels).map)


def test_fewer_samples_are_every_so_many_of_all(backend: TorchBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = noise(150, 210)
    _, every, _ = explained(backend, pixels, scales=(WHOLE, SMALLER, NATIVE))
    monkeypatch.setattr(parts_module, "MOST_SAMPLES", 3000)
    _, some, _ = explained(backend, pixels, scales=(WHOLE, SMALLER, NATIVE))
    assert every.step == 1
    assert some.step == 4
    for name in ("maps", "weights", "products", "views"):
        expected = getattr(every, name)[:, some.first :: some.step, some.first :: some.step]
        np.testing.assert_allclose(getattr(some, name), expected, rtol=1e-5, atol=1e-5)


def test_what_no_tile_saw_has_no_parts(backend: TorchBackend) -> None:
    pixels = noise(64, 192)
    pixels[:, :128] = 7
    _, samples, _ = explained(backend, pixels, overlap=0.0)
    assert np.isnan(samples.products[:, :, :64]).all()
    assert np.isfinite(samples.products[:, :, 128:]).all()


@given(st.integers(1, 300), st.integers(1, 300), st.booleans(), st.booleans(), st.floats(0, 0.75))
@hypothesis_settings(max_examples=60, deadline=None)
def test_a_variation_moves_nothing_where_every_pixel_stands_for_itself(
    height: int, width: int, shifted: bool, mirrored: bool, overlap: float
) -> None:
    pixels = noise(height, width, seed=height * 301 + width)
    detector = Detector(Pixelwise(), settings(overlap=overlap, scales=(NATIVE,)))
    usual, varied = (detector.detect(pixels, variation=one) for one in (Variation(), Variation(shifted, mirrored)))
    if usual.map is None or varied.map is None:
        assert usual.reason == varied.reason
    elif "featureless tiles" not in {*usual.flags, *varied.flags}:
        np.testing.assert_allclose(varied.map, usual.map, atol=2e-6)


def test_the_mirrored_variation_is_the_mirrored_photo(backend: TorchBackend) -> None:
    pixels = noise(90, 150)
    detector = Detector(backend, settings(scales=(NATIVE,)))
    varied, turned = (
        detector.detect(pixels, variation=Variation(mirrored=True)),
        detector.detect(pixels[:, ::-1].copy()),
    )
    assert varied.map is not None
    assert turned.map is not None
    assert np.array_equal(varied.map, turned.map[:, ::-1])
    assert not np.array_equal(varied.map, detector.detect(pixels).map)  # or it would not be a check


@given(st.integers(1, 2000), st.sampled_from([32, 64, 384]), st.floats(0, 0.75))
def test_a_shifted_grid_covers_the_same_and_lies_between(length: int, side: int, overlap: float) -> None:
    usual, shifted = starts(length, side, overlap), between(starts(length, side, overlap))
    assert shifted[0] == usual[0]
    assert shifted[-1] == usual[-1]
    assert all(after - before <= side for before, after in pairwise(shifted))
    inner = shifted[1:-1]
    assert all(before <= place <= after for (before, after), place in zip(pairwise(usual), inner, strict=True))
    plan = Plan(length, length, side, overlap, shifted=True)
    assert len(plan) == len(shifted) ** 2
