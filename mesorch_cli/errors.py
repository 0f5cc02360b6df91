"""The family of errors. They are raised where they occur and shown once, by the command line, with their exit codes."""

from functools import partial
from typing import Any


class MesorchError(Exception):
    """Base of every error that a user can fix.

    The message says what was wrong (with the value), what was expected, and what to do. `exit_code` is the
    code of a command that ends because of it.
    """

    exit_code = 1


class UsageError(MesorchError):
    """Options or a configuration that cannot be carried out."""

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
    """A tensor or photo side that the network does not accept. The message proposes one that it does."""

    exit_code = 2


class OutputError(MesorchError):
    """A result that could not be written."""

    exit_code = 2


class WeightsError(MesorchError):
    """Weights that are missing, damaged, made for another network, or not trusted."""

    exit_code = 5


class VerificationError(MesorchError):
    """A check or gate that failed."""

    exit_code = 6
