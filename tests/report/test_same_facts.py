"""Page and document for print are drawn from one model: what one says of a case, the other says too."""

import html
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from pypdf import PdfReader

from mesorch_cli.errors import UsageError
from mesorch_cli.report import domain
from mesorch_cli.report.blocks import (
    Figures,
    Heading,
    Lines,
    Link,
    Measures,
    Pairs,
    Points,
    Quote,
    Said,
    Section,
    Table,
    Text,
)
from mesorch_cli.report.details import LONGEST, CaseDetails
from mesorch_cli.report.entry import Entry
from mesorch_cli.report.explained import explanation_of
from mesorch_cli.report.pages import page_of
from mesorch_cli.report.report import PdfRule, write_report
from mesorch_cli.report.triage import Triage
from tests.report import made, made_explanation
from tests.report.pages import SVG, all_of, check_page
from tests.report.test_findings import UNKNOWN, result_with

DETAILS = CaseDetails("<b>2026/17</b> & {{ 7 * 7 }}", "Police <script>", "A. \u202eExample")


def words_of(text: str) -> str:
    """Return text with neither blanks nor line ends: the two media break lines at other places."""
    return re.sub(r"\s+", "", text)


def read_page(path: Path) -> str:
    """Return the words between the tags of a page, read without the program's own templates."""
    text = re.sub(r"<(style|script)\b.*?</\1>", " ", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return words_of(html.unescape(re.sub(r"<[^>]*>", " ", text)))


def read_pdf(path: Path) -> tuple[str, list[str]]:
    """Return all words of a document, without the foot of its pages, and the feet."""
    pages = [page.extract_text() for page in PdfReader(path).pages]
    feet = re.compile(r"mesorch, triage report: .*\n?.*page \d+ of\s+\d+|page \d+ of\s+\d+")
    return words_of(" ".join(feet.sub(" ", page) for page in pages)), [
        found for page in pages for found in feet.findall(page)
    ]


def record_with_everything() -> dict[str, Any]:
    record = made.record("a/x.jpg", 0.99, result=result_with(UNKNOWN))
    record["metadata"]["notes"] = ["note: the software named is an editor ('x'); plain export names it too", "odd <i>"]
    record["decode"]["integrity"] = {"ok": True, "findings": ["two bytes too many"]}
    record["decode"]["fingerprint"] = "0" * 16
    record["analysis"] |= {"tiles": 7, "tiles_left_out": 4}
    record["declared"] = {
        "looked_at": ["XMP"],
        "statements": [{"kind": "generated", "where": "XMP <x>", "text": "midjourney & co", "signed": "no"}],
    }
    record["result"] |= {
        "flags": ["score and map disagree"],
        "rates": [
            {
                "set": "held-out",
                "verdicts": ["evidence of manipulation"],
                "truth": truth,
                "called": called,
                "photos": 250,
                "lowest": 0.01,
                "highest": 0.05,
            }
            for truth, called in (("authentic", 6), ("tampered", 170))
        ],
        "domain": [
            {
                "set": "held-out",
                "photos": 250,
                "outside": [
                    {"measure": "shorter side", "value": 400, "lowest": 500, "highest": 1024, "known": []},
                    {
                        "measure": "history",
                        "value": "as a camera wrote it",
                        "lowest": None,
                        "highest": None,
                        "known": ["<x>"],
                    },
                ],
            }
        ],
        "probability": 0.93,
        "likelihood_ratio": {"value": 14.2, "log10": 1.15, "lowest": 0.0167, "highest": 45.0},
        "calibration": {"fitted_on": "the lab's own", "authentic": 200, "tampered": 80},
    }
    return record


def entries(first: dict[str, Any] | None = None) -> list[Entry]:
    """Return three entries. first: the record of the first, if not the one with everything."""
    other = made.record("b/y.jpg", 0.2)
    other["decode"]["fingerprint"] = "0" * 16
    refused = made.record("c/z.jpg", None, "too small")
    return [
        made.entry("a/x.jpg", first or record_with_everything()),
        made.entry("b/y.jpg", other),
        made.entry("c/z.jpg", refused),
    ]


def make_case(case: Path, astronaut: Any, first: dict[str, Any] | None = None) -> Path:
    folder = case / "photos" / "a" / "x.jpg"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("preview.jpg", "preview_overlay.jpg"):
        (folder / name).write_bytes(cv2.imencode(".jpg", astronaut)[1].tobytes())
    write_report(case, made.FACTS, entries(first), pdf=PdfRule(), details=DETAILS)
    return case


@pytest.fixture
def case(tmp_path: Path, astronaut: Any) -> Path:
    return make_case(tmp_path, astronaut)


@pytest.fixture
def explained(tmp_path: Path, astronaut: Any) -> Path:
    """The same case with an explanation of the first photo."""
    case = tmp_path / "explained"
    return make_case(case, astronaut, made_explanation.explained(case, record_with_everything()))


def facts_of(section: Section) -> list[str]:
    """Return every text of a section."""
    facts = [section.title]
    for block in section.blocks:
        match block:
            case Text():
                facts.append(block.words)
            case Points():
                facts += [part for one in block.points for part in (one.lead, one.words, one.small)]
            case Pairs():
                facts += [block.title, *(part for row in block.rows for part in row)]
            case Measures():
                facts += [part for _, value, meaning in block.rows for part in (value, meaning)]
            case Quote():
                facts += block.paragraphs
            case Lines():
                facts += [block.title, *block.lines]
            case Table():
                # A cell or a head may take several lines, which stand between those of its neighbours.
                texts = [column.title for column in block.columns if not column.box]
                texts += [column.group for column in block.columns]
                for cell in (cell for row in block.rows for cell in row):
                    match cell:
                        case str():
                            texts.append(cell)
                        case Link():
                            texts.append(cell.words)
                        case Said():
                            texts += [cell.words, cell.small]
                facts += [word for text in texts for word in text.split()]
            case Figures():
                facts += [block.title, block.note]
                # Captions stand side by side, so that their lines alternate.
                facts += [word for one in block.figures for word in f"{one.lead} {one.caption}".split()]
            case _:
                assert isinstance(block, Heading)
                facts.append(block.words)
    return [fact for fact in facts if fact.strip()]


def sections_of(case: Path, first: dict[str, Any] | None = None) -> tuple[Section, ...]:
    with Triage(case, entries(first)) as triage:
        entry = next(triage.analysed())
        return page_of(entry, triage.like(entry), explanation_of(case, entry)).sections


def test_every_fact_of_a_photo_is_on_its_page_and_in_the_document(case: Path) -> None:
    page, (document, _) = read_page(case / "photos" / "a" / "x.jpg" / "index.html"), read_pdf(case / "report.pdf")
    facts = [fact for section in sections_of(case) for fact in facts_of(section)]
    assert len(facts) > 150
    for fact in facts:
        assert words_of(fact) in page, fact
        assert words_of(fact) in document, fact


def test_tiles_that_a_first_look_left_out_are_told(case: Path) -> None:
    page, (document, _) = read_page(case / "photos" / "a" / "x.jpg" / "index.html"), read_pdf(case / "report.pdf")
    words = words_of("7, overlap 0.25; 4 without detail left out after a first look")
    assert words in page
    assert words in document
    assert words_of("left out after") not in read_page(case / "photos" / "b" / "y.jpg" / "index.html")


def test_every_fact_and_picture_of_an_explanation_is_in_both(explained: Path) -> None:
    record = made_explanation.explained(explained, record_with_everything())
    (section,) = [one for one in sections_of(explained, record) if one.key == "explanation"]
    place = explained / "photos" / "a" / "x.jpg"
    page, (document, _) = read_page(place / "index.html"), read_pdf(explained / "report.pdf")
    facts = facts_of(section)
    assert len(facts) > 200
    for fact in facts:
        assert words_of(fact) in page, fact
        assert words_of(fact) in document, fact
    files = {one.file for block in section.blocks if isinstance(block, Figures) for one in block.figures} - {""}
    assert {*files} == {path.name for path in place.glob("*.png")}
    shown = all_of(check_page(place / "index.html", files=False), "img")
    assert files <= {picture.get("src") for picture in shown}
    drawn = [picture for one in PdfReader(explained / "report.pdf").pages for picture in one.images]
    assert len(drawn) == 1 + len(files)  # the one is photo and map, which are the same here
    colours = {tuple(np.asarray(one.image)[4, 4].tolist()) for one in drawn if one.image is not None}
    assert len(colours) > len(files)  # each is another picture


def test_what_an_explanation_tells_is_the_same_in_both(explained: Path) -> None:
    page = read_page(explained / "photos" / "a" / "x.jpg" / "index.html")
    document = read_pdf(explained / "report.pdf")[0]
    for fact in (
        *(
            "What the network saw, and what stays",
            "Survives",
            "2 of 3",
            "Grid moved: not made. One tile covers the photo.",
        ),
        *("the CNN has 43%, the Transformer has 57% of them", "red raises by up to 7.3", "s4 (+1.4)", "not made"),
        *("Stripes along one axis come from the split", "What this cannot show"),
    ):
        assert words_of(fact) in page, fact
        # In the document, captions and cells stand side by side.
        assert all(word in document for word in fact.split()), fact


def test_an_explanation_changes_nothing_elsewhere(case: Path, explained: Path) -> None:
    for name in ("photos/b/y.jpg/index.html", "photos/c/z.jpg/index.html", "index.html"):
        assert (case / name).read_bytes() == (explained / name).read_bytes()


@pytest.mark.parametrize(
    "fact",
    [
        *("Parts of the photo that match each other", "111 points agree", "compressed once, the rest twice", "angle"),
        *(
            "the software named is an editor",
            "odd <i>",
            "midjourney & co",
            "two bytes too many",
            "14.2 times as probable",
        ),
        *(
            "200 photos without manipulation, 80 with",
            "6 of 250 authentic photos",
            "its shorter side is 400 pixels (held-out: 500 to 1,024)",
            "its file looks as a camera wrote it (held-out: <x>)",
            "score and map disagree",
            "b/y.jpg",
            "Quantisation table 0",
        ),
        *("mesorch rerun photos/a/x.jpg/record.json", "thumbnail_map.jpg", "not examined"),
    ],
)
def test_what_an_examiner_needs_is_in_both(case: Path, fact: str) -> None:
    assert words_of(fact) in read_page(case / "photos" / "a" / "x.jpg" / "index.html")
    assert words_of(fact) in read_pdf(case / "report.pdf")[0]


def test_overview_and_document_count_alike(case: Path) -> None:
    page, (document, _) = read_page(case / "index.html"), read_pdf(case / "report.pdf")
    for fact in (
        *(made.FACTS["evidence"], made.FACTS["settings_sha256"], "2026-01-02T03:04:05.000+00:00", "not a photo"),
        *("looks like 1 other (group 1)", "editor named", "declared: generated by AI", "too small"),
        "A verdict is the tool's reading of a score.",
    ):
        assert words_of(fact) in page, fact
        assert words_of(fact) in document, fact
    assert words_of(domain.OUTSIDE) in page  # in the document it stands in several lines of a cell


def test_the_lab_s_own_words_are_text_on_every_page(case: Path) -> None:
    document, feet = read_pdf(case / "report.pdf")
    shown = [words_of(text) for text in (DETAILS.case_number or "", DETAILS.agency or "", "A. \\u202eExample")]
    for path in (case / "index.html", case / "photos" / "a" / "x.jpg" / "index.html"):
        check_page(path, files=False)
        assert all(text in read_page(path) for text in shown)
    assert all(text in document for text in shown)
    assert len(feet) == len(PdfReader(case / "report.pdf").pages)
    assert all("<b>2026/17</b> & {{ 7 * 7 }}" in foot for foot in feet)


def test_parts_that_match_are_joined_by_a_line(case: Path) -> None:
    page = check_page(case / "photos" / "a" / "x.jpg" / "index.html", files=False)
    copy = next(finding for finding in result_with()["findings"] if finding["witness"] == "copies")
    middles = [(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2) for place in copy["places"]]
    lines = [path.get("d", "") for path in page.iter(SVG + "path") if path.get("class") == "over"]
    assert len(lines) == 3  # over the photo, over the map, and upright
    for line in lines:
        assert [float(value) for value in re.findall(r"[\d.]+", line)] == [
            value for middle in middles for value in middle
        ]
    frames = [tuple(place[side] for side in ("x", "y", "width", "height")) for place in copy["places"]]
    drawn = [
        tuple(int(rect.get(side, "")) for side in ("x", "y", "width", "height"))
        for rect in page.iter(SVG + "rect")
        if rect.get("class") == "over"
    ]
    assert all(drawn.count(frame) == 3 for frame in frames)


@pytest.mark.parametrize("name", ["case", "explained"])
def test_pages_are_numbered_dated_and_filled(name: str, request: pytest.FixtureRequest) -> None:
    document = PdfReader(request.getfixturevalue(name) / "report.pdf")
    count = len(document.pages)
    assert count >= 3
    for number, page in enumerate(document.pages, start=1):
        text = " ".join(page.extract_text().split())
        assert re.search(rf"page {number} of ?{count}\b", text), text[-80:]
        if number < count:
            assert len(text) > 700 or page.images, f"page {number} is nearly empty"
    assert document.metadata is not None
    assert str(document.metadata["/CreationDate"]) == "D:20260102030405Z"


def test_details_are_refused_where_they_say_nothing_or_too_much() -> None:
    for text in ("", "  ", "x" * (LONGEST + 1)):
        with pytest.raises(UsageError, match="--case-number"):
            CaseDetails(case_number=text)
    assert CaseDetails().rows == ()
