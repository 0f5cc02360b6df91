"""tifffile's messages while it parses. Those about the pixels are damage, all others are notes in plain words."""

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import tifffile

from mesorch_cli.evidence.inspection import Findings

# Size, depth, compression, meaning, order and places of the samples, which all determine the pixels.
PIXEL_TAGS = frozenset(
    (256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 292, 317, 320, 322, 323, 324, 325, 338, 339, 347)
) | frozenset((*range(512, 522), *range(529, 533), 32997, 32998))
_OBJECT = re.compile(r"<tifffile\.\w+ [^>]*> ?")  # the library's names for its parts
_TAG = re.compile(r"TiffTag (\d+) @\d+> ([\w ]+)")


@contextmanager
def listening() -> Iterator[list[str]]:
    """Yield the list of tifffile's log messages in this thread from now on."""
    here = threading.get_ident()
    heard: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.thread == here:
                heard.append(record.getMessage()[:300])

    logger = logging.getLogger("tifffile")
    collector = Collector(logging.WARNING)
    logger.addHandler(collector)
    try:
        yield heard
    finally:
        logger.removeHandler(collector)


def report(sentences: list[str], findings: Findings, other_page: int | None = None) -> None:
    """Add tifffile's messages about the page that is read, or about `other_page`, which is not."""
    where = "" if other_page is None else f"page {other_page}: "
    for sentence in sentences:
        found = _TAG.search(sentence)
        if found is None:
            findings.add_note(f"{where}TIFF reader: {_OBJECT.sub('', sentence)[:200]}")
            continue
        code = int(found.group(1))
        name = tifffile.TIFF.TAGS.get(code, None)
        tag = f"TIFF tag {code}{f' ({name})' if name else ''} cannot be read: {found.group(2).strip()}"
        lost = "TiffFileError" in sentence  # otherwise the tag was read and only its value is odd
        if lost and code in PIXEL_TAGS and other_page is None:
            findings.add_damage(f"{tag}; the pixels depend on it")
        else:
            findings.add_note(f"{where}{tag}")


def words_of(error: Exception) -> str:
    """Return an error's message on one line, cut to length."""
    return " ".join((str(error) or type(error).__name__).split())[:200]
