"""All that makes an examiner, in a form that can travel to another process or machine."""

from dataclasses import dataclass

from mesorch_cli.evidence import ReadOptions
from mesorch_cli.evidence.isolation.isolated_reader import IsolatedReader, Limits
from mesorch_cli.evidence.photo import MAX_PIXELS
from mesorch_cli.examination.examiner import Examiner
from mesorch_cli.inference.detector import Detector
from mesorch_cli.inference.loading import Runnable
from mesorch_cli.inference.settings import Settings


@dataclass(frozen=True)
class ExaminerSpec:
    """Weights, settings and rules of a run; argv is what its records say of the command line. reading:
    how files are read, None for the usual way. limits: of reading a photo."""

    weights: Runnable
    settings: Settings
    argv: tuple[str, ...]
    accept_damaged: bool = False
    previews: bool = False
    reading: ReadOptions | None = None
    limits: Limits | None = None

    def examiner(self, device: str) -> Examiner:
        """Return an examiner with a network of its own on a device. Raises UsageError for a device that is not there."""
        return Examiner(
            Detector(self.weights.start(device, self.settings.precision), self.settings),
            self.weights.weights,
            argv=list(self.argv),
            accept_damaged=self.accept_damaged,
            previews=self.previews,
            options=self.reading,
            reader=IsolatedReader(self._limits()),
        )

    def _limits(self) -> Limits | None:
        if self.limits is not None or self.reading is None:
            return self.limits
        return Limits(pixels=max(MAX_PIXELS, self.reading.max_pixels))
