"""All that makes an examiner, in a form that can travel to another process or machine."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from mesorch_cli.case.examine import Examiner
from mesorch_cli.inference.backends import TorchBackend
from mesorch_cli.inference.detector import Detector
from mesorch_cli.inference.settings import Settings
from mesorch_cli.network.passport import Passport
from mesorch_cli.network.weights import LoadedWeights, build_from


@dataclass(frozen=True)
class ExaminerSpec:
    """Weights, settings and rules of a run; argv is what its records say of the command line."""

    weights: LoadedWeights
    settings: Settings
    argv: tuple[str, ...]
    accept_damaged: bool = False
    max_pixels: int = 500_000_000
    previews: bool = False

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel as tensors and passport: the network is built on the other side, the way that networks are built."""
        loaded = self.weights
        rules = (self.settings, self.argv, self.accept_damaged, self.max_pixels, self.previews)
        return _arrived, (loaded.passport, dict(loaded.network.state_dict()), loaded.path, loaded.sha256, *rules)

    def examiner(self, device: str) -> Examiner:
        """Return an examiner with a network of its own on a device. Raises UsageError for a device that is not there."""
        backend = TorchBackend(self.weights.network, device, self.settings.precision)
        return Examiner(
            Detector(backend, self.settings),
            self.weights,
            argv=list(self.argv),
            accept_damaged=self.accept_damaged,
            max_pixels=self.max_pixels,
            previews=self.previews,
        )


def _arrived(
    passport: Passport, tensors: dict[str, Tensor], path: Path, sha256: str, settings: Settings, argv: tuple[str, ...],
    accept_damaged: bool, max_pixels: int, previews: bool,
) -> ExaminerSpec:  # fmt: skip
    loaded = LoadedWeights(build_from(passport, tensors, str(path)), passport, path, sha256)
    return ExaminerSpec(loaded, settings, argv, accept_damaged, max_pixels, previews)
