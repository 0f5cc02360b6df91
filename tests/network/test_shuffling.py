"""A decoder as a convolution and a shuffle against the chain it stands for."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from mesorch_cli.network.decoding import FoldedDecoder
from mesorch_cli.network.mesorch import decoder_chain
from mesorch_cli.network.shuffling import ShuffledDecoder


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 3), st.integers(1, 5), st.integers(1, 5), st.integers(1, 2), st.integers(0, 2**31))
def test_a_shuffled_chain_is_the_chain(stage: int, rows: int, columns: int, batch: int, seed: int) -> None:
    torch.manual_seed(seed)
    widths = (3, 4, 6, 5)
    chain, head = decoder_chain(widths, stage), nn.Conv2d(widths[0], 1, 1)
    levels = [level for level in chain if isinstance(level, nn.ConvTranspose2d)]
    features = torch.randn(batch, widths[stage], rows, columns)
    with torch.inference_mode():
        wanted = head(chain(features))
        found = ShuffledDecoder(FoldedDecoder(levels, head))(features)
    assert found.shape == wanted.shape
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)
