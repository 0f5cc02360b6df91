"""Writes the small files that `fuzz_reader.py` mutates: every format the tool reads, by the makers of the tests.

The bytes are the same every time, but for the signature of the file with C2PA. usage: fuzz_files.py FOLDER
"""

import argparse
import base64
import itertools
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import imagecodecs
import numpy as np
from PIL import Image

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # the tests are no installed package

from tests.evidence.containers import test_layouts  # noqa: E402
from tests.evidence.decoding import test_formats  # noqa: E402
from tests.evidence.decoding.test_decoders import HEIC  # noqa: E402
from tests.evidence.isolation import test_fuzz  # noqa: E402
from tests.evidence.jpeg import test_oddities  # noqa: E402
from tests.evidence.samples import encoded, picture, ramp16, tiff, with_exif_orientation  # noqa: E402
from tests.evidence.tiff import test_tiff_kinds  # noqa: E402
from tests.evidence.tiff import tiff_bytes as tb  # noqa: E402

EXAMPLES = ("authentic.jpg", "splice.jpg", "splice_mask.png")


def tiffs() -> Iterator[bytes]:
    """Yield TIFFs: layouts by compressions, depths, fax, YCbCr, old-style kinds, slips."""
    for layout, compression in itertools.product(test_tiff_kinds.LAYOUTS, test_tiff_kinds.COMPRESSIONS):
        stored = picture().transpose(2, 0, 1) if "planarconfig" in layout else picture()
        yield tiff(np.ascontiguousarray(stored), photometric="rgb", **layout, **compression)
    rng = np.random.default_rng(20)
    for bits in (1, 2, 4, 7, 12, 16, 24, 32):
        samples = rng.integers(0, 1 << bits, (20, 3 * 17), dtype=np.uint64)
        tags = {tb.BITS: [bits] * 3, tb.SAMPLES: 3, tb.PHOTOMETRIC: 2}
        yield tb.built(17, 20, [tb.packed(samples, bits)], tags)
    fax = Image.fromarray(picture()[..., 0]).convert("1")
    for codec in ("group3", "group4", "tiff_ccitt", "jpeg", "tiff_lzw", "packbits"):
        yield encoded(fax if codec != "jpeg" else Image.fromarray(picture()), "TIFF", compression=codec)
    for (across, down), number in itertools.product([(1, 1), (2, 2), (4, 1)], (1, 5, 8)):
        yield test_tiff_kinds.ycbcr_file(across, down, number)[0]
    grey = picture()[..., 0].copy()
    for end in (True, False):
        yield tb.built(grey.shape[1], grey.shape[0], [tb.lzw(grey.tobytes(), end=end)], {tb.COMPRESSION: 5})
    yield tb.built(grey.shape[1], grey.shape[0], [grey.tobytes()], entries=[struct.pack("<HHII", 700, 99, 5, 7)])
    yield tb.built(grey.shape[1], grey.shape[0], [grey.tobytes()], following=4_000_000_000)
    for kind in (np.float16, np.float32, np.float64):
        yield tiff((ramp16() / 65535).astype(kind), photometric="rgb", predictor=3, compression="zlib")


def files() -> Iterator[bytes]:
    """Yield every file."""
    yield from test_fuzz.seeds()
    yield from tiffs()
    yield test_formats.dng()
    yield from (base64.b64decode(text) for text in HEIC.values())
    yield from (test_formats.pages_of(name) for name in ("TIFF", "GIF", "PNG", "WEBP"))
    yield bytes(imagecodecs.ljpeg_encode(ramp16()[..., 0]))
    for codec in ("j2k", "jp2"):
        yield bytes(imagecodecs.jpeg2k_encode(picture(), level=0, reversible=True, codecformat=codec))
    yield bytes(imagecodecs.jpegxl_encode(picture(), distance=1.0))
    yield from (test_layouts.bitmap(np.zeros((8, 8)), bits) for bits in (16, 24, 32))
    yield from (test_oddities.PLAIN, test_oddities.RESTARTS, test_oddities.PROGRESSIVE)
    yield test_oddities.PLAIN + test_oddities.SAMSUNG
    yield test_oddities.PLAIN + test_oddities.VIDEO
    yield from (with_exif_orientation(picture(), name, 6) for name in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF"))
    yield encoded(Image.fromarray(picture()).quantize(16), "PNG")
    yield encoded(Image.fromarray(picture()), "WEBP", lossless=True)
    yield encoded(Image.fromarray(picture()).convert("RGBA"), "PNG")
    yield from ((ROOT / "examples" / name).read_bytes() for name in EXAMPLES)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for number, data in enumerate(files()):
        (folder / f"{number:03}.bin").write_bytes(data)
        count = number + 1
    print(f"{count} files")


if __name__ == "__main__":
    main()
