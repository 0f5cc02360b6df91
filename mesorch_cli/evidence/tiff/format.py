"""TIFF as a format: tifffile or libtiff reads it, the other one compares. Camera raw in TIFF form goes to LibRaw."""

import tifffile

from mesorch_cli.evidence.colour import Samples
from mesorch_cli.evidence.containers.camera_raw import TIFF_STARTS, inspect_raw, is_canon_raw
from mesorch_cli.evidence.format import Format
from mesorch_cli.evidence.inspection import Inspection, UnsupportedError
from mesorch_cli.evidence.photo import Content, Pixels
from mesorch_cli.evidence.second_decoder import NotComparableError, SecondDecoder, by_pillow, none_because
from mesorch_cli.evidence.tiff import libtiff
from mesorch_cli.evidence.tiff.directories import NAME, CameraRawError, inspect_tiff
from mesorch_cli.evidence.tiff.pixels import decode_tiff, decode_tiff_again


def inspect(data: Content, page: int | None) -> Inspection:
    """Inspect a TIFF, or the camera raw file that it turns out to be."""
    try:
        return inspect_tiff(data, page)
    except CameraRawError as raw:
        inspection = inspect_raw(bytes(data), raw.findings)
        inspection.page = page or 1
        return inspection


def _second(inspection: Inspection, samples: Samples) -> SecondDecoder:
    """Return libtiff for what tifffile read, tifffile for fax data, Pillow for CMYK, which libtiff turns into RGB."""
    if samples.kind == "cmyk":
        if inspection.bits != 8 or inspection.page > 1 or inspection.orientation not in (None, 1):
            return none_because("no second decoder gives these CMYK samples as they are stored")
        return by_pillow(exact=True, only="CMYK")

    def decode(data: Content) -> tuple[Pixels, bool]:
        try:
            again, exact = decode_tiff_again(data, inspection)
        except UnsupportedError as error:
            raise NotComparableError(f"no second decoder: it is {error}") from error
        except (RuntimeError, ValueError) as error:  # of codecs on damaged data
            raise NotComparableError(f"the decoder refused the file: {str(error)[:200]}") from error
        return again.array, exact

    if samples.reader == "tifffile":
        return SecondDecoder("libtiff", libtiff.version(), decode)
    return SecondDecoder("tifffile", tifffile.__version__, decode)


TIFF = Format(
    name=NAME,
    suffixes=(".tif", ".tiff"),
    recognises=lambda head: head.startswith(TIFF_STARTS) and not is_canon_raw(head),
    inspect=inspect,
    decode=decode_tiff,
    second=_second,
    second_reads_pages=True,
    media_type="image/tiff",
    read_in_place=True,
)
