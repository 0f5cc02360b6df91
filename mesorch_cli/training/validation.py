"""Validation during training: whole photos through the engine of `detect`, measured as in `evaluate`."""

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from mesorch_cli.errors import UsageError
from mesorch_cli.evaluation.balanced import read_sets
from mesorch_cli.evaluation.datasets import Dataset, read_dataset
from mesorch_cli.evaluation.entrants import NetworkEntrant
from mesorch_cli.evaluation.processes import Processes
from mesorch_cli.evaluation.protocol import Protocol
from mesorch_cli.evaluation.study import Study
from mesorch_cli.evaluation.summary import Summary
from mesorch_cli.files.writing import writing_folder
from mesorch_cli.forge.dataset import ForgedDataset
from mesorch_cli.forge.recipe import ForgeRecipe
from mesorch_cli.inference.backends import TorchBackend
from mesorch_cli.inference.detector import Detector
from mesorch_cli.inference.settings import Settings
from mesorch_cli.network.passport import Passport
from mesorch_cli.network.weights import build_from
from mesorch_cli.training.config import TrainingConfig
from mesorch_cli.training.samples import ForgedSamples

SEED_OFFSET = 1_000_003  # separate from every seed of training samples
RESAMPLES = 200  # for the intervals on the card

OnCount = Callable[[int, int], None]


@dataclass(frozen=True)
class Measured:
    """Figures of the averaged weights: the chosen figure, all figures by set, and the best threshold."""

    chosen: float
    sets: dict[str, Summary]
    threshold: float

    @property
    def figures(self) -> dict[str, dict[str, float]]:
        return {name: {key: one.value for key, one in summary.figures.items()} for name, summary in self.sets.items()}


def forged_samples(config: TrainingConfig) -> ForgedSamples | None:
    """Return the samples forged for validation, or None if there are none."""
    data = config.data
    if not data.validation_photos:
        return None
    return ForgedSamples(
        data,
        side=config.side,
        seed=config.seed + SEED_OFFSET,
        length=data.validation_count,
        recipe=ForgeRecipe(),
        validation=True,
    )


def kept_folder(config: TrainingConfig, folder: Path) -> Path:
    """Return the folder of a run's forged photos, which depends on the settings."""
    data = config.data
    sources = [str(one) for one in (*data.validation_photos, *data.validation_objects)]
    parts = [config.seed, data.validation_count, data.working_side, data.object_share, data.object_host_share, *sources]
    return folder / f"validation-{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:8]}"


def keep_forged(config: TrainingConfig, folder: Path, on_count: OnCount | None = None) -> tuple[str, ...]:
    """Forge the validation photos once and write them as files. A second call finds them.

    Returns sentences on drawn photos that could not be used.
    """
    samples = forged_samples(config)
    target = kept_folder(config, folder)
    if samples is None or target.is_dir():
        return ()
    with writing_folder(folder, target.name) as part:
        dataset = ForgedDataset(samples.pools, samples.settings, folder / part, resume=False)
        made = dataset.make(
            len(samples), on_item=None if on_count is None else lambda _, done, all_: on_count(done, all_)
        )
    return tuple(f"{path} of the validation photos ({reason})" for path, reason in made.refused)


def validation_sets(config: TrainingConfig) -> list[Dataset]:
    """Return the sets of files to validate on. Raises as `read_sets` does."""
    return [one for path in config.data.validation_sets for one in read_sets(path)]


class Validator:
    """The validation of a run: its sets, and where they are analysed."""

    def __init__(self, config: TrainingConfig, folder: Path, device: str, processes: Processes) -> None:
        """Read the sets. The forged one must exist already. Raises UsageError if no photo in a set is tampered."""
        self.config = config
        self.device = device
        self.processes = processes
        self.sets = validation_sets(config)
        if config.data.validation_photos:
            self.sets.append(read_dataset(kept_folder(config, folder)))
        for one in self.sets:
            if not one.tampered:
                raise UsageError(
                    f"None of the {len(one.samples)} photos in the validation set {one.name} is tampered. Expected "
                    "some: name another set, or raise validation_count."
                )

    def measure(
        self, tensors: dict[str, Tensor], passport: Passport, on_photo: Callable[[], None] | None = None
    ) -> Measured:
        """Analyse every photo of every set with these weights and passport. All processes share the photos.

        Raises UsageError if a set has no tampered photo that could be analysed.
        """
        network = build_from(passport, tensors, "the weights in training")
        settings = Settings.from_passport(passport)
        detector = Detector(TorchBackend(network, self.device, settings.precision), settings)
        study = Study(
            [NetworkEntrant("training", "", detector)],
            self.sets,
            Protocol("native"),
            resamples=RESAMPLES,
            masks=self.config.data.masks,
        )
        results = study.run(self.processes, None if on_photo is None else lambda *_: on_photo())
        summaries = {result.dataset: result.summary for result in results}
        values = [one.figures[self.config.validation.select].value for one in summaries.values() if one.figures]
        if len(values) < len(summaries) or not all(map(math.isfinite, values)):
            raise UsageError(
                f"Validation gave no {self.config.validation.select}: in one set, no tampered photo could be analysed. "
                "Check the set with `mesorch evaluate --check`."
            )
        # The passport has one threshold: the best one for the largest set.
        largest = max(summaries.values(), key=lambda one: one.counts.tampered)
        return Measured(sum(values) / len(values), summaries, largest.best_threshold)
