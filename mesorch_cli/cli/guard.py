"""Errors become one line and an exit code here, and nowhere else."""

import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from mesorch_cli.cli.console import say_error
from mesorch_cli.cli.streams import output
from mesorch_cli.errors import MesorchError, UsageError

INTERRUPTED = 130
INTERNAL = 1
TRACEBACK_VARIABLE = "MESORCH_TRACEBACK"
NEEDED = ("torch", "safetensors")  # by some commands, and left out of an installation without PyTorch


@contextmanager
def guard(*, printing: bool = False) -> Iterator[None]:
    """Run a command's body: known errors and Ctrl-C end it with a line and their code, a fault of ours with code 1.

    printing: all that the command finds is what it prints. Its work is for nothing once nobody reads that, and it ends as
    other programs do then; of any other command files and exit code stand, and are the same with or without a reader.
    """
    outlet = output()
    if outlet is not None:
        outlet.lasting = not printing
    try:
        refuse_lost_folder()
        yield
    except (typer.Exit, typer.Abort, SystemExit):
        raise
    except MesorchError as error:
        say_error(str(error))
        raise typer.Exit(error.exit_code) from error
    except KeyboardInterrupt as error:
        say_error("interrupted; results already written are whole.")
        raise typer.Exit(INTERRUPTED) from error
    except ModuleNotFoundError as error:
        if error.name not in NEEDED:
            raise told_fault(error) from error
        say_error(
            f"This needs the package {error.name}, which is not installed here. Expected the whole tool: `pip install .` in "
            "the folder of the mesorch sources. Without PyTorch there are `detect`, `batch`, `rerun`, `verify` and `report`, "
            "with weights in the ONNX form by --weights."
        )
        raise typer.Exit(UsageError.exit_code) from error
    except Exception as error:
        raise told_fault(error) from error


def told_fault(error: Exception) -> typer.Exit:
    """Tell of a fault of the program itself; return what ends it with its code."""
    if os.environ.get(TRACEBACK_VARIABLE):
        traceback.print_exc()
    say_error(
        f"this is a fault of mesorch, not of your input: {type(error).__name__}: {error}. "
        f"Set {TRACEBACK_VARIABLE}=1 to see where, and report it."
    )
    return typer.Exit(INTERNAL)


def refuse_lost_folder() -> None:
    """Raise UsageError where the working folder is gone: nothing that is named below it could be found or written."""
    try:
        Path.cwd()
    except OSError as error:
        raise UsageError(
            f"The working folder cannot be used: {error.strerror}. Expected one that is there; change to another."
        ) from error
