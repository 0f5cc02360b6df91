"""`mesorch evaluate`: what weights are worth on photos with masks."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mesorch_cli.cli import console, options
from mesorch_cli.cli.guard import guard

if TYPE_CHECKING:
    from mesorch_cli.evaluation.comparison import Difference
    from mesorch_cli.evaluation.datasets import Dataset
    from mesorch_cli.evaluation.inspection import Inspection
    from mesorch_cli.evaluation.study import Entrant, Result

MEASURE, SET = "Measuring", "Sets"
SHOWN = (
    ("pixel AUC", "auc"),
    ("F1", "f1"),
    ("F1 at the set's best threshold", "f1_best"),
    ("permuted F1 (knows the truth)", "permuted_f1"),
    ("IoU", "iou"),
    ("MCC", "mcc"),
    ("precision", "precision"),
    ("recall", "recall"),
    ("pixel average precision", "average_precision"),
    ("tampered photos called evidence", "tampered_flagged"),
    ("authentic photos called evidence", "authentic_flagged"),
    ("authentic photos not cleared", "authentic_not_cleared"),
    ("authentic: area called tampered", "authentic_false_positive_area"),
    ("image AUC", "image_auc"),
    ("image average precision", "image_average_precision"),
    ("balanced accuracy", "balanced_accuracy"),
    ("equal error rate", "eer"),
    ("TPR at FPR 1 %", "tpr_at_fpr_1"),
    ("TPR at FPR 5 %", "tpr_at_fpr_5"),
)


def evaluate(
    sets: Annotated[
        list[Path] | None,
        typer.Argument(metavar="SET...", help="Folders with Tp, Gt (and Au) or image, mask (and authentic); lists."),
    ] = None,
    images: Annotated[Path | None, typer.Option(help="Folder of tampered photos.", rich_help_panel=SET)] = None,
    masks: Annotated[Path | None, typer.Option(help="Their masks, paired by stem.", rich_help_panel=SET)] = None,
    authentic: Annotated[Path | None, typer.Option(help="Folder of authentic photos.", rich_help_panel=SET)] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            min=1, help="Only the first so many tampered and authentic photos of each set.", rich_help_panel=SET
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only inspect the sets; exit 6 if something is wrong.", rich_help_panel=SET)
    ] = False,
    weights: Annotated[
        list[str] | None,
        typer.Option("--weights", "-w", metavar="NAME|FILE", help="Weights; several are compared side by side."),
    ] = None,
    protocol: Annotated[
        options.ProtocolName,
        typer.Option(help="native: the mask's own pixels. paper: all at 512, as published.", rich_help_panel=MEASURE),
    ] = options.ProtocolName.NATIVE,
    no_score_band: Annotated[
        int, typer.Option(min=0, help="Pixels beside mask outlines that are not scored.", rich_help_panel=MEASURE)
    ] = 0,
    permuted: Annotated[
        bool, typer.Option("--permuted", help="Also the permuted F1, which flatters.", rich_help_panel=MEASURE)
    ] = False,
    perturb: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="jpeg,blur,noise,resize,double-jpeg,webp,crop; or with levels: jpeg=70:90,resize=0.5.",
            rich_help_panel=MEASURE,
        ),
    ] = None,
    resave: Annotated[
        int | None,
        typer.Option(
            min=2, max=100, help="Save every photo again as JPEG of this quality first.", rich_help_panel=MEASURE
        ),
    ] = None,
    bootstrap: Annotated[
        int, typer.Option(min=0, help="Resamples for the 95 % intervals; 0: none.", rich_help_panel=MEASURE)
    ] = 1000,
    fail_under: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIGURE=VALUE", help="Exit 6 if a figure is lower; several times.", rich_help_panel=MEASURE
        ),
    ] = None,
    scales: options.Scales = None,
    overlap: options.Overlap = None,
    precision: options.Precision = None,
    threshold: options.Threshold = None,
    tile_batch: options.TileBatch = None,
    device: options.Device = "auto",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FOLDER", help="Keep rows, tables and plots.", rich_help_panel=options.OUTPUT
        ),
    ] = None,
    no_plots: Annotated[
        bool, typer.Option("--no-plots", help="No plots among the files.", rich_help_panel=options.OUTPUT)
    ] = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Measure what weights are worth on photos with masks: pixels, photos, and intervals.

    With -o, rows are kept photo by photo and a run that was stopped goes on; the folder gets `photos.csv`,
    `evaluation.jsonl`, plots, and a sheet of the best and worst cases. Under `torchrun`, processes share the photos.

    Exit codes: 0 done, 2 usage, 3 some photos could not be analysed or paired, 4 none could, 5 weights, 6 a figure below
    --fail-under or a finding of --check.

    Example: mesorch evaluate --images tampered --masks masks --authentic authentic -o evaluation
    """
    with guard():
        datasets = named_sets(sets or [], images, masks, authentic, limit)
        if check:
            inspected(datasets, as_json, quiet)
            return
        from mesorch_cli.evaluation import outputs
        from mesorch_cli.evaluation.gate import parse_gates, unmet
        from mesorch_cli.evaluation.perturb import Perturbation, parse
        from mesorch_cli.evaluation.processes import Processes
        from mesorch_cli.evaluation.protocol import Protocol
        from mesorch_cli.evaluation.study import Study

        gates = parse_gates(fail_under or [])
        rules = Protocol(protocol.value, no_score_band, permuted)
        wanted = options.Wanted(scales, overlap, precision.value if precision else None, threshold, tile_batch)
        study = Study(
            entrants(weights or [None], rules.name == "paper", wanted, device),
            datasets,
            rules,
            Perturbation("jpeg-exact", resave) if resave else None,
            parse(perturb) if perturb else (),
            output,
            bootstrap,
        )
        with Processes.from_environment() as processes:
            with console.count_progress("photos", wanted=not quiet and processes.reports) as on_count:
                results = study.run(processes, lambda done, total, _: on_count(done, total))
            if not processes.reports:
                return
        lines = [
            outputs.as_json(result, rules, None if study.resave is None else str(study.resave)) for result in results
        ]
        gaps = outputs.differences(results, rules)
        if output is not None:
            files = {
                "evaluation.jsonl": outputs.json_lines(lines),
                "photos.csv": outputs.photo_table(results, rules).encode(),
            }
            outputs.write(output, files | ({} if no_plots else outputs.pictures(results, output)))
        if as_json:
            for line in lines:
                console.write_data(json.dumps(line, allow_nan=False))
        elif not quiet:
            show(results, gaps)
        missed = unmet(gates, results)
        for sentence in missed:
            console.say_error(sentence)
        raise typer.Exit(6 if missed else said_of_losses(results, datasets))


def named_sets(
    sets: list[Path], images: Path | None, masks: Path | None, authentic: Path | None, limit: int | None
) -> "list[Dataset]":
    """Return the sets that a command line names; what does not pair is left out of them and listed."""
    from dataclasses import replace

    from mesorch_cli.errors import UsageError
    from mesorch_cli.evaluation.datasets import read_dataset, read_folders

    if (images is None) != (masks is None):
        raise UsageError("--images and --masks belong together: photos and their masks.")
    datasets = [read_dataset(path, strict=False) for path in sets]
    if images is not None or authentic is not None:
        datasets.append(read_folders(images or authentic or Path(), masks, authentic, strict=False))
    if not datasets:
        raise UsageError("No set given. Name a folder with Tp and Gt, a list, or --images and --masks.")
    names = [dataset.name for dataset in datasets]
    if len(set(names)) < len(names):
        datasets = [replace(one, name=f"{one.name}-{place}") for place, one in enumerate(datasets, start=1)]
    return (
        datasets
        if limit is None
        else [replace(one, samples=one.tampered[:limit] + one.authentic[:limit]) for one in datasets]
    )


def entrants(
    names: "list[str] | list[None] | list[str | None]", paper: bool, wanted: options.Wanted, device: str
) -> "list[Entrant]":
    """Load every network that is measured, under names that differ."""
    from mesorch_cli.errors import UsageError
    from mesorch_cli.evaluation.study import Entrant
    from mesorch_cli.inference.backends import TorchBackend
    from mesorch_cli.inference.detector import Detector
    from mesorch_cli.network.store import find_weights
    from mesorch_cli.network.weights import load_weights

    if paper and wanted.scales not in (None, "reference"):
        raise UsageError(
            f"The paper protocol is the reference analysis; --scales {wanted.scales} belongs to the native one."
        )
    found: list[Entrant] = []
    for name in names:
        loaded = load_weights(find_weights(name))
        settings = wanted.settings(loaded.passport, scales="reference" if paper else wanted.scales)
        detector = Detector(TorchBackend(loaded.network, device, settings.precision), settings)
        if any(one.sha256 == loaded.sha256 for one in found):
            raise UsageError(f"The weights {name!r} are given twice; expected each only once.")
        title = loaded.passport.name
        if any(one.name == title for one in found):
            title = f"{title} {loaded.sha256[:8]}"
        found.append(Entrant(title, loaded.sha256, detector))
    return found


def show(results: "list[Result]", gaps: "list[tuple[str, str, str, list[Difference]]]") -> None:
    """Show the tables of an evaluation."""
    for dataset in dict.fromkeys(result.dataset for result in results):
        own = [result for result in results if result.dataset == dataset and result.perturbation is None]
        console.show_table(
            f"{dataset}: {counted(own[0])}",
            ["figure", *(result.entrant for result in own)],
            [
                [title, *(cell(result, name) for result in own)]
                for title, name in SHOWN
                if any(name in result.summary.figures for result in own)
            ],
        )
        changed = [result for result in results if result.dataset == dataset and result.perturbation is not None]
        if changed:
            console.show_table(
                f"{dataset} under perturbation",
                ["change", "weights", "pixel AUC", "F1", "image AUC", "authentic called evidence"],
                [
                    [str(result.perturbation), result.entrant]
                    + [short(result, name) for name in ("auc", "f1", "image_auc", "authentic_flagged")]
                    for result in changed
                ],
            )
    for dataset, first, second, found in gaps:
        console.show_table(
            f"{dataset}: {first} less {second}, paired over photos",
            ["figure", first, second, "difference, 95 %"],
            [
                [
                    gap.figure,
                    f"{gap.first:.3f}",
                    f"{gap.second:.3f}",
                    f"{gap.value:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}]{'' if gap.clear else ' not clear'}",
                ]
                for gap in found
            ],
        )


def counted(result: "Result") -> str:
    """Return how many photos the figures stand on, and how many they do not."""
    counts, summary = result.summary.counts, result.summary
    parts = [f"{counts.tampered} tampered and {counts.authentic} authentic analysed"]
    if lost := counts.not_analysed + counts.failed + counts.unpaired:
        parts.append(f"{lost} not counted")
    parts.append(f"threshold {summary.threshold:g}, best {summary.best_threshold:g}")
    return "; ".join(parts)


def cell(result: "Result", name: str) -> str:
    """Return a figure with its interval, and how many photos it is not defined for."""
    figure = result.summary.figures.get(name)
    if figure is None or figure.value != figure.value:
        return "none"
    interval = "" if figure.low != figure.low else f" [{figure.low:.3f}, {figure.high:.3f}]"
    return f"{figure.value:.3f}{interval}{f', {figure.undefined} undefined' if figure.undefined else ''}"


def short(result: "Result", name: str) -> str:
    """Return a figure alone."""
    figure = result.summary.figures.get(name)
    return "none" if figure is None or figure.value != figure.value else f"{figure.value:.3f}"


def said_of_losses(results: "list[Result]", datasets: "list[Dataset]") -> int:
    """Tell people which photos are not in the figures; returns the exit code."""
    unpaired = [f"{dataset.name}: {line}" for dataset in datasets for line in dataset.unpaired]
    lost = {
        f"{result.dataset}: {row.photo}: {row.status}: {row.reason}"
        for result in results
        for row in result.outcomes
        if row.status != "analysed"
    }
    for line in [*unpaired, *sorted(lost)]:
        console.say_error(f"not counted: {line}")
    if not any(row.status == "analysed" for result in results for row in result.outcomes):
        return 4
    return 3 if unpaired or lost else 0


def inspected(datasets: "list[Dataset]", as_json: bool, quiet: bool) -> None:
    """Inspect sets and report; ends with exit code 6 if something is wrong with them."""
    from dataclasses import asdict

    from mesorch_cli.evaluation.inspection import inspect

    with console.count_progress("files", wanted=not quiet) as on_count:
        inspection = inspect(datasets, on_count)
    if as_json:
        console.write_data(json.dumps({"schema": "mesorch.inspection/1", "ok": inspection.ok} | asdict(inspection)))
    else:
        show_inspection(inspection)
    raise typer.Exit(0 if inspection.ok else 6)


def show_inspection(inspection: "Inspection") -> None:
    """Show what a look at sets found."""
    console.show_table(
        f"{inspection.photos} photos looked at, {len(inspection.findings)} findings",
        ["set", "finding", "files"],
        [[one.dataset, one.what, ", ".join(one.files)] for one in inspection.findings],
    )
    rows = [
        [name, leak.of, f"{leak.auc:.3f}", "a leak: image figures of this set are void" if leak.notable else ""]
        for name, found in inspection.leaks.items()
        for leak in found
    ]
    if rows:
        console.show_table("Tampered told from authentic by the file alone", ["set", "by", "AUC", ""], rows)
