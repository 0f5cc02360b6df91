"""The pages of a case: well-formed, whole, harmless, the same every time."""

import json
import re
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mesorch_cli.inference.screen_rule import LIKE_A_SCREEN
from mesorch_cli.report import listing
from mesorch_cli.report.entry import Entry
from mesorch_cli.report.names import href, visible
from mesorch_cli.report.report import is_page, write_report
from mesorch_cli.report.wording import VERDICTS
from tests.report import made
from tests.report.pages import SVG, all_of, check_page, target, text_of

AFFIRMING = re.compile(r"\b(authentic|genuine|proof|proves?|proven|untouched)\b", re.IGNORECASE)


def report(case: Path, entries: list[Entry], **facts: Any) -> None:
    case.mkdir(exist_ok=True)
    write_report(case, made.FACTS | facts, entries)


def tree(case: Path) -> dict[str, bytes]:
    return {path.relative_to(case).as_posix(): path.read_bytes() for path in case.rglob("*") if path.is_file()}


def test_a_real_case_has_a_page_for_every_file(real_case: Path) -> None:
    pages = [path for path in real_case.rglob("*.html") if is_page(path.relative_to(real_case).as_posix())]
    records = [json.loads(line) for line in (real_case / "results.jsonl").read_text().splitlines()]
    assert len(pages) == len(records) + 1 == 12
    for path in pages:
        check_page(path)


def test_nothing_is_omitted(real_case: Path) -> None:
    page = check_page(real_case / "index.html")
    records = [json.loads(line) for line in (real_case / "results.jsonl").read_text().splitlines()]
    rows = [text_of(row) for row in all_of(page, "tr")]
    for record in records:
        name = visible(record["input"]["path"])
        assert sum(f"{name}" in row for row in rows) >= 1
        if record["result"]["reason"]:
            assert any(name in row and record["result"]["reason"] in row for row in rows)
    text = text_of(page)
    assert "7 analysed + 2 not analysed + 2 failed = 11 found" in text
    scores = [float(found) for row in rows for found in re.findall(r"\b[01]\.\d{3}\b", row)]
    assert len(scores) == 7
    assert scores == sorted(scores, reverse=True)


def test_regions_are_told_in_both_frames(real_case: Path) -> None:
    """The forged patch lies at the right of the stored raster; turned to the right, it lies at the bottom."""
    records = [json.loads(line) for line in (real_case / "results.jsonl").read_text().splitlines()]
    record = next(one for one in records if one["decode"] and one["decode"]["orientation"] == 6)
    assert record["result"]["regions"], "the forged part was not found"
    path = target(real_case / "index.html", href(f"photos/{record['input']['path']}/index.html"))
    page = check_page(path)
    region, decode = record["result"]["regions"][0], record["decode"]
    stored = [region["x"], region["y"], region["width"], region["height"]]
    upright = [decode["height"] - region["y"] - region["height"], region["x"], region["height"], region["width"]]
    rows = [[text_of(cell).strip() for cell in all_of(row, "td")] for row in all_of(page, "tr")]
    assert [str(value) for value in stored + upright] in [row[:8] for row in rows]
    boxes = [element for element in page.iter(SVG + "rect") if element.get("class") == "over"]
    assert [[int(box.get(name, "")) for name in ("x", "y", "width", "height")] for box in boxes].count(stored) == 3


def test_the_record_on_a_page_is_that_of_the_photo(real_case: Path) -> None:
    for line in (real_case / "results.jsonl").read_text().splitlines():
        record = json.loads(line)
        if record["input"]["path"].startswith("d/"):
            continue  # the record's text of an odd name is not the name
        text = text_of(check_page(real_case / "photos" / record["input"]["path"] / "index.html"))
        told = [
            record["input"]["sha256"],
            record["weights"]["sha256"],
            record["settings_sha256"],
            "mesorch rerun ",
        ]
        told += [artefact["sha256"] for artefact in record["artefacts"]] + list(record["tool"].values())
        told += [record["timing"]["started_at"], *record["result"]["flags"]]
        if record["decode"]:
            told += record["decode"]["integrity"]["findings"]
        for word in told:
            assert word in text, word


def test_hostile_names_and_metadata_stay_text(tmp_path: Path) -> None:
    case = tmp_path / "case"
    report(case, [made.entry(path, made.record(path, 0.9)) for path in made.HOSTILE])
    index = check_page(case / "index.html", files=False)
    links = [link.get("href", "") for link in all_of(index, "a")]
    for path in made.HOSTILE:
        assert href(f"photos/{path}/index.html") in links
        page = check_page(case / "photos" / path / "index.html", files=False)
        assert made.TEXT in text_of(page)  # the camera's name
        assert visible(path) in text_of(page)
        assert len(all_of(page, "script")) == 1
        assert target(case / "index.html", href(f"photos/{path}/index.html")).is_file()
    assert len(all_of(index, "script")) == 2
    data = json.loads(next(text_of(one) for one in all_of(index, "script") if one.get("type") == "application/json"))
    assert sorted(row[0] for row in data) == sorted(map(visible, made.HOSTILE))


words = st.text(st.characters(codec=None), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=15)
@given(st.dictionaries(words, values, max_size=4), st.lists(words, max_size=3), words, words)
@example({"a": "\ufdd0"}, ["\U0001fffe"], "\ud800", "\ufdd0\ud800")
def test_any_metadata_gives_a_sound_page(
    tmp_path: Path, metadata: dict[str, Any], texts: list[str], name: str, reason: str
) -> None:
    """Whatever a file says of itself, the page is well-formed and has no more elements that act than it always has."""
    result = made.record("x", 0.5)["result"] | {"flags": texts}
    exif = {"exif": {"main": metadata}, "software": name, "dates": {}, "notes": texts, "png": metadata}
    record = made.record("x.jpg", 0.5, metadata=exif, provenance=metadata, result=result, argv=texts)
    failed = made.record("y.jpg", None, reason or "none", metadata=metadata if "exif" not in metadata else {})
    report(tmp_path, [made.entry("x.jpg", record), made.entry("y.jpg", failed)], evidence=name)
    for path in (tmp_path / "index.html", tmp_path / "photos" / "x.jpg" / "index.html"):
        page = check_page(path, files=False)
        assert len(all_of(page, "script")) == 1 + (path.name == "index.html" and path.parent == tmp_path)
    assert "<" not in (tmp_path / "index.html").read_text().partition('id="rows">')[2].partition("</script>")[0]


def test_the_same_case_gives_the_same_bytes(tmp_path: Path) -> None:
    """In whatever order the files come, and wherever the case lies."""
    made_entries = list(made.entries(250))
    report(tmp_path / "one", made_entries)
    report(tmp_path / "two", made_entries[::-1])
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


def test_a_long_list_goes_over_several_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file is on exactly one list page, the pages are linked, none shows more than it should."""
    monkeypatch.setattr(listing, "ROWS", 20)
    count = 250
    report(tmp_path, list(made.entries(count)))
    seen: list[str] = []
    for stem, anchor in (("index", "triage"), ("not-analysed", "others")):
        name, number = "index.html", 1
        while name:
            path = tmp_path / name
            page = check_page(path, files=False)
            text = path.read_text()
            if number == 1:
                text = text.partition(f'id="{anchor}"')[2].partition("</section>")[0]
            links = re.findall(r'<td class="name"><a href="(photos/[^"]+)"', text)
            assert 0 < len(links) <= 20
            seen += links
            assert not [one for one in all_of(page, "img") if one.get("loading") != "lazy"]
            after = re.search(r'<a rel="next" href="([^"#]+)"', text)
            number += 1
            assert after is None or after[1] == f"{stem}-{number}.html"
            name = after[1] if after else ""
    assert len(seen) == len(set(seen)) == count
    assert {target(tmp_path / "index.html", link) for link in seen} == set(tmp_path.glob("photos/*/*/index.html"))


def test_memory_does_not_grow_with_the_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record of these takes about 20 kB in memory, its page as much; what is kept of each is a line for the filter."""
    monkeypatch.setattr(listing, "ROWS", 20)
    peaks = []
    for count in (50, 200):
        tracemalloc.start()
        (tmp_path / str(count)).mkdir()
        write_report(tmp_path / str(count), made.FACTS, made.entries(count))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert (peaks[1] - peaks[0]) / 150 < 3000, peaks


def test_the_neighbours_of_a_page_lead_through_all(tmp_path: Path) -> None:
    report(tmp_path, list(made.entries(45)))
    with_next = re.compile(r'<a rel="next" href="([^"]+)"')
    path = target(
        tmp_path / "index.html", re.search(r'class="name"><a href="([^"]+)"', (tmp_path / "index.html").read_text())[1]
    )  # type: ignore[index]
    trail = [path]
    while found := with_next.search(path.read_text()):
        path = target(path, found[1]).resolve()
        page = path.read_text()
        back = re.search(r'<a rel="prev" href="([^"]+)"', page)
        assert back is not None
        assert target(path, back[1]).resolve() == trail[-1].resolve()
        trail.append(path)
    assert len(set(trail)) == 45


def test_a_smaller_case_leaves_no_old_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "ROWS", 20)
    report(tmp_path, list(made.entries(60)))
    (tmp_path / "index-x.html").write_text("somebody's own")
    assert (tmp_path / "index-3.html").is_file()
    report(tmp_path, list(made.entries(20)))
    assert sorted(path.name for path in tmp_path.glob("*.html")) == ["index-x.html", "index.html"]
    assert not is_page("index-x.html")


def test_an_empty_case_and_one_that_failed_altogether(tmp_path: Path) -> None:
    report(tmp_path, [])
    assert "No file was analysed." in text_of(check_page(tmp_path / "index.html", files=False))
    report(tmp_path, [made.entry("x.jpg", made.record("x.jpg", None, "unreadable", decode=None, metadata={}))])
    text = text_of(check_page(tmp_path / "index.html", files=False))
    assert "0 analysed + 0 not analysed + 1 failed = 1 found" in text


def test_what_waits_and_what_does_not_add_up_is_said(tmp_path: Path) -> None:
    report(tmp_path, [made.entry("x.jpg", made.record("x.jpg", 0.5))], counts={"waiting": 3, "found": 9, "analysed": 1})
    text = text_of(check_page(tmp_path / "index.html", files=False))
    assert "3 of them waiting" in text
    assert "case.json and the records differ: found 9, here 4." in text


def test_folders_that_could_not_be_read_are_named(tmp_path: Path) -> None:
    report(tmp_path, [], unlisted=["locked <b>"])
    assert "locked <b>" in text_of(check_page(tmp_path / "index.html", files=False))


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        (14.2, "14.2 times as probable for a manipulated photo"),
        (0.05, "20 times as probable for an unmanipulated photo"),
        (45.0, "is at that bound"),
    ],
)
def test_a_calibrated_result_is_said_with_its_bounds(tmp_path: Path, ratio: float, words: str) -> None:
    record = made.record("x.jpg", 0.95)
    record["result"] |= {
        "probability": 0.93,
        "likelihood_ratio": {"value": ratio, "log10": 1.0, "lowest": 0.0167, "highest": 45.0},
        "calibration": {"fitted_on": "the lab's own", "authentic": 200, "tampered": 80},
    }
    report(tmp_path, [made.entry("x.jpg", record)])
    text = text_of(check_page(tmp_path / "photos" / "x.jpg" / "index.html", files=False))
    for part in (
        words,
        "0.0167 to 45",
        "even prior odds",
        "the lab's own (200 photos without manipulation, 80 with)",
    ):
        assert part in text


def test_what_looks_like_a_screenshot_is_said_as_the_reason_of_the_verdict(tmp_path: Path) -> None:
    record = made.record("shot.png", 0.95)
    record["result"] |= {"verdict": "inconclusive", "flags": [LIKE_A_SCREEN]}
    report(tmp_path, [made.entry("shot.png", record)])
    text = text_of(check_page(tmp_path / "photos" / "shot.png" / "index.html", files=False))
    assert LIKE_A_SCREEN in text
    assert "These weights were not made for such pictures" in text
    assert VERDICTS["inconclusive"] not in text  # it speaks of a score between two limits
    assert LIKE_A_SCREEN in (tmp_path / "index.html").read_text()


def test_no_page_affirms_more_than_can_be_seen(tmp_path: Path) -> None:
    report(tmp_path, list(made.entries(20)))
    for path in tmp_path.rglob("*.html"):
        text = text_of(check_page(path, files=False))
        assert not AFFIRMING.search(text), path
        if "probability" in text:
            assert "not a probability" in text
