"""Tensors read without PyTorch: the same checks as with it."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mesorch_cli.errors import WeightsError
from mesorch_cli.network.contents import Contents, read_contents
from mesorch_cli.network.header import passport_of
from mesorch_cli.network.tensors import digest_of, read_tensors
from mesorch_cli.network.weights import read_file, tensors_digest


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64, torch.int64, torch.uint8])
def test_the_digest_is_that_of_pytorch(dtype: torch.dtype) -> None:
    tensors = {
        "b": torch.arange(6).reshape(2, 3).to(dtype),
        "a": torch.tensor(3).to(dtype),
        "c": torch.zeros(0).to(dtype),
    }
    assert digest_of({name: tensor.numpy() for name, tensor in tensors.items()}) == tensors_digest(tensors)


def test_the_tensors_are_those_that_pytorch_reads(tiny_weights: Path) -> None:
    contents = read_contents(tiny_weights)
    found, (_, wanted, _) = read_tensors(contents, passport_of(contents)), read_file(contents)
    assert found.keys() == wanted.keys()
    assert all(np.array_equal(found[name], tensor.numpy()) for name, tensor in wanted.items())


def test_one_flipped_bit_is_noticed(tiny_weights: Path) -> None:
    contents = read_contents(tiny_weights)
    data = bytearray(contents.data)
    data[-1] ^= 1
    with pytest.raises(WeightsError, match="The file was changed or damaged"):
        read_tensors(Contents(tiny_weights, bytes(data), contents.sha256), passport_of(contents))


def test_a_file_that_ends_early_is_refused(tiny_weights: Path) -> None:
    contents = read_contents(tiny_weights)
    with pytest.raises(WeightsError, match="Cannot read .* as safetensors"):
        read_tensors(Contents(tiny_weights, contents.data[:-9], contents.sha256), passport_of(contents))
