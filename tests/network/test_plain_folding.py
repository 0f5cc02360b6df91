"""Folding without PyTorch against the folding of PyTorch."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from mesorch_cli.errors import WeightsError
from mesorch_cli.network.config import MESORCH_P, MESORCH_S, NetworkConfig
from mesorch_cli.network.graph import ImageGraph
from mesorch_cli.network.mesorch import Mesorch
from mesorch_cli.network.plain_folding import folded_tensors
from tests.network.test_folding import lived_in

RELATIVE = 1e-6  # of a tensor's largest value: PyTorch rounds to float32 between the steps
CONFIGS = {
    "trace stem": MESORCH_S,
    "fine stem": replace(MESORCH_S, trace_width=None, fine_width=16, transformer_shrink=1, gate_stride=2),
    "both stems": replace(MESORCH_S, fine_width=4),
    "no gate, few scales": replace(MESORCH_S, trace_width=None, gate_width=None, scales=("c1", "c3", "s2")),
}


def arrays(network: Mesorch) -> dict[str, NDArray[np.generic]]:
    return {name: tensor.numpy() for name, tensor in network.state_dict().items()}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_the_tensors_are_those_of_the_folded_network(config: NetworkConfig) -> None:
    network = lived_in(config)
    before = {name: values.copy() for name, values in arrays(network).items()}
    found, wanted = folded_tensors(arrays(network), config), ImageGraph(network).state_dict()
    assert found.keys() == wanted.keys()
    for name, tensor in wanted.items():
        assert found[name].dtype == np.float32
        assert found[name].shape == tensor.shape, name
        largest = np.abs(tensor.numpy()).max()
        assert np.abs(found[name] - tensor.numpy()).max() <= RELATIVE * largest, name
    assert all(np.array_equal(values, before[name]) for name, values in arrays(network).items())


def test_half_precision_is_folded_as_its_values_in_float32() -> None:
    half = {
        name: v.astype(np.float16) if v.dtype == np.float32 else v for name, v in arrays(lived_in(MESORCH_S)).items()
    }
    single = {name: v.astype(np.float32) if v.dtype == np.float16 else v for name, v in half.items()}
    found, wanted = folded_tensors(half, MESORCH_S), folded_tensors(single, MESORCH_S)
    assert all(np.array_equal(found[name], wanted[name]) for name in wanted)


def test_a_missing_tensor_is_named() -> None:
    tensors = arrays(lived_in(MESORCH_S))
    del tensors["gate.expand.weight"]
    with pytest.raises(WeightsError, match=r"do not have the tensor 'gate\.expand\.weight' of mesorch-s"):
        folded_tensors(tensors, MESORCH_S)


def test_another_cnn_is_refused() -> None:
    with pytest.raises(WeightsError, match="CNN convnext_tiny is folded by PyTorch only"):
        folded_tensors({}, MESORCH_P)


def test_it_needs_no_pytorch() -> None:
    program = (
        "import sys, mesorch_cli.network.plain_folding, mesorch_cli.network.tensors; print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
