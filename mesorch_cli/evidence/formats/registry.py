"""Every file format that is read. A new format gets its own package and an entry here; everything else follows."""

from mesorch_cli.evidence.containers.avif import AVIF
from mesorch_cli.evidence.containers.bmp import BMP
from mesorch_cli.evidence.containers.camera_raw import RAW
from mesorch_cli.evidence.containers.gif import GIF
from mesorch_cli.evidence.containers.heic import HEIC
from mesorch_cli.evidence.containers.jpeg2000 import JPEG2000
from mesorch_cli.evidence.containers.jpegxl import JPEGXL
from mesorch_cli.evidence.containers.png import PNG
from mesorch_cli.evidence.containers.webp import WEBP
from mesorch_cli.evidence.format import Format
from mesorch_cli.evidence.jpeg.format import JPEG
from mesorch_cli.evidence.tiff.format import TIFF

FORMATS: tuple[Format, ...] = (JPEG, PNG, TIFF, WEBP, BMP, GIF, HEIC, AVIF, JPEG2000, JPEGXL, RAW)
NAMES = tuple(format_.name for format_ in FORMATS)
SUFFIXES = frozenset(suffix for format_ in FORMATS for suffix in format_.suffixes)
"""Lower case, with the dot. A file with such a name counts as a photo, whatever its bytes."""

_BY_NAME = {format_.name: format_ for format_ in FORMATS}


def named(name: str) -> Format:
    """Return the format with this name, as inspections and records show it. Raises KeyError for any other name."""
    return _BY_NAME[name]
