"""Makes names and texts from outside safe for pages and tables: visible, harmless, and safe to link."""

import os
import re
import shlex
from urllib.parse import quote

# Controls, marks that change the direction of writing, zero widths, separators, tags, noncharacters, lone surrogates.
_NONCHARACTERS = "\ufdd0-\ufdef" + "".join(
    chr((plane << 16) + low) for plane in range(1, 17) for low in (0xFFFE, 0xFFFF)
)
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb"
    "\ufffe\uffff\U000e0000-\U000e0fff\ud800-\udfff" + _NONCHARACTERS + "]"
)
_NO_BYTE = re.compile("[\ud800-\udc7f\udd00-\udfff]")  # surrogates that stand for no byte of a file name
_PLAIN = re.compile(r"[\x20-\x7e]*")
_FORMULA_STARTS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")  # what a spreadsheet executes
_QUOTED = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def visible(text: str) -> str:
    r"""Return text with invisible characters as escapes: \n, \u202e, and \xff for a byte that is no UTF-8."""
    return _UNSEEN.sub(_escaped, text)


def harmless_cell(text: str) -> str:
    """Return text that no spreadsheet takes for a formula: an apostrophe precedes one that begins like a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    if 0xDC80 <= code <= 0xDCFF:  # how Python carries a byte of a file name that is no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return found[0].encode("unicode_escape").decode("ascii")


def href(path: str, base: str = "") -> str:
    """Return a path below the case as a relative address, every odd byte percent-encoded; base: `../` and the like."""
    return base + quote(os.fsencode(path), safe="/")


def shell_word(path: str) -> str:
    """Return a path as one word of a POSIX shell, in printable ASCII where plain quotes would not show what it is."""
    text = _NO_BYTE.sub("\ufffd", path)
    data = os.fsencode(text)
    if visible(text) == text and (_PLAIN.fullmatch(text) or text.isprintable()):
        return shlex.quote(text)
    return "$'" + "".join(_QUOTED.get(chr(byte)) or _byte(byte) for byte in data) + "'"


def _byte(value: int) -> str:
    return chr(value) if 32 <= value < 127 else f"\\x{value:02x}"
