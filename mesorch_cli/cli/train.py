"""`mesorch train`: train a network on photos with masks and on forgeries made on the fly."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mesorch_cli.cli import console, options
from mesorch_cli.cli.guard import guard
from mesorch_cli.errors import UsageError
from mesorch_cli.extras import install_hint

if TYPE_CHECKING:
    from mesorch_cli.training.config import TrainingConfig
    from mesorch_cli.training.trainer import StepReport, Trainer, ValidationReport

SCHEMA = "mesorch.training/1"
RUN, MACHINE = "Run", "Machine"
RUNS = Path("runs")
SMOOTHING = 0.05  # share of the newest step in the loss and speed that are shown
SHOWN = ("f1_best", "f1", "auc")


class PrecisionName(StrEnum):
    """Arithmetic of training. fp16 is not offered, as it would need loss scaling."""

    FP32 = "fp32"
    BF16 = "bf16"


def train(
    config: Annotated[Path, typer.Argument(metavar="CONFIG.toml", help="Training file: what to train on, and how.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="RUN", help="Folder of the run. (default: runs/CONFIG)"),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume/--no-resume", help="Continue the run in RUN, or refuse if there is one.", rich_help_panel=RUN
        ),
    ] = True,
    check: Annotated[
        bool, typer.Option("--check", help="Only check the training file and its data.", rich_help_panel=RUN)
    ] = False,
    tensorboard: Annotated[
        bool,
        typer.Option(
            "--tensorboard/--no-tensorboard", help="Write logs for TensorBoard to RUN/tensorboard.", rich_help_panel=RUN
        ),
    ] = True,
    device: Annotated[
        str, typer.Option(metavar="auto|cpu|cuda[:N]|mps", help="Where the network runs.", rich_help_panel=MACHINE)
    ] = "auto",
    devices: Annotated[
        int | None,
        typer.Option(min=1, help="Processes, each with a device. (default: 1, or torchrun's)", rich_help_panel=MACHINE),
    ] = None,
    precision: Annotated[
        PrecisionName | None,
        typer.Option(help="Arithmetic. (default: the training file's)", rich_help_panel=MACHINE),
    ] = None,
    accumulate: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Split each process's part of a batch into this many passes, to save memory. (default: the training "
            "file's)",
            rich_help_panel=MACHINE,
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Processes per device that make samples. (default: the training file's)",
            rich_help_panel=MACHINE,
        ),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(min=1, help="CPU threads per process. (default: the training file's)", rich_help_panel=MACHINE),
    ] = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Train a network as a TOML file describes.

    RUN gets `best.safetensors` (weights with their passport, chosen on validation photos), `best.md` (their model
    card), `checkpoint.pt`, `metrics.jsonl`, and the forged validation photos. The same command continues a stopped run
    and reaches the same weights as an uninterrupted one, bit for bit on a CPU. Ctrl-C saves a checkpoint first.

    Data that would make the figures wrong is refused, and the first five files are named: photos and masks that do not
    pair or differ in size, and photos used for both training and validation. Under `torchrun`, the processes share each
    batch.

    On stdout: the weights, their SHA-256 and the number of steps, separated by tabs. With --json, one object.

    Exit codes: 0 done, 2 usage, 3 data refused, 5 weights to start from, 6 the loss is not finite, 130 interrupted
    (continue with the same command).

    Example: mesorch train configs/quick.toml -o runs/quick
    """
    with guard():
        try:
            import lightning_fabric  # noqa: F401 - imported only to report that it is missing
        except ImportError as error:
            raise UsageError(f"`mesorch train` needs Lightning Fabric: {install_hint('train')}.") from error
        from mesorch_cli.inference.backends import choose_device
        from mesorch_cli.training.allocation import keep_freed_memory
        from mesorch_cli.training.config import read_config
        from mesorch_cli.training.precision import settled
        from mesorch_cli.training.runtime import close_runtime, open_runtime, processes_wanted
        from mesorch_cli.training.trainer import Trainer

        keep_freed_memory()
        folder = output or RUNS / config.stem
        settings = changed(
            read_config(config),
            accumulate=accumulate,
            workers=workers,
            threads=threads,
            precision=None if precision is None else precision.value,
        )
        if not resume and (folder / "checkpoint.pt").exists():
            raise UsageError(f"{folder} already holds a run. Expected none with --no-resume: choose another folder.")
        settings = settled(settings, folder, choose_device(device), processes_wanted(devices))
        fabric = open_runtime(device, devices, settings.precision)
        try:
            wanted = not quiet and fabric.global_rank == 0
            with console.count_progress("files", wanted=wanted) as on_file:
                trainer = Trainer(settings, folder, fabric, on_file=on_file)
            if wanted:
                say_start(trainer)
            if not check:
                run(trainer, wanted, tensorboard)
            if fabric.global_rank == 0:
                report(trainer, check, as_json)
        finally:
            close_runtime()


def changed(config: "TrainingConfig", **values: int | str | None) -> "TrainingConfig":
    """Return the training file, changed by the values given on the command line. Raises UsageError for a value it refuses."""
    from pydantic import ValidationError

    from mesorch_cli.validation import first_problem

    given = {name: value for name, value in values.items() if value is not None}
    try:
        return type(config).model_validate(config.model_dump() | given)
    except ValidationError as error:
        raise UsageError(f"The command line, {first_problem(error)}.") from error


def say_start(trainer: "Trainer") -> None:
    """Tell people what is about to be trained."""
    config, samples = trainer.config, trainer.samples
    kinds = [f"{len(set(samples.files))} photos"]
    if samples.forged is not None:
        kinds.append(f"{config.data.share_forged:.0%} of the samples forged")
    processes = "" if trainer.processes.count == 1 else f", {trainer.processes.count} processes"
    console.say(
        f"{config.network} on {trainer.fabric.device}, {config.precision}{processes}; {', '.join(kinds)}; "
        f"step {trainer.step} of {config.schedule.steps}"
    )
    for dataset, found in trainer.masks.items():
        for reading, count in found.items():
            console.say(f"{dataset}: {count} masks read as {reading}")
    if trainer.changed:
        console.say(
            f"note: from step {trainer.step} on, these values of the training file differ: {', '.join(trainer.changed)}"
        )


def run(trainer: "Trainer", wanted: bool, tensorboard: bool) -> None:
    """Train to the end. The first process keeps the log and shows a progress bar."""
    from contextlib import nullcontext

    from mesorch_cli.training.run_log import RunLog

    steps, batch, select = trainer.config.schedule.steps, trainer.config.batch, trainer.config.validation.select
    first = trainer.processes.reports
    shown = {"loss": 0.0, "seconds": 0.0, "weight": 0.0}
    opened = (
        RunLog(trainer.folder, trainer.step, trainer.validated, tensorboard=tensorboard) if first else nullcontext()
    )
    with opened as run_log, console.step_progress(wanted) as progress:

        def on_step(report: "StepReport") -> None:
            for sentence in report.refused:
                progress.line(f"left out: {sentence}")
            if run_log is not None:
                run_log.step(
                    report.step,
                    {
                        "loss": report.loss,
                        "learning_rate": report.learning_rate,
                        "gradient_norm": report.gradient_norm,
                        "samples_per_second": batch / report.seconds,
                    },
                )
            shown["weight"] += SMOOTHING * (1 - shown["weight"])
            for name, value in (("loss", report.loss), ("seconds", report.seconds)):
                shown[name] += SMOOTHING * (value - shown[name])
            loss, seconds = shown["loss"] / shown["weight"], shown["seconds"] / shown["weight"]
            text = f"loss {loss:.4f}, {batch / seconds:.2f} samples/s"
            progress.step(report.step, steps, text, seconds * (steps - report.step))

        def on_validation(report: "ValidationReport") -> None:
            figures = report.measured.figures
            if run_log is not None:
                run_log.validation(report.step, figures)
            for name, found in figures.items():
                values = ", ".join(f"{key} {found[key]:.3f}" for key in SHOWN if key in found)
                best = f" (best {select} so far)" if report.best else ""
                progress.line(f"step {report.step}, validation {name}: {values}{best}")

        try:
            trainer.run(on_step, on_validation)
        except KeyboardInterrupt:
            kept = f"saved after step {trainer.saved} of {steps}" if trainer.saved else "nothing was saved"
            progress.line(f"{kept}; the same command continues from there")
            raise


def report(trainer: "Trainer", check: bool, as_json: bool) -> None:
    """Write the result to stdout."""
    from mesorch_cli.files.hashing import sha256_file
    from mesorch_cli.training.result import WEIGHTS

    path = trainer.folder / WEIGHTS
    sha256 = sha256_file(path) if not check else None
    if as_json:
        values = {
            "schema": SCHEMA,
            "weights": None if check else str(path),
            "sha256": sha256,
            "steps": trainer.step,
            trainer.config.validation.select: trainer.best,
            "photos": len(set(trainer.samples.files)),
        }
        console.write_json(values)
    elif check:
        console.write_data("ok", f"{len(set(trainer.samples.files))} photos")
    else:
        console.write_data(path, sha256, trainer.step)
