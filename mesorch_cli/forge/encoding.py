"""Photos as files and back: JPEG with standard, shaped or real camera tables, WebP and PNG."""

import io
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageFile

from mesorch_cli.evidence.metadata.summary import scaled_table
from mesorch_cli.forge.patch import Pixels, Step, chance
from mesorch_cli.forge.tables import Kind, Table, Tables, known_tables

SUBSAMPLINGS = {"4:4:4": 0.25, "4:2:2": 0.2, "4:2:0": 0.55}
_PILLOW_SUBSAMPLING = {"4:4:4": 0, "4:2:2": 1, "4:2:0": 2}
ORIGINS = {"standard": 0.52, "camera": 0.1, "camera shape": 0.08, "program": 0.18, "shaped": 0.12}
PROGRESSIVE_SHARE = 0.2
BUFFER_SHARE = 0.9  # of the room for a progressive file that its sequential form may take
SLACK = 6  # of quality: how far known tables may be outside the requested range
FULL_COLOUR_SHARE = 0.85  # of saves with a program's own tables, as editors keep full colour at high quality


@dataclass(frozen=True)
class JpegSettings:
    """How a JPEG is written: the standard tables at `quality` (1..100) where `tables` is None.

    tables: brightness and colour, 64 entries each, row by row. origin: one of ORIGINS; of: the camera or program.
    """

    quality: int
    subsampling: str = "4:2:0"
    tables: tuple[Table, Table] | None = None
    origin: str = "standard"
    of: str | None = None
    progressive: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.quality <= 100 or self.subsampling not in SUBSAMPLINGS:
            raise ValueError(f"quality {self.quality}, subsampling {self.subsampling!r}")

    def step(self) -> Step:
        """Return its entry in the manifest."""
        step: Step = {"step": "jpeg", "quality": self.quality, "subsampling": self.subsampling, "tables": self.origin}
        if self.of is not None:
            step["of"] = self.of
        return step | ({"progressive": True} if self.progressive else {})


def drawn_settings(rng: np.random.Generator, lowest: int, highest: int) -> JpegSettings:
    """Draw how a JPEG is written: quality in lowest..highest, subsampling, and the source of its tables.

    Tables of cameras and programs are used unchanged, or (cameras) with their shape at another quality. `shaped` are
    the standard tables, modified at random as makers do.
    """
    quality = int(rng.integers(lowest, highest + 1))
    subsampling = list(SUBSAMPLINGS)[int(rng.choice(len(SUBSAMPLINGS), p=list(SUBSAMPLINGS.values())))]
    progressive = chance(rng, PROGRESSIVE_SHARE)
    origin = list(ORIGINS)[int(rng.choice(len(ORIGINS), p=list(ORIGINS.values())))]
    if origin == "standard":
        return JpegSettings(quality, subsampling, progressive=progressive)
    if origin == "shaped":
        luma, chroma = np.array(scaled_table(quality)), np.array(scaled_table(quality, chroma=True))
        tables = (
            _as_table(luma * np.exp(rng.normal(0, 0.15, 64))),
            _as_table(chroma * np.exp(rng.normal(0, 0.15, 64))),
        )
        return JpegSettings(quality, subsampling, tables, origin, progressive=progressive)
    if origin == "camera shape":
        known = _drawn_tables(rng, "camera", 1, 100)
        return JpegSettings(quality, subsampling, rescaled(known, quality), origin, known.of, progressive)
    kind: Kind = "program" if origin == "program" else "camera"
    known = _drawn_tables(rng, kind, lowest, highest)
    if kind == "program" and chance(rng, FULL_COLOUR_SHARE):
        subsampling = "4:4:4"
    return JpegSettings(known.quality, subsampling, (known.luma, known.chroma), origin, known.of, progressive)


def rescaled(tables: Tables, quality: int) -> tuple[Table, Table]:
    """Return tables of the same shape with the means of the standard tables at `quality`."""
    luma, chroma = float(np.mean(scaled_table(quality))), float(np.mean(scaled_table(quality, chroma=True)))
    return (
        _as_table(np.array(tables.luma) * luma / float(np.mean(tables.luma))),
        _as_table(np.array(tables.chroma) * chroma / float(np.mean(tables.chroma))),
    )


def encode_jpeg(pixels: Pixels, settings: JpegSettings) -> bytes:
    """Return the photo as a JPEG file, not progressive if `fitting` says so."""
    return _jpeg(pixels, fitting(pixels, settings))


def fitting(pixels: Pixels, settings: JpegSettings) -> JpegSettings:
    """Return the settings, not progressive if the file would be too large for that.

    Pillow writes a progressive file in one piece, into a buffer of one or two bytes a pixel. Noise in full colour at a
    high quality does not fit.
    """
    if not settings.progressive:
        return settings
    plain = replace(settings, progressive=False)
    room = pixels.shape[0] * pixels.shape[1] * (2 if settings.tables is not None or settings.quality >= 95 else 1)
    return settings if len(_jpeg(pixels, plain)) < BUFFER_SHARE * max(room, ImageFile.MAXBLOCK) else plain


def _jpeg(pixels: Pixels, settings: JpegSettings) -> bytes:
    data = io.BytesIO()
    subsampling = _PILLOW_SUBSAMPLING[settings.subsampling]
    image = Image.fromarray(pixels)
    if settings.tables is None:
        image.save(data, "JPEG", quality=settings.quality, subsampling=subsampling, progressive=settings.progressive)
    else:
        tables = [list(table) for table in settings.tables]
        image.save(data, "JPEG", qtables=tables, subsampling=subsampling, progressive=settings.progressive)
    return data.getvalue()


def encode_webp(pixels: Pixels, quality: int) -> bytes:
    """Return the photo as a lossy WebP file."""
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "WEBP", quality=quality, method=1)
    return data.getvalue()


def encode_png(pixels: Pixels) -> bytes:
    """Return a photo (H, W, 3) or a mask (H, W), uint8, as a PNG file."""
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "PNG")
    return data.getvalue()


def decoded(data: bytes) -> Pixels:
    """Return the pixels (H, W, 3) uint8 RGB of a file that this module wrote."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def _drawn_tables(rng: np.random.Generator, kind: Kind, lowest: int, highest: int) -> Tables:
    """Draw known tables with a quality in the range, or else nearest to its middle."""
    known = known_tables(kind)
    fitting = [tables for tables in known if lowest - SLACK <= tables.quality <= highest + SLACK]
    if not fitting:
        return min(known, key=lambda tables: abs(2 * tables.quality - lowest - highest))
    return fitting[int(rng.integers(len(fitting)))]


def _as_table(values: np.ndarray[tuple[int, ...], np.dtype[np.floating]]) -> Table:
    return tuple(int(value) for value in np.clip(np.round(values), 1, 255))
