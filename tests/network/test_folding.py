"""The inference form against the open one: same values in, same mask out, at every size and border."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from mesorch_cli.network.config import CONFIGS, MESORCH, MESORCH_P, NetworkConfig
from mesorch_cli.network.decoding import FoldedDecoder
from mesorch_cli.network.folding import FoldedGate, fold
from mesorch_cli.network.mesorch import Gate, Mesorch, decoder_chain
from mesorch_cli.network.normalise import normalise
from tests.network.test_parity import TOLERANCE, published_network
from tests.published import PARITY, PHOTOS, photo

MASK_TOLERANCE = 1e-5


def lived_in(config: NetworkConfig) -> Mesorch:
    """Return a network whose every tensor matters: no zero start, no untouched running statistics."""
    torch.manual_seed(3)
    network = Mesorch(config).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.2)
    for parameter in network.parameters():
        if not parameter.detach().any():
            nn.init.normal_(parameter, 0, 0.1)
    return network


@pytest.mark.parametrize(("name", "config"), [("mesorch", MESORCH), ("mesorch_p", MESORCH_P)])
def test_folded_published_networks_keep_their_logits(name: str, config: NetworkConfig) -> None:
    network = published_network(name, config)
    folded = fold(network)
    reference = np.load(PARITY / f"{name}.npz")
    for which in PHOTOS:
        image = torch.from_numpy(normalise(photo(which)))[None]
        with torch.inference_mode():
            open_form, folded_form = network.fused(image), folded.fused(image)
        assert (open_form.sigmoid() - folded_form.sigmoid()).abs().max() < MASK_TOLERANCE, which
        assert np.abs(folded_form[0, 0].numpy() - reference[f"{which}.logit128"]).max() < TOLERANCE, which


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("size", [(1, 3, 32, 32), (2, 3, 32, 96), (1, 3, 160, 64)])
def test_folded_networks_equal_open_ones_at_odd_sizes(name: str, size: tuple[int, ...]) -> None:
    network = lived_in(CONFIGS[name])
    image = torch.randn(size)
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    with torch.inference_mode():
        difference = (network(image).sigmoid() - fold(network)(image).sigmoid()).abs().max()
    assert difference < MASK_TOLERANCE
    assert all(torch.equal(tensor, before[key]) for key, tensor in network.state_dict().items())


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 3), st.integers(1, 5), st.integers(1, 5), st.integers(1, 2), st.integers(0, 2**31))
def test_a_folded_chain_is_the_chain(stage: int, rows: int, columns: int, batch: int, seed: int) -> None:
    torch.manual_seed(seed)
    widths = (3, 4, 6, 5)
    chain, head = decoder_chain(widths, stage), nn.Conv2d(widths[0], 1, 1)
    features = torch.randn(batch, widths[stage], rows, columns)
    with torch.inference_mode():
        wanted = head(chain(features))
        found = FoldedDecoder([level for level in chain if isinstance(level, nn.ConvTranspose2d)], head)(features)
    assert found.shape == wanted.shape
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 9), st.integers(1, 5), st.integers(1, 12), st.integers(0, 2**31))
def test_a_gate_in_bands_is_the_gate(eights: int, columns: int, band: int, seed: int) -> None:
    torch.manual_seed(seed)
    gate = Gate(width=6, maps=3).eval()
    views = torch.randn(1, 9, 8 * eights, 8 * columns)
    with torch.inference_mode():
        wanted = gate(views)
        banded = FoldedGate(copy.deepcopy(gate), band_rows=band)(views)
    torch.testing.assert_close(banded, wanted, atol=1e-5, rtol=1e-5)
