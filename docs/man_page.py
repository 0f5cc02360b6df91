"""The manual page `mesorch(1)`, from the commands' own help."""

import re
from collections.abc import Iterator
from typing import Any

ENVIRONMENT = (
    (
        "MESORCH_HOME",
        "Folder for imported weights and the list of trusted programs, in place of ~/.local/share/mesorch.",
    ),
    ("MESORCH_TRACEBACK", "If set, a fault of the program shows where in the program it happened."),
    ("NO_COLOR", "If set, terminals get no colours."),
)
EXIT_CODES = (
    ("0", "Done. A verdict is data, whatever it says."),
    ("1", "The program itself is at fault."),
    ("2", "A wrong option, a wrong setting, or a result that cannot be written."),
    ("3", "Some inputs could not be analysed."),
    ("4", "No input could be analysed."),
    ("5", "Weights are missing, damaged, wrong or not trusted."),
    ("6", "A check failed."),
    ("10", "There are findings, with --fail-on-findings."),
    ("130", "Interrupted."),
)
EXAMPLE = "Example: "


def man_page(app: Any, version: str, commands: tuple[list[str], ...]) -> str:
    """Return the page as roff. app: the Typer application; commands: the words of every command, the program's first."""
    import typer

    top = typer.main.get_command(app)
    context = typer.Context(top, info_name="mesorch", **top.context_settings)
    summary, *paragraphs = _paragraphs(top.help or "")
    lines = [f'.TH MESORCH 1 "" "mesorch {version}" "User Commands"', ".SH NAME", f"mesorch \\- {_text(summary)}"]
    lines += [".SH SYNOPSIS", ".B mesorch", "[\\fIOPTIONS\\fR] \\fICOMMAND\\fR [\\fIARGUMENTS\\fR]"]
    lines += [".SH DESCRIPTION", "mesorch works offline. Every command shows its options with \\fB\\-h\\fR."]
    lines += [*_prose(paragraphs), *_parameters(top, context), ".SH COMMANDS"]
    for words in commands[1:]:
        command, inner = top, context
        for word in words:
            command = command.commands[word]
            inner = typer.Context(command, info_name=word, parent=inner)
        if not hasattr(command, "commands"):
            usage = " ".join([*words, *command.collect_usage_pieces(inner)])
            lines += [f".SS mesorch {_text(usage)}", *_prose(_paragraphs(command.help or ""))]
            lines += _parameters(command, inner)
    for title, entries in (("EXIT STATUS", EXIT_CODES), ("ENVIRONMENT", ENVIRONMENT)):
        lines += [f".SH {title}"]
        for name, text in entries:
            lines += [".TP", f".B {_text(name)}", _text(text)]
    return "\n".join(lines) + "\n"


def _paragraphs(text: str) -> list[str]:
    return [" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", text.strip())]


def _prose(paragraphs: list[str]) -> Iterator[str]:
    for paragraph in paragraphs:
        yield ".PP"
        if paragraph.startswith(EXAMPLE):
            yield f"Example: \\fB{_text(paragraph.removeprefix(EXAMPLE))}\\fR"
        else:
            yield _text(paragraph)


def _parameters(command: Any, context: Any) -> Iterator[str]:
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            name, text = record
            yield from (".TP", f"\\fB{_text(name)}\\fR", _text(" ".join(text.split())))


def _text(text: str) -> str:
    """Return plain text as roff: nothing in it is a request, hyphens are those that can be typed, `code` is bold."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    text = re.sub(r"`([^`]+)`", r"\\fB\1\\fR", text)
    return re.sub(r"^([.'])", r"\\&\1", text)
