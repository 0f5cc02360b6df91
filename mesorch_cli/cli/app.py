"""The command line as a whole."""

from typing import Annotated

import typer

from mesorch_cli import __version__
from mesorch_cli.cli import case, weights
from mesorch_cli.cli.batch import batch
from mesorch_cli.cli.bench import bench
from mesorch_cli.cli.calibrate import calibrate
from mesorch_cli.cli.console import write_data
from mesorch_cli.cli.detect import detect
from mesorch_cli.cli.evaluate import evaluate
from mesorch_cli.cli.explain import explain
from mesorch_cli.cli.export import export
from mesorch_cli.cli.forge import forge
from mesorch_cli.cli.info import info
from mesorch_cli.cli.probe import probe
from mesorch_cli.cli.report import report
from mesorch_cli.cli.rerun import rerun
from mesorch_cli.cli.train import train
from mesorch_cli.cli.verify import verify
from mesorch_cli.cli.views import views

app = typer.Typer(
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


def show_version(wanted: bool) -> None:
    """Print the version and stop."""
    if wanted:
        write_data(f"mesorch {__version__}")
        raise typer.Exit


@app.callback()
def mesorch(
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Find where a photo was manipulated: localisation map, image score and a repeatable record, offline.

    Example: mesorch detect photo.jpg -o results

    Example: mesorch batch evidence -o case
    """


app.command()(detect)
app.command()(batch)
app.command()(explain)
app.command()(views)
app.command()(report)
app.add_typer(case.app, name="case")
app.command()(verify)
app.command()(rerun)
app.command()(evaluate)
app.command()(calibrate)
app.command()(probe)
app.command()(export)
app.command()(forge)
app.command()(train)
app.add_typer(weights.app, name="weights")
app.command()(bench)
app.command()(info)
