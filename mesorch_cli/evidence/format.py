"""What the rest of the tool needs to know about a file format. Each format states it once, in its own package."""

from collections.abc import Callable
from dataclasses import dataclass

from mesorch_cli.evidence.colour import Samples
from mesorch_cli.evidence.inspection import Inspection
from mesorch_cli.evidence.photo import Content
from mesorch_cli.evidence.second_decoder import SecondDecoder

HEAD_BYTES = 1024  # bytes at the start of a file that identify its format

Recogniser = Callable[[bytes], bool]
Inspector = Callable[[Content, int | None], Inspection]
Decoder = Callable[[Content, Inspection], Samples]


def _no_second(_inspection: Inspection, _samples: Samples) -> SecondDecoder | None:
    return None


def _nothing_more(_data: Content, _inspection: Inspection, _samples: Samples) -> None:
    return None


@dataclass(frozen=True)
class Format:
    """A file format.

    name: as records and messages show it. suffixes: lower case, with the dot; a file with such a name counts as a photo
    even if it is damaged from its first byte on. recognises: decides by the first HEAD_BYTES of a file; no two formats
    claim the same file.

    inspect: reads the headers of a file and of the page or frame asked for (None: the first full one), and decodes
    nothing. Raises BrokenHeaderError, UnsupportedError or NoSuchPageError. decode: returns the stored samples of that
    page. check: adds findings that need those samples. second: the decoder for comparison, None if there is none.
    second_reads_pages: it also reads pages other than the first.

    lossy: samples may differ from those that were saved. media_type: the name of the format in C2PA's library, None if
    it does not know the format. read_in_place: a very large file is mapped and read when needed, instead of being held.
    """

    name: str
    suffixes: tuple[str, ...]
    recognises: Recogniser
    inspect: Inspector
    decode: Decoder
    check: Callable[[Content, Inspection, Samples], None] = _nothing_more
    second: Callable[[Inspection, Samples], SecondDecoder | None] = _no_second
    second_reads_pages: bool = False
    lossy: bool = False
    media_type: str | None = None
    read_in_place: bool = False


def starting(*starts: bytes) -> Recogniser:
    """Return a function that recognises files starting with one of these."""
    return lambda head: head.startswith(starts)


def inspecting_whole(inspect: Callable[[bytes], Inspection]) -> Inspector:
    """Return an inspector for a format that is read as a whole and whose pages share one size and depth."""

    def inspect_page(data: Content, page: int | None) -> Inspection:
        inspection = inspect(bytes(data))
        inspection.page = page or 1
        return inspection

    return inspect_page


def decoding_whole(decode: Callable[[bytes, Inspection], Samples]) -> Decoder:
    """Return a decoder for a format that is read as a whole."""
    return lambda data, inspection: decode(bytes(data), inspection)
