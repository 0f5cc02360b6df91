"""Ctrl-C and a polite kill, for commands that finish what they have in hand."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from mesorch_cli.cli.console import say


class Stop:
    """Whether somebody asked the command to stop; calling it answers."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def __call__(self) -> bool:
        return self._event.is_set()

    def ask(self) -> None:
        """Ask for the end."""
        self._event.set()

    def wait(self, seconds: float) -> bool:
        """Wait for the question, at most so long; return whether it came."""
        return self._event.wait(seconds)


@contextmanager
def stopping() -> Iterator[Stop]:
    """Let the first SIGINT or SIGTERM ask for the end while inside; a second SIGINT interrupts at once."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop  # signals come to the main thread alone
        return

    def asked(number: int, _frame: FrameType | None) -> None:
        if stop() and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.ask()
        with suppress(RuntimeError):  # the signal came while standard error was being written to
            say("stopping: the photo in hand is finished; once more to leave it.")

    before = {number: signal.signal(number, asked) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
