"""`mesorch views`: pictures of a photo for the examiner's own eye."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mesorch_cli.cli import console, options, reading, streams
from mesorch_cli.cli.detect import DEFAULT_OUTPUT, exit_code
from mesorch_cli.cli.guard import guard
from mesorch_cli.cli.inputs import STDIN, named_inputs
from mesorch_cli.errors import InputError, UsageError

if TYPE_CHECKING:
    from mesorch_cli.evidence.isolation.isolated_reader import IsolatedReader
    from mesorch_cli.evidence.photo import Photo, ReadOptions


def views(
    paths: Annotated[list[str], typer.Argument(metavar="PHOTO", help="Photos; `-` reads one from standard input.")],
    output: options.OutputDir = DEFAULT_OUTPUT,
    view: Annotated[
        str | None, typer.Option(metavar="NAME,...", help="Draw only these views, separated by commas. (default: all)")
    ] = None,
    ela_quality: Annotated[
        int, typer.Option(min=1, max=100, help="JPEG quality at which the error level view saves the photo.")
    ] = 90,
    zoom: Annotated[
        str | None, typer.Option(metavar="X,Y,W,H", help="Rectangle for the zoom, which shows it pixel by pixel.")
    ] = None,
    accept_damaged: Annotated[
        bool, typer.Option("--accept-damaged", help="Draw damaged files too. The page says that they are damaged.")
    ] = False,
    max_pixels: options.MaxPixels = 500_000_000,
    page: Annotated[
        str | None,
        typer.Option(metavar="N", help="Page or frame to draw, counted from 1.", rich_help_panel=reading.READING),
    ] = None,
    decode_timeout: reading.DecodeTimeout = reading.TIMEOUT_S,
    decode_memory: reading.DecodeMemory = reading.MEMORY_MIB,
) -> None:
    """Draw pictures of a photo that make traces of compression, noise and editing visible. They lead to no verdict.

    For each photo, the output folder gets a folder NAME-views with a PNG per view, `index.html` and `views.json`.

    On stdout: the path of each page.

    Exit codes: 0 done, 2 usage, 3 some photos could not be drawn, 4 none could, 130 interrupted.

    Example: mesorch views photo.jpg -o views --view ela,ghosts --ela-quality 85
    """
    with guard():
        from mesorch_cli.examination.outputs import OutputFolder, safe_name
        from mesorch_cli.views.folder import place_for, write_views
        from mesorch_cli.views.registry import chosen
        from mesorch_cli.views.settings import Rectangle, ViewSettings
        from mesorch_cli.views.view import source_of

        sources = list(named_inputs(paths, None, False))
        wanted = chosen(view)
        settings = ViewSettings(ela_quality, None if zoom is None else Rectangle.parsed(zoom))
        if page == reading.ALL:
            raise UsageError(
                "--page all does not work here. Expected one number: draw other pages with a command each."
            )
        number = reading.wanted_page(page)
        if output == DEFAULT_OUTPUT and output.is_symlink():
            raise UsageError(
                f"The output folder {str(output)!r} is a symbolic link. Name a folder of your own with -o."
            )
        folder = OutputFolder(output)
        folder.refuse_beside(sources)
        how = reading.Reading(max_pixels, False, None, False, decode_timeout, decode_memory)
        read_options = replace(how.options(), provenance=False, page=number)
        outcomes = []
        with how.reader() as reader:
            for source in sources:
                data = streams.read_input() if source == STDIN else None
                try:
                    photo = reader.read(source, data=data, options=read_options)
                    if not photo.decode.integrity.ok and not accept_damaged:
                        raise InputError(
                            f"{source!r} is damaged: {'; '.join(photo.decode.integrity.findings[:2])}. Get an "
                            "undamaged copy, or draw it anyway with --accept-damaged.",
                            reason="damaged",
                        )
                except InputError as error:
                    console.say_error(str(error))
                    outcomes.append((False, False))
                    continue
                name = safe_name(source) + ("" if number is None else f"-page-{number}")
                place = place_for(output, name, photo.sha256)
                thumbnail = _thumbnail(reader, source, data, read_options) if "thumbnail" in photo.metadata else None
                write_views(output, place, source_of(photo, thumbnail), wanted, settings)
                outcomes.append((True, False))
                console.write_data(Path(output) / place / "index.html")
        raise typer.Exit(exit_code(outcomes, False))


def _thumbnail(
    reader: "IsolatedReader", source: str, data: bytes | None, read_options: "ReadOptions"
) -> "Photo | None":
    """Return the picture that a photo embeds, None if it cannot be read; the page then says so."""
    try:
        return reader.read(source, data=data, options=replace(read_options, thumbnail=True))
    except InputError:
        return None
