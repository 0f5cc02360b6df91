"""The only place where an error becomes one line and an exit code."""

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
NEEDED = ("torch", "safetensors")  # packages that an installation without PyTorch lacks


@contextmanager
def guard(*, printing: bool = False) -> Iterator[None]:
    """Run a command's body. A known error or Ctrl-C ends it with a line and its exit code, a fault of ours with 1.

    printing: the command only prints its result. It then ends as other programs do when nobody reads the output any
    more. A command that writes files, or whose exit code is the result, continues without a reader.
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
        say_error("interrupted. Results already written are complete.")
        raise typer.Exit(INTERRUPTED) from error
    except ModuleNotFoundError as error:
        if error.name not in NEEDED:
            raise told_fault(error) from error
        say_error(
            f"This needs the package {error.name}, which is not installed here. Expected the complete tool: run "
            "`pip install .` in the folder of the mesorch sources. Without PyTorch, only `detect`, `batch`, `rerun`, "
            "`verify` and `report` work, with the shipped weights on a CPU or with --weights naming an .onnx file."
        )
        raise typer.Exit(UsageError.exit_code) from error
    except Exception as error:
        raise told_fault(error) from error


def told_fault(error: Exception) -> typer.Exit:
    """Report a fault of the program itself. Return the exception that ends it with its exit code."""
    if os.environ.get(TRACEBACK_VARIABLE):
        traceback.print_exc()
    say_error(
        f"this is a fault of mesorch, not of your input: {type(error).__name__}: {error}. "
        f"Set {TRACEBACK_VARIABLE}=1 to see where, and report it."
    )
    return typer.Exit(INTERNAL)


def refuse_lost_folder() -> None:
    """Raise UsageError if the working folder is gone: no relative path could be read or written."""
    try:
        Path.cwd()
    except OSError as error:
        raise UsageError(
            f"The working folder cannot be used: {error.strerror}. Expected an existing folder: change to another one."
        ) from error
