"""The gate before any forensic claim: what each format can tell about its own bytes, before and after decoding."""

from collections.abc import Callable

from mesorch_cli.evidence import formats
from mesorch_cli.evidence.colour import Samples
from mesorch_cli.evidence.containers import inspect_avif, inspect_bmp, inspect_gif, inspect_heic, inspect_webp
from mesorch_cli.evidence.entropy import check_entropy
from mesorch_cli.evidence.inspection import Inspection
from mesorch_cli.evidence.jpeg import inspect_jpeg
from mesorch_cli.evidence.png import inspect_png
from mesorch_cli.evidence.tiff import inspect_tiff

_INSPECTORS: dict[str, Callable[[bytes], Inspection]] = {
    formats.JPEG: inspect_jpeg,
    formats.PNG: inspect_png,
    formats.TIFF: inspect_tiff,
    formats.WEBP: inspect_webp,
    formats.BMP: inspect_bmp,
    formats.GIF: inspect_gif,
    formats.HEIC: inspect_heic,
    formats.AVIF: inspect_avif,
}


def inspect(data: bytes, format_name: str) -> Inspection:
    """Return what the headers and the outer structure of `data` say, and what is wrong with them; decodes nothing.

    `format_name` is one of `formats.READABLE`. Raises BrokenHeaderError where not even the picture's size can be told,
    UnsupportedError for variants of a format that are not read.
    """
    return _INSPECTORS[format_name](data)


def check_decoded(data: bytes, inspection: Inspection, samples: Samples) -> None:
    """Add the findings that need the decoded samples: gaps in JPEG data, and a size other than the announced one."""
    height, width = samples.array.shape[:2]
    if (width, height) != (inspection.width, inspection.height):
        inspection.findings.add_damage(
            f"decoded to {width} x {height} pixels where the header says {inspection.width} x {inspection.height}"
        )
    if inspection.format == formats.JPEG:
        check_entropy(data, inspection.structure, samples.array, inspection.findings)
