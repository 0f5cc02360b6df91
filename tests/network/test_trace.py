"""The trace stem: blind to things, in grey levels, and loud enough to be heard from the start."""

import numpy as np
import pytest
import torch
from skimage import data

from mesorch_cli.errors import UsageError
from mesorch_cli.network import frequency
from mesorch_cli.network.config import MESORCH_S, NetworkConfig
from mesorch_cli.network.lite import EfficientNetLiteStages, high_pass_filters
from mesorch_cli.network.mesorch import Mesorch
from mesorch_cli.network.normalise import normalise


def tensor(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(normalise(np.ascontiguousarray(pixels)))[None]


def residuals(pixels: np.ndarray) -> torch.Tensor:
    """Return what the filters leave of (H, W, 3) pixels away from the borders, (8, H - 4, W - 4)."""
    return torch.nn.functional.conv2d(tensor(pixels), high_pass_filters())[0]


def test_even_areas_and_slopes_leave_nothing() -> None:
    ramp = np.add.outer(2 * np.arange(32), np.arange(40))[..., None] + np.array([0, 20, 40])
    assert residuals(ramp.astype(np.uint8)).abs().max() < 1e-3


def test_residuals_count_in_grey_levels() -> None:
    pixels = np.full((9, 9, 3), 100, np.uint8)
    pixels[4, 4] += 1
    # At the pixel itself: the centre of every kernel of brightness over its divisor; colours cancel out.
    centre = residuals(pixels)[:, 2, 2]
    torch.testing.assert_close(centre, torch.tensor([-1.0, -1, -1, -1, -1, -1, 0, 0]), atol=1e-4, rtol=0)


def test_the_trace_is_more_than_a_twentieth_of_what_the_cnn_begins_with() -> None:
    torch.manual_seed(0)
    cnn = Mesorch(MESORCH_S).train().cnn
    assert isinstance(cnn, EfficientNetLiteStages)
    assert cnn.trace is not None
    image = torch.cat([tensor(getattr(data, name)()[:256, :256]) for name in ("astronaut", "coffee", "chelsea")])
    high, _ = frequency.split(image)
    with torch.no_grad():
        ordinary = cnn.stem_norm(cnn.stem(torch.cat([image, high], dim=1)))
        trace = cnn.trace(image)
    assert trace.std() / (trace + ordinary).std() > 0.05


def test_the_filters_are_there_without_memory_for_tensors_and_are_not_trained() -> None:
    with torch.device("meta"):
        cnn = EfficientNetLiteStages(6, trace_width=4)
    assert cnn.trace is not None
    assert cnn.trace.filters.device.type == "cpu"
    assert "trace.filters" not in cnn.state_dict()
    assert not any(parameter is cnn.trace.filters for parameter in cnn.parameters())


def test_branches_come_beside_the_fused_map() -> None:
    torch.manual_seed(0)
    network = Mesorch(MESORCH_S).eval()
    image = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        three, one = network(image, branches=True), network(image)
        maps, _ = network.maps(image)
    assert three.shape == (1, 3, 64, 96)
    torch.testing.assert_close(three[:, :1], one)
    # With a gate, whose weights sum to 1, a branch alone is the mean of its maps.
    corner = three[0, 1:, 0, 0]  # with align_corners, the corners are those of the maps
    torch.testing.assert_close(corner, torch.stack([maps[0, :4, 0, 0].mean(), maps[0, 4:, 0, 0].mean()]))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"scales": ("c1", "s4"), "transformer_shrink": 2}, "no s4"),
        ({"transformer_shrink": 3}, "transformer_shrink 3"),
        ({"gate_stride": 1}, "gate_stride 1"),
        ({"trace_width": 0}, "trace_width 0"),
    ],
)
def test_nonsense_is_refused(changes: dict[str, object], said: str) -> None:
    values: dict[str, object] = {"scales": ("c1",), "gate_width": None} | changes
    with pytest.raises(UsageError, match=said):
        NetworkConfig("x", "efficientnet_lite0", "mit_compact", **values)  # type: ignore[arg-type]
