"""The page of views: every picture is there, nothing is asked of another place, and it reads well at any width."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from typer.testing import CliRunner

from mesorch_cli.cli.app import app
from tests.browser.conftest import Visit, visits
from tests.browser.test_access import CONTRASTS, LEAST_CONTRAST

EXAMPLE = Path(__file__).parents[2] / "examples" / "splice.jpg"
NAMES = ["ela", "ghosts", "noise", "noise-level", "histograms", "grid", "luminance", "chroma", "high", "low", "zoom"]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("views")
    done = CliRunner().invoke(app, ["views", str(EXAMPLE), "-o", str(out), "--zoom", "500,20,60,40"])
    assert done.exit_code == 0, done.output
    return out / "splice.jpg-views"


@pytest.fixture
def visit(chromium: Browser, drawn: Path) -> Iterator[Visit]:
    yield from visits(chromium, drawn)


@pytest.fixture
def visit_in_the_dark(chromium: Browser, drawn: Path) -> Iterator[Visit]:
    yield from visits(chromium, drawn, color_scheme="dark")


def test_every_view_has_its_picture(visit: Visit) -> None:
    page = visit.go()
    shown = page.eval_on_selector_all(
        "img", "all => all.map(one => [one.getAttribute('src'), one.naturalWidth, one.alt])"
    )
    assert [source.removesuffix(".png") for source, _, _ in shown] == NAMES
    assert all(width > 0 and alt for _, width, alt in shown)


def test_links_lead_to_the_views(visit: Visit) -> None:
    page = visit.go()
    targets = page.eval_on_selector_all("nav a", "all => all.map(one => one.getAttribute('href'))")
    assert len(targets) >= len(NAMES)
    assert all(page.locator(target).count() == 1 for target in targets)


@pytest.mark.parametrize("width", [1400, 800, 400])
def test_it_is_not_wider_than_the_window(visit: Visit, width: int) -> None:
    page = visit.go()
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_words_can_be_read_in_the_dark(visit_in_the_dark: Visit) -> None:
    page = visit_in_the_dark.go()
    assert [found for found in page.evaluate(CONTRASTS) if found[0] < LEAST_CONTRAST] == []
