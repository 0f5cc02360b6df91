"""What is traced, before it is traced: the same logits as the network, from bytes."""

import numpy as np
import pytest
import torch

from mesorch_cli.inference.backends.eager import TorchBackend
from mesorch_cli.network import frequency
from mesorch_cli.network.config import CONFIGS, MESORCH_S
from mesorch_cli.network.graph import TileGraph, dct_rows
from mesorch_cli.network.normalise import normalise
from tests.network.test_folding import lived_in


@pytest.mark.parametrize("size", [32, 64, 96, 160, 512, 1024, 4096])
def test_the_rows_of_the_dct_are_those_of_the_network(size: int) -> None:
    """Where 5 % of a side is a whole number of rows (160) and where it is not; angles that float32 would lose (4096)."""
    rows = (size + 19) // 20
    found = dct_rows(rows, size, torch.device("cpu"))
    torch.testing.assert_close(found, frequency.dct_rows(rows, size, torch.device("cpu")), atol=1e-7, rtol=0)


@pytest.mark.parametrize("side", range(32, 9000, 32))
def test_the_shares_of_a_side_are_the_published_ones(side: int) -> None:
    assert side // frequency.SHARE == int(0.05 * side)
    assert (side + frequency.SHARE - 1) // frequency.SHARE == side - int(0.95 * side)


@pytest.mark.parametrize("name", CONFIGS)
def test_the_graph_equals_the_network_and_leaves_it_alone(name: str) -> None:
    network = lived_in(CONFIGS[name])
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    graph = TileGraph(network)
    for shape in ((1, 32, 32, 3), (2, 32, 96, 3)):
        tiles = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
        with torch.inference_mode():
            wanted = network(torch.from_numpy(normalise(tiles)))
            found = graph(torch.from_numpy(tiles))
        torch.testing.assert_close(found.sigmoid(), wanted.sigmoid(), atol=1e-5, rtol=0)
    assert all(torch.equal(tensor, before[key]) for key, tensor in network.state_dict().items())


def test_half_precision_keeps_views_and_sum_in_float32() -> None:
    network = lived_in(MESORCH_S)
    graph = TileGraph(network, "fp16")
    assert {parameter.dtype for parameter in graph.parameters()} == {torch.float16}
    seen: dict[str, torch.dtype] = {}
    for stage in graph.transformer.modules():
        if type(stage).__name__ == "WrittenAttention":
            original = stage.gathered
            stage.gathered = lambda query, key, value, original=original: (
                seen.setdefault("query", query.dtype) and original(query, key, value)
            )
    tiles = np.random.default_rng(1).integers(0, 256, (1, 64, 64, 3), dtype=np.uint8)
    with torch.inference_mode():
        logits = graph(torch.from_numpy(tiles)).numpy()
    assert seen == {"query": torch.float16}
    assert logits.dtype == np.float32
    wanted = TorchBackend(network, "cpu")(tiles)
    assert 0 < np.abs(logits - wanted).max() < 0.1
