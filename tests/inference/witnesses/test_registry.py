"""Every witness has a rule in the passport, a setting and an option, all by its name, and asks for what there is."""

from dataclasses import fields

import numpy as np
import pytest

from mesorch_cli.inference.settings import Overrides, Settings
from mesorch_cli.inference.witnesses.finding import Finding
from mesorch_cli.inference.witnesses.registry import WITNESSES, counted, witness_named
from mesorch_cli.inference.witnesses.witness import AnyWitness, Material
from mesorch_cli.network.rules import InferenceRule, WitnessRule


@pytest.mark.parametrize("witness", WITNESSES, ids=lambda witness: witness.name)
def test_a_witness_has_its_rule_its_setting_and_its_option(witness: AnyWitness) -> None:
    assert witness_named(witness.name) is witness
    assert witness.name in InferenceRule.model_fields
    assert witness.name in {one.name for one in fields(Settings)}
    assert witness.name in {one.name for one in fields(Overrides)}
    assert set(witness.needs) <= {one.name for one in fields(Material)}


def test_every_rule_of_a_passport_has_its_witness() -> None:
    ruled = {name for name, field in InferenceRule.model_fields.items() if WitnessRule in _bases(field.annotation)}
    assert ruled == {witness.name for witness in WITNESSES}


def _bases(annotation: object) -> set[type]:
    kinds = getattr(annotation, "__args__", ())
    return {base for kind in kinds if isinstance(kind, type) for base in kind.__mro__}


def test_a_witness_looks_only_where_it_has_what_it_needs() -> None:
    pixels = Material(np.zeros((8, 8, 3), np.uint8), None)
    looking = {witness.name for witness in WITNESSES if witness.can_look(pixels)}
    assert "copies" in looking
    assert "quantisation" not in looking


def test_the_score_counts_the_certainty_of_copies_alone() -> None:
    findings = [
        Finding(name, certainty, (), {}) for name, certainty in (("copies", 0.7), ("quantisation", 0.9), ("?", 1))
    ]
    assert counted(findings) == [0.7]
