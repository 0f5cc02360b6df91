"""What `benchmarks/parts_worth.py` silences is silent, and the rest of the network is as it was."""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
import torch

from mesorch_cli.network.config import CNN_SCALES, MESORCH_P, MESORCH_S, TRANSFORMER_SCALES, NetworkConfig
from mesorch_cli.network.mesorch import Mesorch


def load() -> ModuleType:
    path = Path(__file__).parents[1] / "benchmarks" / "parts_worth.py"
    spec = importlib.util.spec_from_file_location("parts_worth", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["parts_worth"] = module
    spec.loader.exec_module(module)
    return module


worth = load()
IMAGE = torch.randn(1, 3, 64, 96, generator=torch.Generator().manual_seed(1))


def network_of(config: NetworkConfig) -> Mesorch:
    torch.manual_seed(2)
    network = Mesorch(config).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            assert module.bias is not None
            module.bias.data.normal_()
    return network


def without(network: Mesorch, part: str) -> Mesorch:
    changed = Mesorch(network.config).eval()
    changed.load_state_dict(worth.silenced(network.config, network.state_dict(), part))
    return changed


@pytest.mark.parametrize(
    ("part", "silent"),
    [("c1+c2", ("c1", "c2")), ("c3+c4", ("c3", "c4")), ("transformer", TRANSFORMER_SCALES), ("cnn", CNN_SCALES)],
)
def test_the_gate_is_shared_out_among_the_scales_that_remain(part: str, silent: tuple[str, ...]) -> None:
    network = network_of(MESORCH_S)
    with torch.inference_mode():
        maps, weights = network.maps(IMAGE)
        assert weights is not None
        kept = [scale not in silent for scale in MESORCH_S.scales]
        expected = (maps * weights)[:, kept].sum(1, keepdim=True) / weights[:, kept].sum(1, keepdim=True)
        found = without(network, part)
        torch.testing.assert_close(found.fused(IMAGE), expected, atol=1e-5, rtol=1e-4)
        gate = found.maps(IMAGE)[1]
    assert gate is not None
    assert (gate[:, [not one for one in kept]] == 0).all()


@pytest.mark.parametrize(
    "config",
    [MESORCH_S, replace(MESORCH_S, trace_width=None, fine_width=16)],
    ids=["trace", "fine"],
)
def test_a_silenced_stem_leaves_the_cnn_s_own(config: NetworkConfig) -> None:
    network = network_of(config)
    if network.cnn.fine is not None:
        torch.nn.init.normal_(network.cnn.fine.project.weight)  # type: ignore[union-attr,arg-type]
    found = without(network, "stem")
    six = torch.cat([IMAGE, IMAGE], dim=1)
    with torch.inference_mode():
        before, after = network.cnn(six), found.cnn(six)
        found.cnn.fine = found.cnn.trace = None  # type: ignore[assignment]
        alone = found.cnn(six)
    torch.testing.assert_close(after, alone)
    assert not torch.equal(before[0], after[0])


def test_an_even_gate_weighs_every_map_the_same() -> None:
    with torch.inference_mode():
        gate = without(network_of(MESORCH_S), "gate").maps(IMAGE)[1]
    assert gate is not None
    torch.testing.assert_close(gate, torch.full_like(gate, 1 / len(MESORCH_S.scales)))


def test_what_can_be_spared_is_silenced_together() -> None:
    network = network_of(MESORCH_S)
    found = without(network, "spare")
    with torch.inference_mode():
        gate = found.maps(IMAGE)[1]
        six = torch.cat([IMAGE, IMAGE], dim=1)
        after = found.cnn(six)
        found.cnn.trace = None  # type: ignore[assignment]
        torch.testing.assert_close(after, found.cnn(six))
    assert gate is not None
    expected = torch.tensor([1 / len(CNN_SCALES) if scale in CNN_SCALES else 0.0 for scale in MESORCH_S.scales])
    torch.testing.assert_close(gate, expected[None, :, None, None].expand_as(gate))


@pytest.mark.parametrize(
    ("config", "part", "words"),
    [
        (MESORCH_P, "c1+c2", "no gate"),
        (MESORCH_P, "stem", "no stem"),
        (replace(MESORCH_S, scales=CNN_SCALES), "transformer", "all or none"),
        (replace(MESORCH_S, scales=CNN_SCALES), "cnn", "all or none"),
    ],
)
def test_a_part_that_is_not_there_is_named(config: NetworkConfig, part: str, words: str) -> None:
    with pytest.raises(SystemExit, match=words):
        worth.silenced(config, {}, part)
