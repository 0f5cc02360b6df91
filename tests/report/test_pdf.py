"""The document for print: read back by a library that did not write it."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import cv2
import pytest
from pypdf import PdfReader

from mesorch_cli.errors import UsageError
from mesorch_cli.report.report import PdfRule, write_report
from tests.evidence.isolation.test_isolation import grey_bomb
from tests.report import made, made_explanation
from tests.security.dying import deadly

__all__ = ["deadly"]


def pdf(case: Path, entries: Any, rule: PdfRule | None = None, **facts: Any) -> PdfReader:
    case.mkdir(exist_ok=True)
    write_report(case, made.FACTS | facts, entries, pdf=rule or PdfRule())
    return PdfReader(case / "report.pdf")


def text_of(document: PdfReader) -> str:
    return " ".join(" ".join(page.extract_text() for page in document.pages).split())


def test_a_real_case(real_case: Path) -> None:
    document = PdfReader(real_case / "report.pdf")
    text = text_of(document)
    assert "11 = 7 analysed + 2 not analysed + 2 failed" in text
    for word in (
        "a/splice.jpg",
        "damaged.jpg",
        "not an image",
        "c/<img src=x onerror=document.title='taken'>.jpg",
        "\\u202egpj",
    ):
        assert word in text
    pages = [page for page in document.pages if page.images]
    assert len(pages) == text.count("Left: the photo, as stored.") >= 2
    assert [len(page.images) for page in pages] == [2] * len(pages)
    shown = pages[0].images[0].image
    assert shown is not None
    records = [json.loads(line) for line in (real_case / "results.jsonl").read_text().splitlines()]
    found = [one for one in records if (one["result"] or {}).get("verdict") == "evidence of manipulation"]
    first = max(found, key=lambda one: float(one["result"]["score"]))
    assert shown.size == (first["decode"]["width"], first["decode"]["height"])


def test_the_same_case_gives_the_same_bytes(tmp_path: Path) -> None:
    made_entries = list(made.entries(120))
    pdf(tmp_path / "one", made_entries)
    pdf(tmp_path / "two", made_entries[::-1])
    assert (tmp_path / "one" / "report.pdf").read_bytes() == (tmp_path / "two" / "report.pdf").read_bytes()


def test_every_file_is_in_the_tables_and_the_limit_of_pictures_is_stated(tmp_path: Path) -> None:
    document = pdf(tmp_path, list(made.entries(600)), PdfRule(pictures=3))
    text = text_of(document)
    missing = [one.path for one in made.entries(600) if one.path not in text]
    assert not missing
    findings = sum(one.record["result"]["verdict"] == "evidence of manipulation" for one in made.entries(600))
    assert findings > 40
    assert f"3 of {findings} findings (evidence of manipulation) follow with pictures" in text
    assert "which is the limit of this document" in text
    assert text.count("The picture is missing or damaged.") == 6  # these records have none; that is said


def test_names_in_scripts_that_the_font_lacks_are_written_as_escapes(tmp_path: Path) -> None:
    document = pdf(tmp_path, [made.entry(path, made.record(path, 0.99)) for path in made.HOSTILE])
    text = text_of(document).replace(" ", "")
    for path in (
        "\\u05e9\\u05dc\\u05d5\\u05dd",
        "\\u5199\\u771f",
        "\\U0001f4f7",
        "bytes\\xff\\xfe.jpg",
        "turned\\u202egpj",
    ):
        assert path in text
    assert "Characters that the font" in text_of(document)


def test_another_font_has_other_letters(tmp_path: Path) -> None:
    """The font of matplotlib, which the tests bring anyhow, has Cyrillic."""
    import matplotlib

    font = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    name = "\u0441\u043d\u0438\u043c\u043e\u043a.jpg"
    assert name in text_of(pdf(tmp_path, [made.entry(name, made.record(name, 0.99))], PdfRule(font=font)))
    with pytest.raises(UsageError, match="TrueType"):
        pdf(tmp_path, [], PdfRule(font=Path(__file__)))


def test_a_long_name_and_long_metadata_stay_on_the_paper(tmp_path: Path) -> None:
    name = "/".join(["long folder name " * 12] * 12) + "/x.jpg"
    record = made.record(name, 0.99, argv=["batch"] * 3000)
    document = pdf(tmp_path, [made.entry(f"{number}/{name}"[:3000], record) for number in range(3)])
    text = text_of(document).replace(" ", "")
    assert text.count("x.jpg") >= 3
    assert text.count("batch") >= 3 * 3000


def test_damaged_pictures_do_not_end_it(tmp_path: Path, astronaut: Any) -> None:
    folder = tmp_path / "photos" / "x.jpg"
    folder.mkdir(parents=True)
    (folder / "preview.jpg").write_bytes(cv2.imencode(".jpg", astronaut)[1].tobytes())
    (folder / "preview_overlay.jpg").write_bytes(b"\xff\xd8half")
    document = pdf(tmp_path, [made.entry("x.jpg", made.record("x.jpg", 0.99))])
    assert sum(len(page.images) for page in document.pages) == 1
    assert text_of(document).count("The picture is missing or damaged.") == 1


def test_a_picture_that_would_fill_the_memory_is_not_decoded(tmp_path: Path, astronaut: Any) -> None:
    """Of a case that others handed over: 200 kilobytes that are 400 megapixels."""
    folder = tmp_path / "photos" / "x.jpg"
    folder.mkdir(parents=True)
    (folder / "preview.jpg").write_bytes(grey_bomb(20_000))
    (folder / "preview_overlay.jpg").write_bytes(cv2.imencode(".jpg", astronaut)[1].tobytes())
    document = pdf(tmp_path, [made.entry("x.jpg", made.record("x.jpg", 0.99))])
    assert sum(len(page.images) for page in document.pages) == 1
    assert text_of(document).count("The picture is missing or damaged.") == 1


def test_a_picture_that_kills_its_decoder_is_the_only_one_lost(tmp_path: Path, astronaut: Any, deadly: str) -> None:
    name = f"{deadly}.jpg"
    folder = tmp_path / "photos" / "x.jpg"
    folder.mkdir(parents=True)
    for file in (name, "preview_overlay.jpg"):
        (folder / file).write_bytes(cv2.imencode(".jpg", astronaut)[1].tobytes())
    record = made.record("x.jpg", 0.99)
    for artefact in record["artefacts"]:
        artefact["path"] = artefact["path"].replace("preview.jpg", name)
    document = pdf(tmp_path, [made.entry("x.jpg", record)])
    assert text_of(document).count("The picture is missing or damaged.") == 1


def test_captions_stay_with_their_pictures(tmp_path: Path) -> None:
    """Wherever on a page an explanation begins: the table before it is longer from photo to photo."""
    records = []
    for seed in range(12):
        record = made.record(f"{seed}.jpg", 0.99)
        record["result"]["regions"] *= 3 * seed
        records.append(made_explanation.explained(tmp_path, record, seed=seed))
    document = pdf(tmp_path, [made.entry(record["input"]["path"], record) for record in records])
    caption = re.compile(r"\bstride \d+ px|Photo \w+: evidence of|(?:High|Low) frequencies, for the")
    counts = [(len(page.images), len(caption.findall(page.extract_text()))) for page in document.pages]
    assert sum(pictures for pictures, _ in counts) == 12 * 13
    assert [pictures for pictures, _ in counts] == [captions for _, captions in counts]
    for page in document.pages[:-1]:
        assert len(page.extract_text()) > 700 or page.images
        last = page.extract_text().strip().splitlines()[-5:]
        assert not any("What the network saw" in line or line.split()[-1] == "frequencies" for line in last), last


def test_pictures_of_an_explanation_that_are_gone_or_damaged_are_said(tmp_path: Path) -> None:
    record = made_explanation.explained(tmp_path, made.record("x.jpg", 0.99))
    (tmp_path / "photos/x.jpg/high.png").unlink()
    (tmp_path / "photos/x.jpg/scale_c2.png").write_bytes(b"\x89PNG half")
    document = pdf(tmp_path, [made.entry("x.jpg", record)])
    assert sum(len(page.images) for page in document.pages) == 11
    assert text_of(document).count("The picture is missing or damaged.") == 2 + 2  # photo and map are not there either


def test_an_explanation_that_was_changed_is_not_shown(tmp_path: Path) -> None:
    record = made_explanation.explained(tmp_path, made.record("x.jpg", 0.99))
    path = tmp_path / "photos/x.jpg/explanation.json"
    path.write_text(path.read_text().replace("0.99", "0.11"))
    document = pdf(tmp_path, [made.entry("x.jpg", record)])
    assert "not the one that the record names" in text_of(document)
    assert not any(page.images for page in document.pages)


def test_without_reportlab_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "reportlab"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "reportlab", None)
    with pytest.raises(UsageError, match=r"pip install '\.\[pdf\]'"):
        pdf(tmp_path, [])
    assert (tmp_path / "index.html").is_file()
