"""A photo's page in a browser: the slider, both frames, and nothing of the file that acts."""

import io

from PIL import Image, ImageChops
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit

FORGED = "photos/a/splice.jpg/index.html"


def seen(page: Page) -> Image.Image:
    """Return the pictures of the stage as they look, once both are there."""
    for picture in page.locator(".pair img").all():
        picture.evaluate("image => image.decode()")
    return Image.open(io.BytesIO(page.locator("#pair").screenshot())).convert("RGB")


def test_the_slider_moves_and_changes_what_is_seen(visit: Visit) -> None:
    page = visit.go(FORGED)
    slider = page.get_by_label("Reveal the map")
    states = {}
    for value in (0, 50, 100):
        slider.fill(str(value))
        expect(page.locator("#cut-value")).to_have_text(f"{value} %")
        states[value] = seen(page)
    width, height = states[0].size
    top = int(height * 0.9)  # above the hidden captions
    left, right = (0, 0, width // 2 - 6, top), (width // 2 + 6, 0, width - 6, top)
    grey = ImageChops.difference(*states[100].crop(left).split()[:2])
    assert max(grey.histogram()[40:]) == 0, "the map lies over the photo in grey"
    assert ImageChops.difference(states[50].crop(left), states[100].crop(left)).getbbox() is None
    assert ImageChops.difference(states[50].crop(right), states[0].crop(right)).getbbox() is None
    assert ImageChops.difference(states[0], states[100]).getbbox() is not None


def test_the_slider_obeys_the_keyboard_and_the_mouse(visit: Visit) -> None:
    page = visit.go(FORGED)
    slider = page.get_by_label("Reveal the map")
    slider.focus()
    page.keyboard.press("Home")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(slider).to_have_value("3")
    box = page.locator("#pair").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 40)
    page.mouse.down()
    expect(slider).to_have_value("25")
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 40)
    page.mouse.up()
    expect(slider).to_have_value("75")


def test_outlines_can_be_taken_away(visit: Visit) -> None:
    page = visit.go(FORGED)
    outline = page.locator(".pair .map .box").first
    expect(outline).to_be_visible()
    page.get_by_label("Show boxes of regions").uncheck()
    expect(outline).to_be_hidden()


def test_an_outline_lies_on_its_region(visit: Visit) -> None:
    """The outline on the picture is where the record says, whatever size the picture is shown at."""
    page = visit.go(FORGED)
    seen(page)
    cells = [int(cell) for cell in page.locator("table.places tbody tr").first.locator("td").all_text_contents()[:4]]
    picture = page.locator(".pair img").first.bounding_box()
    outline = page.locator(".pair .box .over").first.bounding_box()
    assert picture is not None
    assert outline is not None
    factor = picture["width"] / 600
    for name, start, value in (("x", picture["x"], cells[0]), ("y", picture["y"], cells[1]), ("width", 0, cells[2])):
        assert abs(outline[name] - start - value * factor) < 3  # type: ignore[literal-required]


def test_the_upright_picture_stands_upright(visit: Visit) -> None:
    page = visit.go()
    page.get_by_text("onerror").click()
    box = page.locator(".turned svg").bounding_box()
    assert box is not None
    assert box["width"] > box["height"], "a photo of 120 x 200 that is turned by 90 degrees"
    expect(page.locator(".turned figcaption")).to_contain_text("turned by 90 degrees to the right")


def test_metadata_stays_text(visit: Visit) -> None:
    page = visit.go()
    page.get_by_text("onerror").click()
    page.wait_for_load_state("load")
    assert page.title().endswith(": c/<img src=x onerror=document.title='taken'>.jpg")
    expect(page.locator("main")).to_contain_text("<script>document.title='taken'</script>")
    expect(page.locator("main")).to_contain_text('" onload="document.title=1')
    expect(page.locator("main")).to_contain_text("javascript:alert(1)")
    assert page.locator("main script, main [onload], main [onerror], a[href^='javascript']").count() == 0
    for link in page.locator("a").all():
        assert str(link.evaluate("link => link.protocol")) == "file:"


def test_the_policy_forbids_what_the_pages_do_not_need(visit: Visit) -> None:
    """Were something of a stranger's to come through, it could neither run nor call out."""
    page = visit.go(FORGED)
    refused = page.evaluate(
        """async () => {
            const refused = [];
            document.addEventListener("securitypolicyviolation", event => refused.push(event.effectiveDirective));
            const script = document.createElement("script");
            script.textContent = "document.title = 'taken'";
            document.body.append(script);
            const image = new Image();
            image.src = "https://example.invalid/x.png";
            document.body.append(image);
            const frame = document.createElement("iframe");
            frame.src = "data:text/html,x";
            document.body.append(frame);
            await fetch("https://example.invalid/").catch(() => 0);
            await new Promise(done => setTimeout(done, 200));
            return refused;
        }"""
    )
    assert {"script-src-elem", "img-src", "frame-src", "connect-src"} <= set(refused)
    assert page.title() != "taken"
    assert all("Content Security Policy" in said or "example.invalid" in said for said in visit.heard), visit.heard
    visit.heard.clear()
    visit.requests[:] = [url for url in visit.requests if url.startswith("file:")]


def test_a_printed_page_shows_both_pictures(visit: Visit) -> None:
    page = visit.go(FORGED)
    page.emulate_media(media="print")
    boxes = [picture.bounding_box() for picture in page.locator(".pair img").all()]
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"]
    expect(page.locator("header.top")).to_be_hidden()
    expect(page.locator(".controls")).to_be_hidden()
    assert page.pdf().startswith(b"%PDF")


def test_the_number_of_a_region_has_the_size_that_the_page_gives_it(visit: Visit) -> None:
    """In pixels of the photo, so that it can be read beside a photo of any size."""
    number = visit.go(FORGED).locator(".pair .map svg text").first
    size = number.evaluate("text => parseFloat(getComputedStyle(text).fontSize)")
    assert abs(size - float(number.get_attribute("font-size") or 0)) < 0.01
