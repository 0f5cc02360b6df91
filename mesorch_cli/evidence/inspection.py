"""What is known about a file before any pixel is decoded: its size, its parts, and what is wrong with them."""

from dataclasses import dataclass, field
from typing import Any

from mesorch_cli.evidence.photo import Content, Integrity

MAX_FINDINGS = 40  # of each kind, as a file of noise must not fill the record


@dataclass
class Findings:
    """A growing list of findings. `damage` makes a file count as damaged, `notes` do not."""

    damage: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add_damage(self, sentence: str) -> None:
        """Record damage. Repeated sentences and those beyond the limit are dropped."""
        _append(self.damage, sentence)

    def add_note(self, sentence: str) -> None:
        """Record something harmless that an examiner should know."""
        _append(self.notes, sentence)

    def take(self, others: "Findings") -> None:
        """Add all findings of another list."""
        for sentence in others.damage:
            self.add_damage(sentence)
        for sentence in others.notes:
            self.add_note(sentence)

    def integrity(self) -> Integrity:
        """Return the frozen result, damage first."""
        return Integrity(ok=not self.damage, findings=(*self.damage, *self.notes))


@dataclass
class Inspection:
    """What a file states about itself, checked against its bytes.

    `width` and `height` are the size in pixels of the picture that will be decoded, `bits` is the depth of a stored
    sample, `pages` the number of pages or frames, `page` the one to read, counted from 1, and `asked` whether the user
    named it. `exif` starts with the TIFF header, without the "Exif" prefix of JPEG. `structure` is the format's own
    parse, used by its decoder; `facts` is the part of it that goes into the metadata (JSON only).
    """

    format: str
    width: int
    height: int
    bits: int
    pages: int = 1
    page: int = 1
    asked: bool = False
    findings: Findings = field(default_factory=Findings)
    exif: Content | None = None
    icc: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    orientation: int | None = None  # if the container, not EXIF, states it
    facts: dict[str, Any] = field(default_factory=dict)
    structure: Any = None


class BrokenHeaderError(Exception):
    """The header is too damaged to give the size of the picture. The message says where."""


class UnsupportedError(Exception):
    """A file of a known kind that this version does not decode. The message says which kind."""


class NoSuchPageError(Exception):
    """The requested page or frame does not exist. The message says how many there are."""


def describe_trailer(trailer: bytes) -> str:
    """Describe briefly what the bytes after the end of an image look like."""
    if not trailer.strip(b"\0"):
        kind = "all zero"
    elif trailer.startswith(b"\xff\xd8\xff"):
        kind = "another JPEG, as multi-picture files have"
    elif trailer[4:8] == b"ftyp":
        kind = "a video, as motion photos have"
    elif trailer.endswith(b"SEFT"):
        kind = "a Samsung trailer"
    elif trailer.startswith(b"PK\x03\x04"):
        kind = "a ZIP archive"
    elif b"\xff\xd8\xff" in trailer:
        kind = "holding another JPEG"
    else:
        kind = "of unknown kind"
    return f"{len(trailer)} bytes after the end of the image ({kind})"


def _append(sentences: list[str], sentence: str) -> None:
    if len(sentences) < MAX_FINDINGS and sentence not in sentences:
        sentences.append(sentence)
