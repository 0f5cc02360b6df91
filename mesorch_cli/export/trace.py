"""From a network to a traced program: one graph for every size and batch."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
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
    return _traced(graph, "tiles", torch.zeros(EXAMPLE, dtype=torch.uint8), rows=1)


def trace_image(graph: nn.Module) -> ExportedProgram:
    """Return the program of a graph: normalised images (B, 3, H, W) float32 to logits (B, 1, H, W), B, H and W free."""
    return _traced(graph, "image", torch.zeros(EXAMPLE).permute(0, 3, 1, 2).contiguous(), rows=2)


def _traced(graph: nn.Module, name: str, example: Tensor, rows: int) -> ExportedProgram:
    """Trace with an example input. name: of the input. rows: the axis of its rows, before that of its columns."""
    sides = {
        0: Dim("batch", min=1, max=MOST_TILES),
        rows: SIDE_MULTIPLE * Dim("rows", min=1, max=MOST_STEPS),
        rows + 1: SIDE_MULTIPLE * Dim("columns", min=1, max=MOST_STEPS),
    }
    with quiet_tracing(), torch.inference_mode(False), torch.no_grad():
        return torch.export.export(graph, (example,), dynamic_shapes={name: sides}, strict=False)
