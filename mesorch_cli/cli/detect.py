"""`mesorch detect`: find where photos were manipulated."""

import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mesorch_cli.cli import console, options, reading, streams
from mesorch_cli.cli.analysis_options import analysis_options
from mesorch_cli.cli.guard import guard
from mesorch_cli.cli.inputs import STDIN, named_inputs
from mesorch_cli.errors import UsageError
from mesorch_cli.inference.settings import AS_THE_WEIGHTS_SAY, Overrides
from mesorch_cli.report.declared import short_of

if TYPE_CHECKING:
    from mesorch_cli.examination.stages import Examination

DEFAULT_OUTPUT = Path("mesorch-out")
SOME_NOT_ANALYSED, NONE_ANALYSED, FINDINGS = 3, 4, 10


def exit_code(examinations: "list[tuple[bool, bool]]", fail_on_findings: bool) -> int:
    """Return the exit code for inputs, each (analysed, evidence found): 4 before 3, 3 before 10, 10 before 0."""
    if not any(analysed for analysed, _ in examinations):
        return NONE_ANALYSED
    if not all(analysed for analysed, _ in examinations):
        return SOME_NOT_ANALYSED
    return FINDINGS if fail_on_findings and any(evidence for _, evidence in examinations) else 0


def report(examination: "Examination", as_json: bool, quiet: bool) -> None:
    """Report one result: data on stdout, a panel for people on stderr."""
    record = examination.record
    if examination.problem is not None:
        console.say_error(examination.problem)
    on_screen = console.people().is_terminal and not quiet
    if on_screen:
        console.show_examination(examination)
    if as_json:
        console.write_json_line(record.to_line())
    elif not on_screen or not sys.stdout.isatty():
        score = "" if record.result.score is None else f"{record.result.score:.3f}"
        declared = short_of(record.model_dump(include={"declared"}))
        more = [f"declared: {declared}"] if declared else []
        console.write_data(record.result.verdict.value, score, record.input.path, *more)


@analysis_options()
def detect(
    paths: Annotated[
        list[str] | None, typer.Argument(metavar="PHOTO", help="Photos; `-` reads one from standard input.")
    ] = None,
    output: options.OutputDir = DEFAULT_OUTPUT,
    weights: options.Weights = None,
    public_key: options.PublicKey = None,
    device: options.Device = "auto",
    runtime: options.RuntimeName = "auto",
    overrides: Overrides = AS_THE_WEIGHTS_SAY,
    calibration: options.Calibration = None,
    as_json: options.Json = False,
    files_from: Annotated[
        str | None, typer.Option(metavar="FILE|-", help="Also analyse the photos listed in this file, one per line.")
    ] = None,
    null: Annotated[bool, typer.Option("--null", "-0", help="Entries of --files-from are separated by NUL.")] = False,
    accept_damaged: options.AcceptDamaged = False,
    max_pixels: options.MaxPixels = 500_000_000,
    page: reading.Page = None,
    compare_decoders: reading.CompareDecoders = False,
    trust_list: reading.TrustList = None,
    exiftool: reading.ExifTool = False,
    decode_timeout: reading.DecodeTimeout = reading.TIMEOUT_S,
    decode_memory: reading.DecodeMemory = reading.MEMORY_MIB,
    no_artefacts: Annotated[
        bool, typer.Option("--no-artefacts", help="Write no files.", rich_help_panel=options.OUTPUT)
    ] = False,
    in_tree: Annotated[
        bool,
        typer.Option(
            "--in-tree", help="Allow an output folder that holds one of the photos.", rich_help_panel=options.OUTPUT
        ),
    ] = False,
    fail_on_findings: options.FailOnFindings = False,
    quiet: options.Quiet = False,
) -> None:
    """Mark the parts of photos that look manipulated, give a verdict, and write a record that others can repeat.

    For each photo, the output folder gets `overlay.png`, `panel.png` (photo, map and outlines side by side, for a
    report), `heatmap.png` (16 bits), `mask.png` and `record.json`. The verdict is `no evidence found`, `inconclusive`,
    `evidence of manipulation`, or `not analysed` with a reason.

    On stdout: with --json, one record per line. Otherwise, unless stdout is a terminal, one line per photo with
    verdict, score and path, separated by tabs. If a file declares that AI took part, a fourth column says so.

    A score is not a probability, and no verdict says that a photo is authentic.

    Exit codes: 0 done, 2 usage, 3 some photos could not be analysed, 4 none could, 5 weights missing or damaged, 10
    findings with --fail-on-findings, 130 interrupted.

    Example: mesorch detect photo.jpg -o results

    Example: mesorch detect photo.jpg --json --no-artefacts
    """
    printing = no_artefacts and not fail_on_findings
    with guard(printing=printing), ExitStack() as held:
        sources = list(named_inputs(paths or [], files_from, null))
        standard_input = streams.read_input() if STDIN in sources else None
        first_page = reading.wanted_page(page)
        how = reading.Reading(max_pixels, compare_decoders, trust_list, exiftool, decode_timeout, decode_memory)
        read_options = how.options()
        from mesorch_cli.examination.outputs import OutputFolder

        if output == DEFAULT_OUTPUT and output.is_symlink() and not no_artefacts:
            raise UsageError(
                f"The output folder {str(output)!r} is a symbolic link, so someone else decides where the results go. "
                "Expected a folder of your own: name one with -o."
            )
        folder = None if no_artefacts else OutputFolder(output)
        if folder is not None and not in_tree:
            folder.refuse_beside(sources)

        reader = held.enter_context(how.reader())
        if sources and sources[0] != STDIN:  # the first photo is decoded while the network loads
            reader.begin(sources[0], read_options if first_page is None else replace(read_options, page=first_page))

        from mesorch_cli.inference.analysis import Analysis
        from mesorch_cli.inference.detector import Detector

        analysis = Analysis.load(weights, overrides, calibration=calibration, public_key=public_key, runtime=runtime)
        # The network starts while the rest is imported, the photo is read and copies are looked for.
        detector = Detector.starting(analysis, device)

        from mesorch_cli.examination.spec import ExaminerSpec
        from mesorch_cli.inference.scoring import Verdict

        spec = ExaminerSpec(analysis, tuple(sys.argv[1:]), accept_damaged=accept_damaged, reading=read_options)
        examiner = spec.examiner(device, reader, detector)
        outcomes = []
        for source in sources:
            if printing and streams.output_lost():
                break  # nobody reads the output, and the command produces nothing else
            data = standard_input if source == STDIN else None
            number, last = first_page, first_page
            while True:
                with console.tile_progress(source, wanted=not quiet) as on_progress:
                    examination = examiner.examine(
                        source, data=data, output=folder, on_progress=on_progress, page=number
                    )
                report(examination, as_json, quiet)
                outcomes.append((examination.analysed, examination.record.result.verdict is Verdict.EVIDENCE))
                if page == reading.ALL and examination.record.decode is not None:
                    last = examination.record.decode.pages
                if number is None or last is None or number >= last:
                    break
                number += 1
        raise typer.Exit(exit_code(outcomes, fail_on_findings))
