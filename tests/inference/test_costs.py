"""What parts cost: they are disjoint, they add up, and the counts are those of the arithmetic."""

import pytest
import torch

from mesorch_cli.errors import UsageError
from mesorch_cli.inference.costs import REST, VIEWS, WHOLE, Cost, costs
from mesorch_cli.inference.operations import operations
from mesorch_cli.network.config import CNN_SCALES, CONFIGS, MESORCH_S
from mesorch_cli.network.families import family_of
from mesorch_cli.network.mesorch import Mesorch
from mesorch_cli.network.parts import parts_of

SIDE = 64


@pytest.fixture(scope="module")
def network() -> Mesorch:
    torch.manual_seed(0)
    return Mesorch(MESORCH_S).eval()


@pytest.fixture(scope="module")
def found(network: Mesorch) -> dict[str, Cost]:
    return {cost.part: cost for cost in costs("x", network, side=SIDE, rounds=2)}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=lambda config: config.name)
def test_every_module_with_values_is_in_one_part(config: object) -> None:
    with torch.device("meta"):
        network = Mesorch(config)  # type: ignore[arg-type]
    paths = [path for part in parts_of(network).values() for path in part]
    for name, _ in network.named_parameters():
        owners = [path for path in paths if name.startswith(f"{path}.")]
        assert len(owners) == 1, name


def test_parts_are_named_after_their_scales(found: dict[str, Cost]) -> None:
    for scale in MESORCH_S.scales:
        assert f"decoder {scale}" in found
        assert f"{'CNN' if scale in CNN_SCALES else 'Transformer'}, to {scale}" in found
    assert list(found)[-3:] == [VIEWS, REST, WHOLE]


def test_counts_add_up_to_the_whole_that_bench_counts(found: dict[str, Cost], network: Mesorch) -> None:
    parts = [cost for part, cost in found.items() if part != WHOLE]
    assert sum(cost.megamacs for cost in parts) == pytest.approx(found[WHOLE].megamacs)
    assert sum(cost.share for cost in parts) == pytest.approx(1)
    assert found[WHOLE].megamacs * 2e6 == pytest.approx(operations(network, SIDE))
    assert found[REST].megamacs == 0  # sums and resizes have no products
    assert all(cost.megamacs > 0 for part, cost in found.items() if part != REST)


def test_a_convolution_is_counted_as_it_is_computed(found: dict[str, Cost], network: Mesorch) -> None:
    stem = family_of(MESORCH_S).fold(network).cnn.stem  # type: ignore[union-attr]
    assert found["CNN, stem"].megamacs == pytest.approx(stem.weight.numel() * (SIDE / 2) ** 2 / 1e6)  # type: ignore[union-attr,operator]


def test_attention_is_counted() -> None:
    """Twice the side is four times the queries and keys: sixteen times the products of attention, four of the rest."""
    network = Mesorch(CONFIGS["mesorch-s"]).eval()
    small, large = (
        {cost.part: cost.megamacs for cost in costs("x", network, side=side, rounds=2)} for side in (64, 128)
    )
    assert large["CNN, to c4"] == pytest.approx(4 * small["CNN, to c4"])
    assert large["Transformer, to s1"] > 4.001 * small["Transformer, to s1"]


def test_time_is_spent_in_the_parts(found: dict[str, Cost]) -> None:
    for cost in found.values():
        assert cost.quartiles[0] <= cost.seconds <= cost.quartiles[1]
    assert found[WHOLE].time_share == 1
    assert found["CNN, to c4"].seconds > 0


def test_folding_itself_is_not_counted(network: Mesorch) -> None:
    """The inference form needs no more products than the open one, whose decoders are chains of convolutions."""
    open_form = Mesorch(MESORCH_S).eval()
    before = operations(network, SIDE)
    family_of(MESORCH_S).fold(open_form)
    assert operations(open_form, SIDE) == before
    assert operations(open_form, 2 * SIDE) < 5 * before


def test_hooks_do_not_stay(network: Mesorch) -> None:
    costs("x", network, side=SIDE, rounds=2)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


@pytest.mark.parametrize(("side", "rounds", "words"), [(60, 2, "multiple of 32"), (64, 1, "2 or more")])
def test_nonsense_is_refused(side: int, rounds: int, words: str, network: Mesorch) -> None:
    with pytest.raises(UsageError, match=words):
        costs("x", network, side=side, rounds=rounds)
