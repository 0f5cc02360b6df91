"""Ctrl-C that waits for the step under way: what is saved then is the state after a whole step."""

import signal
import threading
from types import FrameType
from typing import Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)  # the second is how a cluster takes a machine back


class Interruption:
    """While inside, the first signal is only noted; a second one interrupts at once, and the last checkpoint stays."""

    def __init__(self) -> None:
        self.wanted = False
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # nobody else may set handlers
            self._before = {number: signal.signal(number, self._noted) for number in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what `signal.signal` itself returned

    def _noted(self, _number: int, _frame: FrameType | None) -> None:
        if self.wanted:
            raise KeyboardInterrupt
        self.wanted = True


def ignore_interruption(_worker: int = 0) -> None:
    """Leave Ctrl-C to the parent: what a process that makes samples calls first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
