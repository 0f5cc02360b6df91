"""Everything that makes an examiner, in a form that can travel to another process or machine."""

from dataclasses import dataclass

from mesorch_cli.evidence.isolation.isolated_reader import IsolatedReader
from mesorch_cli.evidence.isolation.reading_process import Limits
from mesorch_cli.evidence.photo import MAX_PIXELS, ReadOptions
from mesorch_cli.examination.examiner import Examiner
from mesorch_cli.inference.analysis import Analysis
from mesorch_cli.inference.detector import Detector


@dataclass(frozen=True)
class ExaminerSpec:
    """An analysis and the rules of a run.

    argv: the command line for its records. reading: how files are read, None for the default. limits: for reading a
    photo.
    """

    analysis: Analysis
    argv: tuple[str, ...]
    accept_damaged: bool = False
    previews: bool = False
    explain: bool = False
    reading: ReadOptions | None = None
    limits: Limits | None = None

    def examiner(self, device: str, reader: IsolatedReader | None = None, detector: Detector | None = None) -> Examiner:
        """Return an examiner with its own network on a device. Raises UsageError for a missing device.

        reader, detector: existing ones; None for new ones.
        """
        return Examiner(
            detector or Detector.of(self.analysis, device),
            self.analysis.weights,
            argv=list(self.argv),
            accept_damaged=self.accept_damaged,
            previews=self.previews,
            explain=self.explain,
            options=self.reading,
            reader=reader or IsolatedReader(self._limits()),
        )

    def _limits(self) -> Limits | None:
        if self.limits is not None or self.reading is None:
            return self.limits
        return Limits(pixels=max(MAX_PIXELS, self.reading.max_pixels))
