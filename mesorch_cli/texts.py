"""Lists and settings written by other programs: decoded correctly, or refused with the name of their encoding."""

import codecs
from pathlib import Path

from mesorch_cli.errors import UsageError
from mesorch_cli.files.reading import opened

# Longer marks come first: UTF-32's begins with UTF-16's.
MARKS = (
    (codecs.BOM_UTF8, "utf-8", "UTF-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32-be", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
)
MOST_BYTES = 256 * 1024 * 1024  # a list of two million photos
REMEDY = "Expected UTF-8, or UTF-16 with a byte-order mark. Save it as UTF-8."


def marked(data: bytes) -> tuple[bytes, str | None, str]:
    """Return data without its byte-order mark, the codec that the mark names or None, and the codec's common name."""
    for mark, codec, name in MARKS:
        if data.startswith(mark):
            return data[len(mark) :], codec, name
    return data, None, "UTF-8"


def decoded(data: bytes, name: str) -> str:
    """Return the text without its marks. name: of the file, for messages. Raises UsageError naming the encoding."""
    content, codec, title = marked(data)
    if codec in (None, "utf-8") and b"\0" in content:
        raise UsageError(
            f"{name} contains zero bytes: it seems to be UTF-16 without a byte-order mark, or no text. {REMEDY}"
        )
    try:
        # A program that takes the mark for text writes a second one when it saves the file.
        return content.decode(codec or "utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        if codec not in (None, "utf-8"):
            raise UsageError(f"{name} begins like {title}, but is not: {error.reason}. {REMEDY}") from error
        line = content.count(b"\n", 0, error.start) + 1
        raise UsageError(
            f"{name} is not UTF-8: line {line} has the byte 0x{content[error.start]:02x}. It seems to be in Latin-1, "
            f"Windows-1252 or another old encoding. {REMEDY}"
        ) from error


def read_text(path: Path) -> str:
    """Read a text file. Raises UsageError if it cannot be read, is too large, or is not text."""
    try:
        with opened(path) as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}. Expected a text file.") from error
    if len(data) > MOST_BYTES:
        raise UsageError(f"{path} has more than {MOST_BYTES} bytes. Expected a list or settings. Is it the right file?")
    return decoded(data, str(path))
