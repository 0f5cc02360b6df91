"""`mesorch explain`: what the network saw of a photo, and what of its map stays when the analysis is varied."""

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from mesorch_cli.cli import console, options, reading, streams
from mesorch_cli.cli.analysis_options import analysis_options
from mesorch_cli.cli.detect import DEFAULT_OUTPUT, exit_code
from mesorch_cli.cli.guard import guard
from mesorch_cli.cli.inputs import STDIN, named_inputs
from mesorch_cli.errors import UsageError
from mesorch_cli.inference.settings import AS_THE_WEIGHTS_SAY, Overrides

if TYPE_CHECKING:
    from mesorch_cli.examination.stages import Examination


def report(examination: "Examination", as_json: bool, quiet: bool) -> None:
    """Write the page of one photo, and tell: data to stdout, people on stderr."""
    from mesorch_cli.explanation.facts import FILE_NAME, LARGEST, NOT_EXPLAINED, Explanation
    from mesorch_cli.files.reading import read_below
    from mesorch_cli.report.entry import Entry
    from mesorch_cli.report.explained import shown_of
    from mesorch_cli.report.explanation_page import write_page

    record = examination.record
    if examination.problem is not None:
        console.say_error(examination.problem)
    if not examination.analysed or examination.folder is None:
        if as_json:
            console.write_json(NOT_EXPLAINED | {"photo_sha256": record.input.sha256, "reason": record.result.reason})
        return
    root, place = examination.folder.parent, examination.folder.name
    facts = Explanation.model_validate_json(read_below(root, f"{place}/{FILE_NAME}", LARGEST))
    plain = json.loads(record.to_line())
    page = write_page(root, Entry(place, place, plain), facts)
    if not quiet:
        console.show_explanation(record.input.path, shown_of(facts))
    if as_json:
        console.write_json_line(facts.to_line())
    else:
        console.write_data(page)


@analysis_options()
def explain(
    paths: Annotated[list[str], typer.Argument(metavar="PHOTO...", help="Photos; `-` reads one from standard input.")],
    output: options.OutputDir = DEFAULT_OUTPUT,
    weights: Annotated[
        str | None,
        options.weights_option(
            "Name of installed weights, or a file of weights. Exported files cannot be explained. (default: mesorch-s)"
        ),
    ] = None,
    public_key: options.PublicKey = None,
    device: options.Device = "auto",
    overrides: Overrides = AS_THE_WEIGHTS_SAY,
    calibration: options.Calibration = None,
    as_json: options.Json = False,
    accept_damaged: options.AcceptDamaged = False,
    max_pixels: options.MaxPixels = 500_000_000,
    page: Annotated[
        str | None,
        typer.Option(metavar="N", help="Page or frame to explain, counted from 1.", rich_help_panel=reading.READING),
    ] = None,
    decode_timeout: reading.DecodeTimeout = reading.TIMEOUT_S,
    decode_memory: reading.DecodeMemory = reading.MEMORY_MIB,
    fail_on_findings: options.FailOnFindings = False,
    quiet: options.Quiet = False,
) -> None:
    """Show what the network saw in a photo, and which regions of its map remain when the analysis is varied.

    The verdict and the map are those of `detect`. For each photo, the output folder gets what `detect` writes, the map of
    every scale of the network with the gate's weight and what it added, the two frequency views, `index.html` and
    `explanation.json`. Each region is checked in four ways: tile grid moved by half a tile, photo resized to 98 %, photo
    saved at JPEG quality 90, photo mirrored. All this is five times the work of `detect`. Exported weights cannot be
    explained.

    On stdout: with --json, one explanation per line. Otherwise the path of each page.

    Exit codes: 0 done, 2 usage, 3 some photos could not be analysed, 4 none could, 5 weights missing or damaged, 10
    findings with --fail-on-findings, 130 interrupted.

    Example: mesorch explain photo.jpg -o explained
    """
    with guard():
        sources = list(named_inputs(paths, None, False))
        if page == reading.ALL:
            raise UsageError("--page all: expected one number; other pages need a command each.")
        number = reading.wanted_page(page)
        how = reading.Reading(max_pixels, False, None, False, decode_timeout, decode_memory)
        from mesorch_cli.examination.outputs import OutputFolder
        from mesorch_cli.examination.spec import ExaminerSpec
        from mesorch_cli.inference.analysis import Analysis
        from mesorch_cli.inference.loading import pytorch_for
        from mesorch_cli.inference.scoring import Verdict

        if output == DEFAULT_OUTPUT and output.is_symlink():
            raise UsageError(
                f"The output folder {str(output)!r} is a symbolic link. Name a folder of your own with -o."
            )
        folder = OutputFolder(output)
        folder.refuse_beside(sources)
        spec = ExaminerSpec(
            Analysis.load(
                weights, overrides, calibration=calibration, public_key=public_key, runtime=pytorch_for(weights)
            ),
            tuple(sys.argv[1:]),
            accept_damaged=accept_damaged,
            previews=True,
            explain=True,
            reading=how.options(),
        )
        outcomes = []
        with how.reader() as reader:
            examiner = spec.examiner(device, reader)
            for source in sources:
                data = streams.read_input() if source == STDIN else None
                with console.tile_progress(source, wanted=not quiet) as on_progress:
                    examination = examiner.examine(
                        source, data=data, output=folder, on_progress=on_progress, page=number
                    )
                report(examination, as_json, quiet)
                outcomes.append((examination.analysed, examination.record.result.verdict is Verdict.EVIDENCE))
        raise typer.Exit(exit_code(outcomes, fail_on_findings))
