"""Ctrl-C that waits for the current step, so that the saved state is that after a complete step."""

import signal
import threading
from types import FrameType
from typing import Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)  # a cluster reclaims a machine with the second one


class Interruption:
    """While inside, the first signal is only noted. A second one interrupts at once, and the last checkpoint stays."""

    def __init__(self) -> None:
        self.wanted = False
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # only the main thread may set handlers
            self._before = {number: signal.signal(number, self._noted) for number in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # a value that `signal.signal` returned

    def _noted(self, _number: int, _frame: FrameType | None) -> None:
        if self.wanted:
            raise KeyboardInterrupt
        self.wanted = True


def ignore_interruption(_worker: int = 0) -> None:
    """Leave Ctrl-C to the parent. A process that makes samples calls this first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
