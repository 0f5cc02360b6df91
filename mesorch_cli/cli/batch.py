"""`mesorch batch`: analyse a folder of photos into a case, without losing any."""

import json
import time
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mesorch_cli.cli import console, options, reading
from mesorch_cli.cli.analysis_options import analysis_options
from mesorch_cli.cli.detect import FINDINGS, NONE_ANALYSED, SOME_NOT_ANALYSED
from mesorch_cli.cli.file_progress import FileProgress
from mesorch_cli.cli.guard import INTERRUPTED, guard
from mesorch_cli.cli.stopping import Stop, stopping
from mesorch_cli.inference.settings import AS_THE_WEIGHTS_SAY, Overrides
from mesorch_cli.report.declared import short_of

if TYPE_CHECKING:
    from mesorch_cli.case.batch import Batch
    from mesorch_cli.case.case_file import CaseFile
    from mesorch_cli.case.journal import Journal
    from mesorch_cli.case.pipeline import Engine
    from mesorch_cli.case.row import Row
    from mesorch_cli.case.scan import Scan, Selection

FILES, MACHINES = "Files", "Machines"
LOOK_EVERY_S = 1.0  # how often a watched folder is listed
REFRESH_REST = 9  # the pause after writing tables and pages, as a multiple of the time that took: a tenth at most
SHOWN = 10  # photos in the table of the highest scores


class EngineName(StrEnum):
    """Where photos are analysed."""

    LOCAL = "local"
    RAY = "ray"


def exit_code(case_file: "CaseFile", interrupted: bool, fail_on_findings: bool) -> int:
    """Return the exit code for a case. 130 precedes 4, 4 precedes 3, 3 precedes 10, 10 precedes 0."""
    counts = case_file.counts
    if interrupted:
        return INTERRUPTED
    if counts.analysed == 0:
        return NONE_ANALYSED
    if counts.not_analysed or counts.failed or case_file.unlisted:
        return SOME_NOT_ANALYSED
    return FINDINGS if fail_on_findings and counts.findings else 0


class Reporter:
    """Reports each file when it is finished: progress and problems to people, records to stdout with --json."""

    def __init__(self, progress: FileProgress, as_json: bool) -> None:
        self._progress = progress
        self._as_json = as_json

    def __call__(self, row: "Row", new: bool, problem: str | None) -> None:
        if problem is not None:
            console.say_error(problem)
        if self._as_json:
            console.write_json_line(row.record)
        self._progress.file(
            new=new,
            finding=row.verdict == "evidence of manipulation",
            not_analysed=row.status == "not analysed",
            failed=row.status == "failed",
        )


def follow(
    run: "Batch", engine: "Engine", folder: Path, selection: "Selection", settle: float, progress: FileProgress,
    stop: Stop, refresh: Callable[["Scan"], object],
) -> "Scan":  # fmt: skip
    """Analyse files as they arrive, until the user stops it. Return the last listing of the folder.

    refresh: writes tables and pages for a listing. It is called after new files, and takes at most a tenth of the time.
    """
    from mesorch_cli.case.watch import Watch

    watch, told = Watch(folder, selection, settle), None
    outdated, rested_at = False, 0.0
    while not stop():
        started = time.monotonic()
        paths = watch.ready()
        if watch.problem not in (None, told):
            console.say_error(str(watch.problem))
        told = watch.problem
        progress.total += len(paths)
        run.run(engine, paths, stop)
        outdated = outdated or bool(paths)
        if outdated and time.monotonic() >= rested_at and not stop():
            began = time.monotonic()
            refresh(watch.scan)
            outdated, rested_at = False, time.monotonic() + REFRESH_REST * (time.monotonic() - began)
        # Listing many files may take long. Pause four times as long, to spare the folder's server.
        stop.wait(max(min(settle, LOOK_EVERY_S), 0 if paths else 4 * (time.monotonic() - started)))
    return watch.scan


def report_case(case: Path, case_file: "CaseFile", sums: str, journal: "Journal", quiet: bool, as_json: bool) -> None:
    """Report a case: to people on stderr, and as one line of data unless the records were written as data."""
    counts = case_file.counts
    for folder in case_file.unlisted:
        console.say_error(
            f"the folder {folder!r} cannot be listed, so the case lacks its files. Check its permissions."
        )
    if counts.found == 0 and case_file.selection.shard == (1, 1):
        console.say_error(
            f"no photo was found in {case_file.evidence!r}, so nothing was analysed. The content of a file decides whether "
            "it is a photo. Check the folder, and --include and --exclude if they were given."
        )
    if not quiet:
        others = "; ".join(f"{count} {kind}" for kind, count in case_file.others.items())
        duplicates = (
            f", {counts.duplicates} duplicate{'' if counts.duplicates == 1 else 's'} among them"
            if counts.duplicates
            else ""
        )
        rows = [
            ("found", f"{counts.found} photos{duplicates}"),
            ("analysed", f"{counts.analysed}, {counts.findings} with evidence of manipulation"),
            ("not analysed", str(counts.not_analysed)),
            ("failed", str(counts.failed)),
        ]
        rows += [("waiting", f"{counts.waiting}; give the same command to continue")] if counts.waiting else []
        rows += [("gone", f"{counts.gone} are no longer in the folder")] if counts.gone else []
        rows += [("other files", others)] if others else []
        rows += [("case", str(case)), ("SHA256SUMS", sums)]
        highest = journal.highest(case_file.settings_sha256, SHOWN)
        console.show_case(
            str(case), rows, [(f"{row.score:.3f}", row.verdict, row.path + _declared(row.record)) for row in highest]
        )
        console.say(f"Open {case / 'index.html'}")
    if not as_json:
        values = (counts.found, counts.analysed, counts.not_analysed, counts.failed, counts.findings)
        console.write_data(case, *values, sums)


@analysis_options()
def batch(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Folder of the evidence. It is only read, never written to.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="CASE", help="Folder of the case: a new one, or one to continue.")
    ],
    include: Annotated[
        list[str] | None,
        typer.Option(
            metavar="GLOB",
            help="Analyse only paths that match, such as `*.jpg` in any folder. Repeatable.",
            rich_help_panel=FILES,
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="Leave out paths that match. Repeatable.", rich_help_panel=FILES),
    ] = None,
    shard: Annotated[
        str,
        typer.Option(
            metavar="K/N",
            help="Analyse only share K of N. `mesorch case merge` joins the shares.",
            rich_help_panel=FILES,
        ),
    ] = "1/1",
    moved: Annotated[
        bool, typer.Option("--moved", help="Continue a case whose evidence has moved to FOLDER.", rich_help_panel=FILES)
    ] = False,
    watch: Annotated[
        bool,
        typer.Option(
            "--watch", help="Keep running and analyse files as they arrive, until stopped.", rich_help_panel=FILES
        ),
    ] = False,
    settle: Annotated[
        float,
        typer.Option(
            min=0.1,
            help="With --watch: a file is complete after so many seconds without a change.",
            rich_help_panel=FILES,
        ),
    ] = 2.0,
    weights: options.Weights = None,
    public_key: options.PublicKey = None,
    engine: Annotated[
        EngineName,
        typer.Option(help="Where photos are analysed: on this machine or on a Ray cluster.", rich_help_panel=MACHINES),
    ] = EngineName.LOCAL,
    address: Annotated[
        str | None,
        typer.Option(help="Address of the Ray cluster. (default: start one on this machine)", rich_help_panel=MACHINES),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Workers on the Ray cluster. (default: as many as fit)", rich_help_panel=MACHINES),
    ] = None,
    device: options.Device = "auto",
    runtime: options.RuntimeName = "auto",
    devices: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="Use several devices, with one engine on each, such as `0,1`.",
            rich_help_panel=MACHINES,
        ),
    ] = None,
    overrides: Overrides = AS_THE_WEIGHTS_SAY,
    calibration: options.Calibration = None,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="Show on each photo's page what the network saw and which regions remain. Five times the work.",
            rich_help_panel=options.ANALYSIS,
        ),
    ] = False,
    accept_damaged: options.AcceptDamaged = False,
    max_pixels: options.MaxPixels = 500_000_000,
    compare_decoders: reading.CompareDecoders = False,
    trust_list: reading.TrustList = None,
    exiftool: reading.ExifTool = False,
    decode_timeout: reading.DecodeTimeout = reading.TIMEOUT_S,
    decode_memory: reading.DecodeMemory = reading.MEMORY_MIB,
    case_number: options.CaseNumber = None,
    agency: options.Agency = None,
    examiner: options.ExaminerName = None,
    as_json: options.Json = False,
    fail_on_findings: options.FailOnFindings = False,
    quiet: options.Quiet = False,
) -> None:
    """Analyse every photo in a folder, to any depth, into a case. The same command continues an interrupted run.

    The content of a file decides whether it is a photo. CASE gets `journal.sqlite` (each file as soon as it is
    finished), `results.jsonl`, `results.csv`, `case.json`, `index.html`, a page for each photo, and `SHA256SUMS`. The
    folder `photos` in it mirrors FOLDER, with a folder of results for each file.

    A file whose content, weights or settings changed is analysed again. Files with the same bytes are analysed once and
    reported separately. Ctrl-C finishes the photo in progress.

    On stdout: with --json, one record per line as each file is finished. Otherwise one line with case, found, analysed,
    not analysed, failed, photos with evidence of manipulation and the SHA-256 of SHA256SUMS, separated by tabs.

    Exit codes: 0 done, 2 usage or disk full, 3 some photos could not be analysed, 4 none could or none was found, 5 weights
    missing or damaged, 6 CASE was changed after it was made, 10 findings with --fail-on-findings, 130 interrupted.

    Example: mesorch batch evidence -o case

    Example: mesorch batch evidence -o share1 --shard 1/3
    """
    with guard(), stopping() as stop:
        from mesorch_cli.case.batch import Batch
        from mesorch_cli.case.finish import finish
        from mesorch_cli.case.opening import about_case, opened
        from mesorch_cli.case.scan import Selection, matching, parse_shard, refuse_overlap, scan
        from mesorch_cli.cli.engines import Engines
        from mesorch_cli.report.details import CaseDetails

        details = CaseDetails(case_number, agency, examiner)
        refuse_overlap(folder, output)
        selection = Selection(matching(include or []), matching(exclude or []), parse_shard(shard))
        found = scan(folder, selection)
        engines = Engines(device, devices, engine, address, workers, runtime)
        how = reading.Reading(max_pixels, compare_decoders, trust_list, exiftool, decode_timeout, decode_memory)
        spec = engines.spec(weights, overrides, calibration, accept_damaged, how, public_key, explain)
        examiners = engines.examiners(spec)
        about = about_case(folder, selection, spec, (examiners[0] if examiners else spec.examiner("cpu")).tool)
        with (
            opened(output, about, moved=moved) as (journal, mirror),
            engines.started(spec, examiners, folder, mirror) as started,
        ):
            with console.file_progress(not quiet) as progress:
                run = Batch(mirror, folder, journal, about.settings_sha256, Reporter(progress, as_json))
                if watch:
                    write = partial(finish, output, journal, about, details=details)
                    found = follow(run, started, folder, selection, settle, progress, stop, write)
                else:
                    progress.total = len(found.paths)
                    run.run(started, found.paths, stop)
            with console.count_progress("pages", wanted=not quiet) as on_page:
                case_file, sums = finish(output, journal, about, found, on_page, details)
            report_case(output, case_file, sums, journal, quiet, as_json)
        # A watch always ends by being stopped. It counts as interrupted only if files are left to analyse.
        interrupted = stop() and (not watch or case_file.counts.waiting > 0)
        raise typer.Exit(exit_code(case_file, interrupted, fail_on_findings))


def _declared(line: str) -> str:
    """Return what a file declares about AI, to be shown after its name. Empty if it declares nothing."""
    declared = short_of(json.loads(line))
    return f" (declared: {declared})" if declared else ""
