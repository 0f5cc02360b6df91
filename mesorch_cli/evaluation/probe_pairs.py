"""Pairs of a forgery and its original: does the map change where the photo was changed?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mesorch_cli.errors import InputError, UsageError
from mesorch_cli.evaluation.datasets import Sample, files_of, is_there, refusal
from mesorch_cli.evaluation.entrants import Entrant
from mesorch_cli.evaluation.evaluator import Evaluator, Seen
from mesorch_cli.evaluation.outcome import Outcome
from mesorch_cli.evaluation.probes import auc_of, mean_figure, require_photos
from mesorch_cli.evaluation.protocol import Protocol
from mesorch_cli.evaluation.summary import RESAMPLES, Figure
from mesorch_cli.evaluation.tables import read_table

COLUMNS = ("forgery", "original", "mask")


@dataclass(frozen=True)
class Pair:
    """A forgery, its original photo, and the mask of the change."""

    forgery: Path
    original: Path
    mask: Path


@dataclass(frozen=True)
class MapUnder:
    """A map against a mask: its mean inside and outside, pixel AUC, and the score of the photo."""

    inside: float
    outside: float
    auc: float
    score: float


@dataclass(frozen=True)
class PairFigures:
    """Figures over pairs by name, for forgery and original, and in how many pairs the forgery scores higher."""

    figures: dict[str, Figure]
    higher: int
    pairs: int


def read_pairs(path: Path) -> list[Pair]:
    """Read a table with the columns forgery, original and mask, or a folder with folders of these names, paired by stem.

    Paths in a list are relative to it. Raises UsageError for anything else, InputError for files without a partner.
    """
    if path.is_dir():
        found = {name: {file.stem: file for file in files_of(path / name)} for name in COLUMNS}
        lonely = sorted(
            f"{name}/{files[stem].name}"
            for name, files in found.items()
            for stem in files
            if any(stem not in others for others in found.values())
        )
        if lonely:
            raise refusal(f"Files in {path} without a partner", lonely, "Give the three files of a pair one stem.")
        return [Pair(*(found[name][stem] for name in COLUMNS)) for stem in sorted(found["forgery"])]
    pairs = []
    for line, fields in read_table(path, COLUMNS, "a forgery, its original and its mask"):
        if not all(fields[name] for name in COLUMNS):
            raise UsageError(f"{path}, line {line}: expected a forgery, its original and its mask.")
        pairs.append(Pair(*(path.parent / fields[name] for name in COLUMNS)))
    gone = [str(file) for pair in pairs for file in (pair.forgery, pair.original, pair.mask) if not is_there(file)]
    if gone:
        raise refusal(f"Files that {path} lists but that do not exist", gone, "Correct the list.")
    return pairs


def measure_pairs(
    entrant: Entrant,
    pairs: Sequence[Pair],
    resamples: int = RESAMPLES,
    on_pair: Callable[[int, int], None] = lambda _done, _total: None,
) -> PairFigures:
    """Analyse both photos of every pair. Raises InputError for too few pairs, and for incomparable ones."""
    require_photos(len(pairs), "pairs")
    seen: list[tuple[Outcome, Seen]] = []
    evaluator = Evaluator(entrant, Protocol(), on_seen=lambda row, what: seen.append((row, what)))
    found: dict[str, list[MapUnder]] = {"forgery": [], "original": []}
    for number, pair in enumerate(pairs, start=1):
        for name, photo in (("forgery", pair.forgery), ("original", pair.original)):
            seen.clear()
            outcome = evaluator.outcome(Sample(photo, pair.mask))
            found[name].append(_under(photo, pair.mask, outcome, seen))
        on_pair(number, len(pairs))
    figures = {
        f"{name} {figure}": mean_figure([getattr(one, figure) for one in maps], resamples)
        for name, maps in found.items()
        for figure in ("inside", "outside", "auc")
    }
    both = list(zip(found["forgery"], found["original"], strict=True))
    figures["auc gained"] = mean_figure([one.auc - other.auc for one, other in both], resamples)
    return PairFigures(figures, sum(one.score > other.score for one, other in both), len(both))


def _under(photo: Path, mask: Path, outcome: Outcome, seen: Sequence[tuple[Outcome, Seen]]) -> MapUnder:
    if outcome.status != "analysed" or not seen:
        raise InputError(
            f"{str(photo)!r} cannot be compared with {str(mask)!r}: {outcome.reason}. Expected an intact photo and a "
            "mask of its shape. Leave the pair out.",
            reason=outcome.reason or "not analysed",
        )
    map_, tampered = seen[0][1].map, seen[0][1].mask
    if map_.shape != tampered.shape:
        raise InputError(
            f"{str(mask)!r} has {tampered.shape[1]} x {tampered.shape[0]} pixels, {str(photo)!r} {map_.shape[1]} x "
            f"{map_.shape[0]}; expected the same size. Make the mask at the photo's own size.",
            reason="mask of another size",
        )
    if tampered.all() or not tampered.any():
        raise InputError(
            f"{str(mask)!r} marks {'everything' if tampered.any() else 'nothing'}. Expected a part of the photo. "
            "Leave the pair out.",
            reason="mask without an inside or an outside",
        )
    assert outcome.score is not None
    inside, outside = float(map_[tampered].mean()), float(map_[~tampered].mean())
    return MapUnder(inside, outside, auc_of(outcome), outcome.score)
