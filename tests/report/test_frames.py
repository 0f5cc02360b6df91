"""The upright frame is where Pillow puts the pixels when it applies the orientation."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from mesorch_cli.report.frames import Box, matrix, upright, upright_size


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_box_is_where_pillow_turns_it(orientation: int) -> None:
    width, height, box = 30, 20, Box(3, 5, 7, 4)
    pixels = np.zeros((height, width), np.uint8)
    pixels[box.y : box.y + box.height, box.x : box.x + box.width] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    with io.BytesIO() as file:
        Image.fromarray(pixels).save(file, "PNG", exif=exif)
        file.seek(0)
        turned = np.asarray(ImageOps.exif_transpose(Image.open(file)))
    rows, columns = np.nonzero(turned)
    found = Box(int(columns.min()), int(rows.min()), int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1)
    assert upright(box, width, height, orientation) == found
    assert upright_size(width, height, orientation) == turned.shape[::-1]


@given(st.integers(1, 500), st.integers(1, 500), st.integers(1, 8), st.data())
def test_a_box_stays_inside_and_keeps_its_area(width: int, height: int, orientation: int, data: st.DataObject) -> None:
    x, y = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    box = Box(x, y, data.draw(st.integers(1, width - x)), data.draw(st.integers(1, height - y)))
    turned = upright(box, width, height, orientation)
    across, along = upright_size(width, height, orientation)
    assert 0 <= turned.x <= turned.x + turned.width <= across
    assert 0 <= turned.y <= turned.y + turned.height <= along
    assert turned.width * turned.height == box.width * box.height
    a, b, c, d, _, _ = matrix(width, height, orientation)
    assert abs(a * d - b * c) == 1
