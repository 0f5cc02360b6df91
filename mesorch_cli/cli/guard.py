"""Errors become one line and an exit code here, and nowhere else."""

import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from mesorch_cli.cli.console import drop_stdout, say_error
from mesorch_cli.errors import MesorchError

INTERRUPTED = 130
INTERNAL = 1
TRACEBACK_VARIABLE = "MESORCH_TRACEBACK"


@contextmanager
def guard() -> Iterator[None]:
    """Run a command's body: known errors and Ctrl-C end it with a line and their code, a fault of ours with code 1."""
    try:
        yield
    except (typer.Exit, typer.Abort, SystemExit):
        raise
    except MesorchError as error:
        say_error(str(error))
        raise typer.Exit(error.exit_code) from error
    except KeyboardInterrupt as error:
        say_error("interrupted; results already written are whole.")
        raise typer.Exit(INTERRUPTED) from error
    except BrokenPipeError as error:  # nobody is left to tell
        drop_stdout()
        raise typer.Exit(0) from error
    except Exception as error:
        if os.environ.get(TRACEBACK_VARIABLE):
            traceback.print_exc()
        say_error(
            f"this is a fault of mesorch, not of your input: {type(error).__name__}: {error}. "
            f"Set {TRACEBACK_VARIABLE}=1 to see where, and report it."
        )
        raise typer.Exit(INTERNAL) from error
