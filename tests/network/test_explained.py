"""What a network gives beside its logits: the same logits, and parts whose sum they are."""

from dataclasses import replace

import pytest
import torch

from mesorch_cli.errors import UsageError
from mesorch_cli.network.config import MESORCH_S, NetworkConfig
from mesorch_cli.network.folding import fold
from mesorch_cli.network.frequency import split
from mesorch_cli.network.localiser import Localiser
from mesorch_cli.network.mesorch import Mesorch

CONFIGS = [MESORCH_S, replace(MESORCH_S, name="plain", gate_width=None)]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.name)
@pytest.mark.parametrize("folded", [False, True])
def test_logits_are_those_of_forward_and_the_sum_of_the_products(config: NetworkConfig, folded: bool) -> None:
    torch.manual_seed(1)
    network = Mesorch(config).eval()
    network = fold(network) if folded else network
    image = torch.randn(2, 3, 64, 96)
    with torch.inference_mode():
        found, logits = network.explained(image), network(image)
    count = len(config.scales)
    assert found.shape == (2, 1 + 3 * count + 6, 64, 96)
    assert torch.equal(found[:, :1], logits)
    maps, weights, products = (found[:, 1 + part * count : 1 + (part + 1) * count] for part in range(3))
    torch.testing.assert_close(products.sum(dim=1, keepdim=True), logits, atol=1e-5, rtol=1e-5)
    if config.gate_width is None:
        torch.testing.assert_close(weights, torch.ones_like(weights))
        assert torch.equal(products, maps)
    else:
        torch.testing.assert_close(weights.sum(dim=1), torch.ones(2, 64, 96))
    assert torch.equal(found[:, -6:], torch.cat(split(image), dim=1))


def test_a_network_without_parts_says_so() -> None:
    class Other(Localiser):
        config = MESORCH_S

        def forward(self, image: torch.Tensor, branches: bool = False) -> torch.Tensor:  # noqa: ARG002
            return image[:, :1]

    with pytest.raises(UsageError, match="map per scale"):
        Other().explained(torch.zeros(1, 3, 32, 32))
