"""The strict walk over JPEG codes: sound files of every layout pass, and it agrees with what was done to broken ones."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mesorch_cli.evidence.inspection import Findings
from mesorch_cli.evidence.jpeg.huffman import walk_codes, zero_runs
from mesorch_cli.evidence.jpeg.structure import walk
from tests.evidence.samples import encoded, picture, scan_start

SIZES = ((120, 168), (1, 1), (17, 33), (61, 83), (8, 8))


def problem(data: bytes) -> str | None:
    findings = Findings()
    structure = walk(data, findings)
    assert not findings.damage
    return walk_codes(data, structure).problem


@pytest.mark.parametrize("progressive", [True, False])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"subsampling": 0},
        {"subsampling": 1},
        {"restart_marker_rows": 1},
        {"restart_marker_blocks": 3},
        {"quality": 30},
    ],
)
def test_sound_files_pass(options: dict[str, Any], progressive: bool) -> None:
    for height, width in SIZES:
        image = picture(120, 168)[:height, :width].copy()
        assert problem(encoded(image, "JPEG", progressive=progressive, **options)) is None, (height, width)
    for mode in ("L", "CMYK"):
        image_of_mode = Image.fromarray(picture()).convert(mode)
        more = {name: value for name, value in options.items() if name != "subsampling"}
        assert problem(encoded(image_of_mode, "JPEG", progressive=progressive, **more)) is None, mode


@pytest.mark.parametrize("progressive", [True, False])
def test_bytes_too_few_and_too_many_are_told(progressive: bool) -> None:
    data = encoded(picture(120, 168), "JPEG", quality=90, progressive=progressive)
    longer = problem(data[:-2] + b"\x12\x34\x56" + data[-2:])
    assert longer is not None
    assert "goes on after the picture" in longer or "does not decode" in longer
    shorter = problem(data[:-12] + data[-2:])
    assert shorter is not None


@settings(max_examples=40, deadline=None)
@given(progressive=st.booleans(), place=st.floats(0, 1), noise=st.binary(min_size=1, max_size=40))
def test_noise_is_never_a_crash(progressive: bool, place: float, noise: bytes) -> None:
    data = encoded(picture(), "JPEG", quality=90, progressive=progressive)
    start = scan_start(data)
    at = start + int((len(data) - 2 - start) * place)
    findings = Findings()
    broken = data[:at] + noise.replace(b"\xff", b"\xfe") + data[at + len(noise) :]
    structure = walk(broken, findings)
    if structure.components and structure.scans:
        walk_codes(broken, structure)
        zero_runs(broken, structure)


def test_zeros_are_impossible_only_where_their_code_is_no_even_block() -> None:
    photo = encoded(picture(240, 320), "JPEG", quality=90, subsampling=0)
    at = scan_start(photo) + 2000
    broken = photo[:at] + bytes(600) + photo[at + 600 :]
    assert zero_runs(broken, walk(broken, Findings())) == [(at, True)]
    flat = encoded(Image.fromarray(np.full((1600, 1600), 255, np.uint8)), "JPEG", quality=90, optimize=True)
    assert [impossible for _, impossible in zero_runs(flat, walk(flat, Findings()))] == [False]
