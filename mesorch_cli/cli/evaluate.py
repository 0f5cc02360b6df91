"""`mesorch evaluate`: measure weights on photos with masks."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mesorch_cli.cli import console, figures, options
from mesorch_cli.cli.analysis_options import analysis_options
from mesorch_cli.cli.guard import guard
from mesorch_cli.inference.runtime import Runtime
from mesorch_cli.inference.settings import AS_THE_WEIGHTS_SAY, Overrides

if TYPE_CHECKING:
    from mesorch_cli.evaluation.datasets import Dataset
    from mesorch_cli.evaluation.entrants import NetworkEntrant
    from mesorch_cli.evaluation.masks import MaskRule
    from mesorch_cli.evaluation.study import Result

MEASURE, SET = "Measuring", "Sets"


@analysis_options()
def evaluate(
    sets: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="SET",
            help="Folders with Tp, Gt (and Au), or with image, mask (and authentic); or lists of photos and masks.",
        ),
    ] = None,
    images: Annotated[Path | None, typer.Option(help="Folder of tampered photos.", rich_help_panel=SET)] = None,
    masks: Annotated[
        Path | None, typer.Option(help="Folder of their masks, paired by file stem.", rich_help_panel=SET)
    ] = None,
    authentic: Annotated[Path | None, typer.Option(help="Folder of authentic photos.", rich_help_panel=SET)] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            min=1, help="Use only the first N tampered and N authentic photos of each set.", rich_help_panel=SET
        ),
    ] = None,
    allow_empty_masks: Annotated[
        bool,
        typer.Option(
            "--allow-empty-masks",
            help="Count a photo as authentic if its mask says that nothing is tampered.",
            rich_help_panel=SET,
        ),
    ] = False,
    mask_colour: Annotated[
        str | None,
        typer.Option(
            metavar="RRGGBB",
            help="The colour that means tampered in masks of two colours, such as ff0000.",
            rich_help_panel=SET,
        ),
    ] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Only inspect the sets, and exit with 6 if something is wrong.", rich_help_panel=SET
        ),
    ] = False,
    weights: Annotated[
        list[str] | None,
        typer.Option(
            "--weights",
            "-w",
            metavar="NAME|FILE",
            autocompletion=options.names_of_weights,
            help="Weights to measure. Repeatable: several are compared side by side. (default: mesorch-s)",
        ),
    ] = None,
    protocol: Annotated[
        options.ProtocolName,
        typer.Option(
            help="native: score at the mask's own size. paper: score at 512 x 512, as published.",
            rich_help_panel=MEASURE,
        ),
    ] = options.ProtocolName.NATIVE,
    no_score_band: Annotated[
        int,
        typer.Option(
            min=0, help="Width in pixels of a band along mask outlines that is not scored.", rich_help_panel=MEASURE
        ),
    ] = 0,
    permuted: Annotated[
        bool,
        typer.Option(
            "--permuted",
            help="Also report the permuted F1, which uses the truth and so flatters.",
            rich_help_panel=MEASURE,
        ),
    ] = False,
    perturb: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="Perturbations: jpeg,blur,noise,resize,double-jpeg,webp,crop; or with levels, such as "
            "jpeg=70:90,resize=0.5.",
            rich_help_panel=MEASURE,
        ),
    ] = None,
    resave: Annotated[
        int | None,
        typer.Option(
            min=2, max=100, help="First save every photo again as a JPEG of this quality.", rich_help_panel=MEASURE
        ),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="Also measure baselines that the weights must beat: all, or names such as centre-prior,ela.",
            rich_help_panel=MEASURE,
        ),
    ] = None,
    bootstrap: Annotated[
        int, typer.Option(min=0, help="Resamples for the 95 % intervals; 0 for no intervals.", rich_help_panel=MEASURE)
    ] = 1000,
    fail_under: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIGURE=VALUE",
            help="Exit with 6 if a figure is below this value. Repeatable.",
            rich_help_panel=MEASURE,
        ),
    ] = None,
    overrides: Overrides = AS_THE_WEIGHTS_SAY,
    device: options.Device = "auto",
    runtime: options.RuntimeName = "auto",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="Folder for rows, tables and plots.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    no_plots: Annotated[
        bool, typer.Option("--no-plots", help="Write no plots.", rich_help_panel=options.OUTPUT)
    ] = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Measure weights on photos with masks: figures over pixels and over photos, with intervals.

    --against measures baselines on the same photos, from a constant map to classical detectors.

    With -o, the result of each photo is kept, and a stopped run continues. The folder gets `photos.csv`,
    `evaluation.jsonl`, plots, and a sheet of the best and worst photos. Under `torchrun`, the processes share the
    photos.

    Exit codes: 0 done, 2 usage, 3 some photos could not be analysed or paired, 4 none could, 5 weights missing or
    damaged, 6 a figure is below --fail-under, or --check found something.

    Example: mesorch evaluate --images tampered --masks masks --authentic authentic -o evaluation
    """
    with guard(printing=output is None and not fail_under and not check):
        datasets = named_sets(sets or [], images, masks, authentic, limit)
        from mesorch_cli.evaluation.masks import MaskRule, parse_colour

        mask_rule = MaskRule(allow_empty_masks, None if mask_colour is None else parse_colour(mask_colour))
        if check:
            inspected(datasets, mask_rule, as_json, quiet)
            return
        from mesorch_cli.evaluation import outputs
        from mesorch_cli.evaluation.baselines import parse_baselines
        from mesorch_cli.evaluation.comparison import differences
        from mesorch_cli.evaluation.entrants import BaselineEntrant
        from mesorch_cli.evaluation.gate import parse_gates, unmet
        from mesorch_cli.evaluation.perturb import Perturbation, parse
        from mesorch_cli.evaluation.plots import require_plots
        from mesorch_cli.evaluation.processes import Processes
        from mesorch_cli.evaluation.protocol import Protocol
        from mesorch_cli.evaluation.study import Study

        if output is not None and not no_plots:
            require_plots()
        gates = parse_gates(fail_under or [])
        baselines = parse_baselines(against) if against is not None else ()
        rules = Protocol(protocol.value, no_score_band, permuted)
        study = Study(
            [
                *networks(weights or [None], rules.name == "paper", overrides, device, runtime),
                *(BaselineEntrant(one) for one in baselines),
            ],
            datasets,
            rules,
            Perturbation("jpeg-exact", resave) if resave else None,
            parse(perturb) if perturb else (),
            output,
            bootstrap,
            mask_rule,
        )
        with Processes.from_environment() as processes:
            with console.count_progress("photos", wanted=not quiet and processes.reports) as on_count:
                results = study.run(processes, lambda done, total, _: on_count(done, total))
            if not processes.reports:
                return
        gaps = differences(results, rules, bootstrap)
        resaved = None if study.resave is None else str(study.resave)
        lines = [outputs.as_json(result, rules, resaved, gaps) for result in results]
        if output is not None:
            files = {
                "evaluation.jsonl": outputs.json_lines(lines),
                "photos.csv": outputs.photo_table(results, rules).encode(),
            }
            outputs.write(output, files | ({} if no_plots else outputs.pictures(results, output)))
        if as_json:
            for line in lines:
                console.write_json(line)
        elif not quiet:
            figures.show(results, gaps)
        say_of_masks(results, quiet)
        missed = unmet(gates, results)
        for sentence in missed:
            console.say_error(sentence)
        raise typer.Exit(6 if missed else said_of_losses(results, datasets))


def named_sets(
    sets: list[Path], images: Path | None, masks: Path | None, authentic: Path | None, limit: int | None
) -> "list[Dataset]":
    """Return the sets that a command line names. Photos without a partner are left out of them and listed."""
    from dataclasses import replace

    from mesorch_cli.errors import UsageError
    from mesorch_cli.evaluation.datasets import read_dataset, read_folders

    if (images is None) != (masks is None):
        raise UsageError("--images and --masks belong together. Give both: the photos and their masks.")
    datasets = [read_dataset(path, strict=False) for path in sets]
    if images is not None or authentic is not None:
        datasets.append(read_folders(images or authentic or Path(), masks, authentic, strict=False))
    if not datasets:
        raise UsageError("No set was given. Name a folder with Tp and Gt, a list, or --images and --masks.")
    names = [dataset.name for dataset in datasets]
    if len(set(names)) < len(names):
        datasets = [replace(one, name=f"{one.name}-{place}") for place, one in enumerate(datasets, start=1)]
    return (
        datasets
        if limit is None
        else [replace(one, samples=one.tampered[:limit] + one.authentic[:limit]) for one in datasets]
    )


def networks(
    names: "list[str] | list[None] | list[str | None]", paper: bool, overrides: Overrides, device: str, runtime: Runtime
) -> "list[NetworkEntrant]":
    """Load every network to be measured, each under its own name."""
    from dataclasses import replace

    from mesorch_cli.errors import UsageError
    from mesorch_cli.evaluation.entrants import NetworkEntrant
    from mesorch_cli.inference.analysis import Analysis
    from mesorch_cli.inference.detector import Detector

    if paper and overrides.scales not in (None, "reference"):
        raise UsageError(
            f"The paper protocol uses the reference analysis. --scales {overrides.scales} works only with the native "
            "protocol."
        )
    if paper:
        overrides = replace(overrides, scales="reference")
    found: list[NetworkEntrant] = []
    for name in names:
        analysis = Analysis.load(name, overrides, runtime=runtime)
        loaded = analysis.weights
        if any(one.weights_sha256 == loaded.sha256 for one in found):
            raise UsageError(f"The weights {name!r} were given twice. Expected each only once.")
        title = loaded.passport.name
        if any(one.name == title for one in found):
            title = f"{title} {loaded.sha256[:8]}"
        found.append(NetworkEntrant(title, loaded.sha256, Detector.of(analysis, device)))
    return found


def say_of_masks(results: "list[Result]", quiet: bool) -> None:
    """Tell people how the masks of each set were read, and what looks doubtful about them."""
    for dataset, result in {result.dataset: result for result in reversed(results)}.items():
        for reading, count in result.masks.items():
            if not quiet:
                console.say(f"{dataset}: {count} masks read as {reading}")
    for sentence in dict.fromkeys(sentence for result in results for sentence in result.warnings):
        console.say(f"warning: {sentence}")


def said_of_losses(results: "list[Result]", datasets: "list[Dataset]") -> int:
    """Tell people which photos the figures leave out. Return the exit code."""
    from mesorch_cli.evaluation.masks import EMPTY

    unpaired = [f"{dataset.name}: {line}" for dataset in datasets for line in dataset.unpaired]
    lost = {
        f"{result.dataset}: {row.photo}: {row.status}: {row.reason}"
        for result in results
        for row in result.outcomes
        if row.status != "analysed"
    }
    for line in [*unpaired, *sorted(lost)]:
        console.say_error(f"not counted: {line}")
    if any(line.endswith(EMPTY) for line in lost):
        console.say("With --allow-empty-masks, photos whose masks have no tampered pixel count as authentic.")
    if not any(row.status == "analysed" for result in results if not result.is_baseline for row in result.outcomes):
        return 4
    return 3 if unpaired or lost else 0


def inspected(datasets: "list[Dataset]", masks: "MaskRule", as_json: bool, quiet: bool) -> None:
    """Inspect the sets and report. Exits with 6 if something is wrong with them."""
    from dataclasses import asdict

    from mesorch_cli.evaluation.inspection import inspect

    with console.count_progress("files", wanted=not quiet) as on_count:
        inspection = inspect(datasets, on_count, masks)
    if as_json:
        console.write_json({"schema": "mesorch.inspection/1", "ok": inspection.ok} | asdict(inspection))
    else:
        figures.show_inspection(inspection)
    raise typer.Exit(0 if inspection.ok else 6)
