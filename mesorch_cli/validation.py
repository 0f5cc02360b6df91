"""Describes what is wrong with values from others: the first fault that a pydantic model finds."""

from pydantic import ValidationError

from mesorch_cli.bounds import shown


def first_problem(error: ValidationError) -> str:
    """Return the first fault with its place and, if it is short, its value."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"]) or "the whole text"
    given = first["input"]
    value = f" (got {shown(given)})" if isinstance(given, str | int | float) else ""
    return f"at {place}: {first['msg'].removeprefix('Value error, ')}{value}"
