"""The gate before any forensic claim: what each format can tell about its own bytes, before and after decoding."""

from collections.abc import Callable

from mesorch_cli.evidence import formats
from mesorch_cli.evidence.colour import Samples
from mesorch_cli.evidence.containers.bmp import inspect_bmp
from mesorch_cli.evidence.containers.camera_raw import inspect_raw
from mesorch_cli.evidence.containers.jpeg2000 import inspect_jpeg2000
from mesorch_cli.evidence.containers.jpegxl import inspect_jpegxl
from mesorch_cli.evidence.containers.png import inspect_png
from mesorch_cli.evidence.containers.simple import inspect_avif, inspect_gif, inspect_heic, inspect_webp
from mesorch_cli.evidence.inspection import Inspection, NoSuchPageError
from mesorch_cli.evidence.jpeg.entropy import check_entropy
from mesorch_cli.evidence.jpeg.structure import inspect_jpeg
from mesorch_cli.evidence.photo import Content
from mesorch_cli.evidence.tiff.directories import CameraRawError, inspect_tiff

_INSPECTORS: dict[str, Callable[[bytes], Inspection]] = {
    formats.JPEG: inspect_jpeg,
    formats.PNG: inspect_png,
    formats.WEBP: inspect_webp,
    formats.BMP: inspect_bmp,
    formats.GIF: inspect_gif,
    formats.AVIF: inspect_avif,
    formats.JPEG2000: inspect_jpeg2000,
    formats.JPEGXL: inspect_jpegxl,
    formats.RAW: inspect_raw,
}
# Pages of one file may differ in size, depth and kind.
_PAGE_INSPECTORS: dict[str, Callable[[Content, int | None], Inspection]] = {
    formats.TIFF: inspect_tiff,
    formats.HEIC: inspect_heic,
}


def inspect(data: Content, format_name: str, page: int | None = None) -> Inspection:
    """Return what the headers and the outer structure of `data` say, and what is wrong with them; decodes nothing.

    `format_name` is one of `formats.READABLE`; `page` the page or frame to be read, None for the first full one. Raises
    BrokenHeaderError where not even the picture's size can be told, UnsupportedError for variants of a format that are
    not read, NoSuchPageError.
    """
    if format_name in _PAGE_INSPECTORS:
        try:
            inspection = _PAGE_INSPECTORS[format_name](data, page)
        except CameraRawError as raw:
            inspection = inspect_raw(bytes(data), raw.findings)
            inspection.page = page or 1
    else:
        inspection = _INSPECTORS[format_name](bytes(data))
        inspection.page = page or 1
    if not 1 <= inspection.page <= inspection.pages:
        raise NoSuchPageError(f"has {inspection.pages} pages or frames and no page {inspection.page}")
    inspection.asked = page is not None
    return inspection


def check_decoded(data: Content, inspection: Inspection, samples: Samples) -> None:
    """Add the findings that need the decoded samples: gaps in JPEG data, and a size other than the announced one."""
    height, width = samples.array.shape[:2]
    if (width, height) != (inspection.width, inspection.height):
        inspection.findings.add_damage(
            f"decoded to {width} x {height} pixels where the header says {inspection.width} x {inspection.height}"
        )
    if inspection.format == formats.JPEG:
        check_entropy(bytes(data), inspection.structure, samples.array, inspection.findings)
