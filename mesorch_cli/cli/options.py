"""Options that several commands share, so that one name means one thing everywhere."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

ANALYSIS = "Analysis"
OUTPUT = "Output"


class ProtocolName(StrEnum):
    """How maps are compared with masks."""

    NATIVE = "native"
    PAPER = "paper"


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
Calibration = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Score rule of `mesorch calibrate`, made for these weights and settings.",
        rich_help_panel=ANALYSIS,
    ),
]
CaseNumber = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="The lab's number of the case, for every page.", rich_help_panel=OUTPUT),
]
Agency = Annotated[str | None, typer.Option(metavar="TEXT", help="The lab, for every page.", rich_help_panel=OUTPUT)]
ExaminerName = Annotated[
    str | None,
    typer.Option("--examiner", metavar="TEXT", help="Who examines, for every page.", rich_help_panel=OUTPUT),
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
