"""What is wrong with plain values of others, in words: the first thing that a model of pydantic's refuses."""

from pydantic import ValidationError

from mesorch_cli.bounds import shown


def first_problem(error: ValidationError) -> str:
    """Return the first thing that is wrong, with its place and, where it is short, the value."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"]) or "the whole text"
    given = first["input"]
    value = f" (got {shown(given)})" if isinstance(given, str | int | float) else ""
    return f"at {place}: {first['msg'].removeprefix('Value error, ')}{value}"
