"""The one family of errors: raised low, shown once by the command line, each with its exit code."""

from functools import partial
from typing import Any


class MesorchError(Exception):
    """Base of every error that a user can do something about.

    The message says what was wrong (with the value), what was expected, and what to do. `exit_code` is what a
    command returns when nothing else was done because of it.
    """

    exit_code = 1


class UsageError(MesorchError):
    """An option, a configuration or a combination of both that cannot be carried out."""

    exit_code = 2


class InputError(MesorchError):
    """An input that could not be read or analysed.

    `reason` is a short, stable phrase that goes into the record (`missing`, `damaged`, `too small`, ...).
    """

    exit_code = 3

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:
        """Let the error travel between processes, which rebuild it from its arguments, with its reason."""
        return partial(type(self), reason=self.reason), self.args


class ShapeError(MesorchError):
    """A tensor or photo side that the network does not take; the message proposes one that it does."""

    exit_code = 2


class OutputError(MesorchError):
    """A result that could not be written."""

    exit_code = 2


class WeightsError(MesorchError):
    """Weights that are missing, damaged, of another network, or not to be trusted."""

    exit_code = 5


class VerificationError(MesorchError):
    """A check or gate that did not hold."""

    exit_code = 6
