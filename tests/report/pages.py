"""Pages read by an independent parser that knows no mercy, and what every one of them must keep to."""

import re
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote_to_bytes
from xml.etree.ElementTree import Element

import html5lib

XHTML = "{http://www.w3.org/1999/xhtml}"
SVG = "{http://www.w3.org/2000/svg}"
RELATIVE = re.compile(r"(?!//)[A-Za-z0-9_.~/%-]*(#[a-z-]*)?")  # no scheme, no host, no query; every odd byte encoded


def parsed(path: Path) -> Element:
    """Parse a page; any error of syntax ends the test."""
    return html5lib.HTMLParser(strict=True).parse(path.read_text(encoding="utf-8"))


def all_of(page: Element, *tags: str) -> list[Element]:
    return [element for element in page.iter() if element.tag in {XHTML + tag for tag in tags}]


def text_of(element: Element) -> str:
    return "".join(element.itertext())


def target(page: Path, address: str) -> Path:
    """Return the file that an address of a page leads to."""
    raw = unquote_to_bytes(address.partition("#")[0])
    return Path(page.parent, *(part.decode("utf-8", "surrogateescape") for part in raw.split(b"/"))) if raw else page


def check_page(path: Path, *, files: bool = True) -> Element:
    """Check what holds for every page; files: also that every address leads to a file."""
    page = parsed(path)
    elements = list(page.iter())
    assert page.get("lang") == "en"
    assert len(all_of(page, "h1")) == len(all_of(page, "main")) == len(all_of(page, "title")) == 1
    levels = [int(element.tag[-1]) for element in all_of(page, "h1", "h2", "h3", "h4")]
    assert all(after <= before + 1 for before, after in pairwise(levels)), levels

    ids = [element.get("id") for element in elements if element.get("id")]
    assert len(ids) == len(set(ids))
    for element in all_of(page, "label", "output"):
        assert element.get("for") in ids
    labelled = {label.get("for") for label in all_of(page, "label")}
    for element in all_of(page, "input", "select"):
        assert element.get("id") in labelled, "a control without a label"
    for element in elements:
        for name in ("aria-labelledby", "aria-describedby"):
            assert element.get(name) is None or element.get(name) in ids
    for element in all_of(page, "img"):
        assert element.get("alt"), "a picture without words"
    for element in elements:
        if element.tag == SVG + "svg":
            assert element.get("aria-hidden") == "true" or (element.get("role") == "img" and element.get("aria-label"))

    for element in elements:
        assert not [name for name in element.attrib if name.startswith("on") or name == "style"], element.attrib
        assert element.tag not in {
            XHTML + tag for tag in ("iframe", "object", "embed", "link", "base", "audio", "video")
        }
        for name in ("href", "src", "action", "{http://www.w3.org/1999/xlink}href"):
            address = element.get(name)
            if address is None:
                continue
            assert RELATIVE.fullmatch(address), address
            if address.startswith("#"):
                assert address[1:] in ids
            elif files:
                assert target(path, address).is_file(), address
    policies = [meta.get("content") for meta in all_of(page, "meta") if meta.get("http-equiv")]
    assert len(policies) == 1
    assert policies[0].startswith("default-src 'none';")
    assert "unsafe" not in policies[0]
    assert "http" not in policies[0]
    return page
