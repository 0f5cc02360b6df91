"""The page of an explanation: every picture is there, nothing is asked of another place, and it reads well at any width."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from typer.testing import CliRunner

from mesorch_cli.cli.app import app
from tests.browser.conftest import Visit, visits
from tests.browser.test_access import CONTRASTS, LEAST_CONTRAST

EXAMPLE = Path(__file__).parents[2] / "examples" / "copy_move.jpg"
PICTURES = 2 + 4 + 7 + 2  # photo and map, checks, scales, views


@pytest.fixture(scope="module")
def explained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("explained")
    done = CliRunner().invoke(app, ["explain", str(EXAMPLE), "-o", str(out), "-q"])
    assert done.exit_code == 0, done.output
    return out / EXAMPLE.name


@pytest.fixture
def visit(chromium: Browser, explained: Path) -> Iterator[Visit]:
    yield from visits(chromium, explained)


@pytest.fixture
def visit_in_the_dark(chromium: Browser, explained: Path) -> Iterator[Visit]:
    yield from visits(chromium, explained, color_scheme="dark")


def test_every_picture_is_shown_and_told(visit: Visit) -> None:
    shown = visit.go().eval_on_selector_all("img", "all => all.map(one => [one.naturalWidth, one.alt])")
    assert len(shown) == PICTURES
    assert all(width > 0 and alt for width, alt in shown)


def test_the_small_table_stands_beside_the_picture(visit: Visit) -> None:
    page = visit.go()
    page.set_viewport_size({"width": 1400, "height": 900})
    table, picture = page.locator(".trio table").bounding_box(), page.locator(".trio img").first.bounding_box()
    assert table is not None
    assert picture is not None
    assert table["x"] > picture["x"] + picture["width"]
    assert abs(table["y"] - picture["y"]) < 20
    assert page.locator(".trio tbody tr").all_inner_texts()[0].split("\t")[:2] == ["1", "4 of 4"]


@pytest.mark.parametrize("width", [1400, 800, 400])
def test_it_is_not_wider_than_the_window(visit: Visit, width: int) -> None:
    page = visit.go()
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_words_can_be_read_in_the_dark(visit_in_the_dark: Visit) -> None:
    page = visit_in_the_dark.go()
    assert [found for found in page.evaluate(CONTRASTS) if found[0] < LEAST_CONTRAST] == []
