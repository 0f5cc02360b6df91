"""`mesorch calibrate`: find out what a score of these weights means, from photos whose truth is known."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mesorch_cli.cli import console, options
from mesorch_cli.cli.analysis_options import analysis_options
from mesorch_cli.cli.guard import guard
from mesorch_cli.inference.settings import AS_THE_WEIGHTS_SAY, Overrides

if TYPE_CHECKING:
    from mesorch_cli.inference.calibration_file import CalibrationFile

FIT = "Fitting"


@analysis_options(without=("threshold", "edges"))
def calibrate(
    authentic: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder of authentic photos.")],
    tampered: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder of tampered photos.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="File for the calibration.")] = Path(
        "calibration.json"
    ),
    name: Annotated[
        str | None,
        typer.Option(help="Name of these photos in reports. (default: the folders' names)", rich_help_panel=FIT),
    ] = None,
    fpr: Annotated[
        float,
        typer.Option(
            min=0.001, max=0.5, help="Share of authentic photos that may be called evidence.", rich_help_panel=FIT
        ),
    ] = 0.05,
    inconclusive_fpr: Annotated[
        float,
        typer.Option(
            min=0.001,
            max=0.9,
            help="Share of authentic photos that may be inconclusive or evidence.",
            rich_help_panel=FIT,
        ),
    ] = 0.2,
    keep_pooling: Annotated[
        bool,
        typer.Option(
            "--keep-pooling", help="Keep the pooling of the passport instead of fitting it.", rich_help_panel=FIT
        ),
    ] = False,
    weights: options.Weights = None,
    overrides: Overrides = AS_THE_WEIGHTS_SAY,
    device: options.Device = "auto",
    runtime: options.RuntimeName = "auto",
    no_plots: Annotated[
        bool, typer.Option("--no-plots", help="Write no plots beside the file.", rich_help_panel=options.OUTPUT)
    ] = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Fit the pooling, limits, probability and likelihood ratio of the image score to photos whose truth is known.

    The photos should resemble those of your cases: the same kinds of cameras, channels and manipulations. All figures
    shown come from held-out folds. `mesorch detect --calibration FILE` then reports a probability, and a likelihood
    ratio with its bounds.

    Exit codes: 0 done, 2 usage, 3 some photos could not be analysed (the file is written without them), there are
    too few photos, or the scores do not separate them, 5 weights missing or damaged.

    Example: mesorch calibrate --authentic known/authentic --tampered known/tampered -o calibration.json
    """
    with guard():
        from mesorch_cli.errors import UsageError
        from mesorch_cli.evaluation import calibration_plots, outputs
        from mesorch_cli.evaluation.calibration import held_out, place_of
        from mesorch_cli.evaluation.calibration_study import calibration_file, score_folders
        from mesorch_cli.evaluation.plots import require_plots
        from mesorch_cli.inference.analysis import Analysis
        from mesorch_cli.inference.detector import Detector

        if inconclusive_fpr < fpr:
            raise UsageError(
                f"--inconclusive-fpr {inconclusive_fpr:g} is below --fpr {fpr:g}. Expected at least as much."
            )
        if not no_plots:
            require_plots()
        analysis = Analysis.load(weights, overrides, runtime=runtime)
        loaded, settings = analysis.weights, analysis.settings
        detector = Detector.of(analysis, device)
        with console.count_progress("photos", wanted=not quiet) as on_count:
            scored, lost = score_folders(detector, authentic, tampered, fpr, on_count)
        pooling = place_of(settings.score) if keep_pooling else None
        figures = held_out(scored, fpr, inconclusive_fpr, pooling)
        made = calibration_file(
            settings,
            (loaded.passport.name, loaded.sha256),
            scored,
            figures,
            rates=(fpr, inconclusive_fpr),
            pooling=pooling,
            name=name or f"{authentic.name} and {tampered.name}",
            lost=len(lost),
        )
        files = {output.name: made.to_text().encode()}
        if not no_plots:
            files |= calibration_plots.pictures(output.stem, figures)
        outputs.write(output.parent, files)
        for sentence in lost:
            console.say_error(f"not counted: {sentence}")
        if as_json:
            console.write_json(made.model_dump(mode="json", by_alias=True))
        elif not quiet:
            show(made, output)
        if lost:
            raise typer.Exit(3)


def show(made: "CalibrationFile", output: Path) -> None:
    """Show what was fitted, with its figures."""
    rule, held = made.score, made.held_out
    ratios = rule.calibration.ratios if rule.calibration else None
    pooling = "maximum" if rule.pooling == "max" else f"mean of the top {rule.share:.2%} of pixels"
    rows = [
        ["photos", f"{made.photos.authentic} authentic, {made.photos.tampered} tampered"],
        ["pooling", pooling],
        ["evidence from a score of", f"{rule.evidence_at:.4f}"],
        ["inconclusive from", f"{rule.inconclusive_at:.4f}"],
        [
            "false positives",
            f"{made.limits['flagged']} of {made.limits['authentic']} (95 % bound {made.limits['upper']:.1%}); "
            f"held out {held['flagged']:.1%}",
        ],
        ["tampered photos called evidence, held out", f"{held['found']:.1%}"],
        ["image AUC, held out", f"{held['auc']:.3f}"],
        ["calibration error (ECE), held out", f"{held['expected_calibration_error']:.3f}"],
        ["Brier score, held out (0.25 says nothing)", f"{held['brier']:.3f}"],
        ["Cllr, held out (1 says nothing)", f"{held['cllr']:.3f}, at best {held['cllr_min']:.3f}"],
    ]
    if ratios is not None:
        rows.append(["likelihood ratio", f"bounded to {10**ratios.lower:.3g} .. {10**ratios.upper:.3g}"])
    console.show_table(f"{made.weights.name} calibrated on {made.photos.name}", ["", ""], rows)
    console.say(f"written to {output}")
