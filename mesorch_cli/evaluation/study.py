"""A whole evaluation: entrants x sets x perturbations, each photo once, shared among processes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mesorch_cli.evaluation.contact import strip
from mesorch_cli.evaluation.datasets import Dataset
from mesorch_cli.evaluation.entrants import Entrant
from mesorch_cli.evaluation.evaluator import Evaluator, Seen
from mesorch_cli.evaluation.masks import MaskRule, readings
from mesorch_cli.evaluation.outcome import Outcome
from mesorch_cli.evaluation.perturb import Perturbation
from mesorch_cli.evaluation.processes import Processes
from mesorch_cli.evaluation.protocol import Protocol
from mesorch_cli.evaluation.rows import RowFile
from mesorch_cli.evaluation.summary import RESAMPLES, Summary, summarise
from mesorch_cli.files.writing import write_below

ROWS_FOLDER, STRIPS_FOLDER = "rows", "strips"
INVERTED_AUC, INVERTED_SHARE = 0.2, 0.5  # an AUC below and a share above these mean that masks mark untouched parts

OnPhoto = Callable[[int, int, Outcome], None]  # photos done by this process, its total, the row


@dataclass(frozen=True)
class Result:
    """One entrant on one set under one perturbation (None: unperturbed).

    weights_sha256, evidence_at: None for a baseline, which has no weights and makes no decisions.
    """

    entrant: str
    weights_sha256: str | None
    dataset: str
    perturbation: Perturbation | None
    outcomes: tuple[Outcome, ...]
    summary: Summary
    evidence_at: float | None

    @property
    def is_baseline(self) -> bool:
        return self.weights_sha256 is None

    @property
    def masks(self) -> dict[str, int]:
        """How the masks were read, with counts."""
        return readings(row.mask for row in self.outcomes)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences on what makes these figures doubtful."""
        shares = [row.tampered_share for row in self.outcomes if row.tampered and row.status == "analysed"]
        auc = self.summary.figures.get("auc")
        if (
            self.is_baseline
            or auc is None
            or not shares
            or not auc.value < INVERTED_AUC
            or not sum(shares) / len(shares) > INVERTED_SHARE
        ):
            return ()
        return (
            f"The masks of {self.dataset} look inverted: they call {sum(shares) / len(shares):.0%} of the photos' area "
            f"tampered, and the pixel AUC is {auc.value:.3f}. Check them; --mask-colour 000000 reads black as "
            "tampered.",
        )


@dataclass(frozen=True)
class Study:
    """What is to be measured.

    resave: a change to every photo before anything else, which removes differences between files. perturbations: each
    one is a separate pass over all photos, besides the unperturbed pass. folder: for rows and strips, None to keep
    nothing. masks: what mask files cannot say.
    """

    entrants: Sequence[Entrant]
    datasets: Sequence[Dataset]
    protocol: Protocol
    resave: Perturbation | None = None
    perturbations: tuple[Perturbation, ...] = ()
    folder: Path | None = None
    resamples: int = RESAMPLES
    masks: MaskRule = field(default_factory=MaskRule)

    def run(self, processes: Processes, on_photo: OnPhoto | None = None) -> list[Result]:
        """Measure everything. Every process returns the same results. Raises OutputError if rows cannot be kept."""
        passes: tuple[Perturbation | None, ...] = (None, *self.perturbations)
        total = len(self.entrants) * len(passes) * sum(len(processes.share(one.samples)) for one in self.datasets)
        done = 0
        results = []
        rows = None if self.folder is None else RowFile(self.folder / ROWS_FOLDER, processes.rank)
        try:
            for entrant in self.entrants:
                for dataset in self.datasets:
                    for perturbation in passes:
                        evaluator = self._evaluator(entrant, perturbation)
                        own: list[Outcome] = []
                        known = {} if rows is None else rows.known
                        for outcome, new in evaluator.run(processes.share(dataset.samples), known):
                            if rows is not None and new and outcome.key:
                                rows.add(outcome)
                            own.append(outcome)
                            done += 1
                            if on_photo is not None:
                                on_photo(done, total, outcome)
                        results.append(self._result(entrant, dataset, perturbation, processes.joined(own)))
        finally:
            if rows is not None:
                rows.close()
        return results

    def _evaluator(self, entrant: Entrant, perturbation: Perturbation | None) -> Evaluator:
        changes = tuple(change for change in (self.resave, perturbation) if change is not None)
        kept = self.folder is not None and perturbation is None and entrant.weights_sha256 is not None
        return Evaluator(entrant, self.protocol, changes, self._keep_strip if kept else None, self.masks)

    def _keep_strip(self, outcome: Outcome, seen: Seen) -> None:
        assert self.folder is not None
        path = strip_path(self.folder, outcome)
        write_below(self.folder, path.relative_to(self.folder).as_posix(), strip(seen), durable=False)

    def _result(
        self, entrant: Entrant, dataset: Dataset, perturbation: Perturbation | None, outcomes: list[Outcome]
    ) -> Result:
        summary = summarise(
            outcomes,
            self.protocol,
            threshold=entrant.threshold,
            evidence_at=entrant.evidence_at,
            unpaired=len(dataset.unpaired),
            resamples=self.resamples if perturbation is None else 0,
        )
        return Result(
            entrant.name,
            entrant.weights_sha256,
            dataset.name,
            perturbation,
            tuple(outcomes),
            summary,
            entrant.evidence_at,
        )


def strip_path(folder: Path, outcome: Outcome) -> Path:
    """Return the path of a row's strip."""
    return folder / STRIPS_FOLDER / f"{outcome.key[:20]}.jpg"
