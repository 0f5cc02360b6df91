"""The lists of a case in a browser: all of it can be read and filtered, with the mouse or without."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from mesorch_cli.report.report import write_report
from tests.browser.conftest import Visit, visits
from tests.report import made


def found(page: Page) -> list[str]:
    """Return the names that the filter let through."""
    return page.locator("#found td.name a").all_text_contents()


def test_every_file_is_listed_and_every_thumbnail_is_shown(visit: Visit) -> None:
    page = visit.go()
    expect(page.locator("table.list tbody tr")).to_have_count(11)
    for picture in page.locator("table.list img").all():
        picture.scroll_into_view_if_needed()
        picture.evaluate("image => image.decode()")  # an error for one that cannot be shown
    assert page.title().startswith("Triage report")


def test_every_page_opens_from_the_list(visit: Visit) -> None:
    page = visit.go()
    for index in range(11):
        link = page.locator("table.list td.name a").nth(index)
        name = link.text_content()
        link.click()
        expect(page.locator("h1")).to_have_text(str(name))
        page.locator("nav a", has_text="Case overview").click()


def test_the_filter_narrows_by_text_verdict_and_score(visit: Visit) -> None:
    page = visit.go()
    text, verdict, score = (
        page.get_by_label("Name, note or reason"),
        page.get_by_label("Verdict", exact=True),
        page.get_by_label("Score at least"),
    )
    everything = page.locator("#listed td.name a").all_text_contents()
    scores = [float(cell.strip("<> \n")) for cell in page.locator("#listed tr td:nth-child(6)").all_text_contents()]

    text.fill("SPLICE")
    expect(page.locator("#found tbody tr")).to_have_count(2)
    assert sorted(found(page)) == ["a/splice.jpg", "b/splice.jpg"]
    expect(page.locator("#filter-count")).to_have_text("2 of 11 files")
    expect(page.locator("#listed")).to_be_hidden()
    text.fill("same bytes")
    expect(page.locator("#found tbody tr")).to_have_count(1)
    text.fill("damaged")
    expect(page.locator("#found tbody tr")).to_have_count(1)
    text.fill("no such file")
    expect(page.locator("#found tbody tr")).to_have_count(0)

    text.fill("")
    verdict.select_option("failed")
    expect(page.locator("#found tbody tr")).to_have_count(2)
    assert sorted(found(page)) == ["empty.jpg", "words.jpg"]
    verdict.select_option("")
    score.fill("0.9")
    expect(page.locator("#found tbody tr")).to_have_count(sum(value >= 0.9 for value in scores))
    assert found(page) == [name for name, value in zip(everything, scores, strict=True) if value >= 0.9]

    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#listed")).to_be_visible()
    expect(page.locator("#found")).to_be_hidden()
    assert page.locator("#listed td.name a").all_text_contents() == everything


def column(page: Page, number: int) -> list[str]:
    """Return the texts of a column, from 1 on, of the list that the script made."""
    return [" ".join(text.split()) for text in page.locator(f"#found td:nth-child({number})").all_text_contents()]


def test_columns_are_sorted_by_click_and_by_keyboard(visit: Visit) -> None:
    page = visit.go()
    score = page.locator("#listed th", has_text="Score")
    expect(score).to_have_attribute("aria-sort", "descending")
    score.get_by_role("button").click()
    head = page.locator("#found th", has_text="Score")
    expect(head).to_have_attribute("aria-sort", "ascending")
    scores = [float(text.strip("<> ")) for text in column(page, 6) if text]
    assert len(scores) == 7
    assert scores == sorted(scores)
    assert [bool(text) for text in column(page, 6)] == [True] * 7 + [False] * 4  # files without a score come last
    expect(head.get_by_role("button")).to_be_focused()
    page.keyboard.press("Enter")
    expect(head).to_have_attribute("aria-sort", "descending")
    assert [float(text.strip("<> ")) for text in column(page, 6) if text] == scores[::-1]
    for _ in range(4):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Notes":
            break
    page.keyboard.press("Space")
    expect(page.locator("#found th[aria-sort]")).to_have_text(["Notes"])
    expect(page.locator("#filter-count")).to_have_text(
        "11 of 11 files; sorted by notes, descending; then by score, descending"
    )
    page.get_by_role("button", name="File").click()
    names = found(page)
    assert [name.split("/")[0] for name in names] == sorted(name.split("/")[0] for name in names)
    page.reload()
    assert found(page) == names
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#listed")).to_be_visible()


def test_the_filter_knows_notes_and_files_that_look_alike(visit: Visit) -> None:
    page = visit.go()
    notes = page.get_by_label("Notes", exact=True)
    notes.select_option("looks like another")
    expect(page.locator("#found tbody tr")).to_have_count(2)
    assert sorted(found(page)) == ["a/splice.jpg", "b/splice.jpg"]
    expect(page.locator("#found th[aria-sort]")).to_have_count(0)
    page.locator("#found a", has_text="looks like 1 other").first.click()
    expect(page.locator("#alike + ul a")).to_have_count(1)
    page.locator("#alike + ul a").click()
    expect(page.locator("h1")).to_contain_text("splice.jpg")
    page = visit.go()
    notes.select_option("declared")
    expect(page.locator("#found tbody tr")).to_have_count(0)


def test_the_table_stands_above_the_fold(chromium: Browser, real_case: Path) -> None:
    for visit in visits(chromium, real_case):
        visit.page.set_viewport_size({"width": 1400, "height": 900})
        page = visit.go()
        box = page.locator("#listed tbody tr").nth(3).bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 900, "four files are seen without scrolling"


def test_a_filtered_list_is_there_again_on_the_way_back(visit: Visit) -> None:
    page = visit.go()
    page.get_by_label("Name, note or reason").fill("b/splice")
    page.locator("#found td.name a").click()
    expect(page.locator("h1")).to_have_text("b/splice.jpg")
    page.go_back()
    expect(page.locator("#found tbody tr")).to_have_count(1)
    expect(page.get_by_label("Name, note or reason")).to_have_value("b/splice")


def test_hostile_names_stay_text_in_the_filtered_list_too(visit: Visit) -> None:
    page = visit.go()
    page.get_by_label("Name, note or reason").fill("onerror")
    expect(page.locator("#found tbody tr")).to_have_count(1)
    assert found(page) == ["c/<img src=x onerror=document.title='taken'>.jpg"]
    assert page.title().startswith("Triage report")
    for name in ("\\xff", "new\\nline", "\u05e9\u05dc\u05d5\u05dd"):
        page.get_by_label("Name, note or reason").fill(name)
        expect(page.locator("#found tbody tr")).to_have_count(1)
        page.locator("#found td.name a").click()
        assert name in str(page.locator("h1").text_content())
        page.go_back()


def test_everything_is_read_without_script(visit_without_script: Visit) -> None:
    page = visit_without_script.go()
    expect(page.locator("table.list tbody tr")).to_have_count(11)
    expect(page.locator("form")).to_be_hidden()
    expect(page.locator("noscript")).to_be_visible()
    page.locator("td.name a").first.click()
    pictures = page.locator(".pair img")
    boxes = [picture.bounding_box() for picture in pictures.all()]
    assert len(boxes) == 2
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"], "photo and map stand beside each other"
    expect(page.locator(".controls")).to_be_hidden()


def test_thousands_of_files_are_filtered_across_all_pages(
    chromium: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The filter sees the files of every page, and shows them in portions."""
    monkeypatch.setattr("mesorch_cli.report.html.Pages._photo", lambda *_: None)  # the lists alone
    write_report(tmp_path, made.FACTS, made.entries(10_000))
    for visit in visits(chromium, tmp_path):
        page = visit.go()
        assert page.locator("#listed tbody tr").count() == 200
        expect(page.locator("#listed nav").first).to_contain_text("page 1 of 45")
        page.get_by_label("Verdict", exact=True).select_option("left")
        expect(page.locator("#filter-count")).to_have_text("500 of 10,000 files")
        assert page.locator("#found tbody tr").count() == 200
        page.get_by_role("button", name="Show 200 more of 500").click()
        page.get_by_role("button", name="Show 100 more of 500").click()
        expect(page.locator("#found tbody tr")).to_have_count(500)
        page.get_by_label("Name, note or reason").fill("photo 009999")
        page.get_by_label("Verdict", exact=True).select_option("")
        expect(page.locator("#found tbody tr")).to_have_count(1)
        page.get_by_role("button", name="Clear").click()
        page.locator("#listed a[rel=next]").first.click()
        expect(page).to_have_title("Analysed files, page 2 of 45: /evidence/disk <1>")
        visit.heard = [
            said for said in visit.heard if ".jpg" not in said and "ERR_FILE_NOT_FOUND" not in said
        ]  # thumbnails


def test_the_data_of_the_filter_is_that_of_the_lists(visit: Visit) -> None:
    page = visit.go()
    rows = json.loads(page.locator("#rows").text_content() or "")
    listed = page.locator("table.list td.name a")
    assert [row[0] for row in rows] == listed.all_text_contents()
    assert [row[1] + "index.html" for row in rows] == [link.get_attribute("href") for link in listed.all()]
