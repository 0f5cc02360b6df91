"""Records of the first version: real ones are read whole, and broken ones are refused as records are."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from mesorch_cli.examination.record import Record
from mesorch_cli.report.record_1 import current

FOLDER = Path(__file__).parents[1] / "fixtures" / "record_1"
REAL = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
# What the fixtures were stripped of, because it differs from machine to machine.
STRIPPED = {"tool": {}, "argv": [], "timing": {"started_at": "2026-01-01T00:00:00+00:00", "read_s": 0, "analyse_s": 0}}


@pytest.mark.parametrize("name", REAL)
def test_a_real_record_is_the_same_but_for_the_keys_of_its_findings(name: str) -> None:
    old = REAL[name]
    before = copy.deepcopy(old)
    new = current(old)
    assert old == before
    assert new["schema"] == "mesorch.record/2"
    assert {key: value for key, value in new.items() if key not in ("schema", "result")} == {
        key: value for key, value in old.items() if key not in ("schema", "result")
    }
    findings = new["result"].pop("findings")
    assert new["result"] == {
        key: value for key, value in old["result"].items() if key not in ("copies", "quantisation")
    }
    told = [
        {"certainty": one["certainty"]}
        | one["measures"]
        | {place["role"]: {side: place[side] for side in ("x", "y", "width", "height")} for place in one["places"]}
        for one in findings
    ]
    said = old["result"]["quantisation"]
    assert told == [*([] if said is None else [said]), *old["result"]["copies"]]


@pytest.mark.parametrize("name", REAL)
def test_a_record_of_the_first_version_is_one_of_this_version(name: str) -> None:
    record = Record.model_validate_json(json.dumps(REAL[name] | STRIPPED))
    written = json.loads(record.to_line())
    assert current(written) == written
    assert written["result"]["findings"] == current(REAL[name])["result"]["findings"]


def test_the_places_of_a_finding_get_their_upright_frame() -> None:
    old = copy.deepcopy(REAL["removal"])
    old["decode"] |= {"width": 700, "height": 500, "orientation": 6}  # shown turned to the right
    place = current(old)["result"]["findings"][1]["places"][0]
    assert (place["x"], place["y"], place["width"], place["height"]) == (160, 401, 199, 72)
    assert place["upright"] == {"x": 500 - 401 - 72, "y": 160, "width": 72, "height": 199}


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("result", "copies"), 5),
        (("result", "copies"), [5]),
        (("result", "copies"), [{}]),
        (("result", "copies", 0, "part"), {"x": 1}),
        (("result", "copies", 0, "part", "x"), "left"),
        (("result", "copies", 0, "part", "x"), 0.5),
        (("result", "copies", 0, "certainty"), 2.0),
        (("result", "copies", 0, "scale"), "much"),
        (("result", "copies", 0, "scale"), float("inf")),
        (("result", "quantisation"), []),
        (("result", "quantisation"), {"certainty": None}),
        (("result",), None),
        (("decode", "orientation"), 9),
        (("decode",), 7),
    ],
)
def test_findings_that_are_none_are_refused_as_any_other_value_is(place: tuple[Any, ...], value: object) -> None:
    broken = copy.deepcopy(REAL["removal"]) | STRIPPED
    part: Any = broken
    for name in place[:-1]:
        part = part[name]
    part[place[-1]] = value
    with pytest.raises(ValidationError):
        Record.model_validate(broken)
