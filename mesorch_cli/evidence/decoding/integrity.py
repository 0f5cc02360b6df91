"""The gate before any forensic claim: what each format can tell about its own bytes, before and after decoding."""

from mesorch_cli.evidence.colour import Samples
from mesorch_cli.evidence.format import Format
from mesorch_cli.evidence.formats.registry import named
from mesorch_cli.evidence.inspection import Inspection, NoSuchPageError
from mesorch_cli.evidence.photo import Content, page_read


def inspect(data: Content, format_: Format, page: int | None = None) -> Inspection:
    """Return what the headers and the outer structure of `data` say, and what is wrong with them; decodes nothing.

    `page` is the page or frame to be read, None for the first full one. Raises BrokenHeaderError where not even the picture's
    size can be told, UnsupportedError for variants of a format that are not read, NoSuchPageError.
    """
    inspection = format_.inspect(data, page)
    if not 1 <= inspection.page <= inspection.pages:
        raise NoSuchPageError(f"has {inspection.pages} pages or frames and no page {inspection.page}")
    inspection.asked = page is not None
    return inspection


def decode(data: Content, inspection: Inspection) -> Samples:
    """Decode one picture of `data` in its stored raster, with no rotation, no blending and no colour profile.

    It is the first full picture, or the page asked for. Damage that still decodes is read as far as it goes, the rest being
    what the decoder makes up (grey or black); `inspection.findings` says so. Raises UnsupportedError, or whatever the codec
    raises where nothing decodes.
    """
    samples = named(inspection.format).decode(data, inspection)
    if inspection.asked and inspection.pages > 1:
        samples.conversions.insert(0, page_read(inspection.page, inspection.pages))
    elif inspection.pages > 1:
        samples.conversions.insert(0, f"first of {inspection.pages} frames or pages read")
    return samples


def check_decoded(data: Content, inspection: Inspection, samples: Samples) -> None:
    """Add the findings that need the decoded samples: a size other than the announced one, and what the format checks."""
    height, width = samples.array.shape[:2]
    if (width, height) != (inspection.width, inspection.height):
        inspection.findings.add_damage(
            f"decoded to {width} x {height} pixels where the header says {inspection.width} x {inspection.height}"
        )
    named(inspection.format).check(data, inspection, samples)
