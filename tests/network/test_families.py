"""Every family of networks: its members come back from their passports, and its three forms give the same logits."""

import json

import numpy as np
import pytest
import torch

from mesorch_cli.errors import UsageError, WeightsError
from mesorch_cli.network.families import FAMILIES, MEMBERS, family_of, member_named
from mesorch_cli.network.member import SIDE_MULTIPLE
from mesorch_cli.network.normalise import normalise
from mesorch_cli.network.passport import Passport, parse_passport


def _text(name: str) -> str:
    return Passport(name="x", version="1", network=MEMBERS[name], licence="none").to_json()


@pytest.mark.parametrize("name", MEMBERS)
def test_a_member_comes_back_from_its_passport(name: str) -> None:
    found = parse_passport(_text(name), "x").network
    assert found == member_named(name)
    assert found.name == name
    assert name in family_of(found).members


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"family": "none-of-ours"}, "family 'none-of-ours': expected one of"),
        ({"colour": 1}, "'colour' is not a setting"),
        ({"gate_width": 0}, "gate_width 0"),
        ({"cnn": "another"}, "at network.cnn: .*'another'"),
    ],
)
def test_a_passport_of_no_family_is_refused_by_the_setting(changes: dict[str, object], words: str) -> None:
    values = json.loads(_text("mesorch-s"))
    with pytest.raises(WeightsError, match=words):
        parse_passport(json.dumps(values | {"network": values["network"] | changes}), "x")


@pytest.mark.parametrize("network", [7, None, [], "mesorch-s"])
def test_a_passport_needs_a_table_for_its_network(network: object) -> None:
    with pytest.raises(WeightsError, match="table of the network's settings"):
        parse_passport(json.dumps(json.loads(_text("mesorch-s")) | {"network": network}), "x")


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="'nothing'. Expected one of .*mesorch-s"):
        member_named("nothing")


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_the_forms_of_a_network_give_the_same_logits(family: object) -> None:
    torch.manual_seed(1)
    member = list(family.members.values())[-1]  # type: ignore[attr-defined]
    network = family_of(member).build(member).eval()
    tiles = np.random.default_rng(0).integers(0, 256, (2, 2 * SIDE_MULTIPLE, 3 * SIDE_MULTIPLE, 3), dtype=np.uint8)
    image = torch.from_numpy(normalise(tiles))
    with torch.inference_mode():
        logits = network(image)
        folded = family_of(member).fold(network)(image)
        traced = family_of(member).graph(network, "fp32")(torch.from_numpy(tiles))
    assert logits.shape == (2, 1, 2 * SIDE_MULTIPLE, 3 * SIDE_MULTIPLE)
    assert logits.dtype == traced.dtype == torch.float32
    spread = float(logits.max() - logits.min())
    assert spread > 0
    for other in (folded, traced):
        assert float((other - logits).abs().max()) < 1e-3 * max(spread, 1)
