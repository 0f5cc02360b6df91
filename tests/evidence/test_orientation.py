"""Places in the upright picture, against Pillow's own turning."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from mesorch_cli.evidence.orientation import Box, matrix, upright_box, upright_size


@pytest.mark.parametrize("orientation", range(1, 9))
@given(data=st.data())
def test_a_box_lies_where_a_viewer_shows_it(orientation: int, data: st.DataObject) -> None:
    width, height = data.draw(st.integers(1, 30)), data.draw(st.integers(1, 30))
    x, y = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    box = Box(x, y, data.draw(st.integers(1, width - x)), data.draw(st.integers(1, height - y)))
    stored = np.zeros((height, width), np.uint8)
    stored[box.y : box.y + box.height, box.x : box.x + box.width] = 255
    image = Image.fromarray(stored)
    exif = image.getexif()
    exif[274] = orientation
    upright = np.asarray(ImageOps.exif_transpose(image))
    assert upright.shape[::-1] == upright_size(width, height, orientation)
    rows, columns = np.nonzero(upright)
    there = upright_box(box, width, height, orientation)
    assert there == (columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1)
    assert len(rows) == there.width * there.height


@given(st.integers(1, 500), st.integers(1, 500), st.integers(1, 8), st.data())
def test_a_box_stays_inside_and_keeps_its_area(width: int, height: int, orientation: int, data: st.DataObject) -> None:
    x, y = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    box = Box(x, y, data.draw(st.integers(1, width - x)), data.draw(st.integers(1, height - y)))
    turned = upright_box(box, width, height, orientation)
    across, along = upright_size(width, height, orientation)
    assert 0 <= turned.x <= turned.x + turned.width <= across
    assert 0 <= turned.y <= turned.y + turned.height <= along
    assert turned.width * turned.height == box.width * box.height
    a, b, c, d, _, _ = matrix(width, height, orientation)
    assert abs(a * d - b * c) == 1
