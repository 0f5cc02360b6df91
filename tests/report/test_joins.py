"""What is drawn of findings: exact shapes where a record has them, boxes and a line where it has none."""

from typing import Any

import pytest
from pydantic import ValidationError

from mesorch_cli.evidence.orientation import Box
from mesorch_cli.examination.parts import result_part
from mesorch_cli.examination.record_result import FindingPart
from mesorch_cli.inference.detection import Detection
from mesorch_cli.inference.scoring import Verdict
from mesorch_cli.inference.witnesses.finding import Finding
from mesorch_cli.inference.witnesses.geometry import Geometry
from mesorch_cli.report.joins import joins_in, joins_of, legend_of
from tests.inference.networks import settings

PLACES = (("lamp", Box(10, 20, 30, 40)), ("shadow", Box(100, 200, 50, 60)))
GEOMETRY = Geometry(
    outlines=(("lamp", ((10, 20), (40, 20), (25, 60))), ("shadow", ((100, 200), (150, 200), (150, 260), (100, 260)))),
    links=(((20.5, 30.0), (120.0, 220.5)),),
    tolerance=1.5,
)


def recorded(*findings: Finding) -> dict[str, Any]:
    """Return findings as a record has them, after JSON."""
    detection = Detection(Verdict.INCONCLUSIVE, findings=findings)
    return result_part(detection, settings()).model_dump(mode="json")


def test_any_witness_may_have_a_geometry_and_a_record_keeps_it() -> None:
    finding = Finding("lamps", 0.5, PLACES, {"angle": 3.0}, GEOMETRY)
    (join,) = joins_of([finding])
    assert join.outlines == tuple(corners for _, corners in GEOMETRY.outlines)
    assert join.links == GEOMETRY.links
    assert (join.boxes, join.middles) == ((), ())
    assert joins_in(recorded(finding)) == (join,)
    assert legend_of([join]) == "findings of lamps; thin lines: points that belong together"


def test_without_geometry_there_are_boxes_and_the_middles_of_a_line() -> None:
    finding = Finding("copies", 0.5, PLACES, {})
    (join,) = joins_in(recorded(finding))
    assert join.boxes == tuple(box for _, box in PLACES)
    assert join.middles == ((25.0, 40.0), (125.0, 230.0))
    assert (join.outlines, join.links) == ((), ())
    older = recorded(finding)
    del older["findings"][0]["geometry"]
    assert joins_in(older) == (join,)
    assert legend_of([join]) == "parts that match each other"


def test_a_place_without_an_outline_keeps_its_box() -> None:
    partly = Geometry(GEOMETRY.outlines[:1], (), 1.5)
    (join,) = joins_of([Finding("lamps", 0.5, PLACES, {}, partly)])
    assert join.boxes == (PLACES[1][1],)
    assert len(join.middles) == 2
    (alone,) = joins_of([Finding("lamps", 0.5, PLACES[:1], {}, partly)])
    assert len(alone.outlines) == 1
    assert joins_of([Finding("lamps", 0.5, PLACES[:1], {}), Finding("lamps", 0.5, (), {})]) == ()


@pytest.mark.parametrize(
    "change",
    [
        {"outlines": [{"role": "lamp", "corners": [1, 2, 3, 4]}]},
        {"outlines": [{"role": "lamp", "corners": [1, 2, 3, 4, 5, 6, 7]}]},
        {"outlines": [{"role": "lamp", "corners": [1, 2, 3, 4, 5, 6.5]}]},
        {"outlines": [{"role": "lamp", "corners": [1, 2, 3, 4, 5, "<b>"]}]},
        {"outlines": [{"corners": [1, 2, 3, 4, 5, 6]}]},
        {"links": [[1.0, 2.0, 3.0]]},
        {"links": [[1.0, 2.0, 3.0, float("inf")]]},
        {"tolerance": -1.0},
        {"tolerance": float("nan")},
        {"more": 1},
    ],
)
def test_a_geometry_that_is_none_is_refused(change: dict[str, Any]) -> None:
    (values,) = recorded(Finding("lamps", 0.5, PLACES, {}, GEOMETRY))["findings"]
    assert FindingPart.model_validate(values).geometry is not None
    with pytest.raises(ValidationError):
        FindingPart.model_validate(values | {"geometry": values["geometry"] | change})
