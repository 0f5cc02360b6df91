"""Options that several commands share, so that one name means one thing everywhere."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

ANALYSIS = "Analysis"
OUTPUT = "Output"


class PrecisionName(StrEnum):
    """Arithmetic of the network; the frequency split and every softmax are float32 in any case."""

    FP32 = "fp32"
    BF16 = "bf16"
    FP16 = "fp16"


Weights = Annotated[
    str | None,
    typer.Option("--weights", "-w", metavar="NAME|FILE", help="Weights by name or file. (default: mesorch-s)"),
]
Device = Annotated[
    str, typer.Option(metavar="auto|cpu|cuda[:N]|mps", help="Where the network runs.", rich_help_panel=ANALYSIS)
]
Scales = Annotated[
    str | None,
    typer.Option(
        metavar="LIST",
        help="default (from the weights), reference (one 512 squash, as published), or a comma list of whole, native, "
        "tiles-LONG_SIDE.",
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
    typer.Option(help="Probability above which a pixel counts as manipulated, 0 to 1.", rich_help_panel=ANALYSIS),
]
TileBatch = Annotated[
    int | None,
    typer.Option(help="Tiles per call of the network; lower it if memory is short.", rich_help_panel=ANALYSIS),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object per line on stdout.", rich_help_panel=OUTPUT)]
OutputDir = Annotated[
    Path,
    typer.Option("--output", "-o", metavar="FOLDER", help="Folder for results.", rich_help_panel=OUTPUT),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No panels and no progress.", rich_help_panel=OUTPUT)]
