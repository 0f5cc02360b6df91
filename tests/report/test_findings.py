"""What the witnesses say: the same sentence on the terminal, on the page and in the PDF, whoever the witness is."""

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from mesorch_cli.cli.console import show_examination
from mesorch_cli.examination.record import Record
from mesorch_cli.examination.stages import Examination
from mesorch_cli.inference.screen_rule import LIKE_A_SCREEN
from mesorch_cli.inference.witnesses.registry import WITNESSES
from mesorch_cli.report import wording
from mesorch_cli.report.findings import tables_of
from mesorch_cli.report.for_your_report import sentences_of
from mesorch_cli.report.report import PdfRule, write_report
from tests.report import made

REAL = json.loads((Path(__file__).parents[1] / "fixtures" / "record_1" / "removal.json").read_text())
UNKNOWN: dict[str, Any] = {
    "witness": "shadows<b>",
    "certainty": 0.25,
    "places": [{"role": "shadow", "x": 1, "y": 2, "width": 3, "height": 4, "upright": None}],
    "measures": {"angle": 12.5, "lamps": 2},
}


def result_with(*more: dict[str, Any]) -> dict[str, Any]:
    """Return the result of a real photo that has a copy and was compressed twice, with further findings."""
    record = Record.model_validate(
        REAL | {"tool": {}, "argv": [], "timing": {"started_at": "", "read_s": 0, "analyse_s": 0}}
    )
    result = record.model_dump(mode="json")["result"]
    return result | {"findings": [*result["findings"], *more]}


def flat(text: str) -> str:
    return " ".join(text.split())


def test_terminal_page_and_pdf_say_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    values = made.record("x.jpg", 0.99, result=result_with(UNKNOWN), settings_sha256="5" * 64)
    write_report(tmp_path, made.FACTS, [made.entry("x.jpg", values)], pdf=PdfRule())
    page = (tmp_path / "photos" / "x.jpg" / "index.html").read_text()
    assert "<b>: " not in page
    read = flat(html.unescape(re.sub(r"<[^>]*>", " ", page)))
    pdf = flat(" ".join(page.extract_text() for page in PdfReader(tmp_path / "report.pdf").pages))
    monkeypatch.setenv("COLUMNS", "400")
    show_examination(Examination(Record.model_validate(values), None, None))
    terminal = flat(capsys.readouterr().err)
    box = flat(" ".join(sentences_of(values)))
    tables = tables_of(values["result"])
    assert [len(table.lines) for table in tables] == [1, 1, 1]
    for table in tables:
        for line in table.lines:
            for said in (read, pdf, terminal, box):
                assert line.sentence in said
        for said in (read, pdf):
            assert table.title in said
        for said in (read, pdf, box):
            assert table.explanation in said


def test_the_table_of_the_pdf_names_findings_of_photos_without_a_page(tmp_path: Path) -> None:
    values = made.record("x.jpg", 0.6, result=result_with(UNKNOWN) | {"verdict": "inconclusive"})
    write_report(tmp_path, made.FACTS, [made.entry("x.jpg", values)], pdf=PdfRule())
    pdf = flat(" ".join(page.extract_text() for page in PdfReader(tmp_path / "report.pdf").pages))
    assert "Left: the photo" not in pdf
    for word in ("inconclusive;", "found:", "compression,", "copy,", "shadows<b>"):  # a cell wraps
        assert word in pdf.split()


def test_the_numbers_of_a_real_finding_are_those_of_the_record() -> None:
    compression, copy = tables_of(result_with())
    assert (
        compression.lines[0].sentence == "6.2% of the photo was compressed once, the rest twice (14 of 14 frequencies)."
    )
    (line,) = copy.lines
    part, counterpart = REAL["result"]["copies"][0]["part"], REAL["result"]["copies"][0]["counterpart"]
    assert copy.roles == ("Part", "Counterpart")
    assert line.numbers[:8] == tuple(map(str, (*part.values(), *counterpart.values())))
    for number in (*part.values(), *counterpart.values(), "111 points", "1.00", "certainty of a copy is 0.998", "0.98"):
        assert str(number) in line.sentence
    measured = {
        name: str(value) for name, value in REAL["result"]["copies"][0].items() if "part" != name != "counterpart"
    }
    assert {
        head.lower().replace(" ", "_"): number for head, number in zip(copy.heads, line.numbers[8:], strict=True)
    } == measured


@given(
    st.sampled_from([*(witness.name for witness in WITNESSES), "another"]),
    st.dictionaries(
        st.sampled_from(["share", "frequencies", "scale", "matches", "turn_degrees", "part_pasted", "{}"]),
        st.integers() | st.just(10**400) | st.floats(allow_nan=False, allow_infinity=False),
    ),
    st.lists(st.sampled_from(["part", "counterpart", "{certainty}"]), max_size=3),
)
def test_findings_of_any_numbers_can_be_shown(witness: str, measures: dict[str, float], roles: list[str]) -> None:
    places = [{"role": role, "x": 1, "y": 2, "width": 3, "height": 4, "upright": None} for role in roles]
    finding = {"witness": witness, "certainty": 0.5, "places": places, "measures": measures}
    (table,) = tables_of({"findings": [finding]})
    (line,) = table.lines
    assert line.sentence
    assert len(line.numbers) == 4 * len(table.roles) + len(table.heads)
    assert line.numbers[4 * len(roles) :] == (*map(str, measures.values()), "0.5")


def test_several_findings_of_a_witness_are_numbered() -> None:
    copy = result_with()["findings"][1]
    (table,) = tables_of({"findings": [copy, copy, copy]})
    assert [line.name for line in table.lines] == ["copy 1", "copy 2", "copy 3"]


def test_the_score_is_explained_by_what_counts_in_it() -> None:
    result = result_with(UNKNOWN)
    assert "certainty of a copy, where that is larger" in wording.score_meaning(result, {})
    compression = result | {"findings": result["findings"][:1]}
    assert "where that is larger" not in wording.score_meaning(compression, {})


def test_it_is_said_if_the_score_was_taken_before_edges_were_moved() -> None:
    edges = {"long_side": 320, "radius": 4, "smoothness": 0.001}
    moved = wording.score_meaning(result_with(), {"edges": edges})
    assert "of pixels before its edges are moved" in moved
    assert "can differ from those behind the score" in moved
    assert "edges" not in wording.score_meaning(result_with(), {"edges": None})


@pytest.mark.parametrize("witness", WITNESSES, ids=lambda witness: witness.name)
def test_every_witness_has_words_for_people(witness: Any) -> None:
    words = witness.words
    assert words.title
    assert words.explanation.endswith(".")
    assert words.sentence.endswith(".")
    assert words.short == words.short.lower()


def test_the_terminal_says_why_a_screenshot_is_inconclusive(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    result = result_with() | {"verdict": "inconclusive", "flags": [LIKE_A_SCREEN]}
    values = made.record("shot.png", 0.99, result=result, settings_sha256="5" * 64)
    monkeypatch.setenv("COLUMNS", "400")
    show_examination(Examination(Record.model_validate(values), None, None))
    assert f"inconclusive: {LIKE_A_SCREEN}; these weights were not made for it" in flat(capsys.readouterr().err)
