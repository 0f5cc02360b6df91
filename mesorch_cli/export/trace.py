"""From a network to a traced program: every size and batch in one graph."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.export import Dim, ExportedProgram

from mesorch_cli.network.member import SIDE_MULTIPLE

MOST_TILES = (
    1024  # of a batch; MOST_STEPS: of 32 pixels along a side. Bounds of what the graph promises, not of a runtime.
)
MOST_STEPS = 512
EXAMPLE = (
    2,
    4 * SIDE_MULTIPLE,
    6 * SIDE_MULTIPLE,
    3,
)  # no two sides alike, none of them 1: tracing must not take one for another


@contextmanager
def quiet_tracing() -> Iterator[None]:
    """Keep PyTorch's own tracing from warning about its own insides while inside."""
    with warnings.catch_warnings():
        for category in (FutureWarning, DeprecationWarning, UserWarning):
            warnings.simplefilter("ignore", category)
        yield


def trace(graph: nn.Module) -> ExportedProgram:
    """Return the program of a graph: tiles (B, H, W, 3) uint8 to logits (B, 1, H, W), B, H and W free."""
    sides = {
        0: Dim("batch", min=1, max=MOST_TILES),
        1: SIDE_MULTIPLE * Dim("rows", min=1, max=MOST_STEPS),
        2: SIDE_MULTIPLE * Dim("columns", min=1, max=MOST_STEPS),
    }
    with quiet_tracing(), torch.inference_mode(False), torch.no_grad():
        return torch.export.export(
            graph, (torch.zeros(EXAMPLE, dtype=torch.uint8),), dynamic_shapes={"tiles": sides}, strict=False
        )
