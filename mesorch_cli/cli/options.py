"""Options that several commands share, so that one name means one thing everywhere."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from mesorch_cli.inference.settings import Settings
    from mesorch_cli.network.passport import Passport

ANALYSIS = "Analysis"
OUTPUT = "Output"


class PrecisionName(StrEnum):
    """Arithmetic of the network; the frequency split and every softmax are float32 in any case."""

    FP32 = "fp32"
    BF16 = "bf16"
    FP16 = "fp16"


class ProtocolName(StrEnum):
    """How maps are compared with masks."""

    NATIVE = "native"
    PAPER = "paper"


@dataclass(frozen=True)
class Wanted:
    """The analysis options as they were given; None: as the passport says."""

    scales: str | None
    overlap: float | None
    precision: "Literal['fp32', 'bf16', 'fp16'] | None"
    threshold: float | None
    tile_batch: int | None
    copies: bool | None = None
    quantisation: bool | None = None

    def settings(self, passport: "Passport", *, scales: str | None) -> "Settings":
        """Return the settings for weights with this passport."""
        from mesorch_cli.inference.settings import Settings

        return Settings.from_passport(
            passport,
            scales=scales,
            overlap=self.overlap,
            precision=self.precision,
            pixel_threshold=self.threshold,
            tile_batch=self.tile_batch,
            copies=self.copies,
            quantisation=self.quantisation,
        )


Weights = Annotated[
    str | None,
    typer.Option(
        "--weights",
        "-w",
        metavar="NAME|FILE",
        help="Weights by name or file, exported ones too: .onnx, .xml, .pt2. (default: mesorch-s)",
    ),
]
PublicKey = Annotated[
    Path | None,
    typer.Option(
        "--public-key",
        metavar="PUB.pem",
        help="Use the weights only if the owner of this Ed25519 key signed them, in FILE.sig beside them.",
    ),
]
Sign = Annotated[
    Path | None,
    typer.Option(metavar="KEY.pem", help="Sign what is written with this private Ed25519 key, in FILE.sig beside it."),
]
Device = Annotated[
    str,
    typer.Option(
        metavar="auto|cpu|cuda[:N]|mps",
        help="Where the network runs. An .onnx also takes openvino, an .xml what OpenVINO lists.",
        rich_help_panel=ANALYSIS,
    ),
]
Scales = Annotated[
    str | None,
    typer.Option(
        metavar="LIST",
        help="default (from the weights), reference (one squash to the weights' input side, as published), or a comma list "
        "of whole, mirrored, native, tiles-LONG_SIDE.",
        rich_help_panel=ANALYSIS,
    ),
]
Overlap = Annotated[
    float | None,
    typer.Option(help="Overlap of neighbouring tiles, share of a side, 0 to 0.75.", rich_help_panel=ANALYSIS),
]
Precision = Annotated[PrecisionName | None, typer.Option(help="Arithmetic.", rich_help_panel=ANALYSIS)]
Threshold = Annotated[
    float | None,
    typer.Option(
        help="Probability above which a pixel counts as manipulated, 0 to 1, the same for all photos.",
        rich_help_panel=ANALYSIS,
    ),
]
TileBatch = Annotated[
    int | None,
    typer.Option(help="Tiles per call of the network; lower it if memory is short.", rich_help_panel=ANALYSIS),
]
Copies = Annotated[
    bool | None,
    typer.Option(
        "--copies/--no-copies",
        help="Search parts of the photo that equal other parts. (default: if the weights say how)",
        show_default=False,
        rich_help_panel=ANALYSIS,
    ),
]
Quantisation = Annotated[
    bool | None,
    typer.Option(
        "--quantisation/--no-quantisation",
        help="Look in a JPEG for parts that were compressed once where the rest was compressed twice. "
        "(default: if the weights say how)",
        show_default=False,
        rich_help_panel=ANALYSIS,
    ),
]
Calibration = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Score rule of `mesorch calibrate`, made for these weights and settings.",
        rich_help_panel=ANALYSIS,
    ),
]
AcceptDamaged = Annotated[
    bool,
    typer.Option("--accept-damaged", help="Analyse damaged files too; the record says so.", rich_help_panel=ANALYSIS),
]
MaxPixels = Annotated[int, typer.Option(min=1, help="Refuse larger photos before decoding.", rich_help_panel=ANALYSIS)]
FailOnFindings = Annotated[
    bool,
    typer.Option(
        "--fail-on-findings",
        help="Exit with 10 if any verdict is evidence of manipulation and every file could be analysed; 3 and 4 go first.",
        rich_help_panel=OUTPUT,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object per line on stdout.", rich_help_panel=OUTPUT)]
OutputDir = Annotated[
    Path,
    typer.Option("--output", "-o", metavar="FOLDER", help="Folder for results.", rich_help_panel=OUTPUT),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No panels and no progress.", rich_help_panel=OUTPUT)]
