"""How far a run over files has come, and how fast."""

import time
from collections.abc import Callable


class FileProgress:
    """Progress of a run over files, on one line that is redrawn, or in plain log lines.

    total may grow while files arrive. seen counts files that were finished earlier, which say nothing about speed.
    """

    EVERY_S = 10.0  # between two log lines

    def __init__(self, tell: "Callable[[FileProgress], None]", every_s: float = 0.0) -> None:
        """tell: shows the present state. every_s: seconds between two calls of it."""
        self.done = self.seen = self.findings = self.not_analysed = self.failed = self.total = 0
        self._tell, self._every_s = tell, every_s
        self._started = self._told = time.monotonic()

    def file(self, *, new: bool, finding: bool = False, not_analysed: bool = False, failed: bool = False) -> None:
        """Count one finished file."""
        self.done += 1
        self.seen += not new
        self.findings += finding
        self.not_analysed += not_analysed
        self.failed += failed
        self.refresh()

    def refresh(self) -> None:
        """Tell of the present state, unless that was done a moment ago."""
        if time.monotonic() - self._told >= self._every_s:
            self._tell(self)
            self._told = time.monotonic()

    def line(self) -> str:
        """Return the progress as text."""
        analysed = self.done - self.not_analysed - self.failed
        counts = (
            f"{self.done} of {self.total} photos: {analysed} analysed, {self.findings} with evidence, "
            f"{self.not_analysed} not analysed, {self.failed} failed"
        )
        elapsed, new = time.monotonic() - self._started, self.done - self.seen
        if not new or elapsed <= 0:
            return counts
        rate = new / elapsed
        return f"{counts}, {rate:.2f}/s, {_clock((self.total - self.done) / rate)} left"


def _clock(seconds: float) -> str:
    minutes, second = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{second:02}"
