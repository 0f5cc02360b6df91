"""The networks against the published implementation: same weights, same photos, same logits."""

import numpy as np
import pytest
import torch

from mesorch_cli.network import frequency
from mesorch_cli.network.config import MESORCH, MESORCH_P, NetworkConfig
from mesorch_cli.network.importing import convert
from mesorch_cli.network.mesorch import Mesorch
from mesorch_cli.network.normalise import normalise
from tests.published import PARITY, PHOTOS, photo, published_state

TOLERANCE = 2e-4


def published_network(name: str, config: NetworkConfig) -> Mesorch:
    tensors, _ = convert(published_state(name), config, PARITY)
    network = Mesorch(config).eval()
    network.load_state_dict(tensors, strict=True)
    return network


@pytest.mark.parametrize(("name", "config"), [("mesorch", MESORCH), ("mesorch_p", MESORCH_P)])
def test_logits_equal_the_published_network(name: str, config: NetworkConfig) -> None:
    network = published_network(name, config)
    reference = np.load(PARITY / f"{name}.npz")
    for which in PHOTOS:
        with torch.inference_mode():
            logits = network.fused(torch.from_numpy(normalise(photo(which)))[None])[0, 0].numpy()
        assert np.abs(logits - reference[f"{which}.logit128"]).max() < TOLERANCE, which


def test_gate_equals_the_published_gate() -> None:
    network = published_network("mesorch", MESORCH)
    reference = np.load(PARITY / "mesorch.npz")["astronaut.gate128"].astype(np.float32)
    with torch.inference_mode():
        _, weights = network.maps(torch.from_numpy(normalise(photo("astronaut")))[None])
    assert weights is not None
    assert np.abs(weights[0].numpy() - reference).max() < 1e-3  # the fixture is float16


@pytest.mark.parametrize("which", PHOTOS)
def test_input_and_frequency_views_equal_the_published_ones(which: str) -> None:
    reference = np.load(PARITY / "mesorch.npz")
    image = torch.from_numpy(normalise(photo(which)))[None]
    high, low = frequency.split(image)
    for plane, key in ((image, "in"), (high, "hi"), (low, "lo")):
        x = plane[0].numpy().astype(np.float64)
        found = [x.mean(), x.std(), x.min(), x.max(), x[0, 0, 0], x[2, 511, 511]]
        np.testing.assert_allclose(found, reference[f"{which}.{key}_stats"], atol=1e-4)
