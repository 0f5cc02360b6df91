"""The fonts of a printed document: which signs they have, how wide a text is, and where its lines break."""

import struct
from pathlib import Path

from mesorch_cli.errors import UsageError
from mesorch_cli.extras import install_hint
from mesorch_cli.files.hashing import sha256_file
from mesorch_cli.report.names import visible

NEEDS = (
    f"The PDF needs the package reportlab, which is not installed: {install_hint('pdf')}. Or leave --pdf out: the "
    "pages do not need it."
)
MOST_FONT = 64 * 1024 * 1024  # bytes; the largest fonts of all writing systems have about 30 MB
TEXT, BOLD, FIXED = "text", "bold", "fixed"  # the three fonts of a document


def require_font(path: Path) -> None:
    """Raise UsageError unless a font is an ordinary file of plausible size, as a FIFO or a device would never end."""
    if not path.is_file() or path.stat().st_size > MOST_FONT:
        raise UsageError(
            f"Cannot use the font {str(path)!r}. Expected a TrueType file (.ttf) of at most {MOST_FONT} bytes."
        )


class Fonts:
    """The three fonts of a document, known to reportlab. roles: reportlab's names of them. name: that of the text's font."""

    def __init__(self, font: Path | None) -> None:
        """font: TrueType file for texts, None for the one that comes with reportlab.

        Raises UsageError if reportlab is not installed or the font cannot be used.
        """
        try:
            import reportlab
            from reportlab.pdfbase import pdfmetrics
            from reportlab.pdfbase.ttfonts import TTFError, TTFont
        except ImportError as error:
            raise UsageError(NEEDS) from error
        if font is not None:
            require_font(font)
        try:
            own = Path(reportlab.__file__).parent / "fonts"
            self.roles = {FIXED: "Courier"}
            for role, file in ((TEXT, font or own / "Vera.ttf"), (BOLD, font or own / "VeraBd.ttf")):
                # reportlab keeps fonts by name for the life of the process: another file needs another name.
                self.roles[role] = f"mesorch-{role}-{sha256_file(file)[:16]}"
                pdfmetrics.registerFont(TTFont(self.roles[role], str(file)))
        # Font tables are read as they describe themselves. Inconsistent ones raise any of these errors.
        except (TTFError, OSError, ValueError, KeyError, IndexError, TypeError, AssertionError, struct.error) as error:
            raise UsageError(f"Cannot use the font {str(font)!r}: {error}. Expected a TrueType file (.ttf).") from error
        face = pdfmetrics.getFont(self.roles[TEXT]).face
        self.name = str(face.name.decode("ascii", "replace") if isinstance(face.name, bytes) else face.name)
        self._glyphs = frozenset(face.charToGlyph) & frozenset(pdfmetrics.getFont(self.roles[BOLD]).face.charToGlyph)
        self._string_width = pdfmetrics.stringWidth

    def drawable(self, text: str) -> str:
        r"""Return text with what cannot be seen, and what the font has no glyph for, as \uXXXX."""
        return "".join(
            letter if ord(letter) in self._glyphs else letter.encode("unicode_escape").decode("ascii")
            for letter in visible(text)
        )

    def measure(self, text: str, font: str, size: float) -> float:
        """Return the width of a drawable text on one line."""
        return float(self._string_width(text, self.roles[font], size))

    def wrapped(self, text: str, width: float, size: float, font: str = TEXT) -> list[str]:
        """Return drawable text in lines of at most `width`, broken at blanks where there are any."""
        lines: list[str] = []
        line = ""
        for word in self._pieces(text, width, size, font):
            if line and self.measure(line + word.rstrip(), font, size) > width:
                lines.append(line.rstrip())
                line = ""
            line += word
        return [*lines, line.rstrip()]

    def _pieces(self, text: str, width: float, size: float, font: str) -> list[str]:
        """Return words with the blank after them; words longer than a line in several pieces."""
        pieces = []
        for word in self.drawable(text).split(" "):
            if self.measure(word, font, size) <= width:
                pieces.append(word + " ")
                continue
            start = 0
            for end in range(1, len(word) + 1):
                if self.measure(word[start:end], font, size) > width:
                    pieces.append(word[start : end - 1])
                    start = end - 1
            pieces.append(word[start:] + " ")
        return pieces
