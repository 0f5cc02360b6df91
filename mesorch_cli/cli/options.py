"""Options that several commands share. One name means the same thing everywhere."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from mesorch_cli.inference.runtime import Runtime

ANALYSIS = "Analysis"
OUTPUT = "Output"


class ProtocolName(StrEnum):
    """How maps are compared with masks."""

    NATIVE = "native"
    PAPER = "paper"


def names_of_weights(incomplete: str) -> list[str]:
    """Return the installed weights whose names begin with this text, for the shell, which completes files itself."""
    from mesorch_cli.errors import MesorchError
    from mesorch_cli.network.store import list_weights

    try:
        return [stored.name for stored in list_weights() if stored.name.startswith(incomplete)]
    except MesorchError:  # the user is still typing; the command itself reports what is wrong
        return []


def weights_option(text: str) -> Any:
    """Return the option that names weights, with the help text of a command."""
    return typer.Option("--weights", "-w", metavar="NAME|FILE", autocompletion=names_of_weights, help=text)


Weights = Annotated[
    str | None,
    weights_option(
        "Name of installed weights, or a file; exported files (.onnx, .xml, .pt2) work too. (default: mesorch-s)"
    ),
]
PublicKey = Annotated[
    Path | None,
    typer.Option(
        "--public-key",
        metavar="PUB.pem",
        help="Use the weights only if FILE.sig beside them holds a signature by this Ed25519 key.",
    ),
]
Sign = Annotated[
    Path | None,
    typer.Option(metavar="KEY.pem", help="Sign the file with this private Ed25519 key and write FILE.sig beside it."),
]
Device = Annotated[
    str,
    typer.Option(
        metavar="auto|cpu|cuda[:N]|mps",
        help="Where the network runs. An .onnx file also accepts openvino; an .xml file accepts any OpenVINO device.",
        rich_help_panel=ANALYSIS,
    ),
]
RuntimeName = Annotated[
    Runtime,
    typer.Option(
        "--runtime",
        metavar="auto|onnx|torch",
        help="What runs .safetensors weights. auto: ONNX Runtime for the shipped weights in fp32 on a CPU, otherwise "
        "PyTorch.",
        rich_help_panel=ANALYSIS,
    ),
]
Calibration = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Calibration file that `mesorch calibrate` made for these weights and settings.",
        rich_help_panel=ANALYSIS,
    ),
]
CaseNumber = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="Case number, shown on every page.", rich_help_panel=OUTPUT),
]
Agency = Annotated[
    str | None, typer.Option(metavar="TEXT", help="Name of the lab, shown on every page.", rich_help_panel=OUTPUT)
]
ExaminerName = Annotated[
    str | None,
    typer.Option(
        "--examiner", metavar="TEXT", help="Name of the examiner, shown on every page.", rich_help_panel=OUTPUT
    ),
]
AcceptDamaged = Annotated[
    bool,
    typer.Option(
        "--accept-damaged",
        help="Analyse damaged files too. The record says that they are damaged.",
        rich_help_panel=ANALYSIS,
    ),
]
MaxPixels = Annotated[
    int, typer.Option(min=1, help="Refuse photos with more pixels, before they are decoded.", rich_help_panel=ANALYSIS)
]
FailOnFindings = Annotated[
    bool,
    typer.Option(
        "--fail-on-findings",
        help="Exit with 10 if any verdict is evidence of manipulation. Codes 3 and 4 take precedence.",
        rich_help_panel=OUTPUT,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object per line on stdout.", rich_help_panel=OUTPUT)]
OutputDir = Annotated[
    Path,
    typer.Option("--output", "-o", metavar="FOLDER", help="Folder for the results.", rich_help_panel=OUTPUT),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no panels and no progress.", rich_help_panel=OUTPUT)]
