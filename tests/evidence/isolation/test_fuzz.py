"""A slice of the fuzzing that `benchmarks/fuzz_reader.py` does at length: no fault, no crash, no hang, JSON that holds."""

import base64
import importlib.util
import io
import json
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from mesorch_cli.errors import InputError
from mesorch_cli.evidence import ReadOptions
from mesorch_cli.evidence.isolation.isolated_reader import IsolatedReader
from mesorch_cli.evidence.isolation.reading_process import PHOTOS_PER_WORKER, Limits
from tests.evidence.decoding.test_decoders import HEIC
from tests.evidence.metadata.test_metadata import XMP, sample_exif
from tests.evidence.samples import encoded, picture, png16, ramp16, tiff
from tests.evidence.signing import Authority

COUNT = 300
REASONS = {
    "damaged", "empty", "not an image", "unsupported format", "too many pixels", "too little memory", "no such page",
}  # fmt: skip
SCRIPT = Path(__file__).parents[3] / "benchmarks" / "fuzz_reader.py"


def seeds() -> list[bytes]:
    image = Image.fromarray(picture())
    frames = [Image.fromarray(picture(seed=seed)) for seed in (1, 2)]
    exif = sample_exif().tobytes()
    return [
        encoded(picture(), "JPEG", exif=exif, xmp=XMP),
        encoded(picture(), "JPEG", progressive=True),
        encoded(image.convert("CMYK"), "JPEG", restart_marker_rows=1),
        Authority("Fuzz").sign(encoded(picture(), "JPEG")),
        encoded(frames[0], "PNG", save_all=True, append_images=frames[1:], exif=exif),
        png16(ramp16()),
        tiff(picture(), photometric="rgb", compression="lzw"),
        tiff(ramp16().astype(np.float32), photometric="rgb", tile=(16, 16), compression="zlib", bigtiff=True),
        tiff(picture(), photometric="ycbcr", compression="jpeg"),
        encoded(picture(), "WEBP", exif=exif),
        encoded(picture(), "BMP"),
        encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        encoded(picture(), "AVIF", exif=exif),
        base64.b64decode(HEIC["turned"]),
        bytes(imagecodecs.jpeg2k_encode(picture(), level=0, reversible=True)),
        bytes(imagecodecs.jpegxl_encode(picture(), lossless=True, usecontainer=True)),
    ]


@pytest.fixture(scope="module")
def fuzz() -> object:
    spec = importlib.util.spec_from_file_location("fuzz_reader", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_mutated_files_are_read_or_refused(fuzz: object) -> None:
    files = seeds()
    options = ReadOptions(max_pixels=20_000_000, provenance=True, compare_decoders=True)
    read, refused = 0, {}
    with IsolatedReader(Limits(seconds=120, memory_bytes=1 << 30)) as reader:
        workers = set()
        for number in range(COUNT):
            reader.start()
            workers.add(reader._idle[0]._process.pid)
            data = fuzz.mutation(number, files)  # type: ignore[attr-defined]
            try:
                photo = reader.read("-", data=data, options=options)
            except InputError as error:
                refused[number] = error.reason
                continue
            read += 1
            assert photo.pixels.shape == (photo.decode.height, photo.decode.width, 3)
            json.dumps([photo.metadata, photo.provenance, photo.decode.comparison], allow_nan=False)
    assert len(workers) == COUNT / PHOTOS_PER_WORKER  # none ended before its time
    assert {number: reason for number, reason in refused.items() if reason not in REASONS} == {}
    assert read > COUNT // 10


def test_a_mutation_is_the_same_bytes_every_time(fuzz: object) -> None:
    files = [encoded(picture(), "PNG"), encoded(picture(), "BMP")]
    first, again = ([fuzz.mutation(number, files) for number in range(20)] for _ in range(2))  # type: ignore[attr-defined]
    assert first == again
    assert len(set(first)) == 20
    assert io.BytesIO(first[0]).read(1)
