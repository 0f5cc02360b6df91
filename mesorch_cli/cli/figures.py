"""The tables of an evaluation for people."""

from typing import TYPE_CHECKING

from mesorch_cli.cli import console

if TYPE_CHECKING:
    from mesorch_cli.evaluation.comparison import Difference, Gap
    from mesorch_cli.evaluation.inspection import Inspection
    from mesorch_cli.evaluation.study import Result

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


BESIDE = (("pixel AUC", "auc"), ("F1 at the set's best threshold", "f1_best"))  # figures that baselines have too


def show(results: "list[Result]", gaps: "list[Gap]") -> None:
    """Show the tables of an evaluation."""
    for dataset in dict.fromkeys(result.dataset for result in results):
        plain = [result for result in results if result.dataset == dataset and result.perturbation is None]
        own = [result for result in plain if not result.is_baseline]
        console.show_table(
            f"{dataset}: {counted(own[0])}",
            ["figure", *(result.entrant for result in own)],
            [
                [title, *(cell(result, name) for result in own)]
                for title, name in SHOWN
                if any(name in result.summary.figures for result in own)
            ],
        )
        show_baselines(dataset, plain, [gap for gap in gaps if gap.dataset == dataset and gap.second_is_baseline])
        changed = [result for result in results if result.dataset == dataset and result.perturbation is not None]
        if changed:
            console.show_table(
                f"{dataset} under perturbation",
                ["change", "measured", "pixel AUC", "F1", "image AUC", "authentic called evidence"],
                [
                    [str(result.perturbation), result.entrant]
                    + [short(result, name) for name in ("auc", "f1", "image_auc", "authentic_flagged")]
                    for result in changed
                ],
            )
    for gap in gaps:
        if not gap.second_is_baseline:
            console.show_table(
                f"{gap.dataset}: {gap.first} less {gap.second}, paired over photos",
                ["figure", gap.first, gap.second, "difference, 95 %"],
                [[one.figure, f"{one.first:.3f}", f"{one.second:.3f}", difference(one)] for one in gap.differences],
            )


def show_baselines(dataset: str, results: "list[Result]", gaps: "list[Gap]") -> None:
    """Show the baselines beside the weights, and how far each set of weights is ahead of each baseline."""
    baselines = [result for result in results if result.is_baseline]
    if not baselines:
        return
    console.show_table(
        f"{dataset}: beside baselines",
        ["", *(title for title, _ in BESIDE)],
        [[result.entrant, *(cell(result, name) for _, name in BESIDE)] for result in results],
    )
    for first in dict.fromkeys(gap.first for gap in gaps):
        console.show_table(
            f"{dataset}: {first} less each baseline, paired over photos",
            ["", *(title for title, _ in BESIDE)],
            [
                [gap.second, *(difference(one) for _, name in BESIDE for one in gap.differences if one.figure == name)]
                for gap in gaps
                if gap.first == first
            ],
        )


def difference(gap: "Difference") -> str:
    """Return a difference with its interval, marked if it may be chance."""
    return f"{gap.value:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}]{'' if gap.clear else ' not clear'}"


def counted(result: "Result") -> str:
    """Return how many photos the figures include, and how many they leave out."""
    counts, summary = result.summary.counts, result.summary
    parts = [f"{counts.tampered} tampered and {counts.authentic} authentic analysed"]
    if lost := counts.not_analysed + counts.failed + counts.unpaired:
        parts.append(f"{lost} not counted")
    used = "set by photo" if summary.threshold is None else f"{summary.threshold:g}"
    parts.append(f"threshold {used}, best for all {summary.best_threshold:g}")
    return "; ".join(parts)


def cell(result: "Result", name: str) -> str:
    """Return a figure with its interval, and the number of photos for which it is undefined."""
    figure = result.summary.figures.get(name)
    if figure is None or figure.value != figure.value:
        return "none"
    interval = "" if figure.low != figure.low else f" [{figure.low:.3f}, {figure.high:.3f}]"
    return f"{figure.value:.3f}{interval}{f', {figure.undefined} undefined' if figure.undefined else ''}"


def short(result: "Result", name: str) -> str:
    """Return a figure without its interval."""
    figure = result.summary.figures.get(name)
    return "none" if figure is None or figure.value != figure.value else f"{figure.value:.3f}"


def show_inspection(inspection: "Inspection") -> None:
    """Show the result of an inspection of sets."""
    console.show_table(
        f"{inspection.photos} photos looked at, {len(inspection.findings)} findings",
        ["set", "finding", "files"],
        [[one.dataset, one.what, ", ".join(one.files)] for one in inspection.findings],
    )
    read = [[name, reading, str(count)] for name, found in inspection.masks.items() for reading, count in found.items()]
    if read:
        console.show_table("Masks", ["set", "read as", "masks"], read)
    rows = [
        [name, leak.of, f"{leak.auc:.3f}", "a leak: this set's image figures are void" if leak.notable else ""]
        for name, found in inspection.leaks.items()
        for leak in found
    ]
    if rows:
        console.show_table(
            "Tampered and authentic photos separated by file properties alone", ["set", "by", "AUC", ""], rows
        )
