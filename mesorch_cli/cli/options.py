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


def names_of_weights(incomplete: str) -> list[str]:
    """Return the names of installed weights that begin so, for the shell's completion; it completes files itself."""
    from mesorch_cli.errors import MesorchError
    from mesorch_cli.network.store import list_weights

    try:
        return [stored.name for stored in list_weights() if stored.name.startswith(incomplete)]
    except MesorchError:  # a line is being typed: the command will say what is wrong
        return []


Weights = Annotated[
    str | None,
    typer.Option(
        "--weights",
        "-w",
        metavar="NAME|FILE",
        autocompletion=names_of_weights,
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
