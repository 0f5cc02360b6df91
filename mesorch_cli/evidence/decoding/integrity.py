"""The checks before any forensic claim: what each format reveals about its own bytes, before and after decoding."""

from mesorch_cli.evidence.colour import Samples
from mesorch_cli.evidence.format import Format
from mesorch_cli.evidence.formats.registry import named
from mesorch_cli.evidence.inspection import Inspection, NoSuchPageError
from mesorch_cli.evidence.photo import Content, page_read


def inspect(data: Content, format_: Format, page: int | None = None) -> Inspection:
    """Return what the headers and the outer structure of `data` say, and what is wrong with them. Decodes nothing.

    `page` is the page or frame to read, None for the first full one. Raises BrokenHeaderError if not even the size of
    the picture is known, UnsupportedError for variants of a format that are not read, and NoSuchPageError.
    """
    inspection = format_.inspect(data, page)
    if not 1 <= inspection.page <= inspection.pages:
        raise NoSuchPageError(f"has {inspection.pages} pages or frames and no page {inspection.page}")
    inspection.asked = page is not None
    return inspection


def decode(data: Content, inspection: Inspection) -> Samples:
    """Decode one picture of `data` as stored, without rotation, blending or colour profile.

    It is the first full picture, or the page asked for. A damaged picture is decoded as far as possible; the decoder
    invents the rest (grey or black), and `inspection.findings` says so. Raises UnsupportedError, or any error of the
    codec if nothing decodes.
    """
    samples = named(inspection.format).decode(data, inspection)
    if inspection.asked and inspection.pages > 1:
        samples.conversions.insert(0, page_read(inspection.page, inspection.pages))
    elif inspection.pages > 1:
        samples.conversions.insert(0, f"first of {inspection.pages} frames or pages read")
    return samples


def check_decoded(data: Content, inspection: Inspection, samples: Samples) -> None:
    """Add the findings that need decoded samples: a size other than the announced one, and the format's own checks."""
    height, width = samples.array.shape[:2]
    if (width, height) != (inspection.width, inspection.height):
        inspection.findings.add_damage(
            f"decoded to {width} x {height} pixels where the header says {inspection.width} x {inspection.height}"
        )
    named(inspection.format).check(data, inspection, samples)
