"""`mesorch rerun`: repeat an analysis from its record."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mesorch_cli.cli import console, options
from mesorch_cli.cli.guard import guard
from mesorch_cli.errors import UsageError, VerificationError, WeightsError
from mesorch_cli.inference.runtime import Runtime

if TYPE_CHECKING:
    from mesorch_cli.examination.record import Record

STDIN = "-"
NOT_READ = 4
MOST_THREADS = 512  # of one process, on the largest machines


def weights_for(record: "Record", given: str | None) -> Path:
    """Return the weights for the repetition: those given, or else the installed weights with the record's hash.

    A record may come from anyone, so the name in it is never opened. Raises WeightsError if no weights match.
    """
    from mesorch_cli.files.hashing import sha256_file
    from mesorch_cli.network.store import find_weights, list_weights

    if given is not None:
        return find_weights(given)
    for stored in list_weights():
        if sha256_file(stored.path) == record.weights.sha256:
            return stored.path
    raise WeightsError(
        f"The record was made with the weights {record.weights.name!r}, SHA-256 {record.weights.sha256[:16]}..., and "
        "no installed weights have that hash. Install them with `mesorch weights import`, or name others with "
        "--weights."
    )


def threads_for(record: "Record") -> int | None:
    """Return the number of CPU threads for the repetition; None if the record does not say.

    Raises UsageError for a number that no machine has.
    """
    told = record.tool.get("threads", "")
    if not (told.isascii() and told.isdigit()):
        return None
    threads = int(told[:9])
    if not 1 <= threads <= MOST_THREADS:
        raise UsageError(
            f"The record claims {told[:20]} threads. Expected 1 to {MOST_THREADS}: the record was changed, get the "
            "original."
        )
    return threads


def device_for(record: "Record", given: str | None) -> str:
    """Return the device for the repetition: the one given, or the record's, or the best on this machine."""
    if given is not None:
        return given
    recorded = record.analysis.device if record.analysis is not None else "auto"
    if recorded in ("auto", "cpu"):
        return recorded
    from mesorch_cli.inference.backends import choose_device

    try:
        choose_device(recorded)
    except UsageError:
        return "auto"  # the change of device is reported as a cause
    return recorded


def runtime_for(record: "Record", file: Path, given: Runtime | None) -> Runtime:
    """Return the runtime for the repetition with weights from `file`: the one given, or else the record's.

    If the record's runtime is not installed or cannot run these weights, another one runs them, and the change is
    reported as a cause. An exported file has its own.
    """
    from mesorch_cli.extras import installed
    from mesorch_cli.network.store import EXPORTED_SUFFIXES

    if given is not None or file.suffix in EXPORTED_SUFFIXES:
        return given or "auto"
    recorded = record.analysis.backend if record.analysis is not None else None
    return "torch" if recorded == "torch" and installed("torch") else "auto"


def rerun(
    record_file: Annotated[
        Path, typer.Argument(metavar="RECORD.json", help="Record of `mesorch detect` or `mesorch batch`.")
    ],
    photo: Annotated[
        Path | None,
        typer.Option(
            "--input", "-i", metavar="PHOTO", help="Where the photo is now. (default: the path in the record)"
        ),
    ] = None,
    weights: Annotated[
        str | None,
        options.weights_option("Weights to use. (default: the installed ones with the record's hash)"),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            metavar="auto|cpu|cuda[:N]|mps",
            help="Where the network runs. (default: as recorded)",
            rich_help_panel=options.ANALYSIS,
        ),
    ] = None,
    runtime: Annotated[
        Runtime | None,
        typer.Option(
            "--runtime",
            metavar="auto|onnx|torch",
            help="What runs .safetensors weights. (default: as recorded, if it is installed)",
            rich_help_panel=options.ANALYSIS,
        ),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Repeat an analysis with the settings in its record, and compare the results.

    The answer is `identical` (result, decoding and pictures, byte for byte), `within tolerance` (same input bytes, same
    verdict, score within 0.001, map within 0.02 at every pixel, everything else equal), or `different`. The command
    names each difference, and every version, device, weights, setting or input that is not as recorded. It writes no
    files.

    On stdout: with --json, one object. Otherwise the answer and the photo, separated by a tab.

    Exit codes: 0 identical or within tolerance, 2 usage, 4 the photo was not found or cannot be read, 5 weights
    missing or damaged, 6 different, or the record was changed.

    Example: mesorch rerun results/photo.jpg/record.json
    """
    with guard():
        from mesorch_cli.case.rerun import Answer, compared, input_of, read_record, reading_of
        from mesorch_cli.examination.spec import ExaminerSpec
        from mesorch_cli.inference.analysis import Analysis
        from mesorch_cli.inference.loading import SharedWeights, open_weights
        from mesorch_cli.inference.recorded_settings import EXPLAIN, accepts_damaged, digest, settings_from

        record = read_record(record_file)
        if digest(record.settings) != record.settings_sha256:
            raise VerificationError(
                f"The settings in {str(record_file)!r} do not have the hash that it records, "
                f"{record.settings_sha256[:16]}... The record was changed: get the original."
            )
        source = photo or input_of(record_file, record)
        if str(source) == STDIN:
            raise UsageError(
                f"{str(record_file)!r} describes a photo from standard input. Name the photo with --input."
            )
        threads, file = threads_for(record), weights_for(record, weights)
        runs = runtime_for(record, file, runtime)
        if threads is not None and runs == "torch":
            import torch  # exported files take their threads from OMP_NUM_THREADS

            torch.set_num_threads(threads)
        opened = open_weights(str(file), runtime=runs)
        if isinstance(opened, SharedWeights):
            opened = replace(opened, threads=threads)
        spec = ExaminerSpec(
            Analysis(opened, settings_from(record.settings)),
            tuple(sys.argv[1:]),
            accept_damaged=accepts_damaged(record.settings),
            previews=any(artefact.role == "thumbnail" for artefact in record.artefacts),
            explain=record.settings.get(EXPLAIN) is True,
            reading=reading_of(record),
        )
        examiner = spec.examiner(device_for(record, device))
        again = examiner.compose(examiner.analyse(examiner.read(str(source), shown=record.input.path)), "again")
        if again.record.input.sha256 is None and record.input.sha256 is not None:
            console.say_error(
                f"The photo of {str(record_file)!r} was not found or cannot be read, so nothing was repeated: "
                f"{again.problem} Say where it is now with --input."
            )
            raise typer.Exit(NOT_READ)
        found = compared(record, record_file, again)
        for sentence in (*found.differences, *(f"because of {cause}" for cause in found.causes)):
            if found.answer is not Answer.IDENTICAL:
                console.say(sentence)
        if found.differences and not found.causes:
            console.say(
                "No recorded cause explains this: versions, device, weights, settings and input are the same. The "
                "record or this machine has changed."
            )
        if as_json:
            values = {"answer": found.answer.value, "input": console.printable(str(source))}
            console.write_json(values | {"differences": found.differences, "causes": found.causes})
        else:
            console.write_data(found.answer.value, source)
        if found.answer is Answer.DIFFERENT:
            raise VerificationError(
                f"The analysis of {str(source)!r} differs from {str(record_file)!r} by more than the tolerance. The "
                "differences are listed above."
            )
