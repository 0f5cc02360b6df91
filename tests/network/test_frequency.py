"""The low-rank frequency split against the full transform."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.fft import dctn, idctn

from mesorch_cli.network import frequency


def dense_split(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The definition, with scipy's DCT in float64: zero a corner, transform back, rescale."""
    height, width = image.shape[-2:]
    spectrum = dctn(image.astype(np.float64), axes=(-2, -1), norm="ortho")
    high, low = spectrum.copy(), spectrum.copy()
    high[..., : int(0.05 * height), : int(0.05 * width)] = 0
    low[..., -int(0.95 * height) :, -int(0.95 * width) :] = 0
    planes = [idctn(part, axes=(-2, -1), norm="ortho") for part in (high, low)]
    first, second = ((plane - plane.min()) / (plane.max() - plane.min()) for plane in planes)
    return first, second


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**31))
@settings(max_examples=40, deadline=None)
def test_equals_the_definition_at_any_size(rows: int, columns: int, seed: int) -> None:
    image = np.random.default_rng(seed).normal(size=(3, 32 * rows, 32 * columns)).astype(np.float32)
    high, low = frequency.split(torch.from_numpy(image)[None])
    expected_high, expected_low = dense_split(image)
    np.testing.assert_allclose(high[0].numpy(), expected_high, atol=2e-5)
    np.testing.assert_allclose(low[0].numpy(), expected_low, atol=2e-5)


def test_keeps_the_published_l_shape_and_not_a_corner() -> None:
    # A stripe pattern of the highest horizontal frequency is constant along y: it lies in the first row of the spectrum.
    stripes = torch.zeros(1, 3, 64, 64)
    stripes[..., ::2] = 1.0
    _, low = frequency.split(stripes)
    assert low[0, 0, 0, 1:].diff().abs().min() > 0.9


@pytest.mark.parametrize("value", [0.0, 1.7, -2.1])
def test_flat_image_gives_calm_finite_planes(value: float) -> None:
    for plane in frequency.split(torch.full((1, 3, 128, 96), value)):
        assert torch.isfinite(plane).all()
        assert plane.std() < 0.02


def test_each_image_is_rescaled_by_itself() -> None:
    images = torch.randn(2, 3, 64, 64) * torch.tensor([1.0, 50.0])[:, None, None, None]
    together = frequency.split(images)
    for index in range(2):
        for plane, alone in zip(together, frequency.split(images[index : index + 1]), strict=True):
            torch.testing.assert_close(plane[index : index + 1], alone, atol=1e-5, rtol=0)


def test_stays_float32_under_autocast() -> None:
    image = torch.randn(1, 3, 64, 64)
    with torch.autocast("cpu", torch.bfloat16):
        inside = frequency.split(image)
    for plane, outside in zip(inside, frequency.split(image), strict=True):
        assert plane.dtype == torch.float32
        assert torch.equal(plane, outside)
