"""The view of the embedded thumbnail: the picture in the file, beside the photo, through the isolated reader."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import data
from typer.testing import CliRunner

from mesorch_cli.cli.app import app
from mesorch_cli.errors import InputError
from mesorch_cli.evidence import read_photo
from mesorch_cli.evidence.photo import ReadOptions
from tests.evidence.metadata.test_metadata import with_thumbnail
from tests.evidence.samples import encoded

PHOTO = np.ascontiguousarray(data.astronaut()[:384])  # 4:3
OTHER = np.ascontiguousarray(data.coffee()[:, ::-1])


def small(pixels: np.ndarray) -> bytes:
    return encoded(Image.fromarray(pixels).resize((160, 120), Image.Resampling.BOX), "JPEG", quality=95)


@pytest.mark.parametrize(("embedded", "alike"), [(PHOTO, True), (OTHER, False)])
def test_the_thumbnail_is_drawn_beside_the_photo(tmp_path: Path, embedded: np.ndarray, alike: bool) -> None:
    photo = tmp_path / "a.jpg"
    photo.write_bytes(with_thumbnail(PHOTO, small(embedded)))
    words = ["views", str(photo), "-o", str(tmp_path / "out"), "--view", "thumbnail"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    picture = cv2.imread(str(tmp_path / "out" / "a.jpg-views" / "thumbnail.png"))
    assert picture is not None
    height, half = picture.shape[0], (picture.shape[1] - 16) // 2
    assert picture.shape[1] == 2 * half + 16
    left, right = picture[:, :half].astype(float), picture[:, half + 16 :].astype(float)
    assert (np.abs(left - right).mean() < 8) == alike
    shown = cv2.resize(embedded[..., ::-1], (half, height), interpolation=cv2.INTER_AREA).astype(float)
    assert np.abs(right - shown).mean() < 12  # the right one is the file's own, with its colours


@pytest.mark.parametrize("content", [b"\xff\xd8\xff" + bytes(40), b"no JPEG at all"])
def test_a_thumbnail_that_cannot_be_read_is_named_on_the_page(tmp_path: Path, content: bytes) -> None:
    photo = tmp_path / "a.jpg"
    photo.write_bytes(with_thumbnail(PHOTO, content))
    done = CliRunner().invoke(app, ["views", str(photo), "-o", str(tmp_path / "out"), "--view", "thumbnail"])
    assert done.exit_code == 0, done.output
    told = json.loads((tmp_path / "out" / "a.jpg-views" / "views.json").read_text())
    assert "no embedded thumbnail" in told["missing"]["thumbnail"]


def test_a_photo_without_one_is_refused_where_only_the_thumbnail_is_read() -> None:
    with pytest.raises(InputError, match="has no embedded thumbnail") as refused:
        read_photo("-", data=encoded(Image.fromarray(PHOTO), "JPEG"), options=ReadOptions(thumbnail=True))
    assert refused.value.reason == "no thumbnail"


def test_a_thumbnail_that_claims_a_huge_picture_is_refused_before_it_is_decoded() -> None:
    huge = bytearray(small(OTHER))
    at = huge.index(b"\xff\xc0") + 5
    huge[at : at + 4] = b"\xff\xff\xff\xff"
    with pytest.raises(InputError) as refused:
        read_photo("-", data=with_thumbnail(PHOTO, bytes(huge)), options=ReadOptions(thumbnail=True))
    assert refused.value.reason in ("too many pixels", "damaged")
