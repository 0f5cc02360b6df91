"""Options for reading photos, and the reader that they configure."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mesorch_cli.errors import UsageError
from mesorch_cli.texts import read_text

if TYPE_CHECKING:
    from mesorch_cli.evidence.isolation.isolated_reader import IsolatedReader
    from mesorch_cli.evidence.isolation.reading_process import Limits
    from mesorch_cli.evidence.photo import ReadOptions

READING = "Reading"
ALL = "all"

Page = Annotated[
    str | None,
    typer.Option(
        metavar="N|all",
        help="Page or frame to analyse, counted from 1, or all. (default: the first full image)",
        rich_help_panel=READING,
    ),
]
CompareDecoders = Annotated[
    bool,
    typer.Option(
        "--compare-decoders",
        help="Decode again with a second library and record how closely the two agree.",
        rich_help_panel=READING,
    ),
]
TrustList = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="PEM file of certificates that C2PA signers are checked against. The record names its hash.",
        rich_help_panel=READING,
    ),
]
ExifTool = Annotated[
    bool,
    typer.Option(
        "--exiftool",
        help="Also run ExifTool, which must be installed, and record its tags beside the tool's own.",
        rich_help_panel=READING,
    ),
]
DecodeTimeout = Annotated[
    float,
    typer.Option(
        metavar="SECONDS", min=1, help="Give up on a photo that takes longer to decode.", rich_help_panel=READING
    ),
]
DecodeMemory = Annotated[
    int,
    typer.Option(metavar="MIB", min=256, help="Memory limit for decoding one photo.", rich_help_panel=READING),
]
TIMEOUT_S = 300.0
MEMORY_MIB = 4096


@dataclass(frozen=True)
class Reading:
    """The reading options that were given."""

    max_pixels: int
    compare_decoders: bool
    trust_list: Path | None
    exiftool: bool
    timeout_s: float
    memory_mib: int

    def options(self) -> "ReadOptions":
        """Return how to read files.

        Raises UsageError for a trust list that cannot be read or is empty, and if ExifTool is wanted but not installed.
        """
        from mesorch_cli.evidence.metadata.exiftool import find_exiftool
        from mesorch_cli.evidence.photo import ReadOptions

        if self.exiftool and find_exiftool() is None:
            raise UsageError(
                "--exiftool needs ExifTool, and no folder in PATH has a program named exiftool. Install it, or leave "
                "the option out: the tool reads metadata without it."
            )
        return ReadOptions(
            max_pixels=self.max_pixels,
            compare_decoders=self.compare_decoders,
            provenance=True,
            exiftool=self.exiftool,
            trust_list=None if self.trust_list is None else read_trust_list(self.trust_list),
        )

    def limits(self) -> "Limits":
        """Return the limits for reading one photo."""
        from mesorch_cli.evidence.isolation.reading_process import Limits
        from mesorch_cli.evidence.photo import MAX_PIXELS

        return Limits(self.timeout_s, self.memory_mib << 20, max(self.max_pixels, MAX_PIXELS))

    def reader(self) -> "IsolatedReader":
        """Return the reader, with its first process starting."""
        from mesorch_cli.evidence.isolation.isolated_reader import IsolatedReader

        reader = IsolatedReader(self.limits())
        reader.start(self.options())
        return reader


def read_trust_list(path: Path) -> str:
    """Return the certificates in a PEM file. Raises UsageError if it cannot be read or contains none."""
    try:
        text = read_text(path)
    except UsageError as error:
        raise UsageError(f"The trust list cannot be used: {error}") from error
    if "-----BEGIN CERTIFICATE-----" not in text:
        raise UsageError(f"The trust list {str(path)!r} contains no certificate. Expected a file of PEM certificates.")
    return text


def wanted_page(text: str | None) -> int | None:
    """Return the page to begin with: its number, 1 for `all`, None if none was named. Raises UsageError otherwise."""
    if text is None:
        return None
    if text == ALL:
        return 1
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 1_000_000):
        raise UsageError(f"--page {text!r} is not a page. Expected a number from 1 up, or {ALL}.")
    return int(text)
