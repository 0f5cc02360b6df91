"""How many operations a network needs: multiplications and additions of convolutions, matrix products and attention."""

from collections.abc import Sequence

import torch
from torch.utils.flop_counter import FlopCounterMode

from mesorch_cli.network.families import family_of
from mesorch_cli.network.localiser import Localiser

Shape = Sequence[int]


def _attention(query: Shape, key: Shape, value: Shape, *_: object, **__: object) -> int:
    """Return the operations of attention: queries by keys, then weights by values. Shapes: batch, heads, tokens, width."""
    batch, heads, queries, width = query
    return 2 * batch * heads * queries * key[2] * (width + value[3])


def counter() -> FlopCounterMode:
    """Return PyTorch's counter, which also counts attention on a CPU; PyTorch's own leaves that out."""
    return FlopCounterMode(
        display=False, custom_mapping={torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _attention}
    )


def operations(network: Localiser, side: int) -> float:
    """Return operations of the inference form for one side x side tile (multiplications and additions of products)."""
    folded = family_of(network.config).fold(network)  # before counting starts: folding is made of products, too
    counted = counter()
    with torch.inference_mode(), counted:
        folded(torch.zeros(1, 3, side, side))
    return float(counted.get_total_flops())
