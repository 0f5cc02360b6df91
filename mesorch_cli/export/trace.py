"""From a network to a traced program: one graph for every size and batch."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.export import Dim, ExportedProgram

from mesorch_cli.network.member import SIDE_MULTIPLE

MOST_TILES = (
    1024  # of a batch; MOST_STEPS: of 32 pixels along a side. These bound what the graph promises, not a runtime.
)
MOST_STEPS = 512
EXAMPLE = (
    2,
    4 * SIDE_MULTIPLE,
    6 * SIDE_MULTIPLE,
    3,
)  # all sides differ and none is 1, so that tracing cannot confuse them


@contextmanager
def quiet_tracing() -> Iterator[None]:
    """While inside, silence PyTorch's tracing warnings about its own internals."""
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
