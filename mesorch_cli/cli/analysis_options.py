"""The analysis options of a command. They come from the fields of `Overrides`, declared once for every command."""

import inspect
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Annotated, Any, get_args, get_type_hints

import typer

from mesorch_cli.cli.options import ANALYSIS
from mesorch_cli.inference.settings import Overrides

Command = Callable[..., None]
COLLECTED = "overrides"  # the parameter of a command that receives all of them
FROM_WEIGHTS = "(default: from the weights)"
NOT_FROM_WEIGHTS = {"tile_batch": "(default: what suits the device)"}


def analysis_options(*, without: tuple[str, ...] = ()) -> Callable[[Command], Command]:
    """Return a decorator that gives a command an option for every field of `Overrides`.

    The options take the place of the command's parameter `overrides`, which receives them as one object. Typer reads a
    command's signature, so the decorated command gets a signature with the options in it. without: fields without an
    option.
    """

    def decorate(command: Command) -> Command:
        options = {option.name: option for option in _options() if option.name not in without}
        own = inspect.signature(command)
        parameters: list[inspect.Parameter] = []
        for parameter in own.parameters.values():
            parameters += options.values() if parameter.name == COLLECTED else [parameter]

        @wraps(command)
        def with_options(**given: Any) -> None:
            asked = Overrides(**{name: given.pop(name) for name in options})
            command(**given, overrides=asked)

        with_options.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
        return with_options

    return decorate


def _options() -> Iterator[inspect.Parameter]:
    """Yield a Typer parameter for every field of `Overrides`."""
    for name, annotation in get_type_hints(Overrides, include_extras=True).items():
        kind, shown = get_args(annotation)
        text = shown.text if "default" in shown.text else f"{shown.text} {NOT_FROM_WEIGHTS.get(name, FROM_WEIGHTS)}"
        option = typer.Option(metavar=shown.metavar, help=text, rich_help_panel=ANALYSIS)
        yield inspect.Parameter(
            name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None, annotation=Annotated[kind, option]
        )
