"""Shapes, sizes and the three configurations."""

import pytest
import torch

from mesorch_cli.errors import ShapeError, UsageError
from mesorch_cli.network.config import CONFIGS, MESORCH_S, NetworkConfig
from mesorch_cli.network.mesorch import Mesorch


@pytest.fixture(scope="module")
def compact() -> Mesorch:
    torch.manual_seed(0)
    return Mesorch(MESORCH_S).eval()


def test_parameter_counts() -> None:
    counts = {name: sum(p.numel() for p in Mesorch(config).parameters()) for name, config in CONFIGS.items()}
    # The published 85,753,944 hold a classifier (1000 x 768 + 1000) with its norm (2 x 768), which is not built here.
    assert counts["mesorch"] == 85_753_944 - 769_000 - 1_536
    assert counts["mesorch-p"] == 62_235_365
    assert counts["mesorch-s"] <= 12_000_000


@pytest.mark.parametrize(("height", "width"), [(32, 32), (64, 160), (224, 96)])
def test_any_multiple_of_32_gives_logits_of_the_same_size(compact: Mesorch, height: int, width: int) -> None:
    with torch.inference_mode():
        logits = compact(torch.randn(2, 3, height, width))
    assert logits.shape == (2, 1, height, width)
    assert logits.dtype == torch.float32
    assert torch.isfinite(logits).all()


def test_other_sizes_name_the_padded_one(compact: Mesorch) -> None:
    with pytest.raises(ShapeError, match=r"512 x 333 .* pad to 512 x 352"):
        compact(torch.randn(1, 3, 512, 333))


def test_gate_weights_sum_to_one(compact: Mesorch) -> None:
    with torch.inference_mode():
        maps, weights = compact.maps(torch.randn(1, 3, 64, 64))
    assert weights is not None
    assert maps.shape == weights.shape == (1, 7, 16, 16)
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(1, 16, 16))


def test_images_of_a_batch_do_not_meet(compact: Mesorch) -> None:
    images = torch.randn(3, 3, 96, 64)
    with torch.inference_mode():
        together = compact(images)
        alone = torch.cat([compact(image[None]) for image in images])
    torch.testing.assert_close(together, alone, atol=1e-4, rtol=0)


def test_nonsense_configurations_are_refused() -> None:
    with pytest.raises(UsageError, match="c9"):
        NetworkConfig("x", "convnext_tiny", "mit_b3", ("c1", "c9"), gate_width=8)
    with pytest.raises(UsageError, match="gate_width 0"):
        NetworkConfig("x", "convnext_tiny", "mit_b3", ("c1",), gate_width=0)
    with pytest.raises(UsageError, match="fine_width 4"):
        Mesorch(NetworkConfig("x", "convnext_tiny", "mit_compact", ("c1",), gate_width=None, fine_width=4))
