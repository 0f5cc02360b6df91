"""What is counted and flagged while a photo is analysed."""

from collections.abc import Callable
from dataclasses import dataclass, field

from mesorch_cli.inference.parts import Parts

OnProgress = Callable[[int, int], None]  # tiles done, tiles in all


@dataclass
class Tally:
    """Progress of an analysis: tiles done of `total`, flags for the result, and what takes parts where they are wanted."""

    total: int
    on_progress: OnProgress | None
    parts: Parts | None = None
    done: int = 0
    left_out: int = 0
    flags: set[str] = field(default_factory=set)

    @property
    def channels(self) -> int:
        """How many channels a tile has: its logits, and the parts that they were made of where these are wanted."""
        return 1 if self.parts is None else self.parts.channels

    def count(self) -> None:
        """Count a finished tile and report progress."""
        self.done += 1
        if self.on_progress is not None:
            self.on_progress(self.done, self.total)
