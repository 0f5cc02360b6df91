"""Keyboard, contrast and small screens."""

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Visit

PAGES = ("index.html", "photos/a/splice.jpg/index.html", "photos/damaged.jpg/index.html")
LEAST_CONTRAST = 4.5  # of WCAG 2 AA, for text of any size
CONTRASTS = """() => {
  const numbers = colour => colour.match(/[0-9.]+/g).map(Number);
  const over = (front, back) => {
    const alpha = front.length > 3 ? front[3] : 1;
    return [0, 1, 2].map(i => front[i] * alpha + back[i] * (1 - alpha));
  };
  const ground = element => {
    const layers = [];
    for (let one = element; one; one = one.parentElement) layers.push(numbers(getComputedStyle(one).backgroundColor));
    return layers.reverse().reduce((back, front) => over(front, back), [255, 255, 255]);
  };
  const light = colour => {
    const [r, g, b] = colour.map(value => value / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const result = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !element.checkVisibility({visibilityProperty: true})) continue;
    if (element.closest(".frame, .turned, script, style, .unseen, option")) continue;  // numbers on a photo have an edge
    const style = getComputedStyle(element);
    const ink = numbers(element.closest("svg") ? style.fill : style.color);
    const back = ground(element);
    const [a, b] = [light(over(ink, back)), light(back)].sort((x, y) => y - x);
    result.push([(a + 0.05) / (b + 0.05), walker.currentNode.textContent.trim().slice(0, 40)]);
  }
  return result;
}"""
REACHABLE = "a[href], button, input, select, summary, [tabindex='0']"


def contrasts(page: Page) -> None:
    measured = page.evaluate(CONTRASTS)
    assert len(measured) > 20
    poor = [one for one in measured if one[0] < LEAST_CONTRAST]
    assert not poor


@pytest.mark.parametrize("address", PAGES)
def test_text_can_be_read(visit: Visit, address: str) -> None:
    contrasts(visit.go(address))


@pytest.mark.parametrize("address", PAGES)
def test_text_can_be_read_in_the_dark(visit_in_the_dark: Visit, address: str) -> None:
    contrasts(visit_in_the_dark.go(address))


@pytest.mark.parametrize("address", PAGES)
def test_the_keyboard_reaches_everything_and_the_focus_is_seen(visit: Visit, address: str) -> None:
    page = visit.go(address)
    wanted = page.evaluate(
        "what => [...document.querySelectorAll(what)].filter(one => one.checkVisibility()).length", REACHABLE
    )
    page.evaluate("document.body.dataset.reached = 0")
    for _ in range(wanted):
        page.keyboard.press("Tab")
        outline = page.evaluate(
            """() => {
                const one = document.activeElement;
                if (!one.dataset.seen) document.body.dataset.reached = Number(document.body.dataset.reached) + 1;
                one.dataset.seen = 1;
                return [one.tagName, getComputedStyle(one).outlineStyle, one.getBoundingClientRect().top >= 0];
            }"""
        )
        assert outline[1] != "none", outline
        assert outline[2], "what has the focus is on the screen"
    assert page.evaluate("Number(document.body.dataset.reached)") == wanted


def test_the_first_stop_is_the_way_past_the_navigation(visit: Visit) -> None:
    page = visit.go(PAGES[1])
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")


@pytest.mark.parametrize("address", PAGES)
def test_nothing_is_cut_off_on_a_narrow_screen(visit: Visit, address: str) -> None:
    page = visit.go(address)
    page.set_viewport_size({"width": 400, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
