"""Outlines and links of a record's findings on the page and in the document: every one, where the record says."""

import re
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import cv2
import numpy as np
import pytest
from pypdf import PdfReader
from pypdf.generic import ContentStream

from mesorch_cli.report.report import PdfRule, write_report
from tests.report import made
from tests.report.pages import SVG, check_page
from tests.report.test_same_facts import read_page, read_pdf, words_of

WIDTH, HEIGHT = 900, 400  # of the made record, whose orientation is 6: upright it is 400 x 900
FIRST, SECOND = [100, 50, 220, 60, 210, 150, 120, 140], [600, 200, 690, 230, 640, 330]
LINKS = [[130.6, 70.0, 630.0, 230.2], [200.0, 120.4, 650.0, 300.0]]
GEOMETRY = {
    "outlines": [{"role": "part", "corners": FIRST}, {"role": "counterpart", "corners": SECOND}],
    "links": LINKS,
    "tolerance": 2.0,
}
MEASURES = {"part_pasted": 0.9, "turn_degrees": 12.0, "scale": 1.1, "matches": 30, "agreement": 0.8}
Segment = tuple[float, ...]


def box_of(role: str, corners: list[int]) -> dict[str, Any]:
    x, y = min(corners[::2]), min(corners[1::2])
    width, height = max(corners[::2]) - x, max(corners[1::2]) - y
    upright = {"x": HEIGHT - y - height, "y": x, "width": height, "height": width}
    return {"role": role, "x": x, "y": y, "width": width, "height": height, "upright": upright}


def finding(geometry: dict[str, Any] | None, witness: str = "copies") -> dict[str, Any]:
    places = [box_of("part", FIRST), box_of("counterpart", SECOND)]
    made_of = {"witness": witness, "certainty": 0.95, "places": places, "measures": MEASURES}
    return made_of | ({} if geometry is None else {"geometry": geometry})


def write(case: Path, *findings: dict[str, Any]) -> Path:
    folder = case / "photos" / "x.jpg"
    folder.mkdir(parents=True)
    data = cv2.imencode(".jpg", np.full((HEIGHT, WIDTH, 3), 90, np.uint8))[1].tobytes()
    for name in ("preview.jpg", "preview_overlay.jpg"):
        (folder / name).write_bytes(data)
    record = made.record("x.jpg", 0.99)
    record["result"]["findings"] = list(findings)
    write_report(case, made.FACTS, [made.entry("x.jpg", record)], pdf=PdfRule())
    return folder / "index.html"


def numbers(path: Element) -> list[float]:
    return [float(value) for value in re.findall(r"-?[\d.]+", path.get("d", ""))]


def paths(page: Element, kind: str) -> list[list[float]]:
    return [numbers(path) for path in page.iter(SVG + "path") if path.get("class") == kind]


def segments_in(document: PdfReader) -> list[tuple[set[Segment], set[Segment]]]:
    """Return for every picture of a document the segments drawn on its page, in pixels: solid ones and translucent ones."""
    found = []
    for page in document.pages:
        contents = page.get_contents()
        assert contents is not None
        states = page["/Resources"].get("/ExtGState", {})  # type: ignore[union-attr]
        pictures: list[list[float]] = []
        lines: dict[bool, list[Segment]] = {True: [], False: []}
        matrix, last, opacity, kept = [0.0] * 6, (0.0, 0.0), 1.0, [1.0]
        for values, name in ContentStream(contents, document).operations:
            operator = name.decode("ascii")
            if operator == "cm":
                matrix = [float(value) for value in values]
            elif operator == "Do" and matrix[0] > 100:
                pictures.append(matrix)
            elif operator == "q":
                kept.append(opacity)
            elif operator == "Q":
                opacity = kept.pop()
            elif operator == "gs":
                opacity = float(states[values[0]].get("/CA", opacity))
            elif operator == "m":
                last = (float(values[0]), float(values[1]))
            elif operator == "l":
                end = (float(values[0]), float(values[1]))
                lines[opacity < 1].append((*last, *end))
                last = end
        for across, _, _, along, left, bottom in pictures:
            factor = across / WIDTH
            moved = [
                {
                    tuple(
                        round((value - left) / factor if at % 2 == 0 else (bottom + along - value) / factor)
                        for at, value in enumerate(line)
                    )
                    for line in lines[translucent]
                }
                for translucent in (False, True)
            ]
            # the other picture of the page lies beside this one
            within = [{line for line in some if all(0 <= x <= WIDTH for x in line[::2])} for some in moved]
            found.append((within[0], within[1]))
    return found


def sides(corners: list[int]) -> set[Segment]:
    points = list(zip(corners[::2], corners[1::2], strict=True))
    return {(*start, *end) for start, end in zip(points, points[1:] + points[:1], strict=True)}


@pytest.mark.parametrize("witness", ["copies", "lamps"])
def test_page_and_document_draw_both_outlines_and_all_links(tmp_path: Path, witness: str) -> None:
    place = write(tmp_path, finding(GEOMETRY, witness))
    page = check_page(place, files=False)
    # over the photo, over the map, and upright
    assert (
        paths(page, "over")
        == paths(page, "under")
        == 3 * [[float(value) for value in side] for side in (FIRST, SECOND)]
    )
    assert paths(page, "link") == 3 * [[value for link in LINKS for value in link]]
    closed = [path.get("d", "") for path in page.iter(SVG + "path") if path.get("class") == "over"]
    assert all(path.endswith("Z") for path in closed)
    assert not [
        rect for group in page.iter(SVG + "g") if group.get("class") == "joined" for rect in group.iter(SVG + "rect")
    ]

    drawn = segments_in(PdfReader(tmp_path / "report.pdf"))
    assert len(drawn) == 2
    for solid, translucent in drawn:
        assert sides(FIRST) | sides(SECOND) <= solid
        assert translucent == {tuple(round(value) for value in link) for link in LINKS}

    words = {"copies": "parts that match each other; thin lines: some of the points that agree"}
    legend = words.get(witness, "findings of lamps; thin lines: points that belong together")
    for said in (read_page(place), read_pdf(tmp_path / "report.pdf")[0]):
        assert words_of(f"Blue: {legend}.") in said


def test_the_upright_picture_turns_outlines_with_the_photo(tmp_path: Path) -> None:
    page = check_page(write(tmp_path, finding(GEOMETRY)), files=False)
    (group,) = [group for group in page.iter(SVG + "g") if (group.get("transform") or "").startswith("matrix")]
    a, b, c, d, e, f = map(float, re.findall(r"-?[\d.]+", group.get("transform", "")))
    outlines = [numbers(path) for path in group.iter(SVG + "path") if path.get("class") == "over"]
    assert len(outlines) == 2
    for corners, place in zip(outlines, finding(None)["places"], strict=True):
        turned = [(a * x + c * y + e, b * x + d * y + f) for x, y in zip(corners[::2], corners[1::2], strict=True)]
        box, (xs, ys) = place["upright"], zip(*turned, strict=True)
        assert (min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)) == tuple(
            box[side] for side in ("x", "y", "width", "height")
        )


def test_a_record_without_geometry_has_boxes_and_one_line(tmp_path: Path) -> None:
    place = write(tmp_path / "none", finding(None))
    page = check_page(place, files=False)
    middles = [
        side for one in finding(None)["places"] for side in (one["x"] + one["width"] / 2, one["y"] + one["height"] / 2)
    ]
    assert paths(page, "over") == 3 * [middles]
    assert paths(page, "link") == []
    for solid, translucent in segments_in(PdfReader(tmp_path / "none" / "report.pdf")):
        assert tuple(map(round, middles)) in solid
        assert not translucent
    null = write(tmp_path / "null", finding(None) | {"geometry": None})
    assert null.read_bytes() == place.read_bytes()
    assert words_of("Blue: parts that match each other.") in read_page(place)
